package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/patchbay/patchbay/host/internal/api"
	"github.com/patchbay/patchbay/host/internal/identity"
	"github.com/patchbay/patchbay/host/internal/signin"
)

// Provider is where people sign in.
type Provider interface {
	// Name is what the button calls it.
	Name() string
	Begin(ctx context.Context, returnTo string) (to, cookie string, err error)
	Finish(ctx context.Context, cookie string, query url.Values) (signin.Person, error)
}

// flowCookie is the name of what binds a sign-in to one browser. With TLS no other host can write a cookie of that name.
func (w *Web) flowCookie() string {
	if w.cfg.Secure {
		return "__Host-patchbay_signin"
	}
	return "patchbay_signin"
}

// setFlow gives the browser what it carries to the provider and back; nothing ends it.
func (w *Web) setFlow(rw http.ResponseWriter, value string) {
	age := int(signin.FlowLifetime.Seconds())
	if value == "" {
		age = -1
	}
	// Lax: the provider sends the browser back from its own site.
	http.SetCookie(rw, &http.Cookie{Name: w.flowCookie(), Value: value, Path: "/", HttpOnly: true, Secure: w.cfg.Secure, SameSite: http.SameSiteLaxMode, MaxAge: age})
}

// setSession gives the browser a session; nothing ends it.
func (w *Web) setSession(rw http.ResponseWriter, secret string) {
	age := int(identity.SessionLifetime.Seconds())
	if secret == "" {
		age = -1
	}
	http.SetCookie(rw, &http.Cookie{Name: api.SessionCookie, Value: secret, Path: "/", HttpOnly: true, Secure: w.cfg.Secure, SameSite: http.SameSiteLaxMode, MaxAge: age})
}

// signInPage offers what there is to sign in with.
func (w *Web) signInPage(rw http.ResponseWriter, status int, problem string) {
	w.signInPageFor(rw, status, problem, "")
}

// signInPageFor does the same for a page of this host, which the provider's way back leads to.
func (w *Web) signInPageFor(rw http.ResponseWriter, status int, problem, returnTo string) {
	provider := ""
	if w.cfg.Provider != nil {
		provider = w.cfg.Provider.Name()
	}
	w.render(rw, status, "signin.html", map[string]string{"Problem": problem, "Provider": provider, "Return": returnTo})
}

// beginOIDC sends the browser to the provider.
func (w *Web) beginOIDC(rw http.ResponseWriter, r *http.Request) {
	to, cookie, err := w.cfg.Provider.Begin(r.Context(), r.URL.Query().Get("return"))
	if err != nil {
		w.cfg.Logger.Error("sending somebody to the provider failed", "error", err)
		w.signInPage(rw, http.StatusBadGateway, "The provider cannot be reached. Try again, or ask the operator.")
		return
	}
	w.setFlow(rw, cookie)
	rw.Header().Set("Cache-Control", "no-store")
	http.Redirect(rw, r, to, http.StatusSeeOther)
}

// finishOIDC begins a session for whom the provider sent back.
func (w *Web) finishOIDC(rw http.ResponseWriter, r *http.Request) {
	carried := ""
	if cookie, err := r.Cookie(w.flowCookie()); err == nil {
		carried = cookie.Value
	}
	w.setFlow(rw, "")
	person, err := w.cfg.Provider.Finish(r.Context(), carried, r.URL.Query())
	if err != nil {
		w.refuse(rw, err)
		return
	}
	secret, err := w.cfg.Identity.SignInExternal(r.Context(), identity.External{Issuer: person.Issuer, Subject: person.Subject, Name: person.Name,
		Operator: person.Operator, Flow: person.Flow, FlowEnds: person.FlowEnds})
	if err != nil {
		w.refuse(rw, err)
		return
	}
	w.setSession(rw, secret)
	rw.Header().Set("Cache-Control", "no-store")
	http.Redirect(rw, r, person.ReturnTo, http.StatusSeeOther)
}

// refuse says why somebody was not signed in.
func (w *Web) refuse(rw http.ResponseWriter, err error) {
	var refused *signin.RefusedError
	switch {
	case errors.As(err, &refused):
		w.signInPage(rw, http.StatusForbidden, refused.Why)
	case errors.Is(err, signin.ErrFlow), errors.Is(err, identity.ErrLink):
		w.signInPage(rw, http.StatusForbidden, "This sign-in was not begun in this browser, took too long, or was used already. Begin again.")
	default:
		w.cfg.Logger.Error("signing somebody in by the provider failed", "error", err)
		w.signInPage(rw, http.StatusBadGateway, "The provider's answer cannot be trusted or used. The host's log says more.")
	}
}
