package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"
	"unicode/utf8"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/dispatch"
)

// Keys of what a result says to programs beside what it says to models.
const (
	metaCall  = "patchbay/call"
	metaError = "patchbay/error"
)

// call answers a call of a tool. A name that stands for nothing is an error of the protocol; all else that can go wrong is a result.
func (s *Server) call(ctx context.Context, c *caller, req *sdk.CallToolRequest) (sdk.Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.gone, cancel)()
	if tool, ok := s.meta.find(c, req.Params.Name); ok {
		return s.runMeta(ctx, c, tool, req)
	}
	o, ok, err := s.find(ctx, c, req.Params.Name)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, badParams(fmt.Sprintf("There is no tool %q. List the tools again.", tidy(req.Params.Name, maxName)))
	}
	return s.run(ctx, c, o, req, req.Params.Arguments, 0)
}

// run runs an operation as dispatch runs every call.
func (s *Server) run(ctx context.Context, c *caller, o offer, req *sdk.CallToolRequest, input json.RawMessage, timeout time.Duration) (*sdk.CallToolResult, error) {
	if len(input) == 0 || string(input) == "null" {
		input = json.RawMessage("{}")
	}
	if f := fits(input); f != nil {
		return s.failed(c, o.account.ID, "", f), nil
	}
	call := dispatch.Call{User: c.User, Token: c.Token, Limits: c.Limits, Integration: o.account.ID, Operation: o.operation.Name, Input: input, Timeout: timeout}
	if token := req.Params.GetProgressToken(); token != nil {
		call.Sink = &progress{ctx: ctx, session: req.Session, token: token}
	}
	var beats sync.WaitGroup
	alive, stop := context.WithCancel(ctx)
	beats.Go(func() { c.reply.keepAlive(alive) })
	answer, err := s.cfg.Dispatcher.Run(ctx, call)
	stop()
	beats.Wait()
	var f *catalog.Failure
	switch {
	case errors.As(err, &f):
		return s.failed(c, o.account.ID, answer.ID, f), nil
	case err != nil:
		return nil, err
	}
	s.cfg.Link(&answer)
	return s.succeeded(ctx, c, answer), nil
}

// fits refuses an input that dispatch does not take in.
func fits(input json.RawMessage) *catalog.Failure {
	switch {
	case !utf8.Valid(input):
		return &catalog.Failure{Kind: catalog.ValidationFailed, Message: "The arguments are not valid UTF-8."}
	case len(input) > dispatch.MaxInput:
		return &catalog.Failure{Kind: catalog.ValidationFailed, Message: fmt.Sprintf("The arguments are larger than %d MiB.", dispatch.MaxInput>>20)}
	}
	return nil
}

// succeeded makes a result of an answer: the output as structure, where it is an object, and as text; files as links, and small ones as
// what they are.
func (s *Server) succeeded(ctx context.Context, c *caller, a dispatch.Answer) *sdk.CallToolResult {
	out := &sdk.CallToolResult{Meta: sdk.Meta{metaCall: a.ID}}
	text := string(a.Output)
	if isObject(a.Output) {
		out.StructuredContent = a.Output
	}
	for _, f := range a.Files {
		if f.ID == a.OutputFile {
			out.StructuredContent = map[string]any{"output_file": f.URL, "size": f.Size}
			text = fmt.Sprintf("The operation succeeded. Its output is too large to stand here: %d bytes of JSON at %s, for some minutes.", f.Size, f.URL)
		}
	}
	out.Content = append([]sdk.Content{&sdk.TextContent{Text: text}}, s.contents(ctx, c, a)...)
	return out
}

// progress tells the client how far a call has come. Its methods are called one at a time.
type progress struct {
	ctx     context.Context
	session *sdk.ServerSession
	token   any
	last    float64
}

// Progress sends a notification: in percent where the fraction is known, counted otherwise, and always more than the one before.
func (p *progress) Progress(message string, fraction float64) error {
	at, total := p.last+1, 0.0
	if fraction >= 0 {
		at, total = fraction*100, 100
	}
	if at <= p.last {
		at = math.Nextafter(p.last, math.Inf(1))
	}
	p.last = at
	return p.session.NotifyProgress(p.ctx, &sdk.ProgressNotificationParams{ProgressToken: p.token, Message: tidy(message, maxTitle), Progress: at, Total: total})
}

// Delta is not told: the protocol has no pieces of a result, and the result holds them all.
func (p *progress) Delta(json.RawMessage) error { return nil }
