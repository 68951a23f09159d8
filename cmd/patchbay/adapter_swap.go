package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

type adapterActivateCmd struct {
	Name    string  `arg:"" help:"The adapter."`
	Version string  `arg:"" help:"One of its releases."`
	Canary  float64 `placeholder:"SHARE" help:"Give it only a share of the calls, such as 0.1, beside the release in service."`
	Pin     bool    `help:"Keep it, though a host starts with a newer built-in release. An installed release is kept in any case."`
	Force   bool    `help:"Activate it though it loses what integrations use, and cut the calls of the release before."`
	NoWait  bool    `name:"no-wait" help:"Do not wait until every host runs it."`
}

// Help is the longer help.
func (adapterActivateCmd) Help() string {
	return `Every host starts the new release and asks who it is; only then calls go to it, and the release before ends with its last call (after 15 minutes at most).
A release that does not start is not brought in, and one that crashes or fails by its own fault in its first five minutes is rolled back, on every host.
Activating a canary without --canary gives it all calls.

    patchbay adapter activate slack 1.3.0 --canary 0.1
    patchbay adapter activate slack 1.3.0
    patchbay adapter rollback slack

The exit code is 0 when every live host runs it, 1 when one does not.`
}

// Run brings a release into service and waits for the hosts.
func (c *adapterActivateCmd) Run(ctx context.Context, at *client, con *console) error {
	in := map[string]any{"version": c.Version, "canary": c.Canary, "pin": c.Pin, "force": c.Force}
	if c.Canary == 0 {
		delete(in, "canary")
	}
	raw, err := at.ask(ctx, post(in, "v1", "adapters", c.Name, "activate"))
	if err != nil {
		return err
	}
	return con.followed(ctx, at, c.Name, raw, c.NoWait)
}

type adapterRollbackCmd struct {
	Name   string `arg:"" help:"The adapter."`
	Force  bool   `help:"Cut the calls of the release that goes."`
	NoWait bool   `name:"no-wait" help:"Do not wait until every host has done it."`
}

// Run brings the release before back.
func (c *adapterRollbackCmd) Run(ctx context.Context, at *client, con *console) error {
	raw, err := at.ask(ctx, post(map[string]any{"force": c.Force}, "v1", "adapters", c.Name, "rollback"))
	if err != nil {
		return err
	}
	return con.followed(ctx, at, c.Name, raw, c.NoWait)
}

type adapterDisableCmd struct {
	Name  string `arg:"" help:"The adapter."`
	Force bool   `help:"Cut its calls instead of letting them end."`
}

// Run takes an adapter out of service.
func (c *adapterDisableCmd) Run(ctx context.Context, at *client, con *console) error {
	raw, err := at.ask(ctx, post(map[string]any{"force": c.Force}, "v1", "adapters", c.Name, "disable"))
	if err != nil {
		return err
	}
	return con.followed(ctx, at, c.Name, raw, false)
}

type adapterEnableCmd struct {
	Name string `arg:"" help:"The adapter."`
}

// Run puts an adapter back into service.
func (c *adapterEnableCmd) Run(ctx context.Context, at *client, con *console) error {
	raw, err := at.ask(ctx, post(nil, "v1", "adapters", c.Name, "enable"))
	if err != nil {
		return err
	}
	return con.followed(ctx, at, c.Name, raw, false)
}

// followEvery is how often the hosts are asked whether they have followed.
const followEvery = 200 * time.Millisecond

// followed waits until every host has brought about, or given up, the desired state that the host answered, and tells.
func (c *console) followed(ctx context.Context, at *client, name string, raw json.RawMessage, noWait bool) error {
	want, err := decode[desiredView](raw)
	if err != nil {
		return err
	}
	if noWait {
		if c.json {
			return c.document(raw)
		}
		c.say("%s is to run %s.", clean(name), clean(want.Version))
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		all, err := fetch[list[adapterView]](ctx, at, get(nil, "v1", "adapters"))
		if err != nil {
			return err
		}
		for _, a := range all.Items {
			if a.Name == name && a.done(want) {
				return c.outcome(ctx, at, a, want)
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not every host has followed: patchbay adapter list shows which")
		case <-time.After(followEvery):
		}
	}
}

func (a adapterView) done(want desiredView) bool {
	for _, h := range a.Hosts {
		if h.Revision < want.Revision || h.Swapping {
			return false
		}
	}
	return len(a.Hosts) > 0
}

// outcome tells what came of a change; it is an error where a host does not run what was wanted.
func (c *console) outcome(ctx context.Context, at *client, a adapterView, want desiredView) error {
	if c.json {
		if err := c.value(a); err != nil {
			return err
		}
	}
	for _, h := range a.Hosts {
		serves := h.Version == want.Version && (want.Canary == "" || h.Canary != nil && h.Canary.Version == want.Canary)
		if !serves && !want.Disabled || want.Disabled && h.State != "disabled" {
			return fmt.Errorf("host %s runs %s %s, not what was wanted: %s (patchbay adapter events %s says more)", clean(h.Host), clean(a.Name), clean(h.Version),
				clean(firstOf(h.Problem, whyGivenUp(ctx, at, a.Name, firstOf(want.Canary, want.Version)), "it was changed meanwhile")), clean(a.Name))
		}
	}
	if c.json {
		return nil
	}
	switch {
	case want.Disabled:
		c.say("%s is out of service on %s.", clean(a.Name), hostsText(len(a.Hosts)))
	case want.Canary != "":
		c.say("%s %s gets %s of the calls on %s; %s serves the rest.", clean(a.Name), clean(want.Canary), percent(want.Share), hostsText(len(a.Hosts)), clean(want.Version))
	default:
		c.say("%s %s is in service on %s.", clean(a.Name), clean(want.Version), hostsText(len(a.Hosts)))
	}
	return nil
}

// whyGivenUp answers why a release was given up, or "".
func whyGivenUp(ctx context.Context, at *client, name, version string) string {
	all, err := fetch[list[releaseView]](ctx, at, get(nil, "v1", "adapters", name, "releases"))
	if err != nil {
		return "" // the error that is told is another one
	}
	for _, r := range all.Items {
		if r.Version == version && r.FailedReason != "" {
			return r.FailedReason
		}
	}
	return ""
}

func hostsText(n int) string {
	if n == 1 {
		return "the host"
	}
	return fmt.Sprintf("all %d hosts", n)
}
