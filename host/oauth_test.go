package host_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

func newJar(t *testing.T) http.CookieJar {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return jar
}

// An account is connected by OAuth, used, and used again after its token ended, which nobody sees.
func TestOAuthConnectAndRefresh(t *testing.T) {
	t.Parallel()
	h := start(t, config(t, dataDir(t), database(t)))
	p := newProvider(t)
	i := h.connectFixture(p)
	if i.Status != "active" || i.Account.Name != "Account 1" || i.Label != "Mine" {
		t.Errorf("the integration is %+v", i)
	}
	q := p.authorizes[0]
	if q.Get("code_challenge_method") != "S256" || q.Get("prompt") != "consent" || q.Get("scope") != "read write" || q.Get("redirect_uri") != h.URL+"/oauth/callback" {
		t.Errorf("the authorisation request is %v", q)
	}
	var out answerView
	h.must("POST", "/v1/calls", whoami(i), &out)
	p.expire() // before the host expects it: the platform refuses, the host refreshes and runs the call again
	h.must("POST", "/v1/calls", whoami(i), &out)
	if out.Attempts != 2 || out.Output["id"] != "1" {
		t.Errorf("the call after the token's end is %+v", out)
	}
	if g := p.only(t); g.refreshes != 1 || g.reused {
		t.Errorf("the grant is %+v", g)
	}
	var history struct {
		Items []struct{ Trigger, Outcome string }
	}
	h.must("GET", "/v1/integrations/"+i.ID+"/refreshes", nil, &history)
	if len(history.Items) != 1 || history.Items[0].Trigger != "on_refusal" || history.Items[0].Outcome != "refreshed" {
		t.Errorf("the history is %+v", history)
	}
	h.must("POST", "/v1/integrations/"+i.ID+"/refresh", nil, nil)
	if g := p.only(t); g.refreshes != 2 {
		t.Errorf("by hand it was refreshed %d times", g.refreshes)
	}
	for _, secret := range []string{"planted-access", "planted-refresh", "planted-code", "planted-client-secret"} {
		if strings.Contains(h.log.String(), secret) {
			t.Errorf("the log holds %s", secret)
		}
	}
}

// Many callers on one host find the token ended: one request, and no call fails.
func TestOneRefreshForManyCallers(t *testing.T) {
	t.Parallel()
	ca, cb := pair(t)
	hosts := []*server{start(t, ca), start(t, cb)}
	p := newProvider(t)
	i := hosts[0].connectFixture(p)
	for _, h := range hosts {
		h.Token = hosts[0].Token
		h.must("POST", "/v1/calls", whoami(i), nil)
	}
	p.expire()
	burst(t, 200, hosts, i)
	if g := p.only(t); g.refreshes != 1 || g.most != 1 {
		t.Errorf("the provider saw %d refreshes, %d at once", g.refreshes, g.most)
	}
}

// burst makes n calls at once, on the hosts in turn; all must succeed.
func burst(t *testing.T, n int, hosts []*server, i integrationView) {
	t.Helper()
	var wg sync.WaitGroup
	failed := make(chan string, n)
	for k := range n {
		wg.Go(func() {
			h := hosts[k%len(hosts)]
			status, raw, err := h.try(h.Token, "POST", "/v1/calls", whoami(i))
			if err != nil || status != 200 {
				failed <- string(raw)
			}
		})
	}
	wg.Wait()
	close(failed)
	for f := range failed {
		t.Fatalf("%d of %d calls failed: %s", len(failed)+1, n, f)
	}
}

