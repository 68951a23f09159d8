package main

import (
	"context"
	"strconv"
	"strings"
	"time"
)

type hostsCmd struct{}

// Run lists the live hosts.
func (hostsCmd) Run(ctx context.Context, at *client, con *console) error {
	type host struct {
		ID        string    `json:"id"`
		Name      string    `json:"name"`
		Address   string    `json:"address"`
		Version   string    `json:"version"`
		StartedAt time.Time `json:"started_at"`
		BeatAt    time.Time `json:"heartbeat_at"`
		Self      bool      `json:"self"`
	}
	return showList(ctx, at, con, get(nil, "v1", "hosts"), "No host is live.",
		[]string{"ID", "NAME", "ADDRESS", "VERSION", "STARTED", "LAST BEAT", "ANSWERED"},
		func(h host) []string {
			return []string{h.ID, h.Name, h.Address, h.Version, con.dateOf(h.StartedAt), con.dateOf(h.BeatAt), yes(h.Self)}
		})
}

type adapterCmd struct {
	List adapterListCmd `cmd:"" help:"List the adapters with their state on every host."`
	Test adapterTestCmd `cmd:"" help:"Check that a program is a good adapter."`
}

type adapterListCmd struct{}

// Run lists adapters, a row for each host.
func (adapterListCmd) Run(ctx context.Context, at *client, con *console) error {
	type adapter struct {
		Name    string `json:"name"`
		Desired struct {
			Version string `json:"version"`
		} `json:"desired"`
		Platforms []string `json:"platforms"`
		Hosts     []struct {
			Host        string `json:"host"`
			Version     string `json:"version"`
			State       string `json:"state"`
			PID         int    `json:"pid"`
			Restarts    int    `json:"restarts"`
			Confinement string `json:"confinement"`
			Problem     string `json:"problem"`
			InFlight    int    `json:"in_flight"`
		} `json:"hosts"`
	}
	return show(ctx, at, con, get(nil, "v1", "adapters"), func(l list[adapter]) {
		if len(l.Items) == 0 {
			con.note("The host has no adapters. They are programs in the folder that serve's --adapters names.")
			return
		}
		var rows [][]string
		for _, a := range l.Items {
			for _, h := range a.Hosts {
				pid := ""
				if h.PID != 0 {
					pid = strconv.Itoa(h.PID)
				}
				rows = append(rows, []string{a.Name, a.Desired.Version, strings.Join(a.Platforms, ","), h.Host, firstOf(h.State, "unknown"), pid,
					strconv.Itoa(h.Restarts), strconv.Itoa(h.InFlight), h.Confinement, cut(h.Problem, 60)})
			}
		}
		con.table([]string{"NAME", "VERSION", "PLATFORMS", "HOST", "STATE", "PID", "RESTARTS", "CALLS", "CONFINEMENT", "PROBLEM"}, rows)
	})
}
