package agent

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/patchbay/patchbay/sdk/sandbox"
)

// Workspace is where commands run.
const Workspace = "/workspace"

// socket is abstract: it needs no writable folder and belongs to the sandbox's network namespace.
const socket = "@patchbay-agent"

// keptCommands is how many ended commands' output is kept.
const keptCommands = 200

// Agent is the first process of a sandbox.
type Agent struct {
	dir    string
	reaper *reaper
	// processes bounds those of all commands; 0: no bound.
	processes uint64

	mu       sync.Mutex
	commands map[string]*command
	order    []string
}

// Run is the first process. It answers only where it cannot begin.
func Run() error {
	a := &Agent{dir: "/var/lib/patchbay/commands", reaper: newReaper(), commands: map[string]*command{}}
	if n, err := strconv.ParseUint(os.Getenv("PATCHBAY_PROCESSES"), 10, 32); err == nil {
		a.processes = n
	}
	for _, dir := range []string{a.dir, Workspace} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("making %s: %w", dir, err)
		}
	}
	a.recall()
	listener, err := new(net.ListenConfig).Listen(context.Background(), "unix", socket)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	go a.reaper.run()
	for {
		conn, err := listener.Accept()
		if err != nil {
			continue // too many descriptors, for a moment
		}
		go func() {
			defer func() { _ = conn.Close() }()
			a.serve(conn)
		}()
	}
}

// Connect hands the standard streams on to the agent, until it closes.
func Connect(in io.Reader, out io.Writer) error {
	conn, err := new(net.Dialer).DialContext(context.Background(), "unix", socket)
	if err != nil {
		return fmt.Errorf("reaching the agent: %w", err)
	}
	go func() {
		_, _ = io.Copy(conn, in) // ends with whoever asked
		if half, ok := conn.(*net.UnixConn); ok {
			_ = half.CloseWrite()
		}
	}()
	_, err = io.Copy(out, conn)
	return err
}

// recall finds the commands of a sandbox that was started anew on its disk: those that ran have ended with the memory.
func (a *Agent) recall() {
	entries, err := os.ReadDir(a.dir)
	if err != nil {
		return
	}
	slices.SortFunc(entries, func(x, y fs.DirEntry) int { return modified(x).Compare(modified(y)) })
	for _, e := range entries {
		dir := filepath.Join(a.dir, e.Name())
		raw, err := os.ReadFile(filepath.Join(dir, "state.json"))
		c := &command{dir: dir, done: make(chan struct{})}
		if err != nil || json.Unmarshal(raw, &c.state) != nil || c.state.ID != e.Name() {
			continue
		}
		if c.state.Running {
			c.state.Running, c.state.ExitCode = false, -1
			c.save()
		}
		close(c.done)
		if c.stdout, err = reopened(filepath.Join(dir, "stdout")); err != nil {
			continue
		}
		if c.stderr, err = reopened(filepath.Join(dir, "stderr")); err != nil {
			continue
		}
		a.commands[e.Name()], a.order = c, append(a.order, e.Name())
	}
}

func reopened(path string) (*output, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return &output{file: f, written: info.Size(), closed: true, changed: make(chan struct{})}, nil
}

// serve does the work of one client.
func (a *Agent) serve(conn net.Conn) {
	out := NewWriter(conn)
	var open sandbox.Open
	if err := Read(conn, &open); err != nil {
		return
	}
	if err := a.work(open, conn, out); err != nil {
		_ = out.Write(sandbox.Answer{Failure: failureOf(err)}) // a client that went away
	}
}

