package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/patchbay/patchbay/host/internal/identity"
)

// SessionCookie is the name of the browser's session cookie.
const SessionCookie = "patchbay_session"

// UserHeader names the user that a service token acts for.
const UserHeader = "Patchbay-User"

type principalKey struct{}

// principal answers who asks; the middleware has put it there.
func principal(ctx context.Context) identity.Principal {
	p, _ := ctx.Value(principalKey{}).(identity.Principal)
	return p
}

// authenticate is huma's middleware: it knows who asks, and checks the scope of the route.
func (a *API) authenticate(hc huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(hc)
	scope, _ := hc.Operation().Metadata["scope"].(string)
	p, err := a.who(r, scope)
	if err == nil {
		err = pastCalls(r.Context(), p, scope)
	}
	if err != nil {
		a.problem(r.Context(), err).write(w)
		return
	}
	next(huma.WithValue(hc, principalKey{}, p))
}

// who answers who sent a request, if they may do what needs the scope.
func (a *API) who(r *http.Request, scope string) (identity.Principal, error) {
	p, err := a.credential(r)
	if err != nil {
		return p, err
	}
	if p.Audience != "" {
		return p, identity.ErrUnauthenticated // a program that got it for another surface, or somebody whom it gave it to
	}
	if err := a.throttle.take(r.Context(), p); err != nil {
		return p, err
	}
	return p, allow(r.Context(), p, scope)
}

// allow refuses who does not have a scope; "" needs none.
func allow(ctx context.Context, p identity.Principal, scope string) error {
	if scope != "" && !p.May(scope) {
		return newProblem(ctx, 403, "forbidden", "This needs the scope "+scope+", which your token or your role does not have.")
	}
	return nil
}

// Guard answers a handler for another surface, which is told whose bearer token, with this scope, sent the request. A browser's cookie is
// no token. The token is good for all surfaces or for this audience. Refusals are problems; one for want of a token has the challenge.
func (a *API) Guard(scope, audience, challenge string, next func(http.ResponseWriter, *http.Request, identity.Principal)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := a.bearer(r)
		if err == nil && p.Audience != "" && p.Audience != audience {
			err = identity.ErrUnauthenticated
		}
		if err == nil {
			err = a.throttle.take(r.Context(), p)
		}
		if err == nil {
			err = allow(r.Context(), p, scope)
		}
		if err != nil {
			problem := a.problem(r.Context(), err)
			problem.challenge = challenge
			problem.write(w)
			return
		}
		next(w, r, p)
	})
}

// pastCalls refuses a token with limits what shows calls that others ran. It runs calls, and reads their files by the links of the answers.
func pastCalls(ctx context.Context, p identity.Principal, scope string) error {
	if scope == identity.ScopeCalls && p.Limits.Limited() {
		return newProblem(ctx, 403, "forbidden", "A token with limits runs calls, and does not read those that were run.")
	}
	return nil
}

// credential authenticates a request by its token, or by the browser's cookie.
func (a *API) credential(r *http.Request) (identity.Principal, error) {
	if r.Header.Get("Authorization") != "" {
		return a.bearer(r)
	}
	cookie, err := r.Cookie(SessionCookie)
	if err != nil {
		return identity.Principal{}, identity.ErrUnauthenticated
	}
	// A browser sends the cookie with forged requests too: those from other origins are refused.
	if err := new(http.CrossOriginProtection).Check(r); err != nil {
		return identity.Principal{}, newProblem(r.Context(), 403, "forbidden", "A page of another origin sent this request.")
	}
	return a.cfg.Identity.Session(r.Context(), cookie.Value)
}

// bearer authenticates a request by its token.
func (a *API) bearer(r *http.Request) (identity.Principal, error) {
	kind, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(kind, "Bearer") {
		return identity.Principal{}, identity.ErrUnauthenticated
	}
	p, err := a.cfg.Identity.Authenticate(r.Context(), strings.TrimSpace(token))
	if err != nil {
		return p, err
	}
	return a.actFor(r, p)
}

// actFor makes a service token's principal the user that the request names. It keeps no right of the operator's.
func (a *API) actFor(r *http.Request, p identity.Principal) (identity.Principal, error) {
	user := r.Header.Get(UserHeader)
	if user == "" || user == p.User {
		return p, nil
	}
	if !p.Service {
		return p, newProblem(r.Context(), 403, "forbidden", "Only a service token may act for another user.")
	}
	u, err := a.cfg.Identity.User(r.Context(), user)
	if err != nil {
		return p, err
	}
	p.User, p.Name, p.Role = u.ID, u.Name, identity.Member
	return p, nil
}
