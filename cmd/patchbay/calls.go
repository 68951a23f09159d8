package main

import (
	"context"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"
)

type callsCmd struct {
	List callsListCmd `cmd:"" default:"withargs" help:"List your calls, the newest first."`
	Show callsShowCmd `cmd:"" help:"Show a call with its files."`
}

type callsListCmd struct {
	Integration string `placeholder:"ID|LABEL" help:"Only calls with this account."`
	Platform    string `help:"Only calls of this platform."`
	Kind        string `help:"Only calls that ended so: ok, or a kind of failure such as rate_limited."`
	page
}

type callRecord struct {
	ID          string             `json:"id"`
	Integration string             `json:"integration"`
	Label       string             `json:"label"`
	Platform    string             `json:"platform"`
	Operation   string             `json:"operation"`
	Effect      string             `json:"effect"`
	Kind        string             `json:"kind"`
	Reason      string             `json:"reason"`
	StartedAt   time.Time          `json:"started_at"`
	DurationMS  float64            `json:"duration_ms"`
	Attempts    int                `json:"attempts"`
	BytesIn     int64              `json:"bytes_in"`
	BytesOut    int64              `json:"bytes_out"`
	Usage       map[string]float64 `json:"usage"`
	Token       string             `json:"token"`
	Files       []callFile         `json:"files"`
}

// Run lists calls.
func (c *callsListCmd) Run(ctx context.Context, at *client, con *console) error {
	id := c.Integration
	if id != "" {
		var err error
		if id, err = at.resolve(ctx, id, ""); err != nil {
			return err
		}
	}
	return showList(ctx, at, con, get(c.query("integration", id, "platform", c.Platform, "kind", c.Kind), "v1", "calls"),
		"No call matches. Run one with `patchbay call PLATFORM.OPERATION`.",
		[]string{"ID", "WHEN", "OPERATION", "ACCOUNT", "RESULT", "TOOK", "ATTEMPTS"},
		func(r callRecord) []string {
			return []string{r.ID, con.dateOf(r.StartedAt), r.Platform + "." + r.Operation, cut(r.Label, 30), r.Kind, millis(r.DurationMS),
				strconv.Itoa(r.Attempts)}
		})
}

type callsShowCmd struct {
	ID string `arg:"" help:"The call, such as call_..."`
}

// Run shows a call.
func (c *callsShowCmd) Run(ctx context.Context, at *client, con *console) error {
	return show(ctx, at, con, get(nil, "v1", "calls", c.ID), func(r callRecord) {
		con.pairs("id", r.ID, "operation", r.Platform+"."+r.Operation, "effect", r.Effect, "account", fmt.Sprintf("%s (%s)", r.Label, r.Integration),
			"result", r.Kind, "reason", r.Reason, "started", con.dateOf(r.StartedAt), "took", millis(r.DurationMS), "attempts", strconv.Itoa(r.Attempts),
			"sent", size(r.BytesIn), "received", size(r.BytesOut), "usage", units(r.Usage), "token", r.Token)
		for _, f := range r.Files {
			con.say("file %s (%s, %s): %s", clean(f.Name), clean(f.MediaType), size(f.Size), clean(f.URL))
		}
	})
}

// units says what a call used, such as "input_tokens 12".
func units(used map[string]float64) string {
	names := make([]string, 0, len(used))
	for name, n := range used {
		names = append(names, name+" "+strconv.FormatFloat(n, 'f', -1, 64))
	}
	sort.Strings(names)
	return strings.Join(names, ", ")
}
