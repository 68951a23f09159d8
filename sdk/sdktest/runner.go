package sdktest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// outputGrace is how long output is read on after the end of a process whose descendants hold its pipes open.
const outputGrace = time.Second

// program is go-plugin's seam for starting a process. It keeps all that the adapter writes after its greeting, which go-plugin throws
// away, and takes only an address that a host takes.
type program struct {
	cmd     *exec.Cmd
	dir     string // of its socket
	address string // that it greeted with

	greeting     *io.PipeReader
	noStderr     *io.PipeReader
	noStderrDone *io.PipeWriter
	split        *splitter
	exited       chan struct{}

	mu              sync.Mutex
	started, reaped bool
	forced          atomic.Bool // the suite had to end it
}

func newProgram(cmd *exec.Cmd, stdout, stderr io.Writer) *program {
	p := &program{cmd: cmd, exited: make(chan struct{})}
	r, w := io.Pipe()
	p.greeting, p.split = r, &splitter{greeting: w, rest: stdout}
	p.noStderr, p.noStderrDone = io.Pipe()
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = p.split, stderr, outputGrace
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return p
}

// splitter hands the first line on as the greeting, and keeps the rest.
type splitter struct {
	greeting *io.PipeWriter
	greeted  bool
	rest     io.Writer
}

// Write takes a piece of the output.
func (s *splitter) Write(b []byte) (int, error) {
	n := len(b)
	if !s.greeted {
		line, rest, found := bytes.Cut(b, []byte("\n"))
		if found {
			line, s.greeted = b[:len(line)+1], true
		}
		if _, err := s.greeting.Write(line); err != nil {
			return n, nil // nobody waits for it any more
		}
		b = rest
	}
	if len(b) > 0 {
		_, _ = s.rest.Write(b) // kept in memory
	}
	return n, nil
}

// Start starts the process.
func (p *program) Start(context.Context) error {
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("starting it: %w", err)
	}
	p.mu.Lock()
	p.started = true
	p.mu.Unlock()
	go func() { // ends with the process
		_, _ = p.cmd.Process.Wait() // how it ended is seen elsewhere
		p.mu.Lock()
		p.reaped = true
		p.mu.Unlock()
		_ = p.cmd.Wait() // for its output
		_ = p.split.greeting.Close()
		_ = p.noStderrDone.Close()
		close(p.exited)
	}()
	return nil
}

// end kills the process and its group. It may be called at any time, more than once.
func (p *program) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.started || p.reaped {
		return
	}
	p.forced.Store(true)
	_ = p.cmd.Process.Kill()                              // it may end just now
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // it may have left its group
}

// Wait waits for the process.
func (p *program) Wait(context.Context) error {
	<-p.exited
	return nil
}

// Kill ends it.
func (p *program) Kill(context.Context) error {
	p.end()
	return nil
}

// Stdout is the greeting.
func (p *program) Stdout() io.ReadCloser { return p.greeting }

// Stderr is empty: the suite reads it itself.
func (p *program) Stderr() io.ReadCloser { return p.noStderr }

// Name is the program's.
func (p *program) Name() string { return filepath.Base(p.cmd.Path) }

// ID is the process id, or "" before the start.
func (p *program) ID() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.started {
		return ""
	}
	return strconv.Itoa(p.cmd.Process.Pid)
}

// Diagnose adds nothing.
func (p *program) Diagnose(context.Context) string { return "" }

// PluginToHost takes the address of a socket in the adapter's own folder, as a host does.
func (p *program) PluginToHost(network, address string) (string, string, error) {
	if network != "unix" || address != filepath.Join(p.dir, filepath.Base(address)) {
		return "", "", errors.New("it greets with an address that is no unix socket in PLUGIN_UNIX_SOCKET_DIR")
	}
	p.address = address
	return network, address, nil
}

// HostToPlugin keeps addresses as they are.
func (p *program) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}
