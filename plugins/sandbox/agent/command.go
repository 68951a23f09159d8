package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/patchbay/patchbay/sdk/sandbox"
)

const (
	defaultOutput = 16 << 20
	// outputGrace is how long the output of a command that has ended is waited for, where a child of it holds it open.
	outputGrace = 250 * time.Millisecond
	// tick is how often times are looked at. A tick counts as maxTick at most, for the time between may have been a pause.
	tick    = 100 * time.Millisecond
	maxTick = time.Second
)

// command is one that was started.
type command struct {
	dir            string
	pid            int
	stdout, stderr *output
	inputMu        sync.Mutex
	input          *os.File // nil: closed
	terminal       *os.File // nil: none
	done           chan struct{}

	mu    sync.Mutex
	state sandbox.CommandState
	spent time.Duration // without pauses
}

// start runs a command.
func (a *Agent) start(c sandbox.Command) (*command, error) {
	if len(c.Argv) == 0 {
		return nil, errors.New("there is no command")
	}
	dir := filepath.Join(a.dir, c.ID)
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, syscall.ENOSPC) {
		return nil, err // on a full disk its output is held in memory
	}
	started := &command{dir: dir, done: make(chan struct{}), state: sandbox.CommandState{ID: c.ID, Running: true, Summary: clip(strings.Join(c.Argv, " "), 200)}}
	if err := a.launch(started, c); err != nil {
		_ = os.RemoveAll(dir) // a part of what did not come to be
		return nil, err
	}
	go started.watch(time.Duration(c.TimeoutMilliseconds) * time.Millisecond)
	return started, nil
}

// launch opens what the program reads and writes, and starts it.
func (a *Agent) launch(s *command, c sandbox.Command) error {
	limit := int64(c.MaxOutputBytes)
	if limit <= 0 {
		limit = defaultOutput
	}
	s.stdout, s.stderr = newOutput(filepath.Join(s.dir, "stdout"), limit), newOutput(filepath.Join(s.dir, "stderr"), limit)
	env := environment(c.Env)
	path, err := lookPath(c.Argv[0], env)
	if err != nil {
		return err
	}
	dir := c.Cwd
	if dir == "" {
		dir = Workspace
	}
	attr := &os.ProcAttr{Dir: dir, Env: env, Sys: &syscall.SysProcAttr{Setsid: true}}
	var copying sync.WaitGroup
	var theirs, ours []*os.File
	defer func() { closeAll(theirs) }()
	if c.Terminal != nil {
		master, slave, err := openTerminal(*c.Terminal)
		if err != nil {
			return err
		}
		s.terminal, s.input = master, master
		theirs = []*os.File{slave}
		attr.Files, attr.Sys.Setctty = []*os.File{slave, slave, slave}, true
		ours = []*os.File{master}
	} else {
		pipes, err := openPipes()
		if err != nil {
			return err
		}
		theirs = pipes[:3]
		attr.Files, s.input, ours = pipes[:3], pipes[3], pipes[4:]
	}
	s.pid, err = a.reaper.start(c.Argv, attr, path, func(w syscall.WaitStatus) { s.end(w, &copying) })
	if err != nil {
		closeAll(append(ours, s.input))
		return err
	}
	a.bound(s.pid)
	for i, out := range []*output{s.stdout, s.stderr}[:len(ours)] {
		copying.Go(func() { out.copyFrom(ours[i]); _ = ours[i].Close() })
	}
	s.save()
	return nil
}

// bound gives a command that has just begun its limits, and makes it rather than the agent the victim where memory is short.
// None of it holds for the agent and its clients: they have to work when the limit is met.
func (a *Agent) bound(pid int) {
	if a.processes > 0 {
		_ = unix.Prlimit(pid, unix.RLIMIT_NPROC, &unix.Rlimit{Cur: a.processes, Max: a.processes}, nil) // it may have ended
	}
	_ = os.WriteFile("/proc/"+strconv.Itoa(pid)+"/oom_score_adj", []byte("500"), 0) // as above
}

