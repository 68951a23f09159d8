package postgres

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// command prepares a program of bin to run as the account, with an environment of its own (nothing of the host's:
// PGOPTIONS or LD_PRELOAD would change what runs, and the host's variables may hold secrets).
func (a account) command(ctx context.Context, sig syscall.Signal, bin, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(bin, program), args...)
	cmd.SysProcAttr = a.attributes(sig)
	cmd.Dir = "/" // the host's own may be closed to the account
	cmd.Env = []string{"PATH=" + bin + ":/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	cmd.WaitDelay = 2 * time.Second
	return cmd
}

// A program that was unpacked just now is busy for as long as a child that another thread forked meanwhile has not
// closed its inherited descriptors.
const (
	busyTries = 50
	busyPause = 10 * time.Millisecond
)

// output runs a short program to its end with input, and returns what it said. It dies with the host.
func (a account) output(ctx context.Context, input, bin, program string, args ...string) (string, error) {
	runtime.LockOSThread() // the parent-death signal is sent when this thread ends
	defer runtime.UnlockOSThread()
	var said []byte
	var err error
	for range busyTries {
		cmd := a.command(ctx, syscall.SIGKILL, bin, program, args...)
		cmd.Stdin = strings.NewReader(input)
		if said, err = cmd.CombinedOutput(); !errors.Is(err, syscall.ETXTBSY) {
			break
		}
		time.Sleep(busyPause)
	}
	if err == nil {
		return string(said), nil
	}
	if ctx.Err() != nil {
		return string(said), fmt.Errorf("running %s: %w", program, ctx.Err())
	}
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
		return string(said), fmt.Errorf("running %s as %s: %w", program, a.name, err)
	}
	return string(said), fmt.Errorf("running %s as %s: %w: %s", program, a.name, err, lastLines(string(said), 4))
}

// lastLines returns the last n lines of text that are not blank, on one line.
func lastLines(text string, n int) string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-n):], "; ")
}
