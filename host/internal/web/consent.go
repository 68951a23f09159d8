package web

import (
	"encoding/json"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/patchbay/patchbay/host/internal/api"
	"github.com/patchbay/patchbay/host/internal/consent"
	"github.com/patchbay/patchbay/host/internal/identity"
	"github.com/patchbay/patchbay/host/internal/integration"
)

const consentPath = "/oauth/authorize"

// consentRoutes are the authorisation server of the MCP surface.
func (w *Web) consentRoutes(mux *http.ServeMux) {
	for _, path := range []string{"/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"} {
		mux.HandleFunc("GET "+path, w.resourceMetadata)
	}
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", w.serverMetadata)
	mux.HandleFunc("POST /oauth/register", w.register)
	mux.HandleFunc("GET "+consentPath, w.askConsent)
	mux.HandleFunc("POST "+consentPath, w.giveConsent)
	mux.HandleFunc("POST /oauth/token", w.token)
	mux.HandleFunc("POST /oauth/revoke", w.revoke)
}

// resourceMetadata is RFC 9728.
func (w *Web) resourceMetadata(rw http.ResponseWriter, _ *http.Request) {
	writeJSON(rw, http.StatusOK, map[string]any{"resource": w.cfg.Consent.Resource(), "resource_name": "Patchbay",
		"authorization_servers": []string{w.cfg.Consent.Issuer()}, "scopes_supported": consent.Scopes, "bearer_methods_supported": []string{"header"}})
}

// serverMetadata is RFC 8414.
func (w *Web) serverMetadata(rw http.ResponseWriter, _ *http.Request) {
	at := w.cfg.Consent.Issuer()
	writeJSON(rw, http.StatusOK, map[string]any{"issuer": at, "authorization_endpoint": at + consentPath, "token_endpoint": at + "/oauth/token",
		"registration_endpoint": at + "/oauth/register", "revocation_endpoint": at + "/oauth/revoke", "scopes_supported": consent.Scopes,
		"response_types_supported": []string{"code"}, "response_modes_supported": []string{"query"},
		"grant_types_supported": []string{"authorization_code", "refresh_token"}, "code_challenge_methods_supported": []string{"S256"},
		"token_endpoint_auth_methods_supported": []string{"none"}, "revocation_endpoint_auth_methods_supported": []string{"none"},
		"authorization_response_iss_parameter_supported": true})
}