// A reconnected integration keeps its id, and comes back from the dead.
func TestReconnectKeepsTheID(t *testing.T) {
	t.Parallel()
	h := start(t, config(t, dataDir(t), database(t)))
	p := newProvider(t)
	i := h.connectFixture(p)
	p.lock(func() {
		for _, g := range p.grants {
			g.dead = true
		}
	})
	var pr problem
	if h.do("POST", "/v1/calls", whoami(i), &pr); pr.Code != "reauthorization_required" || !strings.Contains(pr.Detail, "invalid_grant") {
		t.Errorf("a call with a dead grant answers %+v", pr)
	}
	if h.must("GET", "/v1/integrations/"+i.ID, nil, &i); i.Status != "expired" {
		t.Errorf("the integration is %+v", i)
	}
	again := h.connectAgain(i.ID)
	if again.ID != i.ID || again.Status != "active" {
		t.Errorf("connected again it is %+v", again)
	}
	h.must("POST", "/v1/calls", whoami(i), nil)
	var events struct {
		Items []struct {
			Type, Subject string
			Data          map[string]string
		}
	}
	h.must("GET", "/v1/events?type=integration.*", nil, &events)
	if len(events.Items) != 2 || events.Items[0].Type != "integration.recovered" || events.Items[1].Type != "integration.expired" ||
		events.Items[1].Subject != i.ID || !strings.Contains(events.Items[1].Data["reason"], "invalid_grant") {
		t.Errorf("the events are %+v", events.Items)
	}
}

// Whatever is wrong with a callback, it connects nothing, and the same answer never works twice.
func TestCallbackRefusals(t *testing.T) {
	t.Parallel()
	h := start(t, config(t, dataDir(t), database(t)))
	p := newProvider(t)
	h.useProvider(p)
	begin := func() (authorizationView, *http.Client, *url.URL) {
		var a authorizationView
		h.must("POST", "/v1/oauth/authorizations", map[string]any{"platform": "fixture"}, &a)
		b := person(t)
		b.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
			if r.URL.Path == "/oauth/callback" {
				return http.ErrUseLastResponse
			}
			return nil
		}
		resp, err := b.Get(a.URL)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		at, err := resp.Location()
		if err != nil {
			t.Fatal(err)
		}
		return a, b, at
	}
	open := func(b *http.Client, at string) (int, string) {
		resp, err := b.Get(at)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		raw, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(raw)
	}
	count := func() int {
		var l struct{ Items []integrationView }
		h.must("GET", "/v1/integrations", nil, &l)
		return len(l.Items)
	}
	change := func(at *url.URL, name, value string) string {
		other := *at
		q := other.Query()
		q.Set(name, value)
		other.RawQuery = q.Encode()
		return other.String()
	}

	_, b, at := begin()
	if status, page := open(person(t), at.String()); status < 400 || !strings.Contains(page, "browser_mismatch") {
		t.Errorf("another browser's callback answers %d %s", status, page)
	}
	if status, _ := open(b, at.String()); status < 400 {
		t.Error("a state that another browser used up works")
	}
	_, b, at = begin()
	if status, _ := open(b, change(at, "state", "st_0000000000000000000000000000")); status < 400 {
		t.Error("an unknown state works")
	}
	if status, page := open(b, change(at, "iss", "https://evil.example")); status < 400 || !strings.Contains(page, "issuer_mismatch") {
		t.Errorf("another issuer's answer answers %d %s", status, page)
	}
	_, b, at = begin()
	if status, page := open(b, change(at, "code", "not-a-code")); status < 400 || !strings.Contains(page, "authorization_refused") {
		t.Errorf("a wrong code answers %d %s", status, page)
	}
	if n := count(); n != 0 {
		t.Fatalf("there are %d integrations", n)
	}
	a, b, at := begin()
	if status, page := open(b, at.String()); status != 200 || !strings.Contains(page, "is connected") {
		t.Errorf("a good callback answers %d %s", status, page)
	}
	if status, _ := open(b, at.String()); status < 400 {
		t.Error("a callback works twice")
	}
	if status, _ := open(b, a.URL); status < 400 {
		t.Error("a start link works after its end")
	}
	if n := count(); n != 1 {
		t.Errorf("there are %d integrations", n)
	}
	// The provider's own refusal is told in words.
	a, b, at = begin()
	q := url.Values{"error": {"access_denied"}, "error_description": {`<script>alert("x")</script>`}, "state": {at.Query().Get("state")}}
	status, page := open(b, h.URL+"/oauth/callback?"+q.Encode())
	if status < 400 || !strings.Contains(page, "declined") || strings.Contains(page, "<script>alert") {
		t.Errorf("a declined request answers %d %s", status, page)
	}
	if h.must("GET", "/v1/oauth/authorizations/"+a.ID, nil, &a); a.State != "failed" || a.Code != "authorization_refused" {
		t.Errorf("who waits is told %+v", a)
	}
	// Another user sees nothing of it.
	var bob, token struct{ ID, Token string }
	h.must("POST", "/v1/users", map[string]any{"name": "bob"}, &bob)
	h.must("POST", "/v1/tokens", map[string]any{"user": bob.ID, "name": "x"}, &token)
	if status := h.as(token.Token, "GET", "/v1/oauth/authorizations/"+a.ID, nil, nil); status != 404 {
		t.Errorf("another user's authorisation answers %d", status)
	}
}

