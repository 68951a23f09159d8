package confine

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// ProtectHost makes the memory of the calling process unreadable for others of its user id, and turns its core dumps off. A host calls
// it before it has secrets.
func ProtectHost() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("protecting the host's memory: %w", err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("turning core dumps off: %w", err)
	}
	return nil
}
