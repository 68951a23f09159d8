package web

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/patchbay/patchbay/host/internal/api"
	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/integration"
)

const callbackPath = "/oauth/callback"

// bindCookie is the cookie that binds a browser to an authorisation that it began. Browsers send it to the callback alone; each authorisation
// has its own, named after its state, so that several can be under way.
func (w *Web) bindCookie(state, value string, maxAge int) *http.Cookie {
	sum := sha256.Sum256([]byte(state))
	return &http.Cookie{Name: "patchbay_authorization_" + hex.EncodeToString(sum[:6]), Value: value, Path: callbackPath, HttpOnly: true,
		Secure: w.cfg.Secure, SameSite: http.SameSiteLaxMode, MaxAge: maxAge} // lax: the provider's redirect comes from another site
}

// closing is what the page at the end of a connection shows.
type closing struct {
	OK                bool
	Title, Text, Code string
	Integration       string
	Return            string
}

// startOAuth binds the browser and sends it to the provider.
func (w *Web) startOAuth(rw http.ResponseWriter, r *http.Request) {
	d, err := w.cfg.Integrations.Start(r.Context(), r.URL.Query().Get("link"), w.signedIn(r))
	if err != nil {
		w.closeWith(rw, r, err, "")
		return
	}
	http.SetCookie(rw, w.bindCookie(d.State, d.Binder, int(integration.AuthorizationLifetime.Seconds())))
	rw.Header().Set("Cache-Control", "no-store")
	http.Redirect(rw, r, d.Address, http.StatusSeeOther)
}

// signedIn answers the user of the browser's session, or "".
func (w *Web) signedIn(r *http.Request) string {
	cookie, err := r.Cookie(api.SessionCookie)
	if err != nil {
		return ""
	}
	p, err := w.cfg.Identity.Session(r.Context(), cookie.Value)
	if err != nil {
		return ""
	}
	return p.User
}

// finishOAuth takes the provider's answer.
func (w *Web) finishOAuth(rw http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	c := integration.Callback{State: q.Get("state"), Code: q.Get("code"), Issuer: q.Get("iss"), Error: q.Get("error"), Description: q.Get("error_description")}
	gone := w.bindCookie(c.State, "", -1)
	if cookie, err := r.Cookie(gone.Name); err == nil {
		c.Binder = cookie.Value
		http.SetCookie(rw, gone)
	}
	if c.State == "" {
		w.closeWith(rw, r, integration.ErrAuthorization, "")
		return
	}
	a, i, err := w.cfg.Integrations.Finish(r.Context(), c)
	back := ""
	if a.Session != "" {
		if session, err := w.cfg.Integrations.Session(r.Context(), a.User, a.Session); err == nil {
			back = session.ReturnURL
		}
	}
	if err != nil {
		w.closeWith(rw, r, err, back)
		return
	}
	w.connected(rw, i, back)
}

func (w *Web) connected(rw http.ResponseWriter, i integration.Integration, back string) {
	name := i.Platform
	if p, _, err := w.cfg.Catalog.Platform(i.Platform); err == nil {
		name = p.Name
	}
	text := "You can close this window."
	if i.AccountName != "" {
		text = "The account is " + i.AccountName + ". " + text
	}
	w.close(rw, http.StatusOK, closing{OK: true, Title: name + " is connected", Text: text, Integration: i.ID, Return: back})
}

// closeWith shows what went wrong, and what to do.
func (w *Web) closeWith(rw http.ResponseWriter, r *http.Request, err error, back string) {
	var f *catalog.Failure
	switch {
	case errors.Is(err, integration.ErrAuthorization):
		w.close(rw, http.StatusForbidden, closing{Title: "This link is not good any more", Code: "link_invalid", Return: back,
			Text: "It was used already, its time is over, it belongs to another user, or it is not complete. Go back to where you began and begin again."})
	case errors.As(err, &f):
		w.close(rw, http.StatusConflict, closing{Title: "The account was not connected", Text: f.Message, Code: string(f.Kind), Return: back})
	default:
		w.cfg.Logger.Error("connecting an account failed", "path", r.URL.Path, "error", err)
		w.close(rw, http.StatusInternalServerError, closing{Title: "The account was not connected", Code: "internal_error", Return: back,
			Text: "The host failed. Its log says more. Nothing was kept; begin again."})
	}
}

