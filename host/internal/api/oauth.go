package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/patchbay/patchbay/host/internal/identity"
	"github.com/patchbay/patchbay/host/internal/integration"
)

type authorizationView struct {
	ID          string `json:"id"`
	Platform    string `json:"platform"`
	Grant       string `json:"grant" enum:"authorization_code,device_code,client_credentials"`
	State       string `json:"state" enum:"pending,working,done,failed"`
	Integration string `json:"integration,omitempty" doc:"Once it is done"`
	Code        string `json:"code,omitempty" doc:"Why it failed"`
	Detail      string `json:"detail,omitempty"`
	// URL is where a browser begins.
	URL       string      `json:"authorization_url,omitempty" doc:"Where a browser begins; good once"`
	Device    *deviceView `json:"device,omitempty"`
	ExpiresAt time.Time   `json:"expires_at"`
}

type deviceView struct {
	UserCode                string `json:"user_code"`
	VerificationURI         string `json:"verification_uri"`
	VerificationURIComplete string `json:"verification_uri_complete,omitempty"`
	Interval                int    `json:"interval" doc:"Seconds between questions"`
}

func viewAuthorization(a integration.Authorization) authorizationView {
	return authorizationView{ID: a.ID, Platform: a.Platform, Grant: a.Grant, State: string(a.State), Integration: a.Result, Code: a.Code,
		Detail: a.Message, ExpiresAt: a.ExpiresAt.UTC()}
}

func (a *API) oauth() {
	type authorizationRequest struct {
		Body struct {
			Platform    string   `json:"platform" maxLength:"64"`
			Label       string   `json:"label,omitempty" maxLength:"400" doc:"The account's own name when left out"`
			Integration *string  `json:"integration,omitempty" nullable:"true" doc:"One of yours to connect again; it keeps its id"`
			Scopes      []string `json:"scopes,omitempty" maxItems:"200" doc:"The platform's own when left out"`
			Grant       string   `json:"grant,omitempty" doc:"authorization_code, device_code or client_credentials; what the platform offers when left out"`
		}
	}
	add(a, route{method: "POST", path: "/v1/oauth/authorizations", id: "create-authorization", tag: "Integrations", status: http.StatusCreated,
		summary: "Begin to connect an account by OAuth", scope: identity.ScopeIntegrations},
		func(ctx context.Context, in *authorizationRequest) (*body[authorizationView], error) {
			b := integration.Begin{User: principal(ctx).User, Platform: in.Body.Platform, Label: in.Body.Label, Scopes: in.Body.Scopes, Grant: in.Body.Grant}
			if in.Body.Integration != nil {
				b.Integration = *in.Body.Integration
			}
			begun, err := a.cfg.Integrations.Begin(ctx, b)
			if err != nil {
				return nil, err
			}
			view := viewAuthorization(begun.Authorization)
			if begun.Link != "" {
				view.URL = a.cfg.PublicURL + "/oauth/start?link=" + begun.Link
			}
			if d := begun.Device; d != nil {
				view.Device = &deviceView{d.UserCode, d.VerificationURI, d.VerificationURIComplete, int(d.Interval.Seconds())}
			}
			return &body[authorizationView]{view}, nil
		})
	add(a, route{method: "GET", path: "/v1/oauth/authorizations/{id}", id: "get-authorization", tag: "Integrations",
		summary: "See how far a connection by OAuth has come", scope: identity.ScopeIntegrations},
		func(ctx context.Context, in *integrationRef) (*body[authorizationView], error) {
			found, err := a.cfg.Integrations.Authorization(ctx, principal(ctx).User, in.ID)
			if err != nil {
				return nil, err
			}
			return &body[authorizationView]{viewAuthorization(found)}, nil
		})
	a.connectSessions()
	a.refreshes()
	a.revocations()
}

type sessionView struct {
	ID          string     `json:"id"`
	Platforms   []string   `json:"platforms"`
	URL         string     `json:"url,omitempty" doc:"Where the end user connects; told once"`
	Integration string     `json:"integration,omitempty" doc:"Once an account was connected"`
	UsedAt      *time.Time `json:"used_at"`
	ExpiresAt   time.Time  `json:"expires_at"`
}

func viewSession(c integration.Session) sessionView {
	return sessionView{ID: c.ID, Platforms: c.Platforms, Integration: c.Result, UsedAt: timeOrNil(c.UsedAt), ExpiresAt: c.ExpiresAt.UTC()}
}

