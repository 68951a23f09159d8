package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/event"
	"github.com/patchbay/patchbay/host/internal/identity"
)

type webhookView struct {
	ID             string     `json:"id"`
	URL            string     `json:"url"`
	Types          []string   `json:"types"`
	Description    string     `json:"description"`
	Enabled        bool       `json:"enabled"`
	AllUsers       bool       `json:"all_users" doc:"Gets everybody's events and the host's own; operators only"`
	DisabledReason string     `json:"disabled_reason,omitempty" doc:"Why the host disabled it"`
	FailingSince   *time.Time `json:"failing_since" doc:"When a delivery was given up, with none that succeeded since"`
	CreatedAt      time.Time  `json:"created_at"`
	// Secret is told once.
	Secret string `json:"secret,omitempty" doc:"What signs; told only when it is made"`
}

func viewWebhook(w event.Webhook) webhookView {
	return webhookView{ID: w.ID, URL: w.URL, Types: orEmpty(w.Types), Description: w.Description, Enabled: w.Enabled, AllUsers: w.AllUsers,
		DisabledReason: w.DisabledReason, FailingSince: timeOrNil(w.FailingSince), CreatedAt: w.CreatedAt.UTC()}
}

type deliveryView struct {
	Event         string     `json:"event"`
	Type          string     `json:"type"`
	State         string     `json:"state" enum:"pending,delivered,failed"`
	Attempts      int        `json:"attempts"`
	NextAttemptAt *time.Time `json:"next_attempt_at"`
	LastAttemptAt *time.Time `json:"last_attempt_at"`
	DeliveredAt   *time.Time `json:"delivered_at"`
	LastStatus    int        `json:"last_status" doc:"HTTP status of the last answer; 0 where there was none"`
	LastError     string     `json:"last_error"`
	CreatedAt     time.Time  `json:"created_at"`
}

func viewDelivery(d event.Delivery) deliveryView {
	view := deliveryView{Event: d.Event, Type: d.Type, State: string(d.State), Attempts: d.Attempts, LastAttemptAt: timeOrNil(d.LastAttemptAt),
		DeliveredAt: timeOrNil(d.DeliveredAt), LastStatus: d.LastStatus, LastError: d.LastError, CreatedAt: d.CreatedAt.UTC()}
	if d.State == event.Pending {
		view.NextAttemptAt = timeOrNil(&d.DueAt)
	}
	return view
}

// caller answers who asks for webhooks and events.
func caller(ctx context.Context) event.Caller {
	p := principal(ctx)
	return event.Caller{User: p.User, Operator: p.May(identity.ScopeOperator)}
}

type webhookRef struct {
	ID string `path:"id" maxLength:"64"`
}

// webhookRoute is a route on webhooks.
func webhookRoute(method, suffix, id, summary string) route {
	return route{method: method, path: "/v1/webhooks" + suffix, id: id, tag: "Webhooks", summary: summary, scope: identity.ScopeIntegrations}
}

// made is a route that makes something.
func (r route) made() route {
	r.status = http.StatusCreated
	return r
}

