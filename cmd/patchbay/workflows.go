package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

type workflowCmd struct {
	Apply   workflowApplyCmd   `cmd:"" help:"Store a workflow from a file in YAML or JSON, or another version of it."`
	Run     workflowRunCmd     `cmd:"" help:"Start a run, and follow it to its end."`
	List    workflowListCmd    `cmd:"" help:"List your workflows."`
	Show    workflowShowCmd    `cmd:"" help:"Show a workflow's document."`
	Delete  workflowDeleteCmd  `cmd:"" help:"Remove a workflow; its runs stay in the history."`
	Enable  workflowEnableCmd  `cmd:"" help:"Let requests, schedules and its webhook start runs."`
	Disable workflowDisableCmd `cmd:"" help:"Let nothing but test runs start."`
	Export  workflowExportCmd  `cmd:"" help:"Print the document in words that another user can import."`
	Import  workflowImportCmd  `cmd:"" help:"Store a workflow from another user's document, with your accounts."`
	Webhook workflowWebhookCmd `cmd:"" help:"Make the address at which signed messages start runs; its secret is printed once."`
}

type workflowRecord struct {
	Name       string            `json:"name"`
	Enabled    bool              `json:"enabled"`
	Version    int               `json:"version"`
	Document   string            `json:"document"`
	Bindings   map[string]string `json:"bindings"`
	WebhookURL string            `json:"webhook_url"`
	UpdatedAt  time.Time         `json:"updated_at"`
}

func (w workflowRecord) state() string {
	if w.Enabled {
		return "enabled"
	}
	return "disabled"
}

func (c *console) applied(w workflowRecord) {
	c.say("%s is stored as version %d, %s.", clean(w.Name), w.Version, w.state())
	if !w.Enabled {
		c.note("Try it: patchbay workflow run %s --test. Then: patchbay workflow enable %s", clean(w.Name), clean(w.Name))
	}
}

type workflowApplyCmd struct {
	File string `arg:"" help:"The document; - for standard input."`
	Name string `placeholder:"NAME" help:"The workflow's name; the file's when left out."`
}

// Run stores a workflow.
func (c *workflowApplyCmd) Run(ctx context.Context, at *client, con *console) error {
	raw, name, err := document(con, c.File, c.Name)
	if err != nil {
		return err
	}
	r := request{method: http.MethodPut, path: []string{"v1", "workflows", name}, body: bytes.NewReader(raw), length: int64(len(raw)),
		header: http.Header{"Content-Type": {"application/yaml"}}}
	return show(ctx, at, con, r, con.applied)
}

// document reads a document, and answers the name that its workflow is to have.
func document(con *console, file, name string) ([]byte, string, error) {
	var raw []byte
	var err error
	if file == "-" {
		raw, err = io.ReadAll(io.LimitReader(con.in, 64<<20))
	} else {
		raw, err = os.ReadFile(file)
		if name == "" {
			name = strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
		}
	}
	if err != nil {
		return nil, "", usageError("reading the document: %w", err)
	}
	if name == "" {
		return nil, "", usageError("say with --name what the workflow is to be called")
	}
	return raw, name, nil
}

type workflowRunCmd struct {
	Name   string `arg:"" help:"The workflow."`
	Input  string `placeholder:"JSON|@FILE|-" help:"The run's input: a JSON object, @ and a file that holds it, or - for standard input."`
	Test   bool   `help:"A test run: works before the workflow is enabled."`
	Detach bool   `help:"Print the run's id and do not follow it."`
}

// Run starts a run.
func (c *workflowRunCmd) Run(ctx context.Context, at *client, con *console) error {
	input, err := (&callCmd{Input: c.Input}).input(con)
	if err != nil {
		return err
	}
	body := struct {
		Input json.RawMessage `json:"input"`
		Test  bool            `json:"test,omitempty"`
	}{input, c.Test}
	run, err := fetch[runRecord](ctx, at, post(body, "v1", "workflows", c.Name, "runs"))
	if err != nil {
		return err
	}
	if c.Detach {
		if con.json {
			return con.line(map[string]string{"id": run.ID})
		}
		con.say("%s", clean(run.ID))
		return nil
	}
	return watchRun(ctx, at, con, run.ID)
}

type workflowListCmd struct{ page }

