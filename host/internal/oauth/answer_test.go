package oauth

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// The shapes that providers document, each read by the data that its adapter declares.
func TestTokenShapes(t *testing.T) {
	slack := &Provider{ErrorPointer: "/error", ScopeSeparator: ","}
	user := &Provider{ErrorPointer: "/error", AccessTokenPointer: "/authed_user/access_token", RefreshTokenPointer: "/authed_user/refresh_token",
		ExpiresInPointer: "/authed_user/expires_in", ScopePointer: "/authed_user/scope"}
	plain := &Provider{}
	for name, c := range map[string]struct {
		p               *Provider
		body            string
		access, refresh string
		lifetime        time.Duration
		scopes          []string
	}{
		// docs.slack.dev, oauth.v2.access, for an app without token rotation: no end and no refresh token.
		"slack without rotation": {slack, `{"ok":true,"access_token":"xoxb-1","token_type":"bot","scope":"commands,incoming-webhook","bot_user_id":"U0",
			"app_id":"A0","team":{"name":"T","id":"T9"},"authed_user":{"id":"U1","scope":"chat:write","access_token":"xoxp-1","token_type":"user"}}`,
			"xoxb-1", "", 0, []string{"commands", "incoming-webhook"}},
		// docs.slack.dev, using token rotation.
		"slack with rotation": {slack, `{"ok":true,"access_token":"xoxe.xoxb-1","expires_in":43200,"refresh_token":"xoxe-1","token_type":"bot","scope":"chat:write"}`,
			"xoxe.xoxb-1", "xoxe-1", 12 * time.Hour, []string{"chat:write"}},
		"slack for a person": {user, `{"ok":true,"authed_user":{"id":"U1","scope":"search:read","access_token":"xoxe.xoxp-1","refresh_token":"xoxe-2","expires_in":43200}}`,
			"xoxe.xoxp-1", "xoxe-2", 12 * time.Hour, []string{"search:read"}},
		// developers.google.com/identity: the refresh token comes with the first consent alone, and only some scopes may be granted.
		"google, again": {plain, `{"access_token":"ya29","expires_in":3599,"scope":"openid https://www.googleapis.com/auth/gmail.send","token_type":"Bearer","id_token":"x.y.z"}`,
			"ya29", "", 3599 * time.Second, []string{"openid", "https://www.googleapis.com/auth/gmail.send"}},
		// developers.notion.com: no end, no scopes.
		"notion": {plain, `{"access_token":"ntn_1","token_type":"bearer","refresh_token":"nrt_1","bot_id":"b","workspace_name":"W","owner":{"type":"user"}}`, "ntn_1", "nrt_1", 0, nil},
		// reddit.com/dev/api/oauth2.
		"reddit":            {plain, `{"access_token":"ey.1","token_type":"bearer","expires_in":86400,"refresh_token":"r-1","scope":"identity read"}`, "ey.1", "r-1", 24 * time.Hour, []string{"identity", "read"}},
		"a list of scopes":  {plain, `{"access_token":"a","scope":["x","y z"]}`, "a", "", 0, []string{"x", "y", "z"}},
		"seconds as a text": {plain, `{"access_token":"a","expires_in":"60"}`, "a", "", time.Minute, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readTokens(c.p, 200, http.Header{"Content-Type": {"application/json"}}, []byte(c.body), 0)
			if err != nil {
				t.Fatal(err)
			}
			if got.Access() != c.access || got.Refresh() != c.refresh || got.Lifetime != c.lifetime || !slices.Equal(got.Scopes, c.scopes) {
				t.Errorf("it reads %q, %q, %s, %q", got.Access(), got.Refresh(), got.Lifetime, got.Scopes)
			}
		})
	}
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}} // as GitHub answers who asks for no JSON
	if got, err := readTokens(plain, 200, form, []byte("access_token=gho_1&scope=repo%2Cgist&token_type=bearer"), 0); err != nil || got.Access() != "gho_1" || len(got.Scopes) != 2 {
		t.Errorf("a form reads %q, %v", got.Scopes, err)
	}
}

