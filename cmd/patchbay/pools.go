package main

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
)

type poolCmd struct {
	Create poolCreateCmd `cmd:"" help:"Make a pool of your accounts of one platform."`
	List   poolListCmd   `cmd:"" help:"List your pools."`
	Show   poolShowCmd   `cmd:"" help:"Show a pool, and what its calls did with each member."`
	Update poolUpdateCmd `cmd:"" help:"Change a pool; what is left out stays."`
	Rm     poolRmCmd     `cmd:"" help:"Remove a pool; its accounts stay."`
}

type poolRecord struct {
	ID        string       `json:"id"`
	Name      string       `json:"name"`
	Platform  string       `json:"platform"`
	Strategy  string       `json:"strategy"`
	Members   []string     `json:"members"`
	Stats     []poolMember `json:"stats"`
	CreatedAt time.Time    `json:"created_at"`
}

type poolMember struct {
	Integration string     `json:"integration"`
	Calls       int64      `json:"calls"`
	Errors      int64      `json:"errors"`
	MeanMS      float64    `json:"mean_ms"`
	LastUsedAt  *time.Time `json:"last_used_at"`
}

func (c *console) pool(p poolRecord) {
	c.pairs("id", p.ID, "name", p.Name, "platform", p.Platform, "strategy", p.Strategy, "created", c.dateOf(p.CreatedAt))
	if len(p.Stats) == 0 {
		c.pairs("members", strings.Join(p.Members, ", "))
		return
	}
	rows := make([][]string, 0, len(p.Stats))
	for _, m := range p.Stats {
		rows = append(rows, []string{m.Integration, strconv.FormatInt(m.Calls, 10), strconv.FormatInt(m.Errors, 10), millis(m.MeanMS), c.date(m.LastUsedAt)})
	}
	c.table([]string{"MEMBER", "CALLS", "FAILED", "MEAN", "LAST USED"}, rows)
}

type poolCreateCmd struct {
	Name     string   `arg:"" help:"Its name: a-z, 0-9, _ and -."`
	Members  []string `arg:"" help:"Ids of your accounts, in order, such as int_..."`
	Strategy string   `enum:"round_robin,failover" default:"round_robin" help:"round_robin begins each call with the next member, failover with the first."`
}

// Run makes a pool.
func (c *poolCreateCmd) Run(ctx context.Context, at *client, con *console) error {
	body := struct {
		Name     string   `json:"name"`
		Strategy string   `json:"strategy"`
		Members  []string `json:"members"`
	}{c.Name, c.Strategy, c.Members}
	return show(ctx, at, con, post(body, "v1", "pools"), con.pool)
}

type poolListCmd struct{ page }

// Run lists pools.
func (c *poolListCmd) Run(ctx context.Context, at *client, con *console) error {
	return showList(ctx, at, con, get(c.query(), "v1", "pools"), "You have no pools. Make one with `patchbay pool create NAME INTEGRATION...`.",
		[]string{"NAME", "PLATFORM", "STRATEGY", "MEMBERS", "ID"},
		func(p poolRecord) []string {
			return []string{p.Name, p.Platform, p.Strategy, strconv.Itoa(len(p.Members)), p.ID}
		})
}

type poolShowCmd struct {
	Pool  string `arg:"" help:"The pool: its name or its id."`
	Since string `placeholder:"720h" help:"Statistics from here on: a duration back from now, or a time."`
}

// Run shows a pool.
func (c *poolShowCmd) Run(ctx context.Context, at *client, con *console) error {
	return show(ctx, at, con, get(query("since", c.Since), "v1", "pools", c.Pool), con.pool)
}

type poolUpdateCmd struct {
	Pool     string   `arg:"" help:"The pool: its name or its id."`
	Name     *string  `placeholder:"NAME" help:"Another name."`
	Strategy *string  `placeholder:"round_robin|failover" help:"Another strategy."`
	Member   []string `placeholder:"ID" help:"Members, in order; replaces those before."`
}

// Run changes a pool.
func (c *poolUpdateCmd) Run(ctx context.Context, at *client, con *console) error {
	body := struct {
		Name     *string   `json:"name,omitempty"`
		Strategy *string   `json:"strategy,omitempty"`
		Members  *[]string `json:"members,omitempty"`
	}{c.Name, c.Strategy, orNil(c.Member)}
	if body.Name == nil && body.Strategy == nil && body.Members == nil {
		return usageError("nothing to change: name a setting, such as --member")
	}
	return show(ctx, at, con, request{method: http.MethodPatch, path: []string{"v1", "pools", c.Pool}, in: body}, con.pool)
}

type poolRmCmd struct {
	Pool string `arg:"" help:"The pool: its name or its id."`
}

// Run removes a pool.
func (c *poolRmCmd) Run(ctx context.Context, at *client, con *console) error {
	r := request{method: http.MethodDelete, path: []string{"v1", "pools", c.Pool}}
	return show(ctx, at, con, r, func(struct{}) { con.say("%s is removed.", clean(c.Pool)) })
}
