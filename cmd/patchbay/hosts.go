package main

import (
	"context"
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
