package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

type adapterCmd struct {
	List     adapterListCmd     `cmd:"" help:"List the adapters with their state on every host."`
	Releases adapterReleasesCmd `cmd:"" help:"List the releases of an adapter."`
	Events   adapterEventsCmd   `cmd:"" help:"What happened to the adapters, the newest first."`
	Install  adapterInstallCmd  `cmd:"" help:"Install a release, from a pack or a program."`
	Activate adapterActivateCmd `cmd:"" help:"Bring a release into service, without losing a call."`
	Rollback adapterRollbackCmd `cmd:"" help:"End a canary, or bring the release before back."`
	Disable  adapterDisableCmd  `cmd:"" help:"Take an adapter out of service."`
	Enable   adapterEnableCmd   `cmd:"" help:"Put an adapter back into service."`
	Key      adapterKeyCmd      `cmd:"" help:"The publishers whose signatures are accepted."`
	New      adapterNewCmd      `cmd:"" help:"Begin an adapter of your own: a folder that builds."`
	Dev      adapterDevCmd      `cmd:"" help:"Bring each saved change of an adapter into a running host."`
	Pack     adapterPackCmd     `cmd:"" help:"Make a pack of a program, for others to install."`
	Push     adapterPushCmd     `cmd:"" help:"Put a pack into a registry."`
	Test     adapterTestCmd     `cmd:"" help:"Check that a program is a good adapter."`
}

type adapterView struct {
	Name      string        `json:"name"`
	Desired   desiredView   `json:"desired"`
	Platforms []string      `json:"platforms"`
	Hosts     []adapterHost `json:"hosts"`
}

type desiredView struct {
	Version  string  `json:"version"`
	Canary   string  `json:"canary"`
	Share    float64 `json:"share"`
	Pinned   bool    `json:"pinned"`
	Disabled bool    `json:"disabled"`
	Revision int64   `json:"revision"`
}

type adapterHost struct {
	Host        string         `json:"host"`
	Version     string         `json:"version"`
	State       string         `json:"state"`
	PID         int            `json:"pid"`
	Restarts    int            `json:"restarts"`
	Confinement string         `json:"confinement"`
	Problem     string         `json:"problem"`
	InFlight    int            `json:"in_flight"`
	Trust       string         `json:"trust"`
	Publisher   string         `json:"publisher"`
	Grants      []string       `json:"grants"`
	Revision    int64          `json:"revision"`
	Swapping    bool           `json:"swapping"`
	OnTrial     bool           `json:"on_trial"`
	Canary      *otherRelease  `json:"canary"`
	Old         []otherRelease `json:"old"`
}

type otherRelease struct {
	Version  string  `json:"version"`
	State    string  `json:"state"`
	PID      int     `json:"pid"`
	InFlight int     `json:"in_flight"`
	Share    float64 `json:"share"`
}

type adapterListCmd struct{}

// Help is the longer help.
func (adapterListCmd) Help() string {
	return `VERSION is what serves on that host now, and WANTED what every host is to run. A release that came into service is on trial for five minutes: a crash,
or five failures of its own that are a fifth of its calls, bring the release before back. BESIDE names a canary, and old processes with the calls they wait for.`
}

// Run lists adapters, a row for each host.
func (adapterListCmd) Run(ctx context.Context, at *client, con *console) error {
	return show(ctx, at, con, get(nil, "v1", "adapters"), func(l list[adapterView]) {
		if len(l.Items) == 0 {
			con.note("The host has no adapters. They are programs in the folder that serve's --adapters names, or installed: patchbay adapter install.")
			return
		}
		var rows [][]string
		for _, a := range l.Items {
			for _, h := range a.Hosts {
				rows = append(rows, a.row(h))
			}
			if len(a.Hosts) == 0 {
				rows = append(rows, a.row(adapterHost{State: "on no host", Problem: "the hosts' logs say why"}))
			}
		}
		con.table([]string{"NAME", "VERSION", "WANTED", "PLATFORMS", "HOST", "STATE", "PID", "RESTARTS", "CALLS", "BESIDE", "TRUST", "CONFINEMENT", "PROBLEM"}, rows)
	})
}

