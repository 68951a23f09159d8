package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// stopTime is how long a child may take to end when it is told to.
const stopTime = 40 * time.Second

// child is a process that the benchmark started.
type child struct {
	cmd  *exec.Cmd
	log  *tail
	once sync.Once
	err  error
}

// tail keeps the end of what a process says, for the error of one that fails.
type tail struct {
	mu sync.Mutex
	b  []byte
}

// Write keeps the last few KiB.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	if most := 4 << 10; len(t.b) > most {
		t.b = bytes.Clone(t.b[len(t.b)-most:])
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.b))
}

// dyingWithParent makes the kernel end a command when this program is gone.
func dyingWithParent(cmd *exec.Cmd) *exec.Cmd {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	return cmd
}

// start starts a command; what it writes to stdout goes to out.
func start(cmd *exec.Cmd, out io.Writer) (*child, error) {
	c := &child{cmd: dyingWithParent(cmd), log: &tail{}}
	cmd.Stderr, cmd.Stdout = c.log, out
	if out == nil {
		cmd.Stdout = c.log
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", cmd.Path, err)
	}
	return c, nil
}

// startRole starts another role of this program and answers the URL that it prints.
func startRole(args ...string) (*child, string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", fmt.Errorf("finding this program: %w", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, "", fmt.Errorf("making a pipe: %w", err)
	}
	c, err := start(exec.Command(self, args...), w)
	_ = w.Close() // the child has its copy, or there is none
	if err != nil {
		return nil, "", errors.Join(err, r.Close())
	}
	line, err := bufio.NewReader(r).ReadString('\n')
	_ = r.Close() // nothing more is wanted of it
	if err != nil {
		return nil, "", fmt.Errorf("the %s did not start: %s: %w", args[0], c.log, errors.Join(err, c.stop()))
	}
	return c, strings.TrimSpace(line), nil
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// stop ends the process and waits for it. It may be called more than once.
func (c *child) stop() error {
	c.once.Do(func() {
		_ = c.cmd.Process.Signal(syscall.SIGTERM) // gone already: Wait tells
		late := time.AfterFunc(stopTime, func() { _ = c.cmd.Process.Kill() })
		defer late.Stop()
		var exit *exec.ExitError
		if err := c.cmd.Wait(); err != nil && !(errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGTERM) {
			c.err = fmt.Errorf("%s: %w\n%s", c.cmd.Path, err, c.log)
		}
	})
	return c.err
}
