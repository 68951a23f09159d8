package sandbox

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/id"
	"github.com/patchbay/patchbay/host/internal/sandbox/box"
)

// inlineOutput is what of each output stands in an answer; the rest is read by get_output.
const inlineOutput = 1 << 20

// reattach bounds how often the output of one command is asked for again, where the adapter went away meanwhile.
const reattach = 20

type commandInput struct {
	Command    string            `json:"command"`
	Cwd        string            `json:"cwd"`
	Env        map[string]string `json:"env"`
	Stdin      string            `json:"stdin"`
	Timeout    *int              `json:"timeout"`
	Background bool              `json:"background"`
}

type codeInput struct {
	Language string            `json:"language"`
	Code     string            `json:"code"`
	Packages []string          `json:"packages"`
	Env      map[string]string `json:"env"`
	Stdin    string            `json:"stdin"`
	Timeout  int               `json:"timeout"`
}

// RunView is how a command went.
type RunView struct {
	Operation       string   `json:"operation_id"`
	Running         bool     `json:"running"`
	Stdout          string   `json:"stdout"`
	Stderr          string   `json:"stderr"`
	ExitCode        int      `json:"exit_code"`
	DurationMS      int64    `json:"duration_ms"`
	TimedOut        bool     `json:"timed_out,omitempty"`
	StdoutTruncated bool     `json:"stdout_truncated,omitempty"`
	StderrTruncated bool     `json:"stderr_truncated,omitempty"`
	StdoutOffset    uint64   `json:"stdout_offset"`
	StderrOffset    uint64   `json:"stderr_offset"`
	Files           []string `json:"files,omitempty"`
}

// inside runs an operation in a running sandbox.
func (s *Service) inside(ctx context.Context, c Call, n inner) (any, error) {
	switch c.Operation {
	case "run_command":
		return with(c.Input, func(in commandInput) (RunView, error) { return n.command(ctx, c, in) })
	case "run_code":
		return with(c.Input, func(in codeInput) (RunView, error) { return n.code(ctx, c, in) })
	case "get_output":
		return n.output(ctx, c)
	case "list_operations":
		return n.operations(ctx)
	case "send_signal":
		return with(c.Input, func(in struct {
			Operation string `json:"operation_id"`
			Signal    int    `json:"signal"`
		}) (empty, error) {
			return empty{}, n.signal(ctx, in.Operation, or(in.Signal, 15))
		})
	}
	return n.files(ctx, c)
}

func (n inner) command(ctx context.Context, c Call, in commandInput) (RunView, error) {
	limit := 30
	if in.Background {
		limit = 0
	}
	if in.Timeout != nil {
		limit = *in.Timeout
	}
	return n.start(ctx, c, box.Command{Argv: []string{"/bin/sh", "-c", in.Command}, Cwd: in.Cwd, Env: in.Env, TimeoutMilliseconds: uint64(limit) * 1000,
		Background: in.Background}, in.Stdin)
}

// languages are how a program is run, by its file.
var languages = map[string]struct{ extension, command, install string }{
	"python": {".py", "python3", "python3 -m pip install --quiet --disable-pip-version-check --find-links /workspace/wheels --target /workspace/.packages/python"},
	"node":   {".js", "node", "npm install --silent --no-audit --no-fund --prefix /workspace"},
	"bash":   {".sh", "bash", ""},
}

// code runs a program from a file, and looks which files of the workspace are newer than that.
func (n inner) code(ctx context.Context, c Call, in codeInput) (RunView, error) {
	l, ok := languages[in.Language]
	if !ok {
		return RunView{}, invalid("/language", "must be python, node or bash")
	}
	limit := uint64(min(or(in.Timeout, 30), 300)) * 1000
	if len(in.Packages) > 0 {
		if l.install == "" {
			return RunView{}, invalid("/packages", "are not for "+in.Language)
		}
		quiet := c
		quiet.Said = nil
		installed, err := n.start(ctx, quiet, box.Command{Argv: append(strings.Fields(l.install), append([]string{"--"}, in.Packages...)...), TimeoutMilliseconds: limit}, "")
		if err != nil || installed.ExitCode != 0 {
			return installed, err
		}
	}
	file := "/tmp/" + id.New("code") + l.extension
	if err := n.write(ctx, file, 0o600, strings.NewReader(in.Code)); err != nil {
		return RunView{}, err
	}
	out, err := n.start(ctx, c, box.Command{Argv: []string{l.command, file}, Env: in.Env, TimeoutMilliseconds: limit}, in.Stdin)
	if err != nil {
		return out, err
	}
	out.Files, err = n.newer(ctx, file)
	return out, err
}

