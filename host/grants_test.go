package host_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// A revoked grant is ended at its provider and gone from the host; so is all that the kill switch names.
func TestRevoke(t *testing.T) {
	t.Parallel()
	ca, cb := pair(t)
	a, b := start(t, ca), start(t, cb)
	b.Token = a.Token
	p := newProvider(t)
	i := a.connectFixture(p)
	b.must("POST", "/v1/calls", whoami(i), nil)
	a.must("POST", "/v1/integrations/"+i.ID+"/revoke", nil, &i)
	if g := p.only(t); !g.dead || i.Status != "expired" {
		t.Errorf("the grant is %+v, the integration %+v", g, i)
	}
	var pr problem
	if b.do("POST", "/v1/calls", whoami(i), &pr); pr.Code != "reauthorization_required" {
		t.Errorf("a call of a revoked integration answers %+v", pr)
	}
	if again := a.connectAgain(i.ID); again.ID != i.ID || again.Status != "active" {
		t.Errorf("connected again it is %+v", again)
	}
	a.must("POST", "/v1/calls", whoami(i), nil)

	other := a.connectAgain("")
	var key integrationView
	a.must("POST", "/v1/integrations", map[string]any{"platform": "fixture", "auth_method": "api_key", "label": "key",
		"credential": map[string]string{"api_key": "k"}, "verify": false}, &key)
	var report struct {
		Total, Revoked int
		Items          []struct {
			Integration, Detail string
			Revoked             bool
		}
	}
	a.must("POST", "/v1/revocations", map[string]any{"platform": "fixture"}, &report)
	if report.Total != 3 || report.Revoked != 2 {
		t.Errorf("the report is %+v", report)
	}
	for _, ref := range []string{i.ID, other.ID, key.ID} {
		if b.do("POST", "/v1/calls", map[string]any{"integration": ref, "operation": "whoami", "input": map[string]any{}}, &pr); pr.Code != "integration_inactive" {
			t.Errorf("after the kill switch a call answers %+v", pr)
		}
	}
	p.lock(func() {
		for _, g := range p.grants {
			if !g.dead {
				t.Errorf("the grant %+v lives", g)
			}
		}
	})
	var bob, token struct{ ID, Token string }
	a.must("POST", "/v1/users", map[string]any{"name": "bob"}, &bob)
	a.must("POST", "/v1/tokens", map[string]any{"user": bob.ID, "name": "x"}, &token)
	if status := a.as(token.Token, "POST", "/v1/revocations", map[string]any{"platform": "fixture"}, nil); status != 403 {
		t.Errorf("a user who is no operator may use the kill switch: %d", status)
	}
	if status := a.as(token.Token, "POST", "/v1/integrations/"+i.ID+"/revoke", nil, nil); status != 404 {
		t.Errorf("another user's integration can be revoked: %d", status)
	}
}

// A provider that cannot revoke changes nothing, and deleting with revoke keeps the integration.
func TestRevokeFails(t *testing.T) {
	t.Parallel()
	h := start(t, config(t, dataDir(t), database(t)))
	p := newProvider(t)
	i := h.connectFixture(p)
	h.must("PUT", "/v1/platforms/fixture/settings", map[string]any{"oauth": map[string]any{"revocation_url": p.URL + "/nowhere"}}, nil)
	var pr problem
	if status := h.do("DELETE", "/v1/integrations/"+i.ID+"?revoke=true", nil, &pr); status != 502 {
		t.Errorf("deleting answers %d %+v", status, pr)
	}
	h.must("POST", "/v1/calls", whoami(i), nil)
	h.must("PUT", "/v1/platforms/fixture/settings", map[string]any{"oauth": map[string]any{"revocation_url": p.URL + "/revoke"}}, nil)
	h.must("DELETE", "/v1/integrations/"+i.ID+"?revoke=true", nil, &i)
	if g := p.only(t); !g.dead || i.Status != "deleted" {
		t.Errorf("the grant is %+v, the integration %s", g, i.Status)
	}
}

