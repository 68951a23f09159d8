package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// How long processes of an earlier server may take to leave by themselves, after being asked to, and after being
// killed.
const (
	leaveAlone   = 5 * time.Second
	leaveAsked   = 5 * time.Second
	leaveKilled  = 10 * time.Second
	leaveLooking = 10 * time.Millisecond
)

// clearLeftovers waits until no process of an earlier server uses the cluster. A postmaster whose host was killed is
// already on its way out, and so are the children of a postmaster that was killed; those that stay are told to quit
// at once, then killed: the lock says that no live host owns them, and a crash loses nothing that was acknowledged.
func clearLeftovers(ctx context.Context, dir string, who account, log *slog.Logger) error {
	tick := time.NewTicker(leaveLooking)
	defer tick.Stop()
	began := time.Now()
	steps := []struct {
		after  time.Duration
		signal syscall.Signal
	}{{leaveAlone, syscall.SIGQUIT}, {leaveAlone + leaveAsked, syscall.SIGKILL}}
	for {
		pids, err := leftovers(dir, who)
		if err != nil {
			return fmt.Errorf("looking for an earlier server: %w", err)
		}
		if len(pids) == 0 {
			return removeStalePidFile(dir)
		}
		waited := time.Since(began)
		if waited > leaveAlone+leaveAsked+leaveKilled {
			return fmt.Errorf("processes %v of an earlier PostgreSQL still use %s and cannot be ended", pids, dir)
		}
		if len(steps) > 0 && waited > steps[0].after {
			log.Warn("ending processes of an earlier PostgreSQL", "pids", pids, "signal", steps[0].signal.String())
			for _, pid := range pids {
				_ = syscall.Kill(pid, steps[0].signal) // it may be gone by now; the next look tells
			}
			steps = steps[1:]
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for processes %v of an earlier PostgreSQL: %w", pids, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// leftovers finds the account's processes that run a program named postgres in the cluster's directory, where every
// PostgreSQL process works. The directory is compared by identity, not by name.
func leftovers(dir string, who account) ([]int, error) {
	cluster, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		proc := filepath.Join("/proc", entry.Name())
		info, err := os.Stat(proc)
		if err != nil || !ownedBy(info, who.uid) {
			continue
		}
		program, err := os.Readlink(filepath.Join(proc, "exe"))
		if err != nil || !strings.HasPrefix(filepath.Base(program), "postgres") {
			continue
		}
		if at, err := os.Stat(filepath.Join(proc, "cwd")); err == nil && os.SameFile(at, cluster) {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}
