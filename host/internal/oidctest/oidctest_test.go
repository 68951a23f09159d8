package oidctest_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/patchbay/patchbay/host/internal/oidctest"
)

const redirect = "http://127.0.0.1:9/back"

func ask(t *testing.T, p *oidctest.Provider, form url.Values) (int, map[string]any) {
	t.Helper()
	form.Set("client_id", "one")
	form.Set("client_secret", "secret of one")
	resp, err := http.PostForm(p.Issuer+"/token", form)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	out := map[string]any{}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, out
}

// The provider is a real one: it wants PKCE, rotates, and a grant that was revoked is dead.
func TestProvider(t *testing.T) {
	t.Parallel()
	p := oidctest.Start(t, oidctest.Options{Clients: []oidctest.Client{{ID: "one", Secret: "secret of one", RedirectURIs: []string{redirect},
		AuthMethod: "client_secret_post"}}, Scopes: []string{"files"}, RotateRefreshTokens: true, AccessTokenSeconds: 5})
	challenge := sha256.Sum256([]byte("a-verifier-of-forty-three-characters-at-least"))
	authorize := func(account string) *url.URL {
		to, err := url.Parse(p.Approve(t, p.Issuer+"/auth?"+url.Values{"client_id": {"one"}, "response_type": {"code"}, "redirect_uri": {redirect},
			"scope": {"files"}, "state": {"s"}, "code_challenge_method": {"S256"},
			"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}}.Encode(), account))
		if err != nil {
			t.Fatal(err)
		}
		return to
	}
	if got := authorize(oidctest.Nobody).Query().Get("error"); got != "access_denied" {
		t.Errorf("a refusal answers %q", got)
	}
	code := authorize("bea").Query().Get("code")
	status, tokens := ask(t, p, url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirect},
		"code_verifier": {"a-verifier-of-forty-three-characters-at-least"}})
	if status != 200 || tokens["expires_in"] != 5.0 || tokens["scope"] != "files" {
		t.Fatalf("the code gave %d %v", status, tokens)
	}
	first, _ := tokens["refresh_token"].(string)
	status, tokens = ask(t, p, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {first}})
	if status != 200 || tokens["refresh_token"] == first {
		t.Fatalf("refreshing gave %d %v", status, tokens)
	}
	p.Revoke(t, "bea")
	second, _ := tokens["refresh_token"].(string)
	if status, tokens = ask(t, p, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {second}}); tokens["error"] != "invalid_grant" {
		t.Errorf("a revoked grant gave %d %v", status, tokens)
	}
	if c := p.Counts(t); c.Issued["refresh_token"] != 1 || c.Refused["refresh_token"] != 1 || c.Issued["authorization_code"] != 1 {
		t.Errorf("the provider counted %+v", c)
	}
}