// close writes the last page of a connection. Its one script tells the window that opened it, if that is this host's own, and closes it.
func (w *Web) close(rw http.ResponseWriter, status int, c closing) {
	rw.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	w.write(rw, status, "closing.html", c)
}

// connectPage shows what can be connected in a session.
type connectPage struct {
	Session   string
	Platforms []*catalog.Platform
	// Platform is the one that is being connected; nil while there is a choice.
	Platform *catalog.Platform
	OAuth    bool
	Methods  []catalog.AuthMethod // those that take fields
	Problem  string
	Errors   []catalog.Violation
}

// connect shows a connect session's page.
func (w *Web) connect(rw http.ResponseWriter, r *http.Request) {
	session, err := w.cfg.Integrations.OpenSession(r.Context(), r.URL.Query().Get("session"))
	if err != nil {
		w.closeWith(rw, r, err, "")
		return
	}
	w.render(rw, http.StatusOK, "connect.html", w.connectPage(session, r.URL.Query().Get("session"), r.URL.Query().Get("platform")))
}

func (w *Web) connectPage(session integration.Session, secret, chosen string) connectPage {
	page := connectPage{Session: secret}
	for _, id := range session.Platforms {
		if p, _, err := w.cfg.Catalog.Platform(id); err == nil {
			page.Platforms = append(page.Platforms, p)
			if id == chosen || len(session.Platforms) == 1 {
				page.Platform = p
			}
		}
	}
	if page.Platform == nil {
		return page
	}
	for _, m := range page.Platform.AuthMethods {
		switch {
		case m.Type == "oauth2":
			page.OAuth = true
		case session.Integration == "":
			page.Methods = append(page.Methods, m)
		}
	}
	return page
}

// connectStart begins what the end user chose: OAuth by a redirect, or a credential by the fields of a form. The secret in the form is what
// authorises it; a page of another origin does not have it.
func (w *Web) connectStart(rw http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(rw, r.Body, 256<<10)
	if err := r.ParseForm(); err != nil {
		w.render(rw, http.StatusBadRequest, "message.html", "The form could not be read.")
		return
	}
	secret, platform, method := r.PostForm.Get("session"), r.PostForm.Get("platform"), r.PostForm.Get("method")
	session, err := w.cfg.Integrations.OpenSession(r.Context(), secret)
	if err != nil {
		w.closeWith(rw, r, err, "")
		return
	}
	page := w.connectPage(session, secret, platform)
	if page.Platform == nil || page.Platform.ID != platform {
		w.closeWith(rw, r, integration.ErrAuthorization, session.ReturnURL)
		return
	}
	if method == "oauth2" {
		begun, err := w.cfg.Integrations.Begin(r.Context(), integration.Begin{User: session.User, Platform: platform, Label: session.Label,
			Integration: session.Integration, Session: session.ID, Grant: "authorization_code"})
		if err != nil {
			w.closeWith(rw, r, err, session.ReturnURL)
			return
		}
		// Browsers hold a form to this host's own addresses even through redirects; a refresh is no part of the form.
		next := "/oauth/start?link=" + url.QueryEscape(begun.Link)
		rw.Header().Set("Refresh", "0; url="+next)
		w.render(rw, http.StatusOK, "going.html", map[string]string{"Name": page.Platform.Name, "Next": next})
		return
	}
	fields := map[string]string{}
	for name, values := range r.PostForm {
		if field, ok := strings.CutPrefix(name, "field."); ok && values[0] != "" {
			fields[field] = values[0]
		}
	}
	i, err := w.cfg.Integrations.CreateIn(r.Context(), session, integration.Draft{Platform: platform, AuthMethod: method, Credential: fields})
	var f *catalog.Failure
	switch {
	case errors.As(err, &f):
		page.Problem, page.Errors = f.Message, f.Violations
		w.render(rw, http.StatusUnprocessableEntity, "connect.html", page)
	case err != nil:
		w.closeWith(rw, r, err, session.ReturnURL)
	default:
		w.connected(rw, i, session.ReturnURL)
	}
}