// What an attacker alters on the way to the provider makes the exchange fail: the challenge taken out (a PKCE downgrade), or the code led
// elsewhere first. A browser that is signed in as somebody else cannot even begin.
func TestAlteredOnTheWay(t *testing.T) {
	t.Parallel()
	h := start(t, config(t, dataDir(t), database(t)))
	p := newProvider(t)
	h.useProvider(p)
	evil := httptest.NewServer(http.NotFoundHandler())
	defer evil.Close()
	for name, alter := range map[string]func(q url.Values){
		"downgrade": func(q url.Values) {
			q.Del("code_challenge")
			q.Del("code_challenge_method")
		},
		"foreign redirect": func(q url.Values) { q.Set("redirect_uri", evil.URL+"/oauth/callback") },
	} {
		var a authorizationView
		h.must("POST", "/v1/oauth/authorizations", map[string]any{"platform": "fixture"}, &a)
		b := person(t)
		b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		follow := func(at string) *url.URL {
			resp, err := b.Get(at)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			to, err := resp.Location()
			if err != nil {
				t.Fatalf("%s: %s answered %d", name, at, resp.StatusCode)
			}
			return to
		}
		leave := follow(a.URL)
		q := leave.Query()
		alter(q)
		leave.RawQuery = q.Encode()
		back := follow(leave.String())
		resp, err := b.Get(h.URL + "/oauth/callback?" + back.RawQuery) // the attacker hands the answer on
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if h.must("GET", "/v1/oauth/authorizations/"+a.ID, nil, &a); resp.StatusCode < 400 || a.State != "failed" {
			t.Errorf("%s: the callback answers %d, the authorisation is %+v", name, resp.StatusCode, a)
		}
	}
	var bob struct{ ID string }
	h.must("POST", "/v1/users", map[string]any{"name": "bob"}, &bob)
	var link struct{ URL string }
	h.must("POST", "/v1/users/"+bob.ID+"/signin-link", nil, &link)
	b := person(t)
	var a authorizationView
	h.must("POST", "/v1/oauth/authorizations", map[string]any{"platform": "fixture"}, &a)
	resp, err := b.Get(link.URL)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("signing in as bob: %v", err)
	}
	_ = resp.Body.Close()
	resp, err = b.Get(a.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("bob's browser on another user's link answers %d", resp.StatusCode)
	}
}

// The token is refreshed before it ends, used or not.
func TestRefreshBeforeExpiry(t *testing.T) {
	t.Parallel()
	h := start(t, config(t, dataDir(t), database(t)))
	p := newProvider(t)
	p.lifetime = 3 * time.Second
	h.connectFixture(p)
	eventually(t, "two refreshes of an idle integration", func() bool { return p.only(t).refreshes >= 2 })
	if g := p.only(t); g.reused || g.most != 1 || g.dead {
		t.Errorf("the grant is %+v", g)
	}
}
