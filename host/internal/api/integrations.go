package api

import (
	"context"
	"net/http"
	"time"

	"github.com/patchbay/patchbay/host/internal/identity"
	"github.com/patchbay/patchbay/host/internal/integration"
)

type account struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type integrationView struct {
	ID            string            `json:"id"`
	Platform      string            `json:"platform"`
	Label         string            `json:"label"`
	AuthMethod    string            `json:"auth_method"`
	Status        string            `json:"status" enum:"active,inactive,expired,deleted"`
	StatusReason  string            `json:"status_reason,omitempty"`
	Account       account           `json:"account"`
	Scopes        []string          `json:"scopes"`
	Fields        map[string]string `json:"fields" doc:"What of the credential is no secret"`
	HasCredential bool              `json:"has_credential"`
	ExpiresAt     *time.Time        `json:"credential_expires_at"`
	Refreshable   bool              `json:"refreshable" doc:"The host keeps its token alive by itself"`
	CredentialSet time.Time         `json:"credential_set_at"`
	LastUsedAt    *time.Time        `json:"last_used_at"`
	CreatedAt     time.Time         `json:"created_at"`
	DeletedAt     *time.Time        `json:"deleted_at,omitempty"`
}

func viewIntegration(i integration.Integration) integrationView {
	fields := i.Public
	if fields == nil {
		fields = map[string]string{}
	}
	return integrationView{ID: i.ID, Platform: i.Platform, Label: i.Label, AuthMethod: i.AuthMethod, Status: string(i.Status()),
		StatusReason: i.ExpiredReason, Account: account{i.AccountID, i.AccountName}, Scopes: orEmpty(i.Scopes), Fields: fields,
		HasCredential: len(i.Sealed.Bytes) > 0, ExpiresAt: timeOrNil(i.CredentialExpiresAt), Refreshable: i.Refreshable, CredentialSet: i.CredentialSetAt.UTC(),
		LastUsedAt: timeOrNil(i.LastUsedAt), CreatedAt: i.CreatedAt.UTC(), DeletedAt: timeOrNil(i.DeletedAt)}
}

type integrationRef struct {
	ID string `path:"id"`
}

// integrationRoute is a route on one integration.
func integrationRoute(method, suffix, id, summary string) route {
	return route{method: method, path: "/v1/integrations/{id}" + suffix, id: id, tag: "Integrations", summary: summary, scope: identity.ScopeIntegrations}
}

