package host

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// maxRunDir keeps the paths of sockets below it under 100 bytes: a socket's path may be 107 bytes long, and go-plugin adds two names.
const maxRunDir = 60

// openRunDir makes a folder for this process' sockets and sweeps those of processes that are gone. The lock in each tells: the kernel
// gives it back however its holder ended. The function that it answers removes the folder.
func openRunDir(data, id string) (string, func(), error) {
	parent := filepath.Join(data, "run")
	short := id[len(id)-8:]
	mode := runDirMode()
	if len(filepath.Join(parent, short)) > maxRunDir || (mode != 0o700 && !passable(data)) {
		parent = filepath.Join(os.TempDir(), fmt.Sprintf("patchbay-%d", os.Getuid()))
	}
	dir := filepath.Join(parent, short)
	if len(dir) > maxRunDir {
		return "", nil, fmt.Errorf("the path %s is too long for sockets: choose a shorter --data or TMPDIR", dir)
	}
	if err := os.MkdirAll(parent, mode); err != nil {
		return "", nil, fmt.Errorf("making the folder for sockets: %w", err)
	}
	if err := ownAndPrivate(parent); err != nil {
		return "", nil, err
	}
	if err := os.Chmod(parent, mode); err != nil { // whatever the umask made of it
		return "", nil, fmt.Errorf("opening the folder for sockets to adapters: %w", err)
	}
	lock, err := makeRunDir(parent, dir, mode)
	if err != nil {
		return "", nil, err
	}
	return dir, func() {
		_ = os.RemoveAll(dir) // the next start sweeps what is left
		_ = lock.Close()      // gives the lock back
	}, nil
}

// makeRunDir sweeps, makes the folder and locks it, one process at a time: a sweep must not meet a folder that is made and not locked
// yet.
func makeRunDir(parent, dir string, mode os.FileMode) (*os.File, error) {
	turn, err := os.Open(parent)
	if err != nil {
		return nil, fmt.Errorf("opening the folder for sockets: %w", err)
	}
	defer func() { _ = turn.Close() }() // gives the turn back
	if err := syscall.Flock(int(turn.Fd()), syscall.LOCK_EX); err != nil {
		return nil, fmt.Errorf("waiting for the folder for sockets: %w", err)
	}
	sweepRunDirs(parent)
	if err := os.Mkdir(dir, mode); err != nil {
		return nil, fmt.Errorf("making the folder for sockets: %w", err)
	}
	if err := os.Chmod(dir, mode); err != nil {
		return nil, fmt.Errorf("opening the folder for sockets to adapters: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, fmt.Errorf("locking the folder for sockets: %w", err)
	}
	return lock, nil
}

// runDirMode lets adapters pass that have a user id of their own; nobody but the host can list what is there.
func runDirMode() os.FileMode {
	if os.Geteuid() == 0 {
		return 0o711
	}
	return 0o700
}

// passable says whether any user can pass a folder and all above it.
func passable(dir string) bool {
	for ; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm()&0o001 == 0 {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
	}
}

// ownAndPrivate refuses a folder that someone else has put where this process' sockets should be.
func ownAndPrivate(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("looking at the folder for sockets: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int(stat.Uid) != os.Getuid() || info.Mode().Perm()&0o066 != 0 {
		return fmt.Errorf("%s must be a folder that no other user can read or write (mode 0711 or 0700): remove it or choose a shorter --data", dir)
	}
	return nil
}

// lockDir takes the lock of a folder, or fails where its holder lives.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close() // nothing was written
		return nil, err
	}
	return f, nil
}

// sweepRunDirs removes the folders of processes that are gone.
func sweepRunDirs(parent string) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return // the next step meets the same error and reports it
	}
	for _, e := range entries {
		dir := filepath.Join(parent, e.Name())
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if lock, err := lockDir(dir); err == nil {
			_ = os.RemoveAll(dir) // tried again at the next start
			_ = lock.Close()      // gives the lock back
		}
	}
}
