// Package web serves what people see in a browser: the sign-in link, a first page, and the docs.
package web

import (
	"embed"
	"errors"
	"html/template"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/patchbay/patchbay/host/internal/api"
	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/consent"
	"github.com/patchbay/patchbay/host/internal/identity"
	"github.com/patchbay/patchbay/host/internal/integration"
)

//go:embed *.html *.css *.js
var files embed.FS

// Config is what the pages need; every field but Provider is required.
type Config struct {
	Identity     *identity.Service
	Integrations *integration.Service
	Catalog      *catalog.Catalog
	OpenAPI      func() *huma.OpenAPI
	// Docs are the pages under /docs, in the order of the index; each belongs to the group of its neighbour that is for the same people.
	Docs []Page
	// Provider is where people sign in beside links; nil: nowhere.
	Provider Provider
	// Secure marks cookies for TLS alone.
	Secure bool
	// Consent is the authorisation server of the MCP surface.
	Consent *consent.Service
	Logger  *slog.Logger
}

// Web serves the pages.
type Web struct {
	cfg   Config
	pages *template.Template
	site  *docsSite
}

// Register adds the pages to a mux. It fails where a page of the documentation is not well-formed.
func Register(mux *http.ServeMux, cfg Config) error {
	site, err := newDocsSite(cfg.Docs)
	if err != nil {
		return err
	}
	w := &Web{cfg: cfg, site: site, pages: template.Must(template.ParseFS(files, "*.html"))}
	mux.HandleFunc("GET /{$}", w.home)
	mux.HandleFunc("GET /signin", w.signIn)
	mux.HandleFunc("POST /signout", w.signOut)
	if cfg.Provider != nil {
		mux.HandleFunc("GET /signin/oidc", w.beginOIDC)
		mux.HandleFunc("GET /signin/oidc/callback", w.finishOIDC)
	}
	w.consentRoutes(mux)
	mux.HandleFunc("GET /docs", w.docsIndex)
	mux.HandleFunc("GET /docs/api", w.docsAPI)
	mux.HandleFunc("GET /docs/{page}", w.docsPage)
	mux.HandleFunc("GET /oauth/start", w.startOAuth)
	mux.HandleFunc("GET "+callbackPath, w.finishOAuth)
	mux.HandleFunc("GET /connect", w.connect)
	mux.HandleFunc("POST /connect", w.connectStart)
	mux.HandleFunc("GET /closing.js", func(rw http.ResponseWriter, r *http.Request) { http.ServeFileFS(rw, r, files, "closing.js") })
	mux.HandleFunc("GET /style.css", func(rw http.ResponseWriter, r *http.Request) { http.ServeFileFS(rw, r, files, "style.css") })
	return nil
}

// render writes a page. Nothing but the host's own style may be loaded, and nothing may run or frame it.
func (w *Web) render(rw http.ResponseWriter, status int, name string, data any) {
	rw.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	w.write(rw, status, name, data)
}

func (w *Web) write(rw http.ResponseWriter, status int, name string, data any) {
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	rw.Header().Set("Cache-Control", "no-store")
	rw.WriteHeader(status)
	if err := w.pages.ExecuteTemplate(rw, name, data); err != nil {
		w.cfg.Logger.Warn("a page could not be sent to its end", "page", name, "error", err)
	}
}

// signIn uses a one-time link and gives the browser a session.
func (w *Web) signIn(rw http.ResponseWriter, r *http.Request) {
	secret, err := w.cfg.Identity.SignIn(r.Context(), r.URL.Query().Get("link"))
	if err != nil {
		status, text := http.StatusForbidden, "This link was used already, has expired, or is not complete. An operator makes another with `patchbay user signin-link`."
		if !errors.Is(err, identity.ErrLink) {
			w.cfg.Logger.Error("signing in failed", "error", err)
			status, text = http.StatusInternalServerError, "The host could not sign you in. Its log says more."
		}
		w.render(rw, status, "message.html", text)
		return
	}
	w.setSession(rw, secret)
	http.Redirect(rw, r, "/", http.StatusSeeOther)
}

// signOut ends the browser's session, or with all=1 every session of its user.
func (w *Web) signOut(rw http.ResponseWriter, r *http.Request) {
	if err := new(http.CrossOriginProtection).Check(r); err != nil {
		w.render(rw, http.StatusForbidden, "message.html", "A page of another origin sent this request.")
		return
	}
	if cookie, err := r.Cookie(api.SessionCookie); err == nil {
		if p, err := w.cfg.Identity.Session(r.Context(), cookie.Value); err == nil {
			secret := cookie.Value
			if r.PostFormValue("all") == "1" {
				secret = "" // every session of this user
			}
			if err := w.cfg.Identity.SignOut(r.Context(), p.User, secret); err != nil {
				w.cfg.Logger.Error("signing out failed", "error", err)
				w.render(rw, http.StatusInternalServerError, "message.html", "The host could not sign you out. Its log says more.")
				return
			}
		}
	}
	w.setSession(rw, "")
	w.render(rw, http.StatusOK, "message.html", "You are signed out.")
}

// home shows what is connected and what can be.
func (w *Web) home(rw http.ResponseWriter, r *http.Request) {
	cookie, err := r.Cookie(api.SessionCookie)
	var p identity.Principal
	if err == nil {
		p, err = w.cfg.Identity.Session(r.Context(), cookie.Value)
	}
	if err != nil {
		w.signInPage(rw, http.StatusUnauthorized, "")
		return
	}
	own, err := w.cfg.Integrations.List(r.Context(), integration.Filter{User: p.User, Limit: 200})
	if err != nil {
		w.cfg.Logger.Error("listing integrations failed", "error", err)
		w.render(rw, http.StatusInternalServerError, "message.html", "The host could not list your integrations. Its log says more.")
		return
	}
	w.render(rw, http.StatusOK, "home.html", map[string]any{"User": p, "Integrations": own, "Platforms": w.cfg.Catalog.Search("", "")})
}