// newer answers the files of the workspace that are newer than a file, which is removed.
func (n inner) newer(ctx context.Context, file string) ([]string, error) {
	var than int64
	if err := n.file(ctx, box.FileWork{Action: "stat", Path: file}, func(a box.Answer) { than = a.Entry.ModifiedMS }); err != nil {
		return nil, nil // the program has removed it
	}
	var out []string
	err := n.file(ctx, box.FileWork{Action: "list", Path: "/workspace", Recursive: true, Limit: 10000}, func(a box.Answer) {
		if a.Entry.Kind == "file" && a.Entry.ModifiedMS >= than && len(out) < 1000 && !strings.HasPrefix(a.Entry.Path, "/workspace/.packages/") {
			out = append(out, a.Entry.Path)
		}
	})
	return out, errors.Join(err, n.file(ctx, box.FileWork{Action: "remove", Path: file}, nil))
}

// start runs a command to its end, or until it has begun where it is to run in the background. It has an id of the host's, so that asking
// again after the adapter went away finds it and does not run it twice.
func (n inner) start(ctx context.Context, c Call, command box.Command, stdin string) (RunView, error) {
	command.ID = id.New("cmd")
	feed := make(chan box.Feed, 2+len(stdin)/feedBytes)
	for data := []byte(stdin); len(data) > 0; {
		size := min(len(data), feedBytes)
		feed <- box.Feed{Data: data[:size]}
		data = data[size:]
	}
	feed <- box.Feed{End: true}
	return n.follow(ctx, c, command.ID, box.Open{Start: &command}, feed, inlineOutput)
}

const feedBytes = 128 << 10

// collector takes what a command says.
type collector struct {
	view           RunView
	stdout, stderr strings.Builder
	seen, ended    bool
	said           func(stream string, offset uint64, data []byte) error
	most           int
}

// take books one answer. What was seen already, before the adapter went away, is left out.
func (k *collector) take(a box.Answer) error {
	switch {
	case a.Started != nil:
		k.seen = true
		k.state(*a.Started)
	case a.Ended != nil:
		k.ended = true
		k.state(*a.Ended)
	case a.Stdout != nil:
		return k.piece("stdout", a.Stdout, &k.stdout, &k.view.StdoutOffset, &k.view.StdoutTruncated)
	case a.Stderr != nil:
		return k.piece("stderr", a.Stderr, &k.stderr, &k.view.StderrOffset, &k.view.StderrTruncated)
	case a.Failure != nil:
		return failureOf(a.Failure)
	}
	return nil
}

func (k *collector) state(c box.CommandState) {
	v := &k.view
	v.Operation, v.Running, v.ExitCode, v.DurationMS, v.TimedOut = c.ID, c.Running, c.ExitCode, c.Milliseconds, c.TimedOut
	v.StdoutTruncated, v.StderrTruncated = v.StdoutTruncated || c.StdoutTruncated, v.StderrTruncated || c.StderrTruncated
}

func (k *collector) piece(stream string, o *box.Output, into *strings.Builder, offset *uint64, truncated *bool) error {
	k.seen = true
	data := o.Data
	if o.Offset < *offset {
		data = data[min(uint64(len(data)), *offset-o.Offset):]
	}
	if len(data) == 0 {
		return nil
	}
	at := *offset
	*offset += uint64(len(data))
	if room := k.most - into.Len(); len(data) > room {
		into.Write(data[:max(room, 0)])
		*truncated = true
	} else {
		into.Write(data)
	}
	if k.said != nil {
		return k.said(stream, at, data)
	}
	return nil
}

