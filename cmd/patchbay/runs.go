package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
)

type runCmd struct {
	List    runListCmd    `cmd:"" help:"List your runs, the newest first."`
	Show    runShowCmd    `cmd:"" help:"Show a run, node by node."`
	Watch   runWatchCmd   `cmd:"" help:"Follow a run to its end."`
	Cancel  runCancelCmd  `cmd:"" help:"End a run."`
	Retry   runRetryCmd   `cmd:"" help:"Run again what failed in a run that has ended."`
	Approve runApproveCmd `cmd:"" help:"Decide about a node that waits for you."`
}

type runRecord struct {
	ID         string                `json:"id"`
	Workflow   string                `json:"workflow"`
	Trigger    string                `json:"trigger"`
	State      string                `json:"state"`
	Code       string                `json:"code"`
	Error      string                `json:"error"`
	ErrorNode  string                `json:"error_node"`
	Output     json.RawMessage       `json:"output"`
	Nodes      map[string]runNodeRow `json:"nodes"`
	Order      []string              `json:"order"`
	CreatedAt  time.Time             `json:"created_at"`
	FinishedAt *time.Time            `json:"finished_at"`
}

type runNodeRow struct {
	Node      string `json:"node"`
	State     string `json:"state"`
	WaitsFor  string `json:"waits_for"`
	Attempt   int    `json:"attempt"`
	Items     *int   `json:"items"`
	ItemsOpen *int   `json:"items_open"`
	Code      string `json:"code"`
	Error     string `json:"error"`
}

// how says in a few words how a node is.
func (n runNodeRow) how() string {
	out := n.State
	if n.WaitsFor != "" {
		out += " for " + n.WaitsFor
	}
	if n.Items != nil && n.ItemsOpen != nil {
		out += fmt.Sprintf(" %d/%d", *n.Items-*n.ItemsOpen, *n.Items)
	}
	return out
}

func (c *console) run(r runRecord) {
	c.pairs("id", r.ID, "workflow", r.Workflow, "trigger", r.Trigger, "state", r.State, "node", r.ErrorNode, "because", r.Error,
		"started", c.dateOf(r.CreatedAt), "ended", c.date(r.FinishedAt))
	rows := make([][]string, 0, len(r.Order))
	for _, name := range r.Order {
		n := r.Nodes[name]
		rows = append(rows, []string{name, n.how(), strconv.Itoa(n.Attempt), n.Code, cut(n.Error, 80)})
	}
	if len(rows) > 0 {
		c.table([]string{"NODE", "STATE", "ATTEMPT", "CODE", "PROBLEM"}, rows)
	}
	if len(r.Output) > 0 {
		_ = c.document(r.Output) // as in say
	}
}

type runListCmd struct {
	Workflow string `placeholder:"NAME" help:"Of this workflow alone."`
	State    string `placeholder:"STATE" help:"running, succeeded, failed or cancelled."`
	page
}

// Run lists runs.
func (c *runListCmd) Run(ctx context.Context, at *client, con *console) error {
	return showList(ctx, at, con, get(c.query("workflow", c.Workflow, "state", c.State), "v1", "runs"), "There are no runs. Start one: patchbay workflow run NAME",
		[]string{"ID", "WORKFLOW", "TRIGGER", "STATE", "STARTED", "PROBLEM"},
		func(r runRecord) []string {
			return []string{r.ID, r.Workflow, r.Trigger, r.State, con.dateOf(r.CreatedAt), cut(r.Error, 60)}
		})
}

type runShowCmd struct {
	ID string `arg:"" help:"The run, such as run_..."`
}

// Run shows a run.
func (c *runShowCmd) Run(ctx context.Context, at *client, con *console) error {
	return show(ctx, at, con, get(nil, "v1", "runs", c.ID), con.run)
}

type runWatchCmd struct {
	ID string `arg:"" help:"The run, such as run_..."`
}

// Run follows a run.
func (c *runWatchCmd) Run(ctx context.Context, at *client, con *console) error {
	return watchRun(ctx, at, con, c.ID)
}

// watchRun prints what changes in a run until it has ended, then the run. A run that did not succeed is an error.
func watchRun(ctx context.Context, at *client, con *console, id string) error {
	answer, err := at.send(ctx, get(nil, "v1", "runs", id, "events"))
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }() // read to its end, or given up
	events := newEventReader(answer.Body)
	for {
		e, err := events.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return at.unreachable(ctx, err)
		}
		if err := con.runEvent(id, e); err != nil {
			return err
		}
	}
	r, err := fetch[runRecord](ctx, at, get(nil, "v1", "runs", id))
	if err != nil {
		return err
	}
	if !con.json {
		con.run(r)
	}
	if r.State != "succeeded" {
		return fmt.Errorf("the run %s %s", r.ID, r.State)
	}
	return nil
}

// runEvent prints one event of a run.
func (c *console) runEvent(id string, e event) error {
	if e.name == "error" {
		if p := decodeProblem(e.data); p != nil {
			return p
		}
	}
	if c.json {
		return c.line(streamLine{e.name, e.data})
	}
	switch e.name {
	case "node":
		if n, err := decode[runNodeRow](e.data); err == nil {
			c.note("%s: %s %s", clean(n.Node), clean(n.how()), clean(n.Error))
			if n.WaitsFor == "approval" || n.WaitsFor == "unknown" {
				c.note("  decide with: patchbay run approve %s %s", clean(id), clean(n.Node))
			}
		}
	case "run":
		if r, err := decode[runRecord](e.data); err == nil {
			c.note("%s is %s", clean(r.ID), clean(r.State))
		}
	}
	return nil
}

type runCancelCmd struct {
	ID string `arg:"" help:"The run, such as run_..."`
}

// Run ends a run.
func (c *runCancelCmd) Run(ctx context.Context, at *client, con *console) error {
	return show(ctx, at, con, post(nil, "v1", "runs", c.ID, "cancel"), con.run)
}

type runRetryCmd struct {
	ID   string `arg:"" help:"The run, such as run_..."`
	Node string `placeholder:"NAME" help:"From this node on; what failed or was cancelled when left out."`
}

// Run retries a run.
func (c *runRetryCmd) Run(ctx context.Context, at *client, con *console) error {
	body := struct {
		Node string `json:"node,omitempty"`
	}{c.Node}
	return show(ctx, at, con, post(body, "v1", "runs", c.ID, "retry"), con.run)
}

type runApproveCmd struct {
	ID     string `arg:"" help:"The run, such as run_..."`
	Node   string `arg:"" help:"The node that waits."`
	Item   *int   `placeholder:"N" help:"The item, of a node with for_each."`
	Reject bool   `xor:"decision" help:"Do not let it run."`
	Repeat bool   `xor:"decision" help:"Of a write whose fate is unknown: send it again."`
	Accept bool   `xor:"decision" help:"Of such a write: take it as done."`
}

// Run decides about a node.
func (c *runApproveCmd) Run(ctx context.Context, at *client, con *console) error {
	decision := "approve"
	switch {
	case c.Reject:
		decision = "reject"
	case c.Repeat:
		decision = "retry"
	case c.Accept:
		decision = "accept"
	}
	body := struct {
		Node     string `json:"node"`
		Item     *int   `json:"item,omitempty"`
		Decision string `json:"decision"`
	}{c.Node, c.Item, decision}
	return show(ctx, at, con, post(body, "v1", "runs", c.ID, "approve"), con.run)
}
