package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/patchbay/patchbay/plugins/sandbox/agent"
	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sandbox"
)

// Work hands everything on to the agent inside. What comes from there is not believed to be more than bytes.
func (s *service) Work(ctx context.Context, at sandbox.Place, id string, open sandbox.Open, stream sandbox.Stream) error {
	p, r, _, err := s.open(at, id)
	if err != nil {
		return err
	}
	err = converse(ctx, p, r, open, stream.Receive, stream.Send)
	var broken *brokenError
	if !errors.As(err, &broken) {
		return err
	}
	switch state := s.status(ctx, p, r); state {
	case sandbox.Running:
		return sdk.Errorf(sdk.OutcomeUnknown, "The sandbox stopped answering in the middle of the work: %v", broken)
	case sandbox.Unknown:
		return sdk.Errorf(sdk.PlatformUnavailable, "It is not known how the sandbox is; try again.")
	default:
		return sdk.Errorf(sdk.Conflict, "The sandbox is %s.", state)
	}
}

// brokenError is the error of a conversation without an end.
type brokenError struct{ said string }

// Error says what the client said.
func (e *brokenError) Error() string { return e.said }

// converse runs a client inside and passes both directions on.
func converse(ctx context.Context, p place, r Runtime, open sandbox.Open, receive func() (sandbox.Feed, error), send func(sandbox.Answer) error) error {
	cmd, err := r.Client(ctx, p)
	if err != nil {
		return unavailable("%v.", err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, outW, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }() // only read
	var said limited
	cmd.Stdout, cmd.Stderr = outW, &said
	err = cmd.Start()
	_ = outW.Close() // the child has its copy
	if err != nil {
		return fmt.Errorf("starting the client: %w", err)
	}
	to := agent.NewWriter(in)
	if err := to.Write(open); err == nil && receive != nil {
		go feed(to, receive) // ends with the stream
	}
	last, err := relay(out, open.Start != nil && open.Start.Background, send)
	_ = in.Close() // the agent hears that nobody listens
	_ = cmd.Process.Kill()
	waited := cmd.Wait()
	if last || err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &brokenError{strings.TrimSpace(fmt.Sprintf("%v %s", waited, bytes.ToValidUTF8(said.Bytes()[:min(said.Len(), 300)], nil)))}
}

// feed passes on what the host gives, until it ends.
func feed(to *agent.Writer, receive func() (sandbox.Feed, error)) {
	for {
		f, err := receive()
		if err != nil || to.Write(f) != nil {
			return
		}
	}
}

// relay passes on what the agent answers, and says whether the last answer came.
func relay(from io.Reader, background bool, send func(sandbox.Answer) error) (last bool, err error) {
	for {
		var a sandbox.Answer
		if err := agent.Read(from, &a); err != nil {
			return false, nil // the client's end says more
		}
		if err := send(a); err != nil {
			return false, err
		}
		if a.Ended != nil || a.Done || a.Failure != nil || background && a.Started != nil {
			return true, nil
		}
	}
}

// ping asks the agent for its commands.
func ping(ctx context.Context, p place, r Runtime) error {
	var failure *sandbox.Failure
	err := converse(ctx, p, r, sandbox.Open{Commands: true}, nil, func(a sandbox.Answer) error {
		failure = a.Failure
		return nil
	})
	if err == nil && failure != nil {
		return errors.New(failure.Detail)
	}
	return err
}
