package confine

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Report says what the running kernel offers.
type Report struct {
	// LandlockABI is the kernel's version of Landlock, 0 without.
	LandlockABI int
	// Seccomp is true where filters can be installed that kill a process, on an architecture that the rules know.
	Seccomp bool
	// ExecutableMemory is true where a sealed memfd can be executed.
	ExecutableMemory bool
	// Missing says, for people, what full confinement lacks here; empty where it lacks nothing.
	Missing []string
}

// Probe asks the kernel. It changes nothing.
func Probe() Report {
	r := Report{LandlockABI: landlockABI(), Seccomp: seccompOffered()}
	if file, err := executableMemory(); err == nil {
		r.ExecutableMemory = file.Close() == nil
	}
	if r.LandlockABI == 0 { // the first is enough: what later ones add, seccomp refuses on its own
		r.Missing = append(r.Missing, "Landlock (Linux 5.13 or newer with landlock among its security modules)")
	}
	if !r.Seccomp {
		r.Missing = append(r.Missing, "seccomp filters (Linux 4.14 or newer with CONFIG_SECCOMP_FILTER, on amd64 or arm64)")
	}
	if !r.ExecutableMemory {
		r.Missing = append(r.Missing, "executable memory files (the sysctl vm.memfd_noexec is 2)")
	}
	return r
}

func landlockABI() int {
	const version = 1 // LANDLOCK_CREATE_RULESET_VERSION
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, version)
	if errno != 0 {
		return 0
	}
	return int(abi)
}

func seccompOffered() bool {
	if _, err := nativeArch(); err != nil {
		return false
	}
	const actionAvailable = 2 // SECCOMP_GET_ACTION_AVAIL
	action := uint32(unix.SECCOMP_RET_KILL_PROCESS)
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, actionAvailable, 0, uintptr(unsafe.Pointer(&action)))
	return errno == 0
}
