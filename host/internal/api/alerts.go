package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/patchbay/patchbay/host/internal/alert"
	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/identity"
)

type alertView struct {
	ID          string     `json:"id"`
	Name        string     `json:"name"`
	Metric      string     `json:"metric"`
	Window      string     `json:"window"`
	Threshold   float64    `json:"threshold"`
	Least       int64      `json:"least"`
	Integration string     `json:"integration,omitempty"`
	Platform    string     `json:"platform,omitempty"`
	Operation   string     `json:"operation,omitempty"`
	Workflow    string     `json:"workflow,omitempty"`
	Post        *alertPost `json:"post"`
	Enabled     bool       `json:"enabled"`
	State       string     `json:"state" enum:"ok,firing"`
	Value       float64    `json:"value" doc:"As it was found last"`
	ChangedAt   *time.Time `json:"changed_at"`
	CheckedAt   *time.Time `json:"checked_at"`
	CreatedAt   time.Time  `json:"created_at"`
}

// alertPost is an operation that tells of a change.
type alertPost struct {
	Integration string          `json:"integration" maxLength:"64" doc:"One of yours"`
	Operation   string          `json:"operation" maxLength:"128"`
	Input       json.RawMessage `json:"input" doc:"In its texts {{alert}}, {{state}}, {{value}}, {{threshold}}, {{metric}} and {{window}} are replaced"`
}

func viewAlert(a alert.Alert) alertView {
	c := a.Condition
	return alertView{ID: a.ID, Name: a.Name, Metric: c.Metric, Window: c.Window, Threshold: c.Threshold, Least: c.Least, Integration: c.Integration, Platform: c.Platform,
		Operation: c.Operation, Workflow: c.Workflow, Post: (*alertPost)(a.Post), Enabled: a.Enabled, State: a.State, Value: a.Value,
		ChangedAt: timeOrNil(a.ChangedAt), CheckedAt: timeOrNil(a.CheckedAt), CreatedAt: a.CreatedAt.UTC()}
}

type alertRef struct {
	ID string `path:"id" maxLength:"64"`
}

func alertRoute(method, suffix, id, summary string) route {
	return route{method: method, path: "/v1/alerts" + suffix, id: id, tag: "Usage", summary: summary, scope: identity.ScopeCalls}
}

func oneAlert(a alert.Alert, err error) (*body[alertView], error) {
	if err != nil {
		return nil, err
	}
	return &body[alertView]{viewAlert(a)}, nil
}

func (a *API) alerts() {
	s := a.cfg.Alerts
	type alertRequest struct {
		Body struct {
			Name        string     `json:"name" maxLength:"400"`
			Metric      string     `json:"metric" maxLength:"80" doc:"calls, errors, error_rate (0 to 1), latency_p50, latency_p95, latency_p99 (milliseconds), cost_usd, or unit:NAME such as unit:input_tokens"`
			Window      string     `json:"window" maxLength:"20" doc:"Whole hours back from now, 1h to 744h; or the calendar's day or month (UTC)"`
			Threshold   float64    `json:"threshold" doc:"It fires while the metric is this or more"`
			Least       int64      `json:"least,omitempty" minimum:"0" doc:"It fires only when there were so many calls"`
			Integration string     `json:"integration,omitempty" maxLength:"64"`
			Platform    string     `json:"platform,omitempty" maxLength:"64"`
			Operation   string     `json:"operation,omitempty" maxLength:"128"`
			Workflow    string     `json:"workflow,omitempty" maxLength:"64"`
			Post        *alertPost `json:"post,omitempty" doc:"Run when the state changes, beside the event"`
			Enabled     *bool      `json:"enabled,omitempty" doc:"true when left out"`
		}
	}
	add(a, alertRoute("POST", "", "create-alert", "Watch a threshold or a budget").made(), func(ctx context.Context, in *alertRequest) (*body[alertView], error) {
		b := in.Body
		return oneAlert(s.Add(ctx, alert.Alert{User: principal(ctx).User, Name: b.Name, Post: (*alert.Post)(b.Post), Enabled: b.Enabled == nil || *b.Enabled,
			Condition: alert.Condition{Metric: b.Metric, Window: b.Window, Threshold: b.Threshold, Least: b.Least, Integration: b.Integration, Platform: b.Platform,
				Operation: b.Operation, Workflow: b.Workflow}}))
	})
	add(a, alertRoute("GET", "", "list-alerts", "List your alerts"), func(ctx context.Context, in *Page) (*body[list[alertView]], error) {
		found, err := s.List(ctx, principal(ctx).User, in.Cursor, in.Limit+1)
		if err != nil {
			return nil, err
		}
		return pageOf(found, in.Limit, func(a alert.Alert) string { return a.ID }, viewAlert), nil
	})
	add(a, alertRoute("GET", "/{id}", "get-alert", "Get an alert"), func(ctx context.Context, in *alertRef) (*body[alertView], error) {
		return oneAlert(s.Get(ctx, principal(ctx).User, in.ID))
	})
	type alertChange struct {
		ID   string `path:"id" maxLength:"64"`
		Body struct {
			Name      *string    `json:"name,omitempty" maxLength:"400"`
			Threshold *float64   `json:"threshold,omitempty"`
			Window    *string    `json:"window,omitempty" maxLength:"20"`
			Least     *int64     `json:"least,omitempty" minimum:"0"`
			Post      *alertPost `json:"post,omitempty"`
			Enabled   *bool      `json:"enabled,omitempty"`
		}
	}
	add(a, alertRoute("PATCH", "/{id}", "update-alert", "Change an alert; it begins anew as one that is ok"), func(ctx context.Context, in *alertChange) (*body[alertView], error) {
		return oneAlert(s.Change(ctx, principal(ctx).User, in.ID, func(a *alert.Alert) {
			set(&a.Name, in.Body.Name)
			set(&a.Condition.Threshold, in.Body.Threshold)
			set(&a.Condition.Window, in.Body.Window)
			set(&a.Condition.Least, in.Body.Least)
			set(&a.Enabled, in.Body.Enabled)
			if in.Body.Post != nil {
				a.Post = (*alert.Post)(in.Body.Post)
			}
		}))
	})
	gone := alertRoute("DELETE", "/{id}", "delete-alert", "Remove an alert")
	gone.status = http.StatusNoContent
	add(a, gone, func(ctx context.Context, in *alertRef) (*none, error) {
		return nil, s.Remove(ctx, principal(ctx).User, in.ID)
	})
}

// alertProblem makes a problem of a failure of the alert room; nil for any other.
func alertProblem(ctx context.Context, err error) *Problem {
	var invalid *alert.InvalidError
	switch {
	case errors.As(err, &invalid):
		p := newProblem(ctx, 422, "validation_failed", invalid.Pointer+" "+invalid.Detail+".")
		p.Errors = []catalog.Violation{{Pointer: invalid.Pointer, Detail: invalid.Detail}}
		return p
	case errors.Is(err, alert.ErrNotFound):
		return newProblem(ctx, 404, "not_found", "There is no such alert, or it is not yours.")
	}
	return nil
}
