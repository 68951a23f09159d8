package api

import (
	"context"
	"net/http"
	"time"

	"github.com/patchbay/patchbay/host/internal/identity"
	"github.com/patchbay/patchbay/host/internal/release"
)

type releaseView struct {
	Adapter      string     `json:"adapter"`
	Version      string     `json:"version"`
	OS           string     `json:"os"`
	Arch         string     `json:"arch"`
	Digest       string     `json:"digest"`
	Size         int64      `json:"size"`
	Trust        string     `json:"trust" enum:"built-in,signed,unsigned"`
	Publisher    string     `json:"publisher,omitempty"`
	Grants       []string   `json:"grants"`
	CreatedAt    time.Time  `json:"created_at"`
	CreatedBy    string     `json:"created_by"`
	FailedAt     *time.Time `json:"failed_at" doc:"When a host gave it up; null where none did since it was activated last"`
	FailedReason string     `json:"failed_reason,omitempty"`
}

func releaseOf(r release.Release) releaseView {
	v := releaseView{Adapter: r.Adapter, Version: r.Version, OS: r.OS, Arch: r.Arch, Digest: r.DigestText(), Size: r.Size, Trust: string(r.Trust),
		Publisher: r.Publisher, Grants: orEmpty(r.Grants), CreatedAt: r.CreatedAt.UTC(), CreatedBy: r.CreatedBy, FailedReason: r.FailedReason}
	if !r.FailedAt.IsZero() {
		v.FailedAt = timeOrNil(&r.FailedAt)
	}
	return v
}

func desiredOf(d release.Desired) desiredView {
	return desiredView{d.Version, d.Previous, d.Canary, d.Share, d.Pinned, d.Disabled, d.Revision}
}

type adapterEventView struct {
	ID      string    `json:"id"`
	Adapter string    `json:"adapter"`
	Version string    `json:"version"`
	Kind    string    `json:"kind"`
	Host    string    `json:"host"`
	Actor   string    `json:"actor" doc:"A user's id, or host"`
	Detail  string    `json:"detail"`
	At      time.Time `json:"at"`
}

func eventOf(e release.Event) adapterEventView {
	return adapterEventView{e.ID, e.Adapter, e.Version, e.Kind, e.Host, e.Actor, e.Detail, e.At.UTC()}
}

// AdapterName is the path parameter of an adapter.
type AdapterName struct {
	Name string `path:"name" maxLength:"64"`
}

type forced struct {
	AdapterName
	Body *struct {
		Force bool `json:"force,omitempty" doc:"Cut the calls of the release before instead of letting them end"`
	}
}

func (f *forced) force() bool { return f.Body != nil && f.Body.Force }