// The operator's own client connects without a person, and its token is renewed like any other.
func TestClientCredentials(t *testing.T) {
	t.Parallel()
	h := start(t, config(t, dataDir(t), database(t)))
	p := newProvider(t)
	h.useProvider(p)
	var a authorizationView
	h.must("POST", "/v1/oauth/authorizations", map[string]any{"platform": "fixture", "grant": "client_credentials"}, &a)
	if a.State != "done" || a.URL != "" {
		t.Fatalf("the authorisation is %+v", a)
	}
	i := integrationView{ID: a.Integration}
	h.must("POST", "/v1/calls", whoami(i), nil)
	p.expire()
	h.must("POST", "/v1/calls", whoami(i), nil)
}

// A missing scope is told before anything is sent, and one of several suffices where a wider one includes it.
func TestScopes(t *testing.T) {
	t.Parallel()
	h := start(t, config(t, dataDir(t), database(t)))
	p := newProvider(t)
	h.useProvider(p)
	connect := func(scopes ...string) integrationView {
		var a authorizationView
		h.must("POST", "/v1/oauth/authorizations", map[string]any{"platform": "fixture", "scopes": scopes}, &a)
		resp, err := person(t).Get(a.URL)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		h.must("GET", "/v1/oauth/authorizations/"+a.ID, nil, &a)
		return integrationView{ID: a.Integration}
	}
	note := func(i integrationView) map[string]any {
		return map[string]any{"integration": i.ID, "operation": "add_note", "input": map[string]any{"text": "x"}}
	}
	var refused struct {
		Code          string
		MissingScopes []string `json:"missing_scopes"`
	}
	if h.do("POST", "/v1/calls", note(connect("read")), &refused); refused.Code != "permission_denied" || len(refused.MissingScopes) != 1 || refused.MissingScopes[0] != "write" {
		t.Errorf("a missing scope answers %+v", refused)
	}
	if p.notes != 0 {
		t.Error("the call was sent all the same")
	}
	h.must("POST", "/v1/calls", note(connect("read", "admin")), nil)
}

// An end user connects on a link that a program made for him: once, by OAuth or by a key.
func TestConnectSession(t *testing.T) {
	t.Parallel()
	h := start(t, config(t, dataDir(t), database(t)))
	p := newProvider(t)
	h.useProvider(p)
	var ann, service struct{ ID, Token string }
	h.must("POST", "/v1/users", map[string]any{"name": "ann"}, &ann)
	h.must("POST", "/v1/tokens", map[string]any{"name": "backend", "service": true, "scopes": []string{"integrations", "calls"}}, &service)
	forAnn := header{"Patchbay-User", ann.ID}
	session := func() (ref, link string) {
		var c struct{ ID, URL string }
		if status := h.as(service.Token, "POST", "/v1/connect-sessions", map[string]any{"platform": "fixture", "return_url": "https://app.example/back"}, &c, forAnn); status != 201 {
			t.Fatalf("making a session answers %d", status)
		}
		return c.ID, c.URL
	}
	submit := func(b *http.Client, link string, form url.Values) (int, string) {
		at, _ := url.Parse(link)
		form.Set("session", at.Query().Get("session"))
		form.Set("platform", "fixture")
		resp, err := b.PostForm(h.URL+"/connect", form)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		raw, _ := io.ReadAll(resp.Body)
		if next, ok := strings.CutPrefix(resp.Header.Get("Refresh"), "0; url="); ok {
			onward, err := b.Get(h.URL + next)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = onward.Body.Close() }()
			raw, _ = io.ReadAll(onward.Body)
			return onward.StatusCode, string(raw)
		}
		return resp.StatusCode, string(raw)
	}
	ref, link := session()
	resp, err := http.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	page, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if !strings.Contains(string(page), "Sign in at Fixture") {
		t.Errorf("the page is %s", page)
	}
	b := person(t)
	if status, page := submit(b, link, url.Values{"method": {"oauth2"}}); status != 200 || !strings.Contains(page, "is connected") || !strings.Contains(page, "https://app.example/back") {
		t.Errorf("connecting answers %d %s", status, page)
	}
	if status, _ := submit(b, link, url.Values{"method": {"oauth2"}}); status < 400 {
		t.Error("the link works twice")
	}
	var done struct{ Integration string }
	h.as(service.Token, "GET", "/v1/connect-sessions/"+ref, nil, &done, forAnn)
	if status := h.as(service.Token, "POST", "/v1/calls", whoami(integrationView{ID: done.Integration}), nil, forAnn); status != 200 {
		t.Errorf("a call with what ann connected answers %d", status)
	}
	if status := h.do("GET", "/v1/integrations/"+done.Integration, nil, nil); status != 404 {
		t.Errorf("the operator sees what ann connected: %d", status)
	}
	_, link = session()
	if status, page := submit(b, link, url.Values{"method": {"api_key"}, "field.api_key": {"wrong"}}); status != 422 || !strings.Contains(page, "401") {
		t.Errorf("a wrong key answers %d %s", status, page)
	}
	p.lock(func() {
		p.grants["key"] = &grant{family: "key", account: "7"}
		p.tokens["right"] = issued{"key", time.Now().Add(time.Hour)}
	})
	if status, page := submit(b, link, url.Values{"method": {"api_key"}, "field.api_key": {"right"}}); status != 200 || !strings.Contains(page, "Account 7") {
		t.Errorf("a right key answers %d %s", status, page)
	}
	if status, _ := submit(b, strings.Replace(link, "pbc_", "pbc_0", 1), url.Values{"method": {"oauth2"}}); status < 400 {
		t.Error("a link that nobody made works")
	}
	_, link = session()
	query(t, h.database, `UPDATE connect_sessions SET expires_at = now() - interval '1 second'`)
	if status, _ := submit(b, link, url.Values{"method": {"oauth2"}}); status < 400 {
		t.Error("a link works after its time")
	}
}

