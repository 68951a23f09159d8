package api

import (
	"context"
	"reflect"
	"time"

	"github.com/patchbay/patchbay/host/internal/file"
	"github.com/patchbay/patchbay/host/internal/identity"
	"github.com/patchbay/patchbay/host/internal/usage"
)

type callView struct {
	ID          string             `json:"id"`
	Integration string             `json:"integration"`
	Label       string             `json:"label"`
	Platform    string             `json:"platform"`
	Operation   string             `json:"operation"`
	Effect      string             `json:"effect"`
	Kind        string             `json:"kind" doc:"How it ended: ok, or a kind of failure"`
	Reason      string             `json:"reason,omitempty"`
	StartedAt   time.Time          `json:"started_at"`
	DurationMS  float64            `json:"duration_ms"`
	Attempts    int                `json:"attempts"`
	BytesIn     int64              `json:"bytes_in"`
	BytesOut    int64              `json:"bytes_out"`
	Usage       map[string]float64 `json:"usage"`
	Token       string             `json:"token,omitempty"`
	Pool        string             `json:"pool,omitempty"`
	Workflow    string             `json:"workflow,omitempty"`
	Run         string             `json:"run,omitempty"`
	Files       []file.File        `json:"files,omitempty"`
}

func viewCall(c usage.Call) callView {
	kind, units := c.Kind, c.Units
	if kind == "" {
		kind = "ok"
	}
	if units == nil {
		units = map[string]float64{}
	}
	return callView{ID: c.ID, Integration: c.Integration, Label: c.Label, Platform: c.Platform, Operation: c.Operation, Effect: c.Effect,
		Kind: kind, Reason: c.Reason, StartedAt: c.Started.UTC(), DurationMS: float64(c.Duration.Microseconds()) / 1000, Attempts: c.Attempts,
		BytesIn: c.BytesIn, BytesOut: c.BytesOut, Usage: units, Token: c.Token, Pool: c.Pool, Workflow: c.Workflow, Run: c.Run}
}

func (a *API) history() {
	type query struct {
		Page
		Integration string `query:"integration" maxLength:"64"`
		Platform    string `query:"platform" maxLength:"64"`
		Kind        string `query:"kind" maxLength:"64" doc:"ok, or a kind of failure"`
	}
	add(a, route{method: "GET", path: "/v1/calls", id: "list-calls", tag: "Calls", summary: "List your calls, the newest first", scope: identity.ScopeCalls},
		func(ctx context.Context, in *query) (*body[list[callView]], error) {
			found, err := a.cfg.History.Calls(ctx, usage.Filter{User: principal(ctx).User, Integration: in.Integration, Platform: in.Platform,
				Kind: in.Kind, Before: in.Cursor, Limit: in.Limit + 1})
			if err != nil {
				return nil, err
			}
			return pageOf(found, in.Limit, func(c usage.Call) string { return c.ID }, viewCall), nil
		})
	type one struct {
		ID string `path:"id" maxLength:"64"`
	}
	add(a, route{method: "GET", path: "/v1/calls/{id}", id: "get-call", tag: "Calls", summary: "Get a call with its files", scope: identity.ScopeCalls},
		func(ctx context.Context, in *one) (*body[callView], error) {
			c, err := a.cfg.History.Call(ctx, principal(ctx).User, in.ID)
			if err != nil {
				return nil, err
			}
			view := viewCall(c)
			if view.Files, err = a.cfg.Files.List(ctx, c.ID); err != nil {
				return nil, err
			}
			for i := range view.Files {
				view.Files[i].URL = a.fileURL(c.ID, view.Files[i].ID)
			}
			return &body[callView]{view}, nil
		})
}

func (a *API) parseSince(text string) (time.Time, error) {
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return a.cfg.Now().Add(-d), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, &identity.InvalidError{Pointer: "/since", Detail: "must be a duration such as 720h, or a time such as 2026-01-02T15:04:05Z"}
	}
	return at, nil
}

func typeOf(v any) reflect.Type { return reflect.TypeOf(v) }
