package postgres

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// lock is held while a host runs on a data directory; the kernel lets go of it when the host dies in whatever way.
type lock struct{ file *os.File }

// takeLock takes the lock in path, or fails with ErrInUse and the holder's name.
func takeLock(path string) (*lock, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the database's lock: %w", err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer func() { _ = file.Close() }() // the flock error is the one to tell
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w: %s is held by %s; stop that host, or give this one another data directory",
				ErrInUse, path, holder(file))
		}
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	l := &lock{file: file}
	if err := l.sign(); err != nil {
		return nil, errors.Join(fmt.Errorf("signing %s: %w", path, err), l.release())
	}
	return l, nil
}

// sign writes who holds the lock, for the error of the next one.
func (l *lock) sign() error {
	machine, err := os.Hostname()
	if err != nil {
		machine = "an unnamed machine"
	}
	if err := l.file.Truncate(0); err != nil {
		return err
	}
	_, err = l.file.WriteAt(fmt.Appendf(nil, "process %d on %s since %s\n", os.Getpid(), machine, time.Now().UTC().Format(time.RFC3339)), 0)
	return err
}

// holder reads what the holder wrote.
func holder(file *os.File) string {
	text := make([]byte, 256)
	n, err := file.ReadAt(text, 0)
	if name := strings.TrimSpace(string(text[:n])); name != "" && (err == nil || err == io.EOF) {
		return name
	}
	return "another host"
}

// release lets go. The file stays: removing it would let two hosts lock two files of one name. Closing it would not be
// enough: a child that another thread is just forking may have inherited the descriptor, and the lock with it.
func (l *lock) release() error {
	return errors.Join(unix.Flock(int(l.file.Fd()), unix.LOCK_UN), l.file.Close())
}
