package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

type callCmd struct {
	Operation   string        `arg:"" name:"platform.operation" help:"What to run, such as slack.send_message."`
	Integration string        `xor:"with" placeholder:"ID|LABEL" help:"With which account; may be left out while the platform has one active account of yours."`
	Pool        string        `placeholder:"NAME" xor:"with" help:"With a pool of accounts, which are used in turn."`
	Input       string        `placeholder:"JSON|@FILE|-" help:"The input: a JSON object, @ and a file that holds it, or - for standard input."`
	Timeout     time.Duration `placeholder:"30s" help:"How long the call may take, at most 15m; 2m when left out."`
	File        []string      `sep:"none" placeholder:"PATH" help:"A file to send along, for operations that take files."`
	Stream      bool          `help:"Print what comes before the result, one JSON value on a line; progress goes to standard error."`
	Key         string        `name:"idempotency-key" placeholder:"KEY" help:"A repeated call with the same key and input gets the first one's answer, for 24 hours."`
	OutputDir   string        `name:"output-dir" placeholder:"FOLDER" help:"Save the files of the answer here."`
}

// Help is the longer help.
func (callCmd) Help() string {
	return `The output is printed as JSON; with --json the whole answer is, with its id, files, attempts and usage.

    patchbay call slack.send_message --input '{"channel":"C0123","text":"hello"}'
    patchbay call remote-server.execute_command --integration web1 --input '{"command":"uname -a"}'
    patchbay call openai.chat --stream --input @question.json
    patchbay call slack.upload_file --file report.pdf --input '{"channel":"C0123"}'

patchbay platforms PLATFORM OPERATION shows what an operation takes.`
}

// callBody is the body of POST /v1/calls.
type callBody struct {
	Integration string          `json:"integration,omitempty"`
	Pool        string          `json:"pool,omitempty"`
	Operation   string          `json:"operation"`
	Input       json.RawMessage `json:"input"`
	Timeout     string          `json:"timeout,omitempty"`
}

// answer is what a call gave.
type answer struct {
	ID         string          `json:"id"`
	Output     json.RawMessage `json:"output"`
	OutputFile string          `json:"output_file"`
	Files      []callFile      `json:"files"`
}

// Run runs the operation.
func (c *callCmd) Run(ctx context.Context, at *client, con *console) error {
	platform, op, err := splitOperation(c.Operation)
	if err != nil {
		return err
	}
	input, err := c.input(con)
	if err != nil {
		return err
	}
	files, err := openFiles(c.File)
	if err != nil {
		return err
	}
	defer files.close()
	body := callBody{Pool: c.Pool, Operation: op, Input: input}
	if c.Pool == "" {
		if body.Integration, err = c.integrationFor(ctx, at, platform); err != nil {
			return err
		}
	} else if err := poolOf(ctx, at, c.Pool, platform); err != nil {
		return err
	}
	if c.Timeout > 0 {
		body.Timeout = c.Timeout.String()
	}
	r, err := c.request(body, files)
	if err != nil {
		return err
	}
	raw, err := c.send(ctx, at, con, r)
	if err != nil {
		return fateUnknown(err)
	}
	return c.present(ctx, at, con, raw)
}

// input reads the JSON object that is sent.
func (c *callCmd) input(con *console) (json.RawMessage, error) {
	raw := []byte(c.Input)
	var err error
	switch {
	case c.Input == "":
		return json.RawMessage("{}"), nil
	case c.Input == "-":
		raw, err = io.ReadAll(io.LimitReader(con.in, 64<<20))
	case strings.HasPrefix(c.Input, "@"):
		raw, err = readLarge(c.Input[1:])
	}
	if err != nil {
		return nil, usageError("reading the input: %w", err)
	}
	raw = bytes.TrimSpace(raw)
	if !json.Valid(raw) || len(raw) == 0 || raw[0] != '{' {
		return nil, usageError("the input is not a JSON object")
	}
	return raw, nil
}