func (a adapterView) row(h adapterHost) []string {
	pid, state, trust := "", firstOf(h.State, "unknown"), h.Trust
	if h.PID != 0 {
		pid = strconv.Itoa(h.PID)
	}
	if h.Swapping {
		state += ", swapping"
	}
	if h.OnTrial {
		state += ", on trial"
	}
	if h.Publisher != "" {
		trust += " by " + h.Publisher
	}
	if len(h.Grants) > 0 {
		trust += " with " + strings.Join(h.Grants, ", ")
	}
	wanted := a.Desired.Version
	if a.Desired.Pinned {
		wanted += " (pinned)"
	}
	return []string{a.Name, h.Version, wanted, strings.Join(a.Platforms, ","), h.Host, state, pid, strconv.Itoa(h.Restarts), strconv.Itoa(h.InFlight),
		h.beside(), trust, h.Confinement, cut(h.Problem, 60)}
}

func (h adapterHost) beside() string {
	var parts []string
	if c := h.Canary; c != nil {
		parts = append(parts, fmt.Sprintf("canary %s %s of calls, %s", c.Version, percent(c.Share), c.State))
	}
	for _, o := range h.Old {
		parts = append(parts, fmt.Sprintf("%s ends %d calls", o.Version, o.InFlight))
	}
	return strings.Join(parts, "; ")
}

func percent(share float64) string { return strconv.FormatFloat(share*100, 'g', 3, 64) + "%" }

type adapterReleasesCmd struct {
	Name string `arg:"" help:"The adapter."`
}

type releaseView struct {
	Version      string     `json:"version"`
	OS           string     `json:"os"`
	Arch         string     `json:"arch"`
	Digest       string     `json:"digest"`
	Size         int64      `json:"size"`
	Trust        string     `json:"trust"`
	Publisher    string     `json:"publisher"`
	Grants       []string   `json:"grants"`
	CreatedAt    time.Time  `json:"created_at"`
	FailedAt     *time.Time `json:"failed_at"`
	FailedReason string     `json:"failed_reason"`
}

// Run lists the releases of an adapter.
func (c *adapterReleasesCmd) Run(ctx context.Context, at *client, con *console) error {
	return showList(ctx, at, con, get(nil, "v1", "adapters", c.Name, "releases"), "There is no release of this adapter.",
		[]string{"VERSION", "FOR", "TRUST", "PUBLISHER", "GRANTS", "SIZE", "DIGEST", "INSTALLED", "GIVEN UP"}, func(r releaseView) []string {
			given := r.FailedReason
			if r.FailedAt != nil {
				given = con.date(r.FailedAt) + " " + given
			}
			return []string{r.Version, r.OS + "/" + r.Arch, r.Trust, r.Publisher, strings.Join(r.Grants, ", "), size(r.Size), cut(r.Digest, 20), con.dateOf(r.CreatedAt), cut(given, 60)}
		})
}

type adapterEventsCmd struct {
	Name string `arg:"" optional:"" help:"Only of this adapter."`
	page
}

// Run lists what happened.
func (c *adapterEventsCmd) Run(ctx context.Context, at *client, con *console) error {
	type event struct {
		Adapter string    `json:"adapter"`
		Version string    `json:"version"`
		Kind    string    `json:"kind"`
		Host    string    `json:"host"`
		Actor   string    `json:"actor"`
		Detail  string    `json:"detail"`
		At      time.Time `json:"at"`
	}
	return showList(ctx, at, con, get(c.query("adapter", c.Name), "v1", "adapter-events"), "Nothing has happened.",
		[]string{"AT", "ADAPTER", "VERSION", "WHAT", "BY", "HOST", "DETAIL"}, func(e event) []string {
			return []string{con.dateOf(e.At), e.Adapter, e.Version, strings.ReplaceAll(e.Kind, "_", " "), e.Actor, e.Host, cut(e.Detail, 80)}
		})
}
