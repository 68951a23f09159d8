package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// launcher starts processes from one thread that lives as long as it does: the kernel sends the parent-death signal when the
// thread that started a child ends, not when the process does.
type launcher struct {
	work chan func()
	done chan struct{}
}

func newLauncher() *launcher {
	l := &launcher{work: make(chan func()), done: make(chan struct{})}
	go func() {
		defer close(l.done)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		for f := range l.work {
			f()
		}
	}()
	return l
}

// start starts a command on the launcher's thread.
func (l *launcher) start(cmd *exec.Cmd) error {
	result := make(chan error, 1)
	l.work <- func() { result <- cmd.Start() }
	return <-result
}

func (l *launcher) close() {
	close(l.work)
	<-l.done
}

// confine sets what every child gets from the kernel: a process group of its own, and death with the host.
func confine(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// processRunner is go-plugin's seam for starting a process. It reads the adapter's stderr itself, so that no line reaches a log
// uncut, and shows go-plugin an empty one.
type processRunner struct {
	launcher *launcher
	cmd      *exec.Cmd
	name     string
	logs     *logWriter

	stdout       *os.File
	stdoutW      *os.File
	stderr       *os.File
	stderrW      *os.File
	noStderr     *io.PipeReader
	noStderrDone *io.PipeWriter

	mu    sync.Mutex
	state *os.ProcessState
}

func newProcessRunner(l *launcher, cmd *exec.Cmd, name string, logs *logWriter) (*processRunner, error) {
	r := &processRunner{launcher: l, cmd: cmd, name: name, logs: logs}
	var err error
	if r.stdout, r.stdoutW, err = os.Pipe(); err != nil {
		return nil, fmt.Errorf("making a pipe: %w", err)
	}
	if r.stderr, r.stderrW, err = os.Pipe(); err != nil {
		_, _ = r.stdout.Close(), r.stdoutW.Close() // never used
		return nil, fmt.Errorf("making a pipe: %w", err)
	}
	cmd.Stdout, cmd.Stderr = r.stdoutW, r.stderrW
	r.noStderr, r.noStderrDone = io.Pipe()
	return r, nil
}

// Start starts the process and the reader of its stderr.
func (r *processRunner) Start(context.Context) error {
	err := r.launcher.start(r.cmd)
	_, _ = r.stdoutW.Close(), r.stderrW.Close() // the child has its copies, or there is none
	if err != nil {
		_, _ = r.stdout.Close(), r.stderr.Close() // nothing will come
		_ = r.noStderrDone.Close()                // documented never to fail
		return fmt.Errorf("starting it: %w", startReason(err))
	}
	go func() { // ends with the process group, which holds the other end
		_, _ = io.Copy(r.logs, r.stderr) // a read error means that it has ended
		r.logs.flush()
		_ = r.stderr.Close()       // only read
		_ = r.noStderrDone.Close() // documented never to fail
	}()
	return nil
}

// startReason adds what to do to the common errors of starting a program.
func startReason(err error) error {
	switch {
	case errors.Is(err, syscall.ENOEXEC):
		return fmt.Errorf("it is not a program for %s/%s: %w", runtime.GOOS, runtime.GOARCH, err)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("it is not executable for this user (chmod +x): %w", err)
	}
	return err
}

// Wait waits for the process, then ends what it left behind in its group.
func (r *processRunner) Wait(context.Context) error {
	err := r.cmd.Wait()
	r.mu.Lock()
	r.state = r.cmd.ProcessState
	r.mu.Unlock()
	_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL) // ESRCH: nothing was left
	return err
}

// Kill ends the process and its group, and stops reading what a descendant outside of the group may still hold open.
func (r *processRunner) Kill(context.Context) error {
	r.mu.Lock()
	ended := r.state != nil || r.cmd.Process == nil
	r.mu.Unlock()
	if ended {
		return nil
	}
	err := syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
	_, _ = r.stdout.Close(), r.stderr.Close() // nothing more is wanted of them
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}

// ending says how the process ended, waiting a moment for the kernel to say so.
func (r *processRunner) ending() string {
	for range 100 {
		r.mu.Lock()
		state := r.state
		r.mu.Unlock()
		if state != nil {
			return "it ended with " + state.String()
		}
		time.Sleep(10 * time.Millisecond)
	}
	return "it stopped answering"
}

func (r *processRunner) processID() int {
	if r.cmd.Process == nil {
		return 0
	}
	return r.cmd.Process.Pid
}

// The rest of go-plugin's interface.

// Stdout is read by go-plugin for the handshake.
func (r *processRunner) Stdout() io.ReadCloser { return r.stdout }

// Stderr is empty and ends with the process.
func (r *processRunner) Stderr() io.ReadCloser { return r.noStderr }

// Name is the adapter's.
func (r *processRunner) Name() string { return r.name }

// ID is the process id; "" before the start.
func (r *processRunner) ID() string {
	if r.cmd.Process == nil {
		return ""
	}
	return strconv.Itoa(r.cmd.Process.Pid)
}

// Diagnose adds nothing: startError says it better.
func (r *processRunner) Diagnose(context.Context) string { return "" }

// PluginToHost keeps addresses as they are.
func (r *processRunner) PluginToHost(network, address string) (string, string, error) {
	return network, address, nil
}

// HostToPlugin keeps addresses as they are.
func (r *processRunner) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}