// Run lists workflows.
func (c *workflowListCmd) Run(ctx context.Context, at *client, con *console) error {
	return showList(ctx, at, con, get(c.query(), "v1", "workflows"), "You have no workflows. Store one with `patchbay workflow apply FILE`.",
		[]string{"NAME", "STATE", "VERSION", "UPDATED"},
		func(w workflowRecord) []string {
			return []string{w.Name, w.state(), strconv.Itoa(w.Version), con.dateOf(w.UpdatedAt)}
		})
}

type workflowShowCmd struct {
	Name string `arg:"" help:"The workflow."`
}

// Run shows a workflow.
func (c *workflowShowCmd) Run(ctx context.Context, at *client, con *console) error {
	return show(ctx, at, con, get(nil, "v1", "workflows", c.Name), func(w workflowRecord) {
		con.note("%s, version %d, %s", clean(w.Name), w.Version, w.state())
		con.say("%s", cleanLines(strings.TrimRight(w.Document, "\n")))
	})
}

type workflowDeleteCmd struct {
	Name string `arg:"" help:"The workflow."`
}

// Run removes a workflow.
func (c *workflowDeleteCmd) Run(ctx context.Context, at *client, con *console) error {
	r := request{method: http.MethodDelete, path: []string{"v1", "workflows", c.Name}}
	return show(ctx, at, con, r, func(struct{}) { con.say("%s is removed.", clean(c.Name)) })
}

type workflowEnableCmd struct {
	Name string `arg:"" help:"The workflow."`
}

// Run enables a workflow.
func (c *workflowEnableCmd) Run(ctx context.Context, at *client, con *console) error {
	return show(ctx, at, con, post(nil, "v1", "workflows", c.Name, "enable"), func(w workflowRecord) { con.say("%s is %s.", clean(w.Name), w.state()) })
}

type workflowDisableCmd struct {
	Name string `arg:"" help:"The workflow."`
}

// Run disables a workflow.
func (c *workflowDisableCmd) Run(ctx context.Context, at *client, con *console) error {
	return show(ctx, at, con, post(nil, "v1", "workflows", c.Name, "disable"), func(w workflowRecord) { con.say("%s is %s.", clean(w.Name), w.state()) })
}

type workflowExportCmd struct {
	Name string `arg:"" help:"The workflow."`
}

// Run exports a workflow.
func (c *workflowExportCmd) Run(ctx context.Context, at *client, con *console) error {
	return show(ctx, at, con, get(nil, "v1", "workflows", c.Name, "export"), func(w workflowRecord) {
		_, _ = io.WriteString(con.out, strings.TrimRight(w.Document, "\n")+"\n") // as it is: it goes into a file; and as in say
	})
}

type workflowImportCmd struct {
	File string            `arg:"" help:"The document; - for standard input."`
	Name string            `placeholder:"NAME" help:"The workflow's name; the file's when left out."`
	Bind map[string]string `placeholder:"WORD=ID" help:"Your account or pool for a word of the document, where the host would find another one."`
}

// Run imports a workflow.
func (c *workflowImportCmd) Run(ctx context.Context, at *client, con *console) error {
	raw, name, err := document(con, c.File, c.Name)
	if err != nil {
		return err
	}
	body := struct {
		Name     string            `json:"name"`
		Document string            `json:"document"`
		Bindings map[string]string `json:"bindings,omitempty"`
	}{name, string(raw), c.Bind}
	return show(ctx, at, con, post(body, "v1", "workflows", "import"), con.applied)
}

type workflowWebhookCmd struct {
	Name   string `arg:"" help:"The workflow."`
	Remove bool   `help:"Take the address away."`
}

// Run makes an inbound webhook, or takes it away.
func (c *workflowWebhookCmd) Run(ctx context.Context, at *client, con *console) error {
	if c.Remove {
		r := request{method: http.MethodDelete, path: []string{"v1", "workflows", c.Name, "webhook"}}
		return show(ctx, at, con, r, func(struct{}) { con.say("%s has no webhook any more.", clean(c.Name)) })
	}
	type made struct {
		URL    string `json:"url"`
		Secret string `json:"secret"`
	}
	return show(ctx, at, con, post(nil, "v1", "workflows", c.Name, "webhook"), func(m made) {
		con.note("Messages to %s start runs. Its secret is shown once:", clean(m.URL))
		con.say("%s", clean(m.Secret))
	})
}