// What a refusal means decides whether a person must connect again.
func TestRefusals(t *testing.T) {
	json := http.Header{"Content-Type": {"application/json"}}
	for _, c := range []struct {
		status int
		body   string
		p      Provider
		want   Meaning
	}{
		{400, `{"error":"invalid_grant","error_description":"Token has been expired or revoked."}`, Provider{}, Dead},
		{200, `{"ok":false,"error":"invalid_refresh_token"}`, Provider{ErrorPointer: "/error"}, Dead},
		{200, `{"error":"bad_refresh_token"}`, Provider{}, Dead},
		{401, `{"error":"invalid_client"}`, Provider{}, Misconfigured},
		{400, `{"error":"invalid_scope"}`, Provider{}, Misconfigured},
		{400, `{"error":"authorization_pending"}`, Provider{}, Pending},
		{400, `{"error":"slow_down"}`, Provider{}, Pending},
		{500, `{"error":"invalid_grant"}`, Provider{}, Transient}, // a failing provider decides nothing
		{503, `<html>`, Provider{}, Transient},
		{429, `{"error":"invalid_grant"}`, Provider{}, Transient},
		{400, `<html>`, Provider{}, Transient},
		{400, `{"error":{"status":"UNAVAILABLE"}}`, Provider{}, Transient},
		{200, `{"access_token":""}`, Provider{}, Transient},
		{200, `[]`, Provider{}, Transient},
		{302, ``, Provider{}, Transient},
	} {
		_, err := readTokens(&c.p, c.status, json, []byte(c.body), 0)
		var f *Failure
		if !errors.As(err, &f) || f.Meaning != c.want {
			t.Errorf("%d %s means %+v, want %d", c.status, c.body, f, c.want)
		}
	}
}

func TestIssuer(t *testing.T) {
	p := &Provider{AuthorizationURL: "https://id.example/authorize", TokenURL: "https://api.example/token"}
	for iss, good := range map[string]bool{"": true, "https://id.example": true, "https://api.example/x": true, "https://id.example.evil": false, "id.example": false, "https://evil.example": false} {
		if err := CheckIssuer(p, iss); (err == nil) != good {
			t.Errorf("%q answers %v", iss, err)
		}
	}
	p.Issuer = "https://issuer.example"
	if CheckIssuer(p, "https://id.example") == nil || CheckIssuer(p, p.Issuer) != nil {
		t.Error("a known issuer is not compared exactly")
	}
}

// Secrets cannot be printed by any verb.
func TestNothingPrints(t *testing.T) {
	tokens, client := NewTokens("planted-access", "planted-refresh"), NewClient("id", "planted-secret")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%p"} {
		for _, v := range []any{tokens, client, &tokens, &client, []Tokens{tokens}, struct{ C Client }{client}} {
			if out := fmt.Sprintf(verb, v); strings.Contains(out, "planted") || strings.Contains(out, fmt.Sprintf("%x", "planted")) {
				t.Errorf("%s of %T prints %s", verb, v, out)
			}
		}
	}
}

func FuzzReadTokens(f *testing.F) {
	for _, seed := range []string{`{"access_token":"a","expires_in":1}`, `{"error":"invalid_grant"}`, `access_token=a`, `{"a":{"b":{"access_token":"x"}}}`, `{"expires_in":1e999}`, "\xff", `{"scope":[[]]}`} {
		f.Add(200, "application/json", seed)
		f.Add(400, "application/x-www-form-urlencoded", seed)
	}
	p := &Provider{AccessTokenPointer: "/a/b/access_token", ErrorPointer: "/error", ScopePointer: "/a~1b"}
	f.Fuzz(func(t *testing.T, status int, kind, body string) {
		got, err := readTokens(p, status, http.Header{"Content-Type": {kind}, "Retry-After": {kind}}, []byte(body), time.Second)
		var failure *Failure
		switch {
		case err != nil && !errors.As(err, &failure):
			t.Errorf("the error is no failure: %v", err)
		case err == nil && (got.Access() == "" || strings.ContainsAny(got.Access()+got.Refresh(), "\r\n") || got.Lifetime < 0 || got.Lifetime > maxLifetime):
			t.Errorf("it reads %q for %s", got.Access(), got.Lifetime)
		}
	})
}
