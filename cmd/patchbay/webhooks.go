package main

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
)

type webhookCmd struct {
	Add          webhookAddCmd        `cmd:"" help:"Add a webhook; its secret is printed once."`
	List         webhookListCmd       `cmd:"" help:"List your webhooks."`
	Show         webhookShowCmd       `cmd:"" help:"Show a webhook."`
	Update       webhookUpdateCmd     `cmd:"" help:"Change a webhook; what is left out stays."`
	Rm           webhookRmCmd         `cmd:"" help:"Remove a webhook with its deliveries."`
	RotateSecret webhookRotateCmd     `cmd:"" name:"rotate-secret" help:"Make another secret, printed once; the old one signs beside it for 24 hours."`
	Test         webhookTestCmd       `cmd:"" help:"Send an event of the type webhook.test."`
	Deliveries   webhookDeliveriesCmd `cmd:"" help:"List what a webhook was or will be sent, the newest first."`
	Replay       webhookReplayCmd     `cmd:"" help:"Send an event again."`
}

type webhook struct {
	ID             string     `json:"id"`
	URL            string     `json:"url"`
	Types          []string   `json:"types"`
	Description    string     `json:"description"`
	Enabled        bool       `json:"enabled"`
	AllUsers       bool       `json:"all_users"`
	DisabledReason string     `json:"disabled_reason"`
	FailingSince   *time.Time `json:"failing_since"`
	CreatedAt      time.Time  `json:"created_at"`
	Secret         string     `json:"secret"`
}

// state says in a word how a webhook is.
func (w webhook) state() string {
	switch {
	case !w.Enabled:
		return "disabled"
	case w.FailingSince != nil:
		return "failing"
	}
	return "enabled"
}

func (c *console) webhook(w webhook) {
	everybody := ""
	if w.AllUsers {
		everybody = "everybody's"
	}
	c.pairs("id", w.ID, "URL", w.URL, "types", strings.Join(w.Types, ", "), "events", everybody, "description", w.Description, "state", w.state(),
		"disabled because", w.DisabledReason, "failing since", c.date(w.FailingSince), "created", c.dateOf(w.CreatedAt))
}

// webhookSecret prints a secret alone on standard output, so that it can be piped to where it is kept.
func (c *console) webhookSecret(w webhook) {
	c.note("Webhook %s for %s. Its secret is shown once:", clean(w.ID), clean(strings.Join(w.Types, ", ")))
	c.say("%s", clean(w.Secret))
}

type webhookAddCmd struct {
	URL         string   `arg:"" name:"url" help:"Where events are posted to: https://..."`
	Type        []string `placeholder:"TYPE" help:"Types that it wants: integration.expired, integration.*, or * for all, which is meant when left out."`
	Description string   `placeholder:"TEXT" help:"What it is for."`
	Disabled    bool     `help:"Add it disabled."`
	AllUsers    bool     `name:"all-users" help:"Get everybody's events and the host's own; operators only."`
}

// Help is the longer help.
func (webhookAddCmd) Help() string {
	return `Events are posted as JSON, signed as the Standard Webhooks specification says: verify the signature with the secret before you believe one.
The host's page on webhooks has an example. Private addresses are refused unless the host runs with --allow-private-webhooks.

    patchbay webhook add https://example.com/hook --type 'integration.*'
    patchbay webhook add https://ops.example.com/hook --all-users > secret`
}

// Run adds a webhook.
func (c *webhookAddCmd) Run(ctx context.Context, at *client, con *console) error {
	body := struct {
		URL         string   `json:"url"`
		Types       []string `json:"types,omitempty"`
		Description string   `json:"description,omitempty"`
		Enabled     bool     `json:"enabled"`
		AllUsers    bool     `json:"all_users,omitempty"`
	}{c.URL, c.Type, c.Description, !c.Disabled, c.AllUsers}
	return show(ctx, at, con, post(body, "v1", "webhooks"), con.webhookSecret)
}

type webhookListCmd struct{ page }

// Run lists webhooks.
func (c *webhookListCmd) Run(ctx context.Context, at *client, con *console) error {
	return showList(ctx, at, con, get(c.query(), "v1", "webhooks"), "You have no webhooks. Add one with `patchbay webhook add URL`.",
		[]string{"ID", "URL", "TYPES", "STATE", "DESCRIPTION"},
		func(w webhook) []string {
			return []string{w.ID, cut(w.URL, 60), cut(strings.Join(w.Types, ","), 40), w.state(), cut(w.Description, 40)}
		})
}

type webhookShowCmd struct {
	ID string `arg:"" help:"The webhook, such as whk_..."`
}

