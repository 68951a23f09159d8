package main

import (
	"context"
	"fmt"
	"time"
)

type refreshesCmd struct {
	target
	page
}

type refreshRecord struct {
	At         time.Time `json:"at"`
	Host       string    `json:"host"`
	Trigger    string    `json:"trigger"`
	Outcome    string    `json:"outcome"`
	Detail     string    `json:"detail"`
	DurationMS float64   `json:"duration_ms"`
}

// Run lists the refreshes.
func (c *refreshesCmd) Run(ctx context.Context, at *client, con *console) error {
	id, err := at.resolve(ctx, c.Ref, "")
	if err != nil {
		return err
	}
	return showList(ctx, at, con, get(c.query(), "v1", "integrations", id, "refreshes"), "Its token was not refreshed yet.",
		[]string{"WHEN", "WHY", "OUTCOME", "TOOK", "HOST", "DETAIL"}, func(r refreshRecord) []string {
			return []string{con.dateOf(r.At), clean(r.Trigger), clean(r.Outcome), fmt.Sprintf("%.0f ms", r.DurationMS), clean(r.Host), clean(r.Detail)}
		})
}