func (a *API) webhooks() {
	s := a.cfg.Webhooks
	type webhookRequest struct {
		Body struct {
			URL         string   `json:"url" maxLength:"2000"`
			Types       []string `json:"types,omitempty" maxItems:"50" doc:"Types such as integration.expired, beginnings such as integration.*, or *, which stands for all and is meant when left out"`
			Description string   `json:"description,omitempty" maxLength:"1600"`
			Enabled     *bool    `json:"enabled,omitempty" doc:"true when left out"`
			AllUsers    bool     `json:"all_users,omitempty" doc:"Get everybody's events and the host's own; operators only"`
		}
	}
	add(a, webhookRoute("POST", "", "create-webhook", "Add a webhook; its secret is told once").made(),
		func(ctx context.Context, in *webhookRequest) (*body[webhookView], error) {
			b := in.Body
			return withSecret(s.Add(ctx, caller(ctx), event.Draft{URL: b.URL, Types: b.Types, Description: b.Description,
				Disabled: b.Enabled != nil && !*b.Enabled, AllUsers: b.AllUsers}))
		})
	add(a, webhookRoute("GET", "", "list-webhooks", "List your webhooks"),
		func(ctx context.Context, in *Page) (*body[list[webhookView]], error) {
			found, err := s.List(ctx, caller(ctx), in.Cursor, in.Limit+1)
			if err != nil {
				return nil, err
			}
			return pageOf(found, in.Limit, func(w event.Webhook) string { return w.ID }, viewWebhook), nil
		})
	add(a, webhookRoute("GET", "/{id}", "get-webhook", "Get a webhook"),
		func(ctx context.Context, in *webhookRef) (*body[webhookView], error) {
			return oneWebhook(s.Get(ctx, caller(ctx), in.ID))
		})
	type webhookChange struct {
		ID   string `path:"id" maxLength:"64"`
		Body struct {
			URL         *string   `json:"url,omitempty" maxLength:"2000"`
			Types       *[]string `json:"types,omitempty" maxItems:"50"`
			Description *string   `json:"description,omitempty" maxLength:"1600"`
			Enabled     *bool     `json:"enabled,omitempty" doc:"false gives up what is due"`
		}
	}
	add(a, webhookRoute("PATCH", "/{id}", "update-webhook", "Change a webhook"),
		func(ctx context.Context, in *webhookChange) (*body[webhookView], error) {
			b := in.Body
			return oneWebhook(s.Update(ctx, caller(ctx), in.ID, event.Change{URL: b.URL, Types: b.Types, Description: b.Description, Enabled: b.Enabled}))
		})
	gone := webhookRoute("DELETE", "/{id}", "delete-webhook", "Remove a webhook with its deliveries")
	gone.status = http.StatusNoContent
	add(a, gone, func(ctx context.Context, in *webhookRef) (*none, error) {
		return nil, s.Remove(ctx, caller(ctx), in.ID)
	})
	add(a, webhookRoute("POST", "/{id}/rotate-secret", "rotate-webhook-secret", "Make another secret, told once; the old one signs beside it for 24 hours"),
		func(ctx context.Context, in *webhookRef) (*body[webhookView], error) {
			return withSecret(s.RotateSecret(ctx, caller(ctx), in.ID))
		})
	add(a, webhookRoute("POST", "/{id}/test", "test-webhook", "Send an event of the type webhook.test to this webhook").made(),
		func(ctx context.Context, in *webhookRef) (*body[eventView], error) {
			e, err := s.Test(ctx, caller(ctx), in.ID)
			if err != nil {
				return nil, err
			}
			return &body[eventView]{viewEvent(e)}, nil
		})
	type deliveryQuery struct {
		ID string `path:"id" maxLength:"64"`
		Page
	}
	add(a, webhookRoute("GET", "/{id}/deliveries", "list-deliveries", "List what a webhook was or will be sent, the newest first"),
		func(ctx context.Context, in *deliveryQuery) (*body[list[deliveryView]], error) {
			found, err := s.Deliveries(ctx, caller(ctx), in.ID, in.Cursor, in.Limit+1)
			if err != nil {
				return nil, err
			}
			return pageOf(found, in.Limit, func(d event.Delivery) string { return d.Event }, viewDelivery), nil
		})
}

func oneWebhook(w event.Webhook, err error) (*body[webhookView], error) {
	if err != nil {
		return nil, err
	}
	return &body[webhookView]{viewWebhook(w)}, nil
}

func withSecret(w event.Webhook, secret string, err error) (*body[webhookView], error) {
	out, err := oneWebhook(w, err)
	if err == nil {
		out.Body.Secret = secret
	}
	return out, err
}

// eventProblem makes a problem of a failure of the event room; nil for any other.
func eventProblem(ctx context.Context, err error) *Problem {
	var invalid *event.InvalidError
	switch {
	case errors.As(err, &invalid):
		p := newProblem(ctx, 422, "validation_failed", invalid.Pointer+" "+invalid.Detail+".")
		p.Errors = []catalog.Violation{{Pointer: invalid.Pointer, Detail: invalid.Detail}}
		return p
	case errors.Is(err, event.ErrNotFound):
		return newProblem(ctx, 404, "not_found", "There is no such thing, or it is not yours.")
	case errors.Is(err, event.ErrForbidden):
		return newProblem(ctx, 403, "forbidden", "Only an operator may have a webhook that gets everybody's events, or change it.")
	case errors.Is(err, event.ErrDisabled):
		return newProblem(ctx, 409, "conflict", "The webhook is disabled: enable it first.")
	}
	return nil
}
