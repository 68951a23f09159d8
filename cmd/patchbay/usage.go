package main

import (
	"context"
	"net/http"
	"strconv"
	"strings"
)

type usageCmd struct {
	GroupBy     string `name:"group-by" enum:"integration,platform,operation,user,workflow,day" default:"integration" help:"What to sum up by: integration, platform, operation, user, workflow or day."`
	Since       string `default:"720h" help:"From when on: a duration back from now, or a time such as 2026-01-02T15:04:05Z."`
	Integration string `placeholder:"ID|LABEL" help:"Only calls with this account."`
	Platform    string `help:"Only calls of this platform."`
	Operation   string `help:"Only calls of this operation."`
	Workflow    string `placeholder:"ID" help:"Only calls of this workflow."`
	AllUsers    bool   `name:"all-users" help:"Everybody's calls; operators only."`
}

type usageSum struct {
	Group   string `json:"group"`
	Label   string `json:"label"`
	Calls   int64  `json:"calls"`
	Errors  int64  `json:"errors"`
	Latency struct {
		P50 float64 `json:"p50"`
		P95 float64 `json:"p95"`
	} `json:"latency_ms"`
	BytesIn  int64              `json:"bytes_in"`
	BytesOut int64              `json:"bytes_out"`
	Usage    map[string]float64 `json:"usage"`
	CostUSD  float64            `json:"cost_usd"`
}

// Run sums calls up.
func (c *usageCmd) Run(ctx context.Context, at *client, con *console) error {
	id := c.Integration
	if id != "" {
		var err error
		if id, err = at.resolve(ctx, id, ""); err != nil {
			return err
		}
	}
	all := ""
	if c.AllUsers {
		all = "true"
	}
	q := query("group_by", c.GroupBy, "since", c.Since, "integration", id, "platform", c.Platform, "operation", c.Operation, "workflow", c.Workflow, "all_users", all)
	return showList(ctx, at, con, get(q, "v1", "usage"), "There were no calls in this time.",
		[]string{strings.ToUpper(c.GroupBy), "CALLS", "FAILED", "P50", "P95", "SENT", "RECEIVED", "USED", "COST"},
		func(s usageSum) []string {
			row := []string{firstOf(cut(s.Label, 30), s.Group), strconv.FormatInt(s.Calls, 10), strconv.FormatInt(s.Errors, 10), "", "", "", "", units(s.Usage), dollars(s.CostUSD)}
			if s.Calls > 0 {
				row[3], row[4], row[5], row[6] = millis(s.Latency.P50), millis(s.Latency.P95), size(s.BytesIn), size(s.BytesOut)
			}
			return row
		})
}

// dollars says a cost, or nothing.
func dollars(usd float64) string {
	switch {
	case usd == 0:
		return ""
	case usd < 0.01:
		return "$" + strconv.FormatFloat(usd, 'g', 2, 64)
	}
	return "$" + strconv.FormatFloat(usd, 'f', 2, 64)
}

type pricesCmd struct {
	Set []string `placeholder:"PLATFORM[.OPERATION]:UNIT=USD" help:"Put these in place of the table before, such as openai:input_tokens=0.0000025; '' for none."`
}

type price struct {
	Platform  string  `json:"platform"`
	Operation string  `json:"operation,omitempty"`
	Unit      string  `json:"unit"`
	USD       float64 `json:"usd"`
}

// Run shows the prices, or sets them.
func (c *pricesCmd) Run(ctx context.Context, at *client, con *console) error {
	r := get(nil, "v1", "usage", "prices")
	if len(c.Set) > 0 {
		table := []price{}
		for _, text := range c.Set {
			if text == "" {
				continue
			}
			p, err := parsePrice(text)
			if err != nil {
				return err
			}
			table = append(table, p)
		}
		r = request{method: http.MethodPut, path: []string{"v1", "usage", "prices"}, in: map[string]any{"items": table}}
	}
	return showList(ctx, at, con, r, "There are no prices. Set some with `patchbay prices --set PLATFORM:UNIT=USD`.",
		[]string{"PLATFORM", "OPERATION", "UNIT", "USD"},
		func(p price) []string {
			return []string{p.Platform, p.Operation, p.Unit, strconv.FormatFloat(p.USD, 'f', -1, 64)}
		})
}

func parsePrice(text string) (price, error) {
	what, usd, priced := strings.Cut(text, "=")
	name, unit, named := strings.Cut(what, ":")
	platform, operation, _ := strings.Cut(name, ".")
	n, err := strconv.ParseFloat(usd, 64)
	if !priced || !named || platform == "" || unit == "" || err != nil || n < 0 {
		return price{}, usageError("--set wants a price such as openai:input_tokens=0.0000025, not %q", text)
	}
	return price{platform, operation, unit, n}, nil
}
