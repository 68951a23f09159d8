package host

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// harden keeps other processes of the same user out of this one's memory, and keeps that memory out of core files.
func harden() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("making the process not dumpable: %w", err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return fmt.Errorf("turning core files off: %w", err)
	}
	return nil
}
