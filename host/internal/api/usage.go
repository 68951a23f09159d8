package api

import (
	"context"
	"net/http"
	"time"

	"github.com/patchbay/patchbay/host/internal/identity"
	"github.com/patchbay/patchbay/host/internal/integration"
	"github.com/patchbay/patchbay/host/internal/usage"
)

type usageView struct {
	Group      string             `json:"group" doc:"Id, name or day (UTC) that the calls have in common"`
	Label      string             `json:"label,omitempty" doc:"What an integration is called"`
	Calls      int64              `json:"calls"`
	Errors     int64              `json:"errors"`
	Kinds      map[string]int64   `json:"kinds" doc:"Errors by kind"`
	DurationMS float64            `json:"duration_ms" doc:"Of all calls together"`
	Latency    latencyView        `json:"latency_ms"`
	BytesIn    int64              `json:"bytes_in"`
	BytesOut   int64              `json:"bytes_out"`
	Usage      map[string]float64 `json:"usage" doc:"What the platform counted, such as input_tokens or credits"`
	CostUSD    float64            `json:"cost_usd" doc:"What the platform said, or by the operator's prices"`
}

type latencyView struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func viewUsage(s usage.Sum) usageView {
	out := usageView{Group: s.Group, Calls: s.Calls, Errors: s.Failed, Kinds: s.Kinds, DurationMS: milliseconds(s.Duration), BytesIn: s.BytesIn,
		BytesOut: s.BytesOut, Usage: s.Units, CostUSD: s.Cost,
		Latency: latencyView{milliseconds(s.Latency.Percentile(.5)), milliseconds(s.Latency.Percentile(.95)), milliseconds(s.Latency.Percentile(.99))}}
	if out.Kinds == nil {
		out.Kinds = map[string]int64{}
	}
	if out.Usage == nil {
		out.Usage = map[string]float64{}
	}
	return out
}

// usageQuery asks for sums.
type usageQuery struct {
	GroupBy     string `query:"group_by" enum:"integration,platform,operation,user,workflow,day" default:"integration"`
	Since       string `query:"since" maxLength:"40" default:"720h" doc:"A duration back from now, or a time (RFC 3339); rounded down to the hour"`
	Integration string `query:"integration" maxLength:"64"`
	Platform    string `query:"platform" maxLength:"64"`
	Operation   string `query:"operation" maxLength:"128"`
	Workflow    string `query:"workflow" maxLength:"64"`
	AllUsers    bool   `query:"all_users" doc:"Everybody's calls; operators only"`
}

func (a *API) usage() {
	add(a, route{method: "GET", path: "/v1/usage", id: "get-usage", tag: "Usage", summary: "Sum your calls up", scope: identity.ScopeCalls},
		func(ctx context.Context, in *usageQuery) (*body[list[usageView]], error) {
			since, err := a.parseSince(in.Since)
			if err != nil {
				return nil, err
			}
			p := principal(ctx)
			q := usage.Question{User: p.User, GroupBy: in.GroupBy, Since: since, Integration: in.Integration, Platform: in.Platform,
				Operation: in.Operation, Workflow: in.Workflow}
			if in.AllUsers {
				if !p.May(identity.ScopeOperator) {
					return nil, newProblem(ctx, 403, "forbidden", "Only an operator may see everybody's calls.")
				}
				q.User = ""
			}
			found, err := usage.Report(ctx, a.cfg.Sums, q, a.cfg.Now())
			if err != nil {
				return nil, err
			}
			out := pageOf(found, len(found), func(s usage.Sum) string { return s.Group }, viewUsage)
			if in.GroupBy == "integration" && q.User != "" {
				err = a.everyIntegration(ctx, &out.Body, q)
			}
			return out, err
		})
	add(a, route{method: "GET", path: "/v1/usage/prices", id: "get-prices", tag: "Usage", summary: "List the prices by which calls are charged", scope: identity.ScopeOperator},
		func(ctx context.Context, _ *struct{}) (*body[list[usage.Price]], error) { return a.prices(ctx) })
	type pricesRequest struct {
		Body struct {
			Items []usage.Price `json:"items" maxItems:"1000"`
		}
	}
	add(a, route{method: "PUT", path: "/v1/usage/prices", id: "put-prices", tag: "Usage", scope: identity.ScopeOperator, status: http.StatusOK,
		summary: "Put a table of prices in place of the one before, for the calls from now on"},
		func(ctx context.Context, in *pricesRequest) (*body[list[usage.Price]], error) {
			for _, p := range in.Body.Items {
				if p.Platform == "" || p.Unit == "" || p.USD < 0 {
					return nil, &identity.InvalidError{Pointer: "/items", Detail: "want a platform, a unit and a price of 0 or more each"}
				}
			}
			if err := a.cfg.Sums.RollUp(ctx); err != nil {
				return nil, err
			}
			if err := a.cfg.Prices.PutPrices(ctx, in.Body.Items); err != nil {
				return nil, err
			}
			if err := a.cfg.Audit.Record(ctx, principal(ctx).User, "usage.prices", ""); err != nil {
				return nil, err
			}
			return a.prices(ctx)
		})
}

func (a *API) prices(ctx context.Context) (*body[list[usage.Price]], error) {
	found, err := a.cfg.Prices.Prices(ctx)
	if err != nil {
		return nil, err
	}
	return &body[list[usage.Price]]{list[usage.Price]{Items: orEmpty(found)}}, nil
}

// everyIntegration names the integrations of a report, and adds those that match the question and had no call.
func (a *API) everyIntegration(ctx context.Context, out *list[usageView], q usage.Question) error {
	at := map[string]int{}
	for i, v := range out.Items {
		at[v.Group] = i
	}
	const page = 200
	f := integration.Filter{User: q.User, Platform: q.Platform, Limit: page}
	for {
		found, err := a.cfg.Integrations.List(ctx, f)
		if err != nil {
			return err
		}
		for _, i := range found {
			if n, ok := at[i.ID]; ok {
				out.Items[n].Label = i.Label
			} else if q.Integration == "" || q.Integration == i.ID {
				view := viewUsage(usage.Sum{Group: i.ID})
				view.Label = i.Label
				out.Items = append(out.Items, view)
			}
		}
		if len(found) < page {
			return nil
		}
		f.Before = found[len(found)-1].ID
	}
}
