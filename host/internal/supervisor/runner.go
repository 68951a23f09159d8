package supervisor

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// maxGreeting bounds the first line of an adapter's stdout, which holds an address and a certificate.
	maxGreeting = 16 << 10
	// outputGrace is how long output is read on after the end of a process whose descendants hold its pipes open.
	outputGrace = 250 * time.Millisecond
)

// processRunner is go-plugin's seam for starting a process. It reads the adapter's output itself, so that no line reaches a log
// uncut and no pipe fills up, and shows go-plugin the greeting alone. It also waits for the process itself: go-plugin would wait for
// the end of the pipes first, which a descendant of the adapter can hold open for ever.
type processRunner struct {
	launcher *launcher
	name     string
	logs     *logWriter

	stdout, stdoutW *os.File
	stderr, stderrW *os.File
	greeting        *io.PipeReader
	greetingW       *io.PipeWriter
	noStderr        *io.PipeReader
	noStderrDone    *io.PipeWriter
	exited          chan struct{} // closed when the process has ended and its output is read
	cmd             *exec.Cmd     // set before Start
	dir             string        // of its socket; set before Start
	mu              sync.Mutex
	started, reaped bool
	killed          bool // by the host
	state           *os.ProcessState
}

func newProcessRunner(l *launcher, name string, logs *logWriter) (*processRunner, error) {
	r := &processRunner{launcher: l, name: name, logs: logs, exited: make(chan struct{})}
	var err error
	if r.stdout, r.stdoutW, err = os.Pipe(); err != nil {
		return nil, fmt.Errorf("making a pipe: %w", err)
	}
	if r.stderr, r.stderrW, err = os.Pipe(); err != nil {
		_, _ = r.stdout.Close(), r.stdoutW.Close() // never used
		return nil, fmt.Errorf("making a pipe: %w", err)
	}
	r.greeting, r.greetingW = io.Pipe()
	r.noStderr, r.noStderrDone = io.Pipe()
	return r, nil
}

// use takes the command that go-plugin has prepared, and the folder of its socket.
func (r *processRunner) use(cmd *exec.Cmd, dir string) {
	cmd.Stdout, cmd.Stderr = r.stdoutW, r.stderrW
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cmd, r.dir = cmd, dir
}

// Start starts the process, the readers of its output, and the wait for its end.
func (r *processRunner) Start(context.Context) error {
	err := r.launcher.start(r.cmd)
	_, _ = r.stdoutW.Close(), r.stderrW.Close() // the child has its copies, or there is none
	if err != nil {
		return fmt.Errorf("starting it: %w", startReason(err))
	}
	r.mu.Lock()
	r.started = true
	r.mu.Unlock()
	go r.run() // ends with the process, a moment later where a descendant holds its pipes
	return nil
}

// abandon gives back what a process that was never started would have used.
func (r *processRunner) abandon() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.started {
		return
	}
	_, _, _, _ = r.stdout.Close(), r.stdoutW.Close(), r.stderr.Close(), r.stderrW.Close() // some are closed already
	_, _ = r.greetingW.Close(), r.noStderrDone.Close()                                    // documented never to fail
}

// bindToHost sets what every child gets from the kernel: a process group of its own, and death with the host.
func bindToHost(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
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

// run reads the output and waits for the process.
func (r *processRunner) run() {
	var readers sync.WaitGroup
	readers.Go(r.readStdout)
	readers.Go(func() {
		_, _ = io.Copy(r.logs.stream(), r.stderr) // a read error means that it has ended
	})
	r.reap()
	until := time.Now().Add(outputGrace)
	_, _ = r.stdout.SetReadDeadline(until), r.stderr.SetReadDeadline(until) // fail only where they are closed
	readers.Wait()
	_, _ = r.stdout.Close(), r.stderr.Close()          // only read
	_, _ = r.greetingW.Close(), r.noStderrDone.Close() // documented never to fail
	r.logs.flush()
	close(r.exited)
}

// readStdout hands the first line to go-plugin and logs the rest, which would be nobody's to read otherwise.
func (r *processRunner) readStdout() {
	in := bufio.NewReaderSize(r.stdout, maxGreeting)
	line, err := in.ReadSlice('\n') // at most the buffer's size
	if len(line) > 0 && line[len(line)-1] != '\n' {
		line = append(line, '\n')
	}
	_, _ = r.greetingW.Write(line) // nobody reads it where the launch was given up
	if err == nil || errors.Is(err, bufio.ErrBufferFull) {
		_, _ = io.Copy(r.logs.stream(), in) // a read error means that it has ended
	}
}

// reap waits for the process to end, then ends what it left behind in its group while its id is still taken: another process may have
// the number afterwards.
func (r *processRunner) reap() {
	for {
		err := unix.Waitid(unix.P_PID, r.cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL) // ESRCH: nothing was left
	_ = r.cmd.Wait()                                      // its state says the same
	r.state, r.reaped = r.cmd.ProcessState, true
}

// kill ends the process, whatever group it has moved to, and its group. It does not wait.
func (r *processRunner) kill() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.started || r.reaped {
		return
	}
	r.killed = true
	_ = syscall.Kill(r.cmd.Process.Pid, syscall.SIGKILL)  // it is not reaped, so the number is its own
	_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL) // ESRCH: it has left its group
}

// wait waits for the end of a process that was started.
func (r *processRunner) wait() {
	r.mu.Lock()
	started := r.started
	r.mu.Unlock()
	if started {
		<-r.exited
	}
}

// ending says how the process ended, or "" where it still runs or where the host ended it.
func (r *processRunner) ending() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state == nil || r.killed {
		return ""
	}
	return "it ended with " + r.state.String()
}

func (r *processRunner) processID() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.started {
		return 0
	}
	return r.cmd.Process.Pid
}

// The rest of go-plugin's interface.

// Wait waits for the process.
func (r *processRunner) Wait(context.Context) error {
	<-r.exited
	return nil
}

// Kill ends the process and its group.
func (r *processRunner) Kill(context.Context) error {
	r.kill()
	return nil
}

// Stdout is the adapter's greeting, and ends with the process.
func (r *processRunner) Stdout() io.ReadCloser { return r.greeting }

// Stderr is empty and ends with the process.
func (r *processRunner) Stderr() io.ReadCloser { return r.noStderr }

// Name is the adapter's.
func (r *processRunner) Name() string { return r.name }

// ID is the process id; "" before the start.
func (r *processRunner) ID() string {
	if pid := r.processID(); pid != 0 {
		return strconv.Itoa(pid)
	}
	return ""
}

// Diagnose adds nothing: giveUp says it better.
func (r *processRunner) Diagnose(context.Context) string { return "" }

// PluginToHost takes the address that the adapter greets with. It must be a socket in its own folder: go-plugin would connect to
// whatever is named, and an adapter could have its calls, with their credentials, sent to another machine.
func (r *processRunner) PluginToHost(network, address string) (string, string, error) {
	r.mu.Lock()
	dir := r.dir
	r.mu.Unlock()
	if network != "unix" || address != filepath.Join(dir, filepath.Base(address)) {
		return "", "", errors.New("it greets with an address that is not in its own folder")
	}
	if info, err := os.Lstat(address); err != nil || info.Mode().Type() != os.ModeSocket {
		return "", "", errors.New("it greets with an address where no socket is")
	}
	return network, address, nil
}

// HostToPlugin keeps addresses as they are.
func (r *processRunner) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}
