package confine

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Shim is what the host's main calls when its first argument is ShimArgument, with the arguments after it. It becomes the program and
// does not return, unless a step fails; then the process has to end at once.
func Shim(args []string) error {
	// Credentials, filters and the parent-death signal belong to a thread; the thread that executes the program is the one that stays.
	runtime.LockOSThread()
	if len(args) != 1 {
		return errors.New("this command is run by the host, not by hand")
	}
	var o order
	if err := json.Unmarshal([]byte(args[0]), &o); err != nil {
		return fmt.Errorf("reading shim order: %w", err)
	}
	if missing := Probe().Missing; len(missing) > 0 && !o.AllowMissing {
		return fmt.Errorf("confining program: this kernel lacks %s", strings.Join(missing, "; "))
	}
	for _, step := range []struct {
		doing string
		do    func(o order) error
	}{
		{"closing descriptors", closeOthers},
		{"setting resource limits", setLimits},
		{"leaving the network", leaveNetwork},
		{"giving up privileges", dropPrivileges},
		{"following the host's life", followParent},
		{"entering the private directory", func(o order) error { return os.Chdir(o.PrivateDir) }},
		{"restricting paths", restrictPaths},
		{"installing system call filters", installFilters},
		{"executing the program", become},
	} {
		if err := step.do(o); err != nil {
			return fmt.Errorf("confining program: %s: %w", step.doing, err)
		}
	}
	return nil
}

// leaveNetwork gives a program that runs containers a network of its own without any way out, for it may make sockets: the filters that
// keep others from it would keep its containers from their own loopback.
func leaveNetwork(o order) error {
	if !o.Containers || os.Geteuid() != 0 {
		return nil
	}
	return unix.Unshare(unix.CLONE_NEWNET)
}

// closeOthers leaves the program the standard streams and the descriptors meant for it.
func closeOthers(o order) error {
	return unix.CloseRange(uint(o.BinaryFD)+1, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC)
}

func setLimits(o order) error {
	limits := []struct {
		resource int
		value    uint64
		always   bool
	}{
		{unix.RLIMIT_CORE, 0, true},
		{unix.RLIMIT_MSGQUEUE, 0, true},
		{unix.RLIMIT_NOFILE, o.Rlimits.OpenFiles, false},
		{unix.RLIMIT_NPROC, o.Rlimits.Tasks, false},
		{unix.RLIMIT_DATA, o.Rlimits.DataBytes, false},
		{unix.RLIMIT_FSIZE, o.Rlimits.FileBytes, false},
	}
	for _, l := range limits {
		if l.value == 0 && !l.always {
			continue
		}
		var now unix.Rlimit
		if err := unix.Getrlimit(l.resource, &now); err != nil {
			return err
		}
		value := min(l.value, now.Max)
		if err := unix.Prlimit(0, l.resource, &unix.Rlimit{Cur: value, Max: value}, nil); err != nil {
			return err
		}
	}
	return nil
}

// followParent makes the kernel kill this process with the thread that started it. A change of user id has undone what the host set.
func followParent(o order) error {
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return err
	}
	if os.Getppid() != o.ParentPID {
		return errors.New("the host is gone")
	}
	return nil
}

// become executes the sealed binary. A script's interpreter opens the binary once more, so that it has to stay open then.
func become(o order) error {
	if !isScript(o.BinaryFD) {
		unix.CloseOnExec(o.BinaryFD)
	}
	argv, err := cStrings(o.Args)
	if err != nil {
		return err
	}
	env, err := cStrings(os.Environ())
	if err != nil {
		return err
	}
	var empty byte
	_, _, errno := unix.RawSyscall6(unix.SYS_EXECVEAT, uintptr(o.BinaryFD), uintptr(unsafe.Pointer(&empty)),
		uintptr(unsafe.Pointer(&argv[0])), uintptr(unsafe.Pointer(&env[0])), unix.AT_EMPTY_PATH, 0)
	runtime.KeepAlive(argv)
	runtime.KeepAlive(env)
	if errno == unix.EACCES || errno == unix.ENOENT {
		return fmt.Errorf("%w: the program needs an interpreter or a dynamic linker that no runtime path gives it; a Go program is built "+
			"with CGO_ENABLED=0", errno)
	}
	return errno
}

func isScript(fd int) bool {
	var head [2]byte
	n, err := unix.Pread(fd, head[:], 0)
	return err == nil && n == len(head) && head == [2]byte{'#', '!'}
}

func cStrings(list []string) ([]*byte, error) {
	pointers := make([]*byte, 0, len(list)+1)
	for _, s := range list {
		p, err := unix.BytePtrFromString(s)
		if err != nil {
			return nil, err
		}
		pointers = append(pointers, p)
	}
	return append(pointers, nil), nil
}
