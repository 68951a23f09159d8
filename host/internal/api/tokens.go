package api

import (
	"context"
	"net/http"
	"time"

	"github.com/patchbay/patchbay/host/internal/identity"
)

type me struct {
	ID     string   `json:"id"`
	Name   string   `json:"name"`
	Role   string   `json:"role" enum:"operator,user"`
	Scopes []string `json:"scopes"`
}

type tokenView struct {
	ID        string     `json:"id"`
	User      string     `json:"user"`
	Name      string     `json:"name"`
	Scopes    []string   `json:"scopes"`
	Limits    limitsView `json:"limits"`
	Service   bool       `json:"service" doc:"May act for the user named in the Patchbay-User header"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at"`
	// Token is the secret, told once.
	Token string `json:"token,omitempty" doc:"The secret; told only when it is made"`
}

// limitsView are what a token's calls are held to. An empty list holds them to nothing.
type limitsView struct {
	Platforms    []string `json:"platforms,omitempty" maxItems:"100"`
	Integrations []string `json:"integrations,omitempty" maxItems:"100" doc:"Ids"`
	Operations   []string `json:"operations,omitempty" maxItems:"100" doc:"Names such as send_message or slack.send_message"`
	Effects      []string `json:"effects,omitempty" maxItems:"3" doc:"read, idempotent, write"`
}

func viewToken(t identity.Token) tokenView {
	return tokenView{ID: t.ID, User: t.User, Name: t.Name, Scopes: t.Scopes, Limits: limitsView(t.Limits), Service: t.Service, CreatedAt: t.CreatedAt.UTC(), ExpiresAt: timeOrNil(t.ExpiresAt)}
}

func (a *API) tokens() {
	add(a, route{method: "GET", path: "/v1/me", id: "get-me", tag: "Identity", summary: "Who am I"},
		func(ctx context.Context, _ *struct{}) (*body[me], error) {
			p := principal(ctx)
			return &body[me]{me{p.User, p.Name, string(p.Role), orEmpty(p.Scopes)}}, nil
		})
	type tokenRequest struct {
		Body struct {
			User      string   `json:"user,omitempty" maxLength:"64" doc:"An operator may make tokens for others"`
			Name      string   `json:"name" maxLength:"400"`
			Scopes    []string `json:"scopes,omitempty" maxItems:"20" doc:"All that the user may have when left out"`
			ExpiresIn string   `json:"expires_in,omitempty" maxLength:"40" doc:"A duration such as 720h; never when left out"`
			// Limits hold the token's calls to some of what its user could run.
			Limits  limitsView `json:"limits,omitempty" doc:"Calls must be in each list that is not empty; goes with the scopes calls and integrations alone"`
			Service bool       `json:"service,omitempty"`
		}
	}
	add(a, route{method: "POST", path: "/v1/tokens", id: "create-token", tag: "Identity", summary: "Make a token", status: http.StatusCreated, scope: identity.ScopeTokens},
		func(ctx context.Context, in *tokenRequest) (*body[tokenView], error) {
			lifetime, err := parseLifetime(in.Body.ExpiresIn)
			if err != nil {
				return nil, err
			}
			t, secret, err := a.cfg.Identity.AddToken(ctx, identity.NewToken{By: principal(ctx), User: in.Body.User, Name: in.Body.Name,
				Scopes: in.Body.Scopes, Limits: identity.Limits(in.Body.Limits), Service: in.Body.Service, Lifetime: lifetime})
			if err != nil {
				return nil, err
			}
			view := viewToken(t)
			view.Token = secret
			return &body[tokenView]{view}, nil
		})
	add(a, route{method: "GET", path: "/v1/tokens", id: "list-tokens", tag: "Identity", summary: "List your tokens", scope: identity.ScopeTokens},
		func(ctx context.Context, in *Page) (*body[list[tokenView]], error) {
			found, err := a.cfg.Identity.Tokens(ctx, principal(ctx).User, in.Cursor, in.Limit+1)
			if err != nil {
				return nil, err
			}
			return pageOf(found, in.Limit, func(t identity.Token) string { return t.ID }, viewToken), nil
		})
	type one struct {
		ID string `path:"id" maxLength:"64"`
	}
	add(a, route{method: "DELETE", path: "/v1/tokens/{id}", id: "revoke-token", tag: "Identity", status: http.StatusNoContent,
		summary: "Revoke a token, on every host before this is answered", scope: identity.ScopeTokens},
		func(ctx context.Context, in *one) (*none, error) {
			return nil, a.cfg.Identity.RevokeToken(ctx, principal(ctx), in.ID)
		})
}

func parseLifetime(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, &identity.InvalidError{Pointer: "/expires_in", Detail: "must be a duration in the future such as 720h"}
	}
	return d, nil
}

type userView struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Role      string    `json:"role" enum:"operator,user"`
	CreatedAt time.Time `json:"created_at"`
}

func viewUser(u identity.User) userView {
	return userView{u.ID, u.Name, string(u.Role), u.CreatedAt.UTC()}
}

func (a *API) users() {
	type userRequest struct {
		Body struct {
			Name string `json:"name" maxLength:"400"`
			Role string `json:"role,omitempty" enum:"operator,user" default:"user"`
		}
	}
	add(a, route{method: "POST", path: "/v1/users", id: "create-user", tag: "Identity", summary: "Add a user", status: http.StatusCreated, scope: identity.ScopeOperator},
		func(ctx context.Context, in *userRequest) (*body[userView], error) {
			u, err := a.cfg.Identity.AddUser(ctx, principal(ctx).User, in.Body.Name, identity.Role(in.Body.Role))
			if err != nil {
				return nil, err
			}
			return &body[userView]{viewUser(u)}, nil
		})
	add(a, route{method: "GET", path: "/v1/users", id: "list-users", tag: "Identity", summary: "List the users", scope: identity.ScopeOperator},
		func(ctx context.Context, in *Page) (*body[list[userView]], error) {
			found, err := a.cfg.Identity.Users(ctx, in.Cursor, in.Limit+1)
			if err != nil {
				return nil, err
			}
			return pageOf(found, in.Limit, func(u identity.User) string { return u.ID }, viewUser), nil
		})
	type one struct {
		ID string `path:"id" maxLength:"64"`
	}
	type link struct {
		URL       string    `json:"url"`
		ExpiresAt time.Time `json:"expires_at"`
	}
	add(a, route{method: "POST", path: "/v1/users/{id}/signin-link", id: "create-signin-link", tag: "Identity", status: http.StatusCreated,
		summary: "Make a link on which the user signs in, once", scope: identity.ScopeOperator},
		func(ctx context.Context, in *one) (*body[link], error) {
			secret, err := a.cfg.Identity.AddLink(ctx, principal(ctx).User, in.ID)
			if err != nil {
				return nil, err
			}
			return &body[link]{link{a.cfg.PublicURL + "/signin?link=" + secret, a.cfg.Now().Add(identity.LinkLifetime).UTC()}}, nil
		})
}
