package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/identity"
	"github.com/patchbay/patchbay/host/internal/pool"
)

type poolView struct {
	ID        string           `json:"id"`
	Name      string           `json:"name"`
	Platform  string           `json:"platform"`
	Strategy  string           `json:"strategy" enum:"round_robin,failover"`
	Members   []string         `json:"members" doc:"Ids of integrations, in order"`
	Stats     []poolMemberView `json:"stats,omitempty" doc:"What the calls of the pool did with each member, in the time asked for; with one pool alone"`
	CreatedAt time.Time        `json:"created_at"`
}

type poolMemberView struct {
	Integration string     `json:"integration"`
	Calls       int64      `json:"calls"`
	Errors      int64      `json:"errors"`
	MeanMS      float64    `json:"mean_ms"`
	LastUsedAt  *time.Time `json:"last_used_at"`
}

func viewPool(p pool.Pool) poolView {
	return poolView{ID: p.ID, Name: p.Name, Platform: p.Platform, Strategy: string(p.Strategy), Members: orEmpty(p.Members), CreatedAt: p.CreatedAt.UTC()}
}

func poolRoute(method, suffix, id, summary string) route {
	return route{method: method, path: "/v1/pools" + suffix, id: id, tag: "Pools", summary: summary, scope: identity.ScopeIntegrations}
}

func (a *API) pools() {
	s := a.cfg.Pools
	type poolRequest struct {
		Body struct {
			Name     string   `json:"name" maxLength:"64"`
			Strategy string   `json:"strategy,omitempty" enum:"round_robin,failover" doc:"round_robin when left out"`
			Members  []string `json:"members" maxItems:"100" doc:"Ids of integrations of one platform, in order"`
		}
	}
	add(a, poolRoute("POST", "", "create-pool", "Make a pool of your integrations of one platform").made(),
		func(ctx context.Context, in *poolRequest) (*body[poolView], error) {
			p, err := s.Create(ctx, principal(ctx).User, pool.Pool{Name: in.Body.Name, Strategy: pool.Strategy(in.Body.Strategy), Members: in.Body.Members})
			if err != nil {
				return nil, err
			}
			return &body[poolView]{viewPool(p)}, nil
		})
	add(a, poolRoute("GET", "", "list-pools", "List your pools"), func(ctx context.Context, in *Page) (*body[list[poolView]], error) {
		found, err := s.List(ctx, principal(ctx).User, in.Cursor, in.Limit+1)
		if err != nil {
			return nil, err
		}
		return pageOf(found, in.Limit, func(p pool.Pool) string { return p.ID }, viewPool), nil
	})
	type poolQuery struct {
		ID    string `path:"id" maxLength:"100" doc:"Id or name"`
		Since string `query:"since" maxLength:"40" default:"720h" doc:"Statistics from here on: a duration back from now, or a time (RFC 3339)"`
	}
	add(a, poolRoute("GET", "/{id}", "get-pool", "Get a pool with what was done with each member"), func(ctx context.Context, in *poolQuery) (*body[poolView], error) {
		since, err := a.parseSince(in.Since)
		if err != nil {
			return nil, err
		}
		p, err := s.Get(ctx, principal(ctx).User, in.ID)
		if err != nil {
			return nil, err
		}
		members, err := s.Statistics(ctx, p, since)
		if err != nil {
			return nil, err
		}
		view := viewPool(p)
		for _, m := range members {
			view.Stats = append(view.Stats, poolMemberView{m.Integration, m.Calls, m.Errors, float64(m.Mean.Microseconds()) / 1000, timeOrNil(m.LastUsedAt)})
		}
		return &body[poolView]{view}, nil
	})
	type poolChange struct {
		ID   string `path:"id" maxLength:"100" doc:"Id or name"`
		Body struct {
			Name     *string   `json:"name,omitempty" maxLength:"64"`
			Strategy *string   `json:"strategy,omitempty" enum:"round_robin,failover"`
			Members  *[]string `json:"members,omitempty" maxItems:"100"`
		}
	}
	add(a, poolRoute("PATCH", "/{id}", "update-pool", "Change a pool"), func(ctx context.Context, in *poolChange) (*body[poolView], error) {
		p, err := s.Update(ctx, principal(ctx).User, in.ID, pool.Change{Name: in.Body.Name, Strategy: (*pool.Strategy)(in.Body.Strategy), Members: in.Body.Members})
		if err != nil {
			return nil, err
		}
		return &body[poolView]{viewPool(p)}, nil
	})
	type poolRef struct {
		ID string `path:"id" maxLength:"100" doc:"Id or name"`
	}
	gone := poolRoute("DELETE", "/{id}", "delete-pool", "Remove a pool; its integrations stay")
	gone.status = http.StatusNoContent
	add(a, gone, func(ctx context.Context, in *poolRef) (*none, error) {
		return nil, s.Delete(ctx, principal(ctx).User, in.ID)
	})
}

// poolProblem makes a problem of a failure of the pool room; nil for any other.
func poolProblem(ctx context.Context, err error) *Problem {
	var invalid *pool.InvalidError
	switch {
	case errors.As(err, &invalid):
		p := newProblem(ctx, 422, "validation_failed", invalid.Pointer+" "+invalid.Detail+".")
		p.Errors = []catalog.Violation{{Pointer: invalid.Pointer, Detail: invalid.Detail}}
		return p
	case errors.Is(err, pool.ErrNotFound):
		return newProblem(ctx, 404, "pool_not_found", "There is no such pool, or it is not yours.")
	case errors.Is(err, pool.ErrTaken), errors.Is(err, pool.ErrTooMany):
		return newProblem(ctx, 409, "conflict", "The pool cannot be stored: "+errors.Unwrap(err).Error()+".")
	}
	return nil
}
