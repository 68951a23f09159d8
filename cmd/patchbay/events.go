package main

import (
	"context"
	"time"
)

type eventsCmd struct {
	Type     string `placeholder:"TYPE" help:"Only these: a type such as integration.expired, or a beginning such as integration.*"`
	After    string `placeholder:"ID" help:"Onwards from this event, the oldest first; \"first\" begins with the oldest that is kept."`
	AllUsers bool   `name:"all-users" help:"Everybody's and the host's own; operators only."`
	page
}

type eventRecord struct {
	ID        string         `json:"id"`
	Type      string         `json:"type"`
	User      string         `json:"user"`
	Subject   string         `json:"subject"`
	Data      map[string]any `json:"data"`
	CreatedAt time.Time      `json:"created_at"`
}

// Run lists events.
func (c *eventsCmd) Run(ctx context.Context, at *client, con *console) error {
	everybody := map[bool]string{true: "true"}[c.AllUsers]
	r := get(c.query("type", c.Type, "after", c.After, "all_users", everybody), "v1", "events")
	return showList(ctx, at, con, r, "Nothing happened.", []string{"ID", "WHEN", "TYPE", "SUBJECT", "REASON"},
		func(e eventRecord) []string {
			reason, _ := e.Data["reason"].(string)
			return []string{e.ID, con.dateOf(e.CreatedAt), e.Type, e.Subject, cut(reason, 60)}
		})
}