// register is RFC 7591.
func (w *Web) register(rw http.ResponseWriter, r *http.Request) {
	var in struct {
		Redirects []string `json:"redirect_uris"`
		Name      string   `json:"client_name"`
		Method    string   `json:"token_endpoint_auth_method"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(rw, r.Body, 16<<10)).Decode(&in); err != nil {
		w.refuseProgram(rw, &consent.Error{Code: "invalid_client_metadata", Description: "The body is no JSON object of client metadata."})
		return
	}
	id, err := w.cfg.Consent.Register(consent.Client{Name: in.Name, Redirects: in.Redirects})
	if err != nil {
		w.refuseProgram(rw, err)
		return
	}
	writeJSON(rw, http.StatusCreated, map[string]any{"client_id": id, "client_name": in.Name, "redirect_uris": in.Redirects,
		"token_endpoint_auth_method": "none", "grant_types": []string{"authorization_code", "refresh_token"}, "response_types": []string{"code"}})
}

// consentFields are the parameters of a request.
var consentFields = []string{"client_id", "redirect_uri", "state", "scope", "resource", "response_type", "code_challenge", "code_challenge_method"}

func requestOf(q url.Values) consent.Request {
	return consent.Request{ClientID: q.Get("client_id"), RedirectURI: q.Get("redirect_uri"), State: q.Get("state"), Scope: q.Get("scope"), Resource: q.Get("resource"),
		ResponseType: q.Get("response_type"), Challenge: q.Get("code_challenge"), ChallengeMethod: q.Get("code_challenge_method")}
}

// askConsent shows a signed-in person what a program asks for.
func (w *Web) askConsent(rw http.ResponseWriter, r *http.Request) {
	asked, p, ok := w.asked(rw, r, r.URL.Query())
	if !ok {
		return
	}
	own, err := w.cfg.Integrations.List(r.Context(), integration.Filter{User: p.User, Limit: 200})
	if err != nil {
		w.cfg.Logger.Error("listing integrations failed", "error", err)
		w.render(rw, http.StatusInternalServerError, "message.html", "The host failed. Its log says more.")
		return
	}
	var platforms []string
	for _, i := range own {
		platforms = append(platforms, i.Platform)
	}
	slices.Sort(platforms)
	fields := map[string]string{}
	for _, name := range consentFields {
		fields[name] = r.URL.Query().Get(name)
	}
	w.render(rw, http.StatusOK, "consent.html", map[string]any{"Client": asked.Client.Name, "Where": where(asked.RedirectURI), "User": p.Name,
		"Connects": slices.Contains(asked.Scopes, identity.ScopeIntegrations), "Platforms": slices.Compact(platforms), "Fields": fields})
}

// where says to whom an address leads.
func where(redirect string) string {
	u, err := url.Parse(redirect)
	switch {
	case err != nil:
		return redirect
	case u.Scheme == "http":
		return "a program on the machine of your browser (" + u.Host + ")"
	case u.Scheme == "https":
		return u.Host
	}
	return "a program on the machine of your browser (" + u.Scheme + ":)"
}

// asked checks a request and who is signed in, and answers the browser where it cannot go on.
func (w *Web) asked(rw http.ResponseWriter, r *http.Request, q url.Values) (consent.Asked, identity.Principal, bool) {
	asked, err := w.cfg.Consent.Check(requestOf(q))
	var refused *consent.Error
	switch {
	case errors.As(err, &refused):
		// Anybody can register a client: its request leads a browser elsewhere only when a person has said so.
		w.render(rw, http.StatusBadRequest, "message.html", "The program that sent you here asks wrongly ("+refused.Code+"): "+refused.Description)
		return asked, identity.Principal{}, false
	case err != nil:
		w.render(rw, http.StatusBadRequest, "message.html", "The program that sent you here is not registered, or wants to send you where it may not. Begin again in the program.")
		return asked, identity.Principal{}, false
	}
	cookie, err := r.Cookie(api.SessionCookie)
	var p identity.Principal
	if err == nil {
		p, err = w.cfg.Identity.Session(r.Context(), cookie.Value)
	}
	if err != nil {
		w.signInPageFor(rw, http.StatusUnauthorized, "A program asks for your accounts: sign in first. With a link, open it in this browser and reload this page then.", r.URL.RequestURI())
		return asked, p, false
	}
	return asked, p, true
}

// giveConsent takes the person's answer.
func (w *Web) giveConsent(rw http.ResponseWriter, r *http.Request) {
	if err := new(http.CrossOriginProtection).Check(r); err != nil {
		w.render(rw, http.StatusForbidden, "message.html", "A page of another origin sent this request.")
		return
	}
	r.Body = http.MaxBytesReader(rw, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		w.render(rw, http.StatusBadRequest, "message.html", "The form could not be read.")
		return
	}
	asked, p, ok := w.asked(rw, r, r.PostForm)
	if !ok {
		return
	}
	if r.PostForm.Get("answer") != "allow" {
		w.leadBack(rw, asked, url.Values{"error": {"access_denied"}, "error_description": {"The user refused."}})
		return
	}
	limits := identity.Limits{Platforms: r.PostForm["platform"]}
	if r.PostForm.Get("read_only") != "" {
		limits.Effects = []string{"read"}
	}
	if err := limits.Check(asked.Scopes); err != nil {
		w.render(rw, http.StatusBadRequest, "message.html", "The form could not be read.")
		return
	}
	code, err := w.cfg.Consent.Agree(r.Context(), p.User, asked, limits)
	if err != nil {
		w.cfg.Logger.Error("keeping a consent failed", "error", err)
		w.leadBack(rw, asked, url.Values{"error": {"server_error"}})
		return
	}
	w.leadBack(rw, asked, url.Values{"code": {code}})
}

// leadBack sends the browser back to the program. Browsers hold a form to this host's own addresses even through redirects; a refresh is no
// part of the form. The address was checked.
func (w *Web) leadBack(rw http.ResponseWriter, asked consent.Asked, with url.Values) {
	to, err := url.Parse(asked.RedirectURI)
	if err != nil {
		w.render(rw, http.StatusBadRequest, "message.html", "The program's address cannot be read.")
		return
	}
	q := to.Query()
	for name, values := range with {
		q[name] = values
	}
	if asked.State != "" {
		q.Set("state", asked.State)
	}
	q.Set("iss", w.cfg.Consent.Issuer())
	to.RawQuery = q.Encode()
	rw.Header().Set("Refresh", "0; url="+to.String())
	w.render(rw, http.StatusOK, "going.html", map[string]any{"Name": "the program", "Next": template.URL(to.String())}) //nolint:gosec // checked when it was registered
}

// token answers tokens for a code or a refresh token.
func (w *Web) token(rw http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(rw, r.Body, 32<<10)
	if err := r.ParseForm(); err != nil {
		w.refuseProgram(rw, &consent.Error{Code: "invalid_request", Description: "The form could not be read."})
		return
	}
	f := r.PostForm
	var out consent.Issued
	var err error
	switch f.Get("grant_type") {
	case "authorization_code":
		out, err = w.cfg.Consent.Redeem(r.Context(), f.Get("code"), f.Get("client_id"), f.Get("redirect_uri"), f.Get("code_verifier"), f.Get("resource"))
	case "refresh_token":
		out, err = w.cfg.Consent.Refresh(r.Context(), f.Get("refresh_token"), f.Get("client_id"), f.Get("resource"))
	default:
		err = &consent.Error{Code: "unsupported_grant_type", Description: "grant_type must be authorization_code or refresh_token."}
	}
	if err != nil {
		w.refuseProgram(rw, err)
		return
	}
	writeJSON(rw, http.StatusOK, map[string]any{"access_token": out.AccessToken, "token_type": "Bearer", "expires_in": int(consent.AccessLifetime.Seconds()),
		"refresh_token": out.RefreshToken, "scope": strings.Join(out.Scopes, " ")})
}

// revoke is RFC 7009: whatever is sent, it is good no more.
func (w *Web) revoke(rw http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(rw, r.Body, 16<<10)
	if err := r.ParseForm(); err != nil {
		w.refuseProgram(rw, &consent.Error{Code: "invalid_request", Description: "The form could not be read."})
		return
	}
	if err := w.cfg.Consent.Revoke(r.Context(), r.PostForm.Get("token")); err != nil {
		w.refuseProgram(rw, err)
		return
	}
	rw.WriteHeader(http.StatusOK)
}

// refuseProgram tells a program what is wrong, in the words of RFC 6749.
func (w *Web) refuseProgram(rw http.ResponseWriter, err error) {
	var refused *consent.Error
	if errors.As(err, &refused) {
		writeJSON(rw, http.StatusBadRequest, map[string]string{"error": refused.Code, "error_description": refused.Description})
		return
	}
	w.cfg.Logger.Error("a request of an OAuth client failed", "error", err)
	writeJSON(rw, http.StatusInternalServerError, map[string]string{"error": "server_error", "error_description": "The host failed. Its log says more."})
}

func writeJSON(rw http.ResponseWriter, status int, v any) {
	rw.Header().Set("Content-Type", "application/json")
	rw.Header().Set("Cache-Control", "no-store")
	rw.WriteHeader(status)
	_ = json.NewEncoder(rw).Encode(v) // a caller that went away
}