func (a *API) integrations() {
	type connectRequest struct {
		Body struct {
			Platform   string            `json:"platform" maxLength:"64"`
			Label      string            `json:"label,omitempty" maxLength:"400" doc:"The account's own name when left out"`
			AuthMethod string            `json:"auth_method,omitempty" doc:"May be left out where the platform has one that takes fields"`
			Credential map[string]string `json:"credential,omitempty"`
			Verify     *bool             `json:"verify,omitempty" doc:"false saves the credential without testing it"`
		}
	}
	add(a, route{method: "POST", path: "/v1/integrations", id: "create-integration", tag: "Integrations", status: http.StatusCreated,
		summary: "Connect an account: the credential is tested, then saved", scope: identity.ScopeIntegrations},
		func(ctx context.Context, in *connectRequest) (*body[integrationView], error) {
			b := in.Body
			i, err := a.cfg.Integrations.Create(ctx, integration.Draft{User: principal(ctx).User, Platform: b.Platform, Label: b.Label,
				AuthMethod: b.AuthMethod, Credential: b.Credential, SkipVerify: b.Verify != nil && !*b.Verify})
			return one(i, err)
		})
	type query struct {
		Page
		Platform string `query:"platform" maxLength:"64"`
		Status   string `query:"status" enum:"active,inactive,expired,deleted"`
		Query    string `query:"query" maxLength:"200" doc:"Part of a label, an account's name or a platform"`
	}
	add(a, route{method: "GET", path: "/v1/integrations", id: "list-integrations", tag: "Integrations", summary: "List your integrations", scope: identity.ScopeIntegrations},
		func(ctx context.Context, in *query) (*body[list[integrationView]], error) {
			found, err := a.cfg.Integrations.List(ctx, integration.Filter{User: principal(ctx).User, Platform: in.Platform,
				Status: integration.Status(in.Status), Query: in.Query, Before: in.Cursor, Limit: in.Limit + 1})
			if err != nil {
				return nil, err
			}
			return pageOf(found, in.Limit, func(i integration.Integration) string { return i.ID }, viewIntegration), nil
		})
	type integrationChange struct {
		ID   string `path:"id"`
		Body struct {
			Label      *string           `json:"label,omitempty" maxLength:"400"`
			Credential map[string]string `json:"credential,omitempty" doc:"A blank field keeps its value"`
			Verify     *bool             `json:"verify,omitempty"`
		}
	}
	add(a, integrationRoute("PATCH", "", "update-integration", "Change the label or replace the credential"),
		func(ctx context.Context, in *integrationChange) (*body[integrationView], error) {
			return a.patch(ctx, in.ID, in.Body.Label, in.Body.Credential, in.Body.Verify)
		})
	add(a, integrationRoute("DELETE", "", "delete-integration", "Put an integration in the bin"), a.remove)
	s := a.cfg.Integrations
	for _, r := range []struct {
		route
		do func(ctx context.Context, user, ref string) (integration.Integration, error)
	}{
		{integrationRoute("GET", "", "get-integration", "Get an integration"), s.Get},
		{integrationRoute("POST", "/refresh", "refresh-integration", "Refresh its token now"), s.RefreshNow},
		{integrationRoute("POST", "/revoke", "revoke-integration", "End the grant at its provider, and the credential here"), s.Revoke},
		{integrationRoute("POST", "/verify", "verify-integration", "Test the connection"), s.Verify},
		{integrationRoute("POST", "/activate", "activate-integration", "Let calls use it"), s.Activate},
		{integrationRoute("POST", "/deactivate", "deactivate-integration", "Stop calls from using it, on every host before this is answered"), s.Deactivate},
		{integrationRoute("POST", "/restore", "restore-integration", "Take it out of the bin"), s.Restore},
	} {
		add(a, r.route, func(ctx context.Context, in *integrationRef) (*body[integrationView], error) {
			return one(r.do(ctx, principal(ctx).User, in.ID))
		})
	}
}

type deletion struct {
	ID     string `path:"id"`
	Revoke bool   `query:"revoke" doc:"End the grant at its provider first; if that fails, nothing is deleted"`
}

// remove puts an integration in the bin.
func (a *API) remove(ctx context.Context, in *deletion) (*body[integrationView], error) {
	user := principal(ctx).User
	if in.Revoke {
		if _, err := a.cfg.Integrations.Revoke(ctx, user, in.ID); err != nil {
			return nil, err
		}
	}
	return one(a.cfg.Integrations.Delete(ctx, user, in.ID))
}

// patch replaces the credential first: if that fails, nothing has changed.
func (a *API) patch(ctx context.Context, ref string, label *string, credential map[string]string, verify *bool) (*body[integrationView], error) {
	user := principal(ctx).User
	var i integration.Integration
	var err error
	if len(credential) > 0 {
		if i, err = a.cfg.Integrations.Replace(ctx, user, ref, credential, verify != nil && !*verify); err != nil {
			return nil, err
		}
	}
	if label != nil {
		i, err = a.cfg.Integrations.Rename(ctx, user, ref, *label)
		return one(i, err)
	}
	if len(credential) == 0 {
		i, err = a.cfg.Integrations.Get(ctx, user, ref)
	}
	return one(i, err)
}

func one(i integration.Integration, err error) (*body[integrationView], error) {
	if err != nil {
		return nil, err
	}
	return &body[integrationView]{viewIntegration(i)}, nil
}
