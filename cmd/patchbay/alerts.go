package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

type alertCmd struct {
	List    alertListCmd    `cmd:"" default:"1" help:"List your alerts."`
	Add     alertAddCmd     `cmd:"" help:"Watch a threshold or a budget."`
	Show    alertShowCmd    `cmd:"" help:"Show an alert."`
	Enable  alertEnableCmd  `cmd:"" help:"Watch again."`
	Disable alertDisableCmd `cmd:"" help:"Stop watching."`
	Remove  alertRemoveCmd  `cmd:"" help:"Remove an alert."`
}

type alertView struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Metric    string     `json:"metric"`
	Window    string     `json:"window"`
	Threshold float64    `json:"threshold"`
	Enabled   bool       `json:"enabled"`
	State     string     `json:"state"`
	Value     float64    `json:"value"`
	ChangedAt *time.Time `json:"changed_at"`
	CheckedAt *time.Time `json:"checked_at"`
}

func number(n float64) string { return strconv.FormatFloat(n, 'g', 6, 64) }

func (c *console) alert(a alertView) {
	c.pairs("id", a.ID, "name", a.Name, "fires at", a.Metric+" "+number(a.Threshold)+" in "+a.Window, "enabled", strconv.FormatBool(a.Enabled),
		"state", a.State, "value", number(a.Value), "changed", c.date(a.ChangedAt), "looked at", c.date(a.CheckedAt))
}

type alertListCmd struct{ page }

// Run lists alerts.
func (c *alertListCmd) Run(ctx context.Context, at *client, con *console) error {
	return showList(ctx, at, con, get(c.query(), "v1", "alerts"), "You have no alerts. Add one with `patchbay alert add NAME`.",
		[]string{"ID", "NAME", "FIRES AT", "STATE", "VALUE", "LOOKED AT"},
		func(a alertView) []string {
			state := a.State
			if !a.Enabled {
				state = "disabled"
			}
			return []string{a.ID, cut(a.Name, 40), a.Metric + " " + number(a.Threshold) + " in " + a.Window, state, number(a.Value), con.date(a.CheckedAt)}
		})
}

type alertAddCmd struct {
	Name        string  `arg:"" help:"What it is called."`
	Metric      string  `required:"" placeholder:"METRIC" help:"calls, errors, error_rate, latency_p50, latency_p95, latency_p99, cost_usd, or unit:NAME."`
	Threshold   float64 `required:"" help:"It fires while the metric is this or more."`
	Window      string  `default:"24h" help:"Whole hours back from now, or day or month of the calendar (UTC)."`
	Least       int64   `help:"Fire only when there were so many calls."`
	Integration string  `placeholder:"ID|LABEL" help:"Only calls with this account."`
	Platform    string  `help:"Only calls of this platform."`
	Operation   string  `help:"Only calls of this operation."`
	Workflow    string  `placeholder:"ID" help:"Only calls of this workflow."`
	PostWith    string  `name:"post-with" placeholder:"ID|LABEL" help:"Tell of changes with this account of yours."`
	PostBy      string  `name:"post-by" placeholder:"OPERATION" help:"The operation that tells, such as send_message."`
	PostInput   string  `name:"post-input" placeholder:"JSON" help:"Its input; {{alert}}, {{state}}, {{value}}, {{threshold}}, {{metric}} and {{window}} are replaced in its texts."`
}

// Help is the longer help.
func (alertAddCmd) Help() string {
	return `An alert is an event when it fires and when it is over, which webhooks are told. It can also post with one of your accounts:

    patchbay alert add 'Budget' --metric cost_usd --threshold 50 --window month
    patchbay alert add 'Errors' --metric error_rate --threshold 0.1 --window 1h --least 20 --post-with Team --post-by send_message \\
      --post-input '{"channel":"C0123","text":"{{alert}} is {{state}}: {{value}}"}'`
}

// Run adds an alert.
func (c *alertAddCmd) Run(ctx context.Context, at *client, con *console) error {
	body := map[string]any{"name": c.Name, "metric": c.Metric, "threshold": c.Threshold, "window": c.Window}
	for name, value := range map[string]string{"platform": c.Platform, "operation": c.Operation, "workflow": c.Workflow} {
		if value != "" {
			body[name] = value
		}
	}
	if c.Least > 0 {
		body["least"] = c.Least
	}
	if c.Integration != "" {
		id, err := at.resolve(ctx, c.Integration, "")
		if err != nil {
			return err
		}
		body["integration"] = id
	}
	if c.PostWith != "" || c.PostBy != "" || c.PostInput != "" {
		if c.PostWith == "" || c.PostBy == "" || !json.Valid([]byte(c.PostInput)) {
			return usageError("--post-with, --post-by and --post-input, which is JSON, go together")
		}
		id, err := at.resolve(ctx, c.PostWith, "")
		if err != nil {
			return err
		}
		body["post"] = map[string]any{"integration": id, "operation": c.PostBy, "input": json.RawMessage(c.PostInput)}
	}
	return show(ctx, at, con, post(body, "v1", "alerts"), con.alert)
}

type alertShowCmd struct {
	ID string `arg:"" help:"The alert, such as alr_..."`
}

// Run shows an alert.
func (c *alertShowCmd) Run(ctx context.Context, at *client, con *console) error {
	return show(ctx, at, con, get(nil, "v1", "alerts", c.ID), con.alert)
}

type alertEnableCmd struct {
	ID string `arg:"" help:"The alert, such as alr_..."`
}

// Run enables an alert.
func (c *alertEnableCmd) Run(ctx context.Context, at *client, con *console) error {
	return enableAlert(ctx, at, con, c.ID, true)
}

type alertDisableCmd struct {
	ID string `arg:"" help:"The alert, such as alr_..."`
}

// Run disables an alert.
func (c *alertDisableCmd) Run(ctx context.Context, at *client, con *console) error {
	return enableAlert(ctx, at, con, c.ID, false)
}

func enableAlert(ctx context.Context, at *client, con *console, id string, enabled bool) error {
	r := request{method: http.MethodPatch, path: []string{"v1", "alerts", id}, in: map[string]bool{"enabled": enabled}}
	return show(ctx, at, con, r, con.alert)
}

type alertRemoveCmd struct {
	ID string `arg:"" help:"The alert, such as alr_..."`
}

// Run removes an alert.
func (c *alertRemoveCmd) Run(ctx context.Context, at *client, con *console) error {
	r := request{method: http.MethodDelete, path: []string{"v1", "alerts", c.ID}}
	return show(ctx, at, con, r, func(struct{}) { con.say("%s is removed.", clean(c.ID)) })
}
