package main

import (
	"context"
	"strconv"
	"strings"
	"time"
)

type keyCmd struct {
	Status keyStatusCmd `cmd:"" help:"List the keys, how much hangs on each, and which hosts lack one."`
	Rotate keyRotateCmd `cmd:"" help:"Bring a new key into use, while the host runs."`
	Retire keyRetireCmd `cmd:"" help:"Take a key out of use; refused while anything hangs on it."`
}

type keyStatusCmd struct{}

// Run lists the keys.
func (keyStatusCmd) Run(ctx context.Context, at *client, con *console) error {
	type key struct {
		ID           string    `json:"id"`
		State        string    `json:"state"`
		Origin       string    `json:"origin"`
		CreatedAt    time.Time `json:"created_at"`
		Rows         int64     `json:"rows"`
		HostsMissing []string  `json:"hosts_missing"`
	}
	return showList(ctx, at, con, get(nil, "v1", "keys"), "The host has no keys.", []string{"ID", "STATE", "ROWS", "ORIGIN", "CREATED", "MISSING ON"},
		func(k key) []string {
			return []string{k.ID, k.State, strconv.FormatInt(k.Rows, 10), k.Origin, con.dateOf(k.CreatedAt), strings.Join(k.HostsMissing, ", ")}
		})
}

type keyRotateCmd struct{}

// Help is the longer help.
func (keyRotateCmd) Help() string {
	return `A new key is made and, once every live host has it, used for everything that is sealed from then on. What is sealed already is rewrapped in the
background. When patchbay key status shows nothing left on the old key, patchbay key retire takes it out of use.`
}

// Run brings a new key into use.
func (keyRotateCmd) Run(ctx context.Context, at *client, con *console) error {
	type rotated struct {
		ID           string   `json:"id"`
		State        string   `json:"state"`
		HostsMissing []string `json:"hosts_missing"`
		Next         string   `json:"next"`
	}
	return show(ctx, at, con, post(nil, "v1", "keys", "rotate"), func(r rotated) {
		con.say("Key %s is %s.", clean(r.ID), clean(r.State))
		if len(r.HostsMissing) > 0 {
			con.say("These hosts lack it: %s", clean(strings.Join(r.HostsMissing, ", ")))
		}
		con.say("%s", clean(r.Next))
	})
}

type keyRetireCmd struct {
	ID string `arg:"" help:"The key."`
}

// Run takes a key out of use.
func (c *keyRetireCmd) Run(ctx context.Context, at *client, con *console) error {
	return show(ctx, at, con, post(nil, "v1", "keys", c.ID, "retire"), func(struct{}) { con.say("%s is retired.", clean(c.ID)) })
}