func (a *Agent) work(open sandbox.Open, in io.Reader, out *Writer) error {
	switch {
	case open.Start != nil:
		c, err := a.begin(*open.Start)
		if err != nil {
			return err
		}
		state := c.current()
		if err := out.Write(sandbox.Answer{Started: &state}); err != nil || open.Start.Background {
			return nil
		}
		return a.follow(c, sandbox.Attach{}, in, out)
	case open.Attach != nil:
		c := a.find(open.Attach.Command)
		if c == nil {
			return fmt.Errorf("there is no command %s: %w", clip(open.Attach.Command, 80), fs.ErrNotExist)
		}
		return a.follow(c, *open.Attach, in, out)
	case open.File != nil:
		return fileWork(*open.File, in, out)
	case open.Commands:
		for _, c := range a.all() {
			state := c.current()
			if err := out.Write(sandbox.Answer{Command: &state}); err != nil {
				return nil
			}
		}
		return out.Write(sandbox.Answer{Done: true})
	}
	return errInvalid
}

var commandID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// begin starts a command, or answers the one that has this id already.
func (a *Agent) begin(c sandbox.Command) (*command, error) {
	if c.ID == "" {
		var b [8]byte
		_, _ = rand.Read(b[:]) // documented never to fail
		c.ID = "cmd_" + hex.EncodeToString(b[:])
	}
	if !commandID.MatchString(c.ID) {
		return nil, errInvalid
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if known := a.commands[c.ID]; known != nil {
		return known, nil
	}
	started, err := a.start(c)
	if err != nil {
		return nil, err
	}
	a.commands[c.ID], a.order = started, append(a.order, c.ID)
	a.forget()
	return started, nil
}

// forget drops the oldest commands that have ended; the lock is held.
func (a *Agent) forget() {
	for i := 0; len(a.order) > keptCommands && i < len(a.order); {
		c := a.commands[a.order[i]]
		if c.current().Running {
			i++
			continue
		}
		delete(a.commands, a.order[i])
		a.order = slices.Delete(a.order, i, i+1)
		closeAll([]*os.File{c.stdout.file, c.stderr.file})
		_ = os.RemoveAll(c.dir)
	}
}

func (a *Agent) find(id string) *command {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.commands[id]
}

func (a *Agent) all() []*command {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]*command, 0, len(a.order))
	for _, id := range a.order {
		out = append(out, a.commands[id])
	}
	return out
}

// follow sends a command's output until it ends, and feeds it what comes.
func (a *Agent) follow(c *command, from sandbox.Attach, in io.Reader, out *Writer) error {
	go func() {
		for {
			var f sandbox.Feed
			if Read(in, &f) != nil {
				return
			}
			c.feed(f)
		}
	}()
	var both sync.WaitGroup
	both.Go(func() {
		pump(c.stdout, int64(from.StdoutOffset), from.Now, func(o *sandbox.Output) error { return out.Write(sandbox.Answer{Stdout: o}) })
	})
	both.Go(func() {
		pump(c.stderr, int64(from.StderrOffset), from.Now, func(o *sandbox.Output) error { return out.Write(sandbox.Answer{Stderr: o}) })
	})
	both.Wait()
	state := c.current()
	return out.Write(sandbox.Answer{Ended: &state})
}

// pump sends an output from an offset on.
func pump(o *output, offset int64, now bool, send func(*sandbox.Output) error) {
	buffer := make([]byte, 64<<10)
	for {
		n, more, err := o.read(offset, buffer)
		if err != nil {
			return
		}
		if n > 0 {
			if send(&sandbox.Output{Offset: uint64(offset), Data: buffer[:n]}) != nil {
				return
			}
			offset += int64(n)
			continue
		}
		if more == nil || now {
			return
		}
		<-more
	}
}

var errInvalid = errors.New("the request is not valid")

// failureOf classifies an error for whoever asked.
func failureOf(err error) *sandbox.Failure {
	reason := sandbox.Failed
	switch {
	case errors.Is(err, errInvalid):
		reason = sandbox.Invalid
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, exec.ErrNotFound), errors.Is(err, syscall.ENOTDIR):
		reason = sandbox.NotFound
	case errors.Is(err, fs.ErrExist), errors.Is(err, syscall.ENOTEMPTY):
		reason = sandbox.Exists
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		reason = sandbox.Denied
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		reason = sandbox.Full
	}
	return &sandbox.Failure{Reason: reason, Detail: clip(strings.TrimSpace(err.Error()), 500)}
}