// follow does command work, and takes it up again where the adapter goes away in the middle.
func (n inner) follow(ctx context.Context, c Call, command string, open box.Open, feed <-chan box.Feed, most int) (RunView, error) {
	k := &collector{said: c.Said, most: most}
	if open.Attach != nil {
		k.seen, k.view.StdoutOffset, k.view.StderrOffset = true, open.Attach.StdoutOffset, open.Attach.StderrOffset
	}
	var err error
	for range reattach {
		err = n.s.cfg.Driver.Work(ctx, n.at, n.id, open, feed, k.take)
		if err == nil || !again(err) || ctx.Err() != nil {
			break
		}
		if k.seen {
			open, feed = box.Open{Attach: &box.Attach{Command: command, StdoutOffset: k.view.StdoutOffset, StderrOffset: k.view.StderrOffset}}, nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
	k.view.Stdout, k.view.Stderr = strings.ToValidUTF8(k.stdout.String(), "\uFFFD"), strings.ToValidUTF8(k.stderr.String(), "\uFFFD")
	return k.view, understood(err)
}

// again says whether the adapter went away: the command has its id, so asking again is safe.
func again(err error) bool {
	var f *catalog.Failure
	return errors.As(err, &f) && (f.Kind == catalog.AdapterUnavailable || f.Kind == catalog.OutcomeUnknown)
}

func (n inner) output(ctx context.Context, c Call) (any, error) {
	in, err := decode[struct {
		Operation string `json:"operation_id"`
		Stdout    uint64 `json:"stdout_offset"`
		Stderr    uint64 `json:"stderr_offset"`
		Wait      bool   `json:"wait"`
	}](c.Input)
	if err != nil {
		return nil, err
	}
	return n.follow(ctx, c, in.Operation, box.Open{Attach: &box.Attach{Command: in.Operation, StdoutOffset: in.Stdout, StderrOffset: in.Stderr, Now: !in.Wait}}, nil, inlineOutput)
}

func (n inner) operations(ctx context.Context) (any, error) {
	type item struct {
		Operation  string `json:"operation_id"`
		Running    bool   `json:"running"`
		ExitCode   int    `json:"exit_code"`
		DurationMS int64  `json:"duration_ms"`
		Command    string `json:"command"`
	}
	out := struct {
		Items []item `json:"items"`
	}{[]item{}}
	err := n.work(ctx, box.Open{Commands: true}, nil, func(a box.Answer) error {
		if k := a.Command; k != nil && len(out.Items) < 1000 {
			out.Items = append(out.Items, item{k.ID, k.Running, k.ExitCode, k.Milliseconds, k.Summary})
		}
		return nil
	})
	return out, err
}

func (n inner) signal(ctx context.Context, command string, number int) error {
	feed := make(chan box.Feed, 1)
	feed <- box.Feed{Signal: int32(number)}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	err := n.work(ctx, box.Open{Attach: &box.Attach{Command: command, StdoutOffset: 1 << 60, StderrOffset: 1 << 60}}, feed, func(box.Answer) error { return nil })
	if ctx.Err() != nil {
		return nil // it was sent, and the command goes on
	}
	return err
}

// work is the driver's, with the agent's refusals as failures.
func (n inner) work(ctx context.Context, open box.Open, feed <-chan box.Feed, each func(box.Answer) error) error {
	return understood(n.s.cfg.Driver.Work(ctx, n.at, n.id, open, feed, func(a box.Answer) error {
		if a.Failure != nil {
			return failureOf(a.Failure)
		}
		return each(a)
	}))
}

// failureOf makes a failure of an agent's refusal.
func failureOf(f *box.Failure) error {
	kind := map[string]catalog.Kind{"not_found": catalog.NotFound, "invalid": catalog.InvalidInput, "exists": catalog.Conflict, "denied": catalog.PermissionDenied,
		"full": catalog.Conflict}[f.Reason]
	if kind == "" {
		kind = catalog.PlatformError
	}
	return &catalog.Failure{Kind: kind, Message: "In the sandbox: " + f.Detail + "."}
}

// Terminal runs an interactive program until it ends.
func (s *Service) Terminal(ctx context.Context, user, ref string, argv []string, size box.Size, feed <-chan box.Feed, said func([]byte) error) (int, error) {
	if _, err := s.running(ctx, user, ref); err != nil {
		return 0, err
	}
	v, err := s.Settings(ctx)
	if err != nil {
		return 0, err
	}
	defer s.touch(ref)()
	n := inner{s, s.place(v), ref}
	command := box.Command{Argv: argv, Terminal: &size, MaxOutputBytes: 256 << 20}
	view, err := n.follow(ctx, Call{Said: func(_ string, _ uint64, data []byte) error { return said(data) }}, "", box.Open{Start: &command}, feed, 0)
	return view.ExitCode, err
}
