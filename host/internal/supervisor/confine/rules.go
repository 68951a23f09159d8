package confine

import "golang.org/x/sys/unix"

// check is one condition on an argument of a system call. Arguments are compared in all their 64 bits: the kernel looks at fewer of
// most, so an allow-list of whole values cannot be passed by with garbage above, where a list of forbidden values could.
type check struct {
	argument int
	oneOf    []uint64 // the argument is one of these, each below 1<<32
	clear    uint32   // or: none of these bits is set
	set      uint32   // or: all of these bits are set; one bit
}

// limited is a system call that is allowed only where all checks of one alternative hold.
type limited struct {
	name         string
	alternatives [][]check
}

func either(argument int, values ...uint64) check { return check{argument: argument, oneOf: values} }

// hidden are answered as if the kernel did not have them, so that libraries fall back on what the rules can judge.
func hidden(containers bool) []string {
	if containers {
		return []string{"keyctl"} // a runtime that is refused it gives up
	}
	return []string{"clone3"} // its flags lie in memory
}

// refused are never allowed. Names that the architecture does not have are left out; a test holds the list against amd64, which has all.
func refused(containers bool) []string {
	list := []string{
		"io_uring_setup", "io_uring_enter", "io_uring_register",
		// The kernel's own affairs.
		"perf_event_open", "userfaultfd", "add_key", "request_key",
		"init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff",
		"settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "syslog", "vhangup", "acct",
		"quotactl", "quotactl_fd", "iopl", "ioperm", "modify_ldt", "lookup_dcookie", "open_by_handle_at", "fanotify_init",
	}
	if containers {
		return list
	}
	return append(list,
		"connect",    // a way out; containers have a network namespace of their own instead
		"socketpair", // a datagram pair sends to any path
		// Other processes' memory and descriptors.
		"ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease", "kcmp", "pidfd_getfd",
		"bpf", "keyctl",
		"mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "open_tree_attr", "fsopen", "fsconfig", "fsmount", "fspick",
		"mount_setattr", "statmount", "listmount", "unshare", "setns", "sethostname", "setdomainname", "personality",
		"fork", "vfork", "execve", "setpgid", "setsid",
		// Other processes' signals, limits and scheduling. Rules on kill, tgkill and prlimit64 are below.
		"pidfd_open", "pidfd_send_signal", "tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo",
		"setpriority", "ioprio_set", "sched_setaffinity", "sched_setscheduler", "sched_setparam", "sched_setattr",
		"migrate_pages", "move_pages",
		// Shared memory and queues with no path, which others of the same user id could open.
		"shmget", "shmat", "shmctl", "semget", "semop", "semtimedop", "semctl", "msgget", "msgsnd", "msgrcv", "msgctl",
		"mq_open", "mq_unlink",
		// Files by path where Landlock does not look: attributes, watching, handles.
		"truncate", // Landlock sees it from its third version on
		"chmod", "fchmodat", "fchmodat2", "chown", "lchown", "fchownat", "utime", "utimes", "futimesat", "utimensat",
		"setxattr", "lsetxattr", "setxattrat", "removexattr", "lremovexattr", "removexattrat",
		"inotify_init", "inotify_init1", "inotify_add_watch", "fanotify_mark", "name_to_handle_at",
	)
}

// namespaces are the flags of clone that make them.
const namespaces = unix.CLONE_NEWCGROUP | unix.CLONE_NEWIPC | unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWPID |
	unix.CLONE_NEWUSER | unix.CLONE_NEWUTS

// streamTypes are the ways to ask for a stream socket.
func streamTypes() []uint64 {
	const flags = unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK
	return []uint64{unix.SOCK_STREAM, unix.SOCK_STREAM | unix.SOCK_CLOEXEC, unix.SOCK_STREAM | unix.SOCK_NONBLOCK, unix.SOCK_STREAM | flags}
}

