package confine

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// dropPrivileges takes the program's user and group ids, no other groups, and no capabilities; a program with containers keeps those
// listed. no_new_privs makes it final.
func dropPrivileges(o order) error {
	if os.Geteuid() == 0 {
		if err := boundCapabilities(o.Capabilities); err != nil {
			return err
		}
		if err := takeIDs(o.UID, o.GID); err != nil {
			return err
		}
	}
	if os.Geteuid() != 0 {
		if err := clearCapabilities(); err != nil {
			return err
		}
	}
	return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
}

// boundCapabilities takes every capability but those listed out of the bounding set: not even executing as root brings it back.
func boundCapabilities(keep []int) error {
	kept := make(map[int]bool)
	for _, c := range keep {
		kept[c] = true
	}
	for c := 0; ; c++ {
		if kept[c] {
			continue
		}
		err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0)
		if errors.Is(err, unix.EINVAL) && c > 0 {
			return nil // past the last one that this kernel knows
		} else if err != nil {
			return err
		}
	}
}

func takeIDs(uid, gid int) error {
	if uid == 0 {
		return nil
	}
	if err := syscall.Setgroups(nil); err != nil {
		return err
	}
	if err := syscall.Setresgid(gid, gid, gid); err != nil {
		return err
	}
	if err := syscall.Setresuid(uid, uid, uid); err != nil {
		return err
	}
	if syscall.Setresuid(0, 0, 0) == nil {
		return errors.New("the user id can be taken back")
	}
	return nil
}

// clearCapabilities empties the thread's capability sets. Leaving user id 0 did that already, but not for what was inheritable.
func clearCapabilities() error {
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return err
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	return unix.Capset(&header, &none[0])
}