// Run shows a webhook.
func (c *webhookShowCmd) Run(ctx context.Context, at *client, con *console) error {
	return show(ctx, at, con, get(nil, "v1", "webhooks", c.ID), con.webhook)
}

type webhookUpdateCmd struct {
	ID          string   `arg:"" help:"The webhook, such as whk_..."`
	URL         *string  `name:"to" placeholder:"URL" help:"Where events are posted to."`
	Type        []string `placeholder:"TYPE" help:"Types that it wants; replaces those before."`
	Description *string  `placeholder:"TEXT" help:"What it is for."`
	Enable      bool     `xor:"enabled" help:"Send it what happens from now on."`
	Disable     bool     `xor:"enabled" help:"Send it nothing more, and give up what is due."`
}

// Run changes a webhook.
func (c *webhookUpdateCmd) Run(ctx context.Context, at *client, con *console) error {
	body := struct {
		URL         *string   `json:"url,omitempty"`
		Types       *[]string `json:"types,omitempty"`
		Description *string   `json:"description,omitempty"`
		Enabled     *bool     `json:"enabled,omitempty"`
	}{URL: c.URL, Types: orNil(c.Type), Description: c.Description}
	if c.Enable || c.Disable {
		body.Enabled = &c.Enable
	}
	if body.URL == nil && body.Types == nil && body.Description == nil && body.Enabled == nil {
		return usageError("nothing to change: name a setting, such as --type or --disable")
	}
	r := request{method: http.MethodPatch, path: []string{"v1", "webhooks", c.ID}, in: body}
	return show(ctx, at, con, r, con.webhook)
}

type webhookRmCmd struct {
	ID string `arg:"" help:"The webhook, such as whk_..."`
}

// Run removes a webhook.
func (c *webhookRmCmd) Run(ctx context.Context, at *client, con *console) error {
	r := request{method: http.MethodDelete, path: []string{"v1", "webhooks", c.ID}}
	return show(ctx, at, con, r, func(struct{}) { con.say("%s is removed.", clean(c.ID)) })
}

type webhookRotateCmd struct {
	ID string `arg:"" help:"The webhook, such as whk_..."`
}

// Run makes another secret.
func (c *webhookRotateCmd) Run(ctx context.Context, at *client, con *console) error {
	return show(ctx, at, con, post(nil, "v1", "webhooks", c.ID, "rotate-secret"), con.webhookSecret)
}

type webhookTestCmd struct {
	ID string `arg:"" help:"The webhook, such as whk_..."`
}

// Run sends a test.
func (c *webhookTestCmd) Run(ctx context.Context, at *client, con *console) error {
	return show(ctx, at, con, post(nil, "v1", "webhooks", c.ID, "test"), func(e eventRecord) {
		con.say("Event %s is on its way: patchbay webhook deliveries %s", clean(e.ID), clean(c.ID))
	})
}

type webhookDeliveriesCmd struct {
	ID string `arg:"" help:"The webhook, such as whk_..."`
	page
}

// Run lists deliveries.
func (c *webhookDeliveriesCmd) Run(ctx context.Context, at *client, con *console) error {
	type delivery struct {
		Event         string     `json:"event"`
		Type          string     `json:"type"`
		State         string     `json:"state"`
		Attempts      int        `json:"attempts"`
		NextAttemptAt *time.Time `json:"next_attempt_at"`
		LastAttemptAt *time.Time `json:"last_attempt_at"`
		LastError     string     `json:"last_error"`
	}
	return showList(ctx, at, con, get(c.query(), "v1", "webhooks", c.ID, "deliveries"), "Nothing was sent to it. Try it: patchbay webhook test "+c.ID,
		[]string{"EVENT", "TYPE", "STATE", "ATTEMPTS", "LAST", "NEXT", "PROBLEM"},
		func(d delivery) []string {
			return []string{d.Event, d.Type, d.State, strconv.Itoa(d.Attempts), con.date(d.LastAttemptAt), con.date(d.NextAttemptAt), cut(d.LastError, 60)}
		})
}

type webhookReplayCmd struct {
	Event   string `arg:"" help:"The event, such as evt_..."`
	Webhook string `placeholder:"ID" help:"To this webhook alone, whatever types it wants; all of yours that want it when left out."`
}

// Run sends an event again.
func (c *webhookReplayCmd) Run(ctx context.Context, at *client, con *console) error {
	type replayed struct {
		Deliveries int `json:"deliveries"`
	}
	body := struct {
		Webhook string `json:"webhook,omitempty"`
	}{c.Webhook}
	return show(ctx, at, con, post(body, "v1", "events", c.Event, "replay"), func(r replayed) {
		con.say("%d deliveries are due.", r.Deliveries)
	})
}