// conditions are the rest. Each system call stands here once. pid is the program's own, which executing keeps.
func conditions(pid, binaryFD int, containers bool) []limited {
	if containers { // whose programs have other pids, networks of their own, and all kinds of needs
		return nil
	}
	unixStream := [][]check{{either(0, unix.AF_UNIX), either(1, streamTypes()...)}}
	own := uint64(pid)
	return []limited{
		{"socket", unixStream},
		{"sendto", [][]check{{{argument: 3, clear: unix.MSG_FASTOPEN}, either(4, 0)}}},
		{"sendmsg", [][]check{{{argument: 2, clear: unix.MSG_FASTOPEN}}}},
		{"sendmmsg", [][]check{{{argument: 3, clear: unix.MSG_FASTOPEN}}}},
		{"setsockopt", socketOptions()},
		{"kill", [][]check{{either(0, own)}}},
		{"tgkill", [][]check{{either(0, own)}}},
		{"prlimit64", [][]check{{either(0, 0, own)}}},
		{"fcntl", [][]check{{either(1, fileCommands()...)}}},
		{"ioctl", [][]check{{either(1, deviceCommands()...)}}},
		{"prctl", [][]check{{either(0, processOptions()...)}}},
		{"clone", [][]check{{{argument: 0, set: unix.CLONE_THREAD}, {argument: 0, clear: namespaces}}}},
		{"execveat", [][]check{{either(0, uint64(binaryFD)), either(4, unix.AT_EMPTY_PATH)}}},
	}
}

// socketOptions leave out what changes where packets go (IP options, devices, marks), what attaches programs, and lingering, by which
// closing can be made to block.
func socketOptions() [][]check {
	return [][]check{
		{either(1, unix.SOL_SOCKET), either(2, unix.SO_REUSEADDR, unix.SO_SNDBUF, unix.SO_RCVBUF, unix.SO_KEEPALIVE, unix.SO_RCVTIMEO,
			unix.SO_SNDTIMEO)},
		{either(1, unix.SOL_TCP), either(2, unix.TCP_NODELAY, unix.TCP_CORK, unix.TCP_KEEPIDLE, unix.TCP_KEEPINTVL, unix.TCP_KEEPCNT,
			unix.TCP_QUICKACK, unix.TCP_USER_TIMEOUT, unix.TCP_NOTSENT_LOWAT)},
	}
}

// fileCommands leave out F_SETOWN and its relatives, which have signals sent to others.
func fileCommands() []uint64 {
	return []uint64{unix.F_DUPFD, unix.F_DUPFD_CLOEXEC, unix.F_GETFD, unix.F_SETFD, unix.F_GETFL, unix.F_SETFL, unix.F_GETLK, unix.F_SETLK,
		unix.F_SETLKW, unix.F_OFD_GETLK, unix.F_OFD_SETLK, unix.F_OFD_SETLKW, unix.F_GETPIPE_SZ, unix.F_SETPIPE_SZ, unix.F_ADD_SEALS,
		unix.F_GET_SEALS}
}

// deviceCommands are those on any descriptor, but for FIOSETOWN: is it a terminal, how much is there to read, does it block.
func deviceCommands() []uint64 {
	const (
		fionclex = 0x5450
		fioclex  = 0x5451
		fionbio  = 0x5421
	)
	return []uint64{unix.TCGETS, unix.TIOCGWINSZ, unix.TIOCOUTQ, unix.TIOCINQ, fionbio, fioclex, fionclex}
}

// processOptions leave out PR_SET_PDEATHSIG, by which the program would outlive the host, and everything about privileges.
func processOptions() []uint64 {
	return []uint64{unix.PR_SET_NAME, unix.PR_GET_NAME, unix.PR_SET_VMA, unix.PR_GET_DUMPABLE, unix.PR_SET_DUMPABLE, unix.PR_GET_PDEATHSIG,
		unix.PR_SET_NO_NEW_PRIVS, unix.PR_GET_NO_NEW_PRIVS, unix.PR_GET_SECCOMP, unix.PR_CAPBSET_READ, unix.PR_GET_TIMERSLACK}
}
