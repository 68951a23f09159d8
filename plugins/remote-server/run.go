package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/patchbay/patchbay/sdk"
)

const (
	// defaultLimit and maxLimit bound how long a program runs.
	defaultLimit = 30 * time.Second
	maxLimit     = 14 * time.Minute
	// politeTime is how long a program has after SIGTERM, before SIGKILL; then it has killTime to be gone.
	politeTime = 2 * time.Second
	killTime   = time.Second
)

// job is one program to run, made by place.
type job struct {
	// line is for the login shell.
	line string
	// announced is the word that announces the process.
	announced string
	// stdin is what the program reads, then its end.
	stdin string
	limit time.Duration
	// emit takes the output as it comes. Optional.
	emit func(piece) error
}

// Finished is what a program left.
type Finished struct {
	Stdout          string `json:"stdout"`
	Stderr          string `json:"stderr"`
	ExitCode        int    `json:"exit_code" jsonschema:"0 for success; 128 and more where a signal ended it"`
	Signal          string `json:"signal,omitempty" jsonschema:"the signal that ended it, such as KILL"`
	DurationMS      int64  `json:"duration_ms"`
	StdoutTruncated bool   `json:"stdout_truncated" jsonschema:"true where stdout had more than 1 MiB; its beginning is given"`
	StderrTruncated bool   `json:"stderr_truncated" jsonschema:"true where stderr had more than 1 MiB; its beginning is given"`
}

// run runs a job to its end, or to the end of its time, when it is ended.
func (m *machine) run(ctx context.Context, j job) (Finished, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	session, err := m.NewSession()
	if err != nil {
		return Finished{}, explainChannel(ctx, err, "open a session")
	}
	defer func() { _ = session.Close() }() // closing twice is harmless
	stdout := &capture{stream: "stdout", emit: j.emit, failed: cancel}
	stderr := &capture{stream: "stderr", emit: j.emit, failed: cancel}
	process := &announcement{word: j.announced, to: stderr}
	session.Stdout, session.Stderr = stdout, process
	stdin, err := session.StdinPipe()
	if err != nil {
		return Finished{}, sdk.Errorf(sdk.AdapterBug, "The adapter could not give the command its input.")
	}
	began := time.Now()
	if err := session.Start(j.line); err != nil { // its text holds the command
		return Finished{}, startError(ctx, err)
	}
	var feeding sync.WaitGroup
	feeding.Go(func() {
		_, _ = io.WriteString(stdin, j.stdin) // a program need not read its input
		_ = stdin.Close()
	})
	ended := make(chan error, 1)
	go func() { ended <- session.Wait() }()
	exit, err := m.await(ctx, running{session, process, ended}, began.Add(j.limit))
	done := Finished{DurationMS: time.Since(began).Milliseconds()}
	_ = session.Close() // ends the feeding of a program that did not read
	feeding.Wait()
	if err != nil {
		return Finished{}, err
	}
	process.flush()
	done.Stdout, done.StdoutTruncated = stdout.text()
	done.Stderr, done.StderrTruncated = stderr.text()
	done.ExitCode, done.Signal, err = exitOf(exit)
	return done, err
}

// startError says why a command was not started. The server answers yes or no before it runs anything.
func startError(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil, errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
		return connectionLost()
	}
	return notSent(sdk.PermissionDenied, "The server does not let this user run commands.")
}

// running is a program that was started.
type running struct {
	session *ssh.Session
	process *announcement
	ended   <-chan error // how it ended, once
}

// await answers how a program ended. Where its time or the call is up first, it ends the program and answers an error.
func (m *machine) await(ctx context.Context, r running, until time.Time) (exit, err error) {
	timer := time.NewTimer(time.Until(beforeDeadline(ctx, until)))
	defer timer.Stop()
	select {
	case exit := <-r.ended:
		return exit, nil
	case <-timer.C:
	case <-ctx.Done():
	}
	if m.end(r) {
		return nil, sdk.Errorf(sdk.Timeout, "The time was up, and the program was ended on the server. What it did until then is done. Ask for more time (timeout, at most %d seconds, within the time of the whole call), or start long work in the background.", int(maxLimit.Seconds()))
	}
	return nil, sdk.Errorf(sdk.Timeout, "The time was up, and the program was told to end, but the server did not confirm that: it may still be running there.")
}

// beforeDeadline leaves room to end a program before the call's own deadline, when the host cuts the connection.
func beforeDeadline(ctx context.Context, until time.Time) time.Time {
	deadline, ok := ctx.Deadline()
	if !ok {
		return until
	}
	room := min(farewell, time.Until(deadline)/4)
	if latest := deadline.Add(-room); latest.Before(until) {
		return latest
	}
	return until
}

// end ends a program with its process group, and then closes the connection if need be. It says whether the server confirmed the end.
func (m *machine) end(r running) bool {
	guard := time.AfterFunc(politeTime+2*killTime, func() { _ = m.Client.Close() }) // where the server reads nothing any more
	defer guard.Stop()
	for _, step := range []struct {
		signal ssh.Signal
		wait   time.Duration
	}{{ssh.SIGTERM, politeTime}, {ssh.SIGKILL, killTime}} {
		began := time.Now()
		m.signal(r, step.signal)
		timer := time.NewTimer(step.wait - time.Since(began))
		select {
		case exit := <-r.ended:
			timer.Stop()
			_, _, err := exitOf(exit)
			return err == nil
		case <-timer.C:
		}
	}
	_ = m.Client.Close()
	_, _, _ = exitOf(<-r.ended) // how it ended is not known for sure
	return false
}

// signal sends a signal to a program's group: by a second session where the process is known, since OpenSSH passes no signals on
// for root and other servers for nobody; otherwise by the request of RFC 4254, 6.9. Whether it came through shows in the program's end.
func (m *machine) signal(r running, name ssh.Signal) {
	if pid := r.process.pid(); pid > 1 {
		if session, err := m.NewSession(); err == nil {
			line := fmt.Sprintf("exec sh -c 'kill -s %s -- -%d || kill -s %s %d'", name, pid, name, pid)
			err = session.Run(line)
			_ = session.Close() // it has ended
			if err == nil {
				return
			}
		}
	}
	_ = r.session.Signal(name)
}

// exitOf reads how a program ended. No status at all means that the connection was lost.
func exitOf(exit error) (code int, signal string, err error) {
	var status *ssh.ExitError
	switch {
	case exit == nil:
		return 0, "", nil
	case errors.As(exit, &status):
		return status.ExitStatus(), signalName(status.Signal()), nil
	}
	return 0, "", connectionLost()
}

// signalName keeps a server's word for a signal where it is one.
func signalName(name string) string {
	if len(name) > 16 || strings.ContainsFunc(name, func(r rune) bool { return r < '0' || r > 'Z' }) {
		return "unknown"
	}
	return name
}