// openPipes answers the program's ends (input, output, error) and then ours.
func openPipes() ([]*os.File, error) {
	var theirs, ours []*os.File
	for i := range 3 {
		r, w, err := os.Pipe()
		if err != nil {
			closeAll(append(theirs, ours...))
			return nil, err
		}
		if i == 0 {
			theirs, ours = append(theirs, r), append(ours, w)
		} else {
			theirs, ours = append(theirs, w), append(ours, r)
		}
	}
	return append(theirs, ours...), nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		if f != nil {
			_ = f.Close() // nothing was written to it by us
		}
	}
}

// end books how the program ended, when its output is there.
func (s *command) end(w syscall.WaitStatus, copying *sync.WaitGroup) {
	copied := make(chan struct{})
	go func() { copying.Wait(); close(copied) }()
	select {
	case <-copied:
	case <-time.After(outputGrace): // a child goes on with it
	}
	s.mu.Lock()
	s.state.Running, s.state.ExitCode = false, int32(w.ExitStatus())
	if w.Signaled() {
		s.state.ExitCode = 128 + int32(w.Signal())
	}
	s.state.StdoutTruncated, s.state.StderrTruncated = s.stdout.isTruncated(), s.stderr.isTruncated()
	s.mu.Unlock()
	s.save()
	close(s.done)
	s.stdout.close()
	s.stderr.close()
}

// watch counts the command's time and ends it where it is over. A sandbox that is paused does not tick.
func (s *command) watch(limit time.Duration) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	last := time.Now()
	for {
		select {
		case <-s.done:
			s.count(time.Since(last))
			s.save()
			return
		case now := <-ticker.C:
			spent := s.count(now.Sub(last))
			last = now
			if limit > 0 && spent >= limit {
				s.mu.Lock()
				s.state.TimedOut = s.state.Running
				s.mu.Unlock()
				s.signal(syscall.SIGKILL)
			}
		}
	}
}

func (s *command) count(d time.Duration) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spent += min(max(d, 0), maxTick)
	s.state.Milliseconds = uint64(s.spent.Milliseconds())
	return s.spent
}

// signal goes to the command's whole group.
func (s *command) signal(number syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Running {
		_ = syscall.Kill(-s.pid, number) // ESRCH: it has just ended
	}
}

func (s *command) current() sandbox.CommandState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// save keeps the state beside the output. On a full disk it is lost, and only after a start without memory would anybody miss it.
func (s *command) save() {
	raw, err := json.Marshal(s.current())
	if err == nil {
		_ = os.WriteFile(filepath.Join(s.dir, "state.json"), raw, 0o600)
	}
}

// feed hands standard input on.
func (s *command) feed(f sandbox.Feed) {
	s.inputMu.Lock()
	defer s.inputMu.Unlock()
	switch {
	case len(f.Data) > 0 && s.input != nil:
		_, _ = s.input.Write(f.Data) // a program that reads no more
	case f.End && s.terminal == nil && s.input != nil:
		_ = s.input.Close()
		s.input = nil
	case f.Resize != nil && s.terminal != nil:
		resize(s.terminal, *f.Resize)
	case f.Signal > 0:
		s.signal(syscall.Signal(f.Signal))
	}
}

// environment is the sandbox's with a command's own over it.
func environment(own map[string]string) []string {
	var out []string
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if _, replaced := own[name]; !replaced {
			out = append(out, pair)
		}
	}
	for name, value := range own {
		out = append(out, name+"="+value)
	}
	return out
}

// lookPath finds a program on the command's own PATH.
func lookPath(name string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	for _, pair := range env {
		if list, ok := strings.CutPrefix(pair, "PATH="); ok {
			for _, dir := range filepath.SplitList(list) {
				path := filepath.Join(dir, name)
				if info, err := os.Stat(path); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
					return path, nil
				}
			}
		}
	}
	return "", fmt.Errorf("%s: %w", clip(name, 200), exec.ErrNotFound)
}

func clip(s string, n int) string {
	if len(s) > n {
		s = s[:n] + "..."
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
