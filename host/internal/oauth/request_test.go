package oauth

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// What leaves for the token endpoint, by the data that a provider is.
func TestTokenRequests(t *testing.T) {
	for name, c := range map[string]struct {
		p           Provider
		user, agent string
		body        map[string]string
	}{
		"the RFC's form":                {Provider{}, "", "Patchbay", map[string]string{"client_id": "id", "client_secret": "s/+", "code_verifier": "v"}},
		"basic and an agent, as Reddit": {Provider{ClientAuthentication: "basic", UserAgent: "linux:patchbay:1", NoPKCE: true}, "id", "linux:patchbay:1", map[string]string{}},
		"JSON, as Notion":               {Provider{ClientAuthentication: "basic", TokenRequestFormat: "json"}, "id", "Patchbay", map[string]string{"code_verifier": "v"}},
		"a public client":               {Provider{ClientAuthentication: "none"}, "", "Patchbay", map[string]string{"client_id": "id", "code_verifier": "v"}},
		"an audience more":              {Provider{TokenParameters: map[string]string{"audience": "api"}}, "", "Patchbay", map[string]string{"client_id": "id", "client_secret": "s/+", "code_verifier": "v", "audience": "api"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got map[string]string
			var user, secret, agent string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				user, secret, _ = r.BasicAuth()
				agent = r.UserAgent()
				raw, _ := io.ReadAll(r.Body)
				got = map[string]string{}
				if c.p.TokenRequestFormat == "json" {
					_ = json.Unmarshal(raw, &got)
				} else {
					form, _ := url.ParseQuery(string(raw))
					for name := range form {
						got[name] = form.Get(name)
					}
				}
				_, _ = w.Write([]byte(`{"access_token":"a"}`))
			}))
			defer server.Close()
			c.p.TokenURL = server.URL
			if _, err := Exchange(t.Context(), http.DefaultTransport, &c.p, NewClient("id", "s/+"), "the-code", "https://host/back", "v"); err != nil {
				t.Fatal(err)
			}
			want := maps.Clone(c.body)
			maps.Copy(want, map[string]string{"grant_type": "authorization_code", "code": "the-code", "redirect_uri": "https://host/back"})
			if !maps.Equal(got, want) || user != c.user || agent != c.agent {
				t.Errorf("it sent %v as %q by %q, want %v", got, user, agent, want)
			}
			if c.user != "" && secret != url.QueryEscape("s/+") {
				t.Errorf("the secret went as %q", secret)
			}
		})
	}
}

func TestAuthorizeURL(t *testing.T) {
	p := &Provider{AuthorizationURL: "https://id.example/authorize?tenant=1", ScopeSeparator: ",", ScopeParameter: "user_scope",
		AuthorizeParameters: map[string]string{"access_type": "offline", "state": "forged"}}
	at, err := AuthorizeURL(p, "id", "https://host/back", "the-state", "verifier", []string{"a", "b"})
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(at)
	q := u.Query()
	// The challenge of RFC 7636, appendix B, is another verifier's; this one is SHA-256 of "verifier" in base64url.
	for name, want := range map[string]string{"tenant": "1", "user_scope": "a,b", "access_type": "offline", "state": "the-state", "response_type": "code",
		"client_id": "id", "redirect_uri": "https://host/back", "code_challenge_method": "S256", "code_challenge": "iMnq5o6zALKXGivsnlom_0F5_WYda32GHkxlV7mq7hQ"} {
		if q.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, q.Get(name), want)
		}
	}
	p.NoPKCE = true
	if at, _ = AuthorizeURL(p, "id", "https://host/back", "s", "v", nil); strings.Contains(at, "code_challenge") || strings.Contains(at, "scope") {
		t.Errorf("without PKCE and scopes it is %s", at)
	}
}

// A request whose time is over does not leave, however late that is found.
func TestHeldBack(t *testing.T) {
	arrived := 0
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if raw, err := io.ReadAll(r.Body); err == nil && len(raw) > 0 {
			arrived++
		}
	}))
	defer server.Close()
	_, err := Refresh(t.Context(), &http.Transport{DisableKeepAlives: true}, &Provider{TokenURL: server.URL}, NewClient("id", "s"), "refresh", func() bool { return false })
	var f *Failure
	if !errors.As(err, &f) || !f.HeldBack || !f.NotSent || arrived != 0 {
		t.Errorf("it answers %+v, and %d requests arrived", f, arrived)
	}
}
