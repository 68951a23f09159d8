package postgres

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// removeStalePidFile removes a postmaster.pid whose number now belongs to another program, as happens in containers,
// where numbers repeat: PostgreSQL would take that program for a server. One whose number is free is PostgreSQL's
// own to judge. Only when there are no leftovers.
func removeStalePidFile(dir string) error {
	pid, _, err := readPidFile(dir)
	if err != nil || syscall.Kill(pid, 0) != nil {
		return nil
	}
	if err := os.Remove(pidFile(dir)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing a stale pid file: %w", err)
	}
	return nil
}

func pidFile(dir string) string { return filepath.Join(dir, "postmaster.pid") }

// readPidFile answers whose postmaster.pid it is, and whether that server takes connections.
func readPidFile(dir string) (pid int, ready bool, err error) {
	text, err := os.ReadFile(pidFile(dir))
	if err != nil {
		return 0, false, err
	}
	return parsePidFile(string(text))
}

// parsePidFile reads the number on the first line, which is negative in single-user mode, and the state on the eighth,
// which a server that is not that far has not written yet.
func parsePidFile(text string) (pid int, ready bool, err error) {
	lines := strings.SplitN(text, "\n", 9)
	pid, err = strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil {
		return 0, false, fmt.Errorf("reading a process number: %w", err)
	}
	if pid < 0 {
		pid = -pid
	}
	if pid < 2 {
		return 0, false, fmt.Errorf("%d is no process number of a server", pid)
	}
	return pid, len(lines) > 7 && strings.TrimSpace(lines[7]) == "ready", nil
}
