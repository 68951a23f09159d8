package confine

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// verdict runs a filter on a system call. The virtual machine reads big-endian, so the halves are written that way, each in its place.
func verdict(t *testing.T, info *arch.Info, containers bool, architecture uint32, number int, arguments ...uint64) uint32 {
	t.Helper()
	vm, err := bpf.NewVM(assemble(info, 9, 1234, containers))
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 64)
	binary.BigEndian.PutUint32(data[0:], uint32(number))
	binary.BigEndian.PutUint32(data[4:], architecture)
	for i, argument := range arguments {
		binary.BigEndian.PutUint32(data[argumentOffset+8*i:], uint32(argument))
		binary.BigEndian.PutUint32(data[argumentOffset+8*i+4:], uint32(argument>>32))
	}
	got, err := vm.Run(data)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(got)
}

func TestFilter(t *testing.T) {
	const (
		allow = unix.SECCOMP_RET_ALLOW
		high  = 1 << 32
	)
	perm, unknown := fail(unix.EPERM), fail(unix.ENOSYS)
	for _, info := range []*arch.Info{arch.X86_64, arch.AARCH64} {
		for _, c := range []struct {
			name       string
			arguments  []uint64
			want       uint32
			containers uint32 // the answer with containers
		}{
			{"read", nil, allow, allow},
			{"connect", nil, perm, allow},
			{"clone3", nil, unknown, allow},
			{"socketpair", []uint64{unix.AF_UNIX, unix.SOCK_STREAM | unix.SOCK_CLOEXEC}, perm, allow},
			{"socketpair", []uint64{unix.AF_UNIX, unix.SOCK_DGRAM}, perm, allow},
			{"socket", []uint64{unix.AF_UNIX, unix.SOCK_STREAM | unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK}, allow, allow},
			{"socket", []uint64{unix.AF_UNIX, unix.SOCK_STREAM}, allow, allow},
			{"socket", []uint64{unix.AF_UNIX, unix.SOCK_DGRAM}, perm, allow},
			{"socket", []uint64{high | unix.AF_UNIX, unix.SOCK_STREAM}, perm, allow},
			{"socket", []uint64{unix.AF_INET, unix.SOCK_STREAM}, perm, allow},
			{"socket", []uint64{unix.AF_UNIX, unix.SOCK_STREAM | 1<<20}, perm, allow},
			{"sendto", []uint64{3, 4, 5, unix.MSG_NOSIGNAL, 0}, allow, allow},
			{"sendto", []uint64{3, 4, 5, unix.MSG_FASTOPEN, 0}, perm, allow},
			{"sendto", []uint64{3, 4, 5, high | unix.MSG_FASTOPEN, 0}, perm, allow},
			{"sendto", []uint64{3, 4, 5, 0, 7}, perm, allow},
			{"sendto", []uint64{3, 4, 5, 0, high}, perm, allow},
			{"sendmsg", []uint64{3, 4, unix.MSG_NOSIGNAL}, allow, allow},
			{"sendmsg", []uint64{3, 4, unix.MSG_FASTOPEN | unix.MSG_NOSIGNAL}, perm, allow},
			{"sendmmsg", []uint64{3, 4, 1, unix.MSG_FASTOPEN}, perm, allow},
			{"setsockopt", []uint64{3, unix.SOL_TCP, unix.TCP_NODELAY}, allow, allow},
			{"setsockopt", []uint64{3, unix.SOL_TCP, unix.TCP_NOTSENT_LOWAT}, allow, allow},
			{"setsockopt", []uint64{3, unix.SOL_SOCKET, unix.SO_KEEPALIVE}, allow, allow},
			{"setsockopt", []uint64{3, unix.SOL_SOCKET, unix.TCP_USER_TIMEOUT}, perm, allow},
			{"setsockopt", []uint64{3, unix.SOL_TCP, unix.TCP_ULP}, perm, allow},
			{"setsockopt", []uint64{3, unix.SOL_IP, unix.IP_OPTIONS}, perm, allow},
			{"setsockopt", []uint64{3, high | unix.SOL_TCP, unix.TCP_NODELAY}, perm, allow},
			{"setsockopt", []uint64{3, unix.SOL_IPV6, unix.IPV6_RTHDR}, perm, allow},
			{"kill", []uint64{1234, 0}, allow, allow},
			{"kill", []uint64{1, 0}, perm, allow},
			{"kill", []uint64{high - 1, 0}, perm, allow},
			{"tgkill", []uint64{1234, 1240, 23}, allow, allow},
			{"tgkill", []uint64{1, 1, 23}, perm, allow},
			{"prlimit64", []uint64{0, 7}, allow, allow},
			{"prlimit64", []uint64{1234, 7}, allow, allow},
			{"prlimit64", []uint64{1, 7}, perm, allow},
			{"prctl", []uint64{unix.PR_SET_NAME}, allow, allow},
			{"prctl", []uint64{unix.PR_SET_PDEATHSIG}, perm, allow},
			{"prctl", []uint64{high | unix.PR_SET_PDEATHSIG}, perm, allow},
			{"fcntl", []uint64{3, unix.F_DUPFD_CLOEXEC, 0}, allow, allow},
			{"fcntl", []uint64{3, unix.F_SETOWN, 1}, perm, allow},
			{"ioctl", []uint64{3, unix.TCGETS}, allow, allow},
			{"ioctl", []uint64{3, 0x8901}, perm, allow},
			{"clone", []uint64{unix.CLONE_VM | unix.CLONE_THREAD}, allow, allow},
			{"clone", []uint64{unix.CLONE_VM}, perm, allow},
			{"clone", []uint64{unix.CLONE_THREAD | unix.CLONE_NEWUSER}, perm, allow},
			{"execve", nil, perm, allow},
			{"execveat", []uint64{9, 1, 2, 3, unix.AT_EMPTY_PATH}, allow, allow},
			{"execveat", []uint64{8, 1, 2, 3, unix.AT_EMPTY_PATH}, perm, allow},
			{"execveat", []uint64{9, 1, 2, 3, 0}, perm, allow},
			{"mount", nil, perm, allow},
			{"ptrace", nil, perm, allow},
			{"keyctl", nil, perm, unknown},
			{"io_uring_setup", nil, perm, perm},
		} {
			number, found := info.SyscallNames[c.name]
			if !found {
				t.Fatalf("%s is no system call of %s", c.name, info.Name)
			}
			for containers, want := range map[bool]uint32{false: c.want, true: c.containers} {
				if got := verdict(t, info, containers, uint32(info.ID), number, c.arguments...); got != want {
					t.Errorf("%s: %s%v (containers: %v) = %#x, want %#x", info.Name, c.name, c.arguments, containers, got, want)
				}
			}
		}
		if got := verdict(t, info, false, uint32(arch.I386.ID), 1); got != unix.SECCOMP_RET_KILL_PROCESS {
			t.Errorf("%s: a foreign call gets %#x", info.Name, got)
		}
		for _, number := range []int{700, 0x40000000, 0x40000029, -1} {
			if got := verdict(t, info, false, uint32(info.ID), number); got != unknown {
				t.Errorf("%s: call %#x gets %#x", info.Name, number, got)
			}
		}
	}
}

// TestRulesNameSystemCalls finds misspelt names, and names with two rules, of which one would never be reached.
func TestRulesNameSystemCalls(t *testing.T) {
	oldOnes := []string{ // that arm64 never had
		"fork", "vfork", "chmod", "chown", "lchown", "utime", "utimes", "futimesat", "inotify_init", "iopl", "ioperm", "modify_ldt",
	}
	for _, containers := range []bool{false, true} {
		names := append(hidden(containers), refused(containers)...)
		for _, l := range conditions(1, 3, containers) {
			names = append(names, l.name)
		}
		seen := map[string]bool{}
		for _, name := range names {
			if seen[name] {
				t.Errorf("%s has two rules", name)
			}
			seen[name] = true
			if _, found := arch.X86_64.SyscallNames[name]; !found {
				t.Errorf("%s is no system call", name)
			}
			if _, found := arch.AARCH64.SyscallNames[name]; !found && !slices.Contains(oldOnes, name) {
				t.Errorf("%s is no system call of arm64", name)
			}
		}
	}
}
