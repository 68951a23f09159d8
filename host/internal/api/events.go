package api

import (
	"context"
	"time"

	"github.com/patchbay/patchbay/host/internal/event"
	"github.com/patchbay/patchbay/host/internal/identity"
)

type eventView struct {
	ID        string         `json:"id"`
	Type      string         `json:"type"`
	User      string         `json:"user,omitempty" doc:"Whose it is; missing: the host's own"`
	Subject   string         `json:"subject" doc:"Id of what it happened to"`
	Data      map[string]any `json:"data"`
	CreatedAt time.Time      `json:"created_at"`
}

func viewEvent(e event.Event) eventView {
	return eventView{e.ID, e.Type, e.User, e.Subject, e.Data, e.CreatedAt.UTC()}
}

func (a *API) events() {
	type query struct {
		Page
		Type     string `query:"type" maxLength:"100" doc:"A type such as integration.expired, or a beginning such as integration.*"`
		After    string `query:"after" maxLength:"64" doc:"The last event that you have seen, or \"first\": the next ones, the oldest first. next_cursor then is what goes here next time, and is null while there is nothing newer"`
		AllUsers bool   `query:"all_users" doc:"Everybody's and the host's own; operators only"`
	}
	add(a, route{method: "GET", path: "/v1/events", id: "list-events", tag: "Webhooks", scope: identity.ScopeIntegrations,
		summary: "List what happened in the last 30 days, the newest first, or onwards from an event"},
		func(ctx context.Context, in *query) (*body[list[eventView]], error) {
			by := caller(ctx)
			if in.AllUsers && !by.Operator {
				return nil, newProblem(ctx, 403, "forbidden", "Only an operator may see everybody's events.")
			}
			f := event.Filter{User: by.User, All: in.AllUsers, Type: in.Type, Before: in.Cursor, After: in.After, Limit: in.Limit + 1}
			found, err := a.cfg.Events.List(ctx, f)
			if err != nil {
				return nil, err
			}
			out := pageOf(found, in.Limit, func(e event.Event) string { return e.ID }, viewEvent)
			if in.After != "" && len(found) > 0 {
				last := out.Body.Items[len(out.Body.Items)-1].ID
				out.Body.NextCursor = &last
			}
			return out, nil
		})
	type replayRequest struct {
		ID   string `path:"id" maxLength:"64"`
		Body *struct {
			Webhook string `json:"webhook,omitempty" maxLength:"64" doc:"This one alone, whatever types it wants"`
		}
	}
	type replayed struct {
		Deliveries int `json:"deliveries" doc:"How many are due now"`
	}
	add(a, route{method: "POST", path: "/v1/events/{id}/replay", id: "replay-event", tag: "Webhooks", scope: identity.ScopeIntegrations,
		summary: "Send an event again, to your webhooks that want it or to one, under the same webhook-id"},
		func(ctx context.Context, in *replayRequest) (*body[replayed], error) {
			webhook := ""
			if in.Body != nil {
				webhook = in.Body.Webhook
			}
			n, err := a.cfg.Webhooks.Replay(ctx, caller(ctx), in.ID, webhook)
			if err != nil {
				return nil, err
			}
			return &body[replayed]{replayed{n}}, nil
		})
}