// Nothing that OAuth brought stands in the database in clear.
func TestGrantsAreSealed(t *testing.T) {
	t.Parallel()
	h := start(t, config(t, dataDir(t), database(t)))
	p := newProvider(t)
	i := h.connectFixture(p)
	h.must("POST", "/v1/integrations/"+i.ID+"/refresh", nil, nil)
	for _, table := range []string{"integrations", "authorizations", "refreshes", "refresh_leases", "platform_settings", "calls", "audit"} {
		dump := value[string](t, h.database, `SELECT COALESCE(json_agg(t)::text, '') FROM `+table+` t`)
		if strings.Contains(dump, "planted-") || strings.Contains(dump, json.Number("706c616e7465642d").String()) { // also as hex
			t.Errorf("the table %s holds a secret", table)
		}
	}
}

// Hosts whose clocks are minutes apart agree on when a token ends: they go by the database's clock.
func TestClockSkew(t *testing.T) {
	t.Parallel()
	ca, cb := pair(t)
	ca.Now = func() time.Time { return time.Now().Add(-7 * time.Minute) }
	cb.Now = func() time.Time { return time.Now().Add(7 * time.Minute) }
	hosts := []*server{start(t, ca), start(t, cb)}
	hosts[1].Token = hosts[0].Token
	p := newProvider(t)
	p.lifetime = 5 * time.Minute
	for _, first := range hosts {
		i := first.connectFixture(p)
		for _, h := range hosts {
			h.must("POST", "/v1/calls", whoami(i), nil)
		}
	}
	p.lock(func() {
		for _, g := range p.grants {
			if g.refreshes != 0 {
				t.Errorf("a live token was refreshed %d times", g.refreshes)
			}
		}
	})
}

// An adapter gets the access token alone: what it echoes of its credential holds neither refresh token nor client secret.
func TestAdaptersGetTheAccessTokenAlone(t *testing.T) {
	t.Parallel()
	h := start(t, config(t, dataDir(t), database(t)))
	p := newProvider(t)
	i := h.connectFixture(p)
	var out struct {
		Output struct{ Fields []string }
	}
	h.must("POST", "/v1/calls", map[string]any{"integration": i.ID, "operation": "lease", "input": map[string]any{}}, &out)
	if len(out.Output.Fields) != 1 || out.Output.Fields[0] != "access_token" {
		t.Errorf("the adapter was given %q", out.Output.Fields)
	}
}