// releases registers what operators do with adapters.
func (a *API) releases(mux *http.ServeMux) {
	add(a, route{method: "GET", path: "/v1/adapters/{name}/releases", id: "list-releases", tag: "Operator", summary: "List the releases of an adapter, the newest first", scope: identity.ScopeOperator},
		func(ctx context.Context, in *AdapterName) (*body[list[releaseView]], error) {
			found, err := a.cfg.Releases.Releases(ctx, in.Name)
			if err != nil {
				return nil, err
			}
			return pageOf(found, len(found), func(release.Release) string { return "" }, releaseOf), nil
		})
	type query struct {
		Page
		Adapter string `query:"adapter" maxLength:"64"`
	}
	add(a, route{method: "GET", path: "/v1/adapter-events", id: "list-adapter-events", tag: "Operator", summary: "What happened to the adapters, the newest first", scope: identity.ScopeOperator},
		func(ctx context.Context, in *query) (*body[list[adapterEventView]], error) {
			found, err := a.cfg.Releases.Events(ctx, in.Adapter, in.Cursor, in.Limit+1)
			if err != nil {
				return nil, err
			}
			return pageOf(found, in.Limit, func(e release.Event) string { return e.ID }, eventOf), nil
		})
	type activation struct {
		AdapterName
		Body struct {
			Version string  `json:"version" maxLength:"64"`
			Canary  float64 `json:"canary,omitempty" minimum:"0" exclusiveMaximum:"1" doc:"The share of calls that the version gets; all of them when left out"`
			Pin     bool    `json:"pin,omitempty" doc:"Keep a newer built-in release from taking over; an installed release is pinned in any case"`
			Force   bool    `json:"force,omitempty" doc:"Activate a release that loses what integrations use, and cut the calls of the one before"`
		}
	}
	add(a, route{method: "POST", path: "/v1/adapters/{name}/activate", id: "activate-adapter", tag: "Operator", summary: "Bring a release into service on every host, for all calls or a share of them", scope: identity.ScopeOperator},
		func(ctx context.Context, in *activation) (*body[desiredView], error) {
			return desired(a.cfg.Releases.Activate(ctx, release.Change{Actor: principal(ctx).User, Adapter: in.Name, Version: in.Body.Version,
				Canary: in.Body.Canary, Pin: in.Body.Pin, Force: in.Body.Force}))
		})
	add(a, route{method: "POST", path: "/v1/adapters/{name}/rollback", id: "rollback-adapter", tag: "Operator", summary: "End a canary, or bring the release before back", scope: identity.ScopeOperator},
		func(ctx context.Context, in *forced) (*body[desiredView], error) {
			return desired(a.cfg.Releases.Rollback(ctx, principal(ctx).User, in.Name, in.force()))
		})
	add(a, route{method: "POST", path: "/v1/adapters/{name}/disable", id: "disable-adapter", tag: "Operator", summary: "Take an adapter out of service on every host", scope: identity.ScopeOperator},
		func(ctx context.Context, in *forced) (*body[desiredView], error) {
			return desired(a.cfg.Releases.Disable(ctx, principal(ctx).User, in.Name, in.force()))
		})
	add(a, route{method: "POST", path: "/v1/adapters/{name}/enable", id: "enable-adapter", tag: "Operator", summary: "Put an adapter back into service", scope: identity.ScopeOperator},
		func(ctx context.Context, in *AdapterName) (*body[desiredView], error) {
			return desired(a.cfg.Releases.Enable(ctx, principal(ctx).User, in.Name))
		})
	a.install(mux)
}

func desired(d release.Desired, err error) (*body[desiredView], error) {
	if err != nil {
		return nil, err
	}
	return &body[desiredView]{desiredOf(d)}, nil
}

type keyOfPublisher struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	PublicKey string    `json:"public_key"`
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by"`
}

// publishers registers the keys whose signatures are accepted.
func (a *API) publishers() {
	view := func(k release.Key) keyOfPublisher {
		return keyOfPublisher{k.ID, k.Name, k.PublicKey, k.CreatedAt.UTC(), k.CreatedBy}
	}
	add(a, route{method: "GET", path: "/v1/adapter-keys", id: "list-adapter-keys", tag: "Operator", summary: "List the publishers' keys that are pinned", scope: identity.ScopeOperator},
		func(ctx context.Context, _ *struct{}) (*body[list[keyOfPublisher]], error) {
			found, err := a.cfg.Releases.Keys(ctx)
			if err != nil {
				return nil, err
			}
			return pageOf(found, len(found), func(release.Key) string { return "" }, view), nil
		})
	type pin struct {
		Body struct {
			Name      string `json:"name" maxLength:"64" doc:"Your word for the publisher"`
			PublicKey string `json:"public_key" maxLength:"1000" doc:"A minisign public key"`
		}
	}
	add(a, route{method: "POST", path: "/v1/adapter-keys", id: "add-adapter-key", tag: "Operator", summary: "Pin a publisher's key", scope: identity.ScopeOperator, status: 201},
		func(ctx context.Context, in *pin) (*body[keyOfPublisher], error) {
			k, err := a.cfg.Releases.AddKey(ctx, principal(ctx).User, in.Body.Name, in.Body.PublicKey)
			if err != nil {
				return nil, err
			}
			k.CreatedAt = a.cfg.Now()
			return &body[keyOfPublisher]{view(k)}, nil
		})
	add(a, route{method: "DELETE", path: "/v1/adapter-keys/{name}", id: "remove-adapter-key", tag: "Operator", summary: "Take a publisher's key out; what it signed stays", scope: identity.ScopeOperator, status: 204},
		func(ctx context.Context, in *AdapterName) (*none, error) {
			return nil, a.cfg.Releases.RemoveKey(ctx, principal(ctx).User, in.Name)
		})
}
