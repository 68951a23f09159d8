package oidctest

import (
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
)

// Nobody is the account of a person who refuses.
const Nobody = "nobody"

// Approve is a person at the provider: they open an authorization URL in a browser of their own, sign in as the account (Options.Account
// when empty; Nobody refuses), agree to everything, and are sent back. It answers the URL that the provider sends them to, unopened.
func (p *Provider) Approve(t testing.TB, authorizationURL, account string) string {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	at := authorizationURL
	for range 10 {
		resp := get(t, browser, at)
		_ = resp.Body.Close()
		to, err := resp.Location()
		if err != nil {
			t.Fatalf("the provider answered %d and no redirect", resp.StatusCode)
		}
		if to.Scheme+"://"+to.Host != p.Issuer {
			return to.String()
		}
		if account != "" && strings.HasPrefix(to.Path, "/interaction/") {
			to.RawQuery = url.Values{"account": {account}}.Encode()
		}
		at = to.String()
	}
	t.Fatal("the provider does not stop redirecting")
	return ""
}

// Counts are the requests for tokens by their grant type, such as refresh_token.
type Counts struct {
	Issued, Refused map[string]int
}

// Counts answers what the provider was asked for so far.
func (p *Provider) Counts(t testing.TB) Counts { return p.control(t, "/control/counts") }

// Revoke makes all that an account agreed to void, as if the person withdrew it: refreshing fails with invalid_grant.
func (p *Provider) Revoke(t testing.TB, account string) {
	t.Helper()
	p.control(t, "/control/revoke?"+url.Values{"account": {account}}.Encode())
}

func (p *Provider) control(t testing.TB, path string) (c Counts) {
	t.Helper()
	resp := get(t, http.DefaultClient, p.Issuer+path)
	defer func() { _ = resp.Body.Close() }()
	if err := json.NewDecoder(resp.Body).Decode(&c); err != nil {
		t.Fatalf("asking the provider: %v", err)
	}
	return c
}

// get sends a request; the caller closes the answer's body.
func get(t testing.TB, by *http.Client, at string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := by.Do(req)
	if err != nil {
		t.Fatalf("asking the provider: %v", err)
	}
	return resp
}