func (a *API) connectSessions() {
	type sessionRequest struct {
		Body struct {
			Platforms   []string `json:"platforms,omitempty" maxItems:"100" doc:"What may be connected; one is shown at once"`
			Platform    string   `json:"platform,omitempty" maxLength:"64"`
			Label       string   `json:"label,omitempty" maxLength:"400"`
			Integration string   `json:"integration,omitempty" maxLength:"64" doc:"One to connect again"`
			ReturnURL   string   `json:"return_url,omitempty" maxLength:"2000" doc:"Where the end user may go on afterwards"`
		}
	}
	add(a, route{method: "POST", path: "/v1/connect-sessions", id: "create-connect-session", tag: "Integrations", status: http.StatusCreated,
		summary: "Make a one-time link, good for 30 minutes, on which an end user connects an account", scope: identity.ScopeIntegrations},
		func(ctx context.Context, in *sessionRequest) (*body[sessionView], error) {
			b := in.Body
			if b.Platform != "" {
				b.Platforms = append(b.Platforms, b.Platform)
			}
			c, secret, err := a.cfg.Integrations.AddSession(ctx, integration.Session{User: principal(ctx).User, Platforms: b.Platforms, Label: b.Label,
				Integration: b.Integration, ReturnURL: b.ReturnURL})
			if err != nil {
				return nil, err
			}
			view := viewSession(c)
			view.URL = a.cfg.PublicURL + "/connect?session=" + secret
			return &body[sessionView]{view}, nil
		})
	add(a, route{method: "GET", path: "/v1/connect-sessions/{id}", id: "get-connect-session", tag: "Integrations",
		summary: "See what came of a connect session", scope: identity.ScopeIntegrations},
		func(ctx context.Context, in *integrationRef) (*body[sessionView], error) {
			c, err := a.cfg.Integrations.Session(ctx, principal(ctx).User, in.ID)
			if err != nil {
				return nil, err
			}
			return &body[sessionView]{viewSession(c)}, nil
		})
}

type refreshView struct {
	At         time.Time `json:"at"`
	Host       string    `json:"host"`
	Trigger    string    `json:"trigger" enum:"before_expiry,on_use,on_refusal,by_hand"`
	Outcome    string    `json:"outcome" enum:"refreshed,late,failed,refused"`
	Code       string    `json:"code,omitempty" doc:"The provider's"`
	Detail     string    `json:"detail,omitempty"`
	DurationMS float64   `json:"duration_ms"`
}

func (a *API) refreshes() {
	type refreshQuery struct {
		Page
		ID string `path:"id"`
	}
	add(a, integrationRoute("GET", "/refreshes", "list-refreshes", "What became of each refresh of its token, the newest first"),
		func(ctx context.Context, in *refreshQuery) (*body[list[refreshView]], error) {
			var before int64
			if in.Cursor != "" {
				var err error
				if before, err = strconv.ParseInt(in.Cursor, 10, 64); err != nil {
					return nil, &identity.InvalidError{Pointer: "/cursor", Detail: "is not a next_cursor of this list"}
				}
			}
			found, err := a.cfg.Integrations.Refreshes(ctx, principal(ctx).User, in.ID, before, in.Limit+1)
			if err != nil {
				return nil, err
			}
			return pageOf(found, in.Limit, func(r integration.Refresh) string { return fmt.Sprint(r.ID) }, func(r integration.Refresh) refreshView {
				return refreshView{r.At.UTC(), r.Host, r.Trigger, r.Outcome, r.Code, r.Message, float64(r.Duration.Microseconds()) / 1000}
			}), nil
		})
}

type revocationView struct {
	Integration string `json:"integration"`
	User        string `json:"user"`
	Platform    string `json:"platform"`
	Revoked     bool   `json:"revoked" doc:"The provider has ended the grant; otherwise it is out of use here alone"`
	Detail      string `json:"detail,omitempty"`
}

type revocationReport struct {
	Total   int              `json:"total"`
	Revoked int              `json:"revoked"`
	Items   []revocationView `json:"items"`
}

func (a *API) revocations() {
	type revocationRequest struct {
		Body struct {
			User     string `json:"user,omitempty" maxLength:"64"`
			Platform string `json:"platform,omitempty" maxLength:"64"`
		}
	}
	add(a, route{method: "POST", path: "/v1/revocations", id: "create-revocation", tag: "Operator",
		summary: "Kill switch: take all credentials of a user or a platform out of use everywhere, and end their grants", scope: identity.ScopeOperator},
		func(ctx context.Context, in *revocationRequest) (*body[revocationReport], error) {
			done, err := a.cfg.Integrations.RevokeAll(ctx, principal(ctx).User, in.Body.User, in.Body.Platform)
			if err != nil {
				return nil, err
			}
			out := revocationReport{Total: len(done), Items: make([]revocationView, 0, len(done))}
			for _, r := range done {
				out.Items = append(out.Items, revocationView(r))
				if r.Revoked {
					out.Revoked++
				}
			}
			return &body[revocationReport]{out}, nil
		})
}