// integrationFor answers the id of the integration to use. It must belong to the platform: another one may have an operation of the same name.
func (c *callCmd) integrationFor(ctx context.Context, at *client, platform string) (string, error) {
	if strings.HasPrefix(c.Integration, "int_") {
		i, err := fetch[integration](ctx, at, getIntegration(c.Integration))
		var p *problem
		if errors.As(err, &p) && p.Status == http.StatusForbidden {
			return c.Integration, nil // a token that may only call cannot look, and it named the one it means
		}
		if err == nil && i.Platform != platform {
			return "", usageError("%s is an account of %s, not of %s", c.Integration, i.Platform, platform)
		}
		return c.Integration, err
	}
	q := query("platform", platform, "query", c.Integration)
	if c.Integration == "" {
		q = query("platform", platform, "status", "active")
	}
	found, err := fetchAll[integration](ctx, at, q, "v1", "integrations")
	if err == nil && len(found) == 0 {
		err = missing(ctx, at, platform)
	}
	switch {
	case err != nil:
		return "", err
	case c.Integration != "":
		one, err := pick(found, c.Integration)
		return one.ID, err
	case len(found) == 1:
		return found[0].ID, nil
	case len(found) == 0:
		return "", errors.New("you have no active account of " + platform + ": connect one with `patchbay connect " + platform + "`")
	}
	return "", usageError("several accounts of %s are active; choose with --integration:\n%s", platform, candidates(found))
}

// poolOf refuses a pool of another platform, which may have an operation of the same name.
func poolOf(ctx context.Context, at *client, ref, platform string) error {
	p, err := fetch[poolRecord](ctx, at, get(nil, "v1", "pools", ref))
	var refused *problem
	if errors.As(err, &refused) && refused.Status == http.StatusForbidden {
		return nil // a token that may only call cannot look, and it named the one it means
	}
	if err == nil && p.Platform != platform {
		return usageError("the pool %s is of %s, not of %s", ref, p.Platform, platform)
	}
	return err
}

// missing answers the host's word that it has no such platform: connecting it would not help. Nil means that it has, or does not say.
func missing(ctx context.Context, at *client, platform string) error {
	_, err := fetch[json.RawMessage](ctx, at, get(nil, "v1", "platforms", platform))
	var p *problem
	if errors.As(err, &p) && p.Code == "platform_not_found" {
		return err
	}
	return nil
}

// request makes the request of the call, in JSON or, with files, as a form.
func (c *callCmd) request(body callBody, files attachments) (request, error) {
	r := request{method: http.MethodPost, path: []string{"v1", "calls"}, header: http.Header{}, patience: longPatience}
	if c.Key != "" {
		r.header.Set("Idempotency-Key", c.Key)
	}
	if c.Stream {
		r.header.Set("Accept", "text/event-stream")
	}
	if len(files) == 0 {
		r.in = body
		return r, nil
	}
	return r, files.attach(&r, body)
}

// send sends the call and answers the JSON of its answer.
func (c *callCmd) send(ctx context.Context, at *client, con *console, r request) (json.RawMessage, error) {
	if c.Stream {
		return streamCall(ctx, at, con, r)
	}
	return at.ask(ctx, r)
}

// present prints the answer and fetches its files.
func (c *callCmd) present(ctx context.Context, at *client, con *console, raw json.RawMessage) error {
	a, err := decode[answer](raw)
	if err != nil {
		return err
	}
	if err := c.print(ctx, at, con, raw, a); err != nil {
		return err
	}
	for _, f := range a.Files {
		if f.ID == a.OutputFile && !con.json {
			continue // it was printed as the output
		}
		if c.OutputDir == "" {
			con.note("file %s (%s, %s): %s", clean(f.Name), clean(f.MediaType), size(f.Size), clean(f.URL))
			continue
		}
		path, err := saveFile(ctx, at, a.ID, f, c.OutputDir)
		if err != nil {
			return err
		}
		con.note("saved %s (%s)", path, size(f.Size))
	}
	return nil
}

// print prints the output, or the whole answer with --json. A stream has one value on each line.
func (c *callCmd) print(ctx context.Context, at *client, con *console, raw json.RawMessage, a answer) error {
	switch {
	case con.json && c.Stream:
		return con.line(streamLine{"result", raw})
	case con.json:
		return con.document(raw)
	case a.OutputFile != "":
		return copyFile(ctx, at, a.ID, a.OutputFile, con.out)
	case c.Stream:
		return con.line(orNull(a.Output))
	}
	return con.document(orNull(a.Output))
}

func orNull(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("null")
	}
	return raw
}

// fateUnknown adds what a connection that broke after sending leaves open.
func fateUnknown(err error) error {
	var e *exitError
	if !errors.As(err, &e) || e.code != exitUnreachable || !e.sent {
		return err
	}
	return unreachableError("%w\nWhether the call was run is not known: `patchbay calls` shows it; --idempotency-key makes a repetition safe", err)
}
