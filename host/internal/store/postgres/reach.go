package postgres

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// reach checks that the account can pass every directory down to dir, dir included. The error names the first that it
// cannot and what to do; nobody's permissions are changed.
func (a account) reach(dir string) error {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return err
	}
	err = a.try(func() error {
		for _, step := range steps(real) {
			if err := unix.Faccessat(unix.AT_FDCWD, step, unix.X_OK, 0); err != nil {
				return fmt.Errorf("%w: %s cannot pass %s (%w) on the way to %s; allow it with: chmod o+x %s, "+
					"or choose a data directory elsewhere, such as /var/lib/patchbay",
					ErrUnreachable, a.name, step, err, dir, quote(step))
			}
		}
		return nil
	})
	return err
}

// steps lists the directories from the root down to path.
func steps(path string) []string {
	list := []string{"/"}
	for i := 1; i < len(path); i++ {
		if path[i] == '/' {
			list = append(list, path[:i])
		}
	}
	if path != "/" {
		list = append(list, path)
	}
	return list
}

// quote makes path one word of a shell.
func quote(path string) string {
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// try runs check with the account's rights. They are taken on by one thread alone, which ends with it: its goroutine
// never unlocks it.
func (a account) try(check func() error) error {
	if !a.other {
		return check()
	}
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if err := a.become(); err != nil {
			result <- fmt.Errorf("changing to user %s: %w", a.name, err)
			return
		}
		result <- check()
	}()
	return <-result
}

// become changes the ids of the calling thread only: the raw calls, unlike those of package syscall, leave the
// other threads alone.
func (a account) become() error {
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SETGROUPS, 0, 0, 0); errno != 0 {
		return errno
	}
	gid, uid := uintptr(a.gid), uintptr(a.uid)
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESGID, gid, gid, gid); errno != 0 {
		return errno
	}
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, uid, uid, uid); errno != 0 {
		return errno
	}
	return nil
}
