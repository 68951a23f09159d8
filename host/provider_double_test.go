package host_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// provider is a hostile OAuth provider with the platform behind it: it rotates refresh tokens, ends a whole grant when one is used twice, and
// counts what is in flight. Hooks make it worse. The provider of the conformance suites is tested elsewhere; this one does what that cannot.
type provider struct {
	*httptest.Server
	mu sync.Mutex
	// lifetime of access tokens; said is what the answer says, in seconds, and nil says nothing.
	lifetime time.Duration
	said     any
	grants   map[string]*grant // by family
	codes    map[string]*grant
	tokens   map[string]issued // access tokens
	n        int
	// onRefresh, when set, sees each refresh before it is served, outside of the lock; true means that it has answered.
	onRefresh func(w http.ResponseWriter, r *http.Request) bool
	// afterRefresh, when set, is called when new tokens stand and before they are answered.
	afterRefresh func()
	authorizes   []url.Values
	notes        int
}

type grant struct {
	family    string
	account   string
	refresh   string // the live refresh token
	used      []string
	dead      bool
	challenge string
	redirect  string
	scope     string
	refreshes int // token requests with a refresh token
	inFlight  int
	most      int // in flight at once
	reused    bool
}

type issued struct {
	family string
	until  time.Time
}

const (
	clientID     = "client-1"
	clientSecret = "planted-client-secret/+?&"
)

func newProvider(t *testing.T) *provider {
	p := &provider{lifetime: time.Hour, grants: map[string]*grant{}, codes: map[string]*grant{}, tokens: map[string]issued{}}
	p.said = func() any { return int(p.lifetime.Seconds()) }
	mux := http.NewServeMux()
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("POST /revoke", p.revoke)
	mux.HandleFunc("GET /api/me", func(w http.ResponseWriter, r *http.Request) {
		if g := p.owner(w, r); g != nil {
			answer(w, map[string]any{"id": g.account, "name": "Account " + g.account})
		}
	})
	mux.HandleFunc("POST /api/notes", func(w http.ResponseWriter, r *http.Request) {
		if g := p.owner(w, r); g != nil {
			p.mu.Lock()
			p.notes++
			p.mu.Unlock()
			answer(w, map[string]any{"id": g.account, "name": "noted"})
		}
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *provider) lock(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

func (p *provider) next(kind string) string {
	p.n++
	return fmt.Sprintf("planted-%s-%d-%d", kind, p.n, time.Now().UnixNano())
}

func (p *provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.authorizes = append(p.authorizes, q)
	g := &grant{family: p.next("family"), account: "1", challenge: q.Get("code_challenge"), redirect: q.Get("redirect_uri"), scope: q.Get("scope")}
	code := p.next("code")
	p.codes[code] = g
	back := url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {p.URL}}
	http.Redirect(w, r, g.redirect+"?"+back.Encode(), http.StatusFound)
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	id, secret, _ := r.BasicAuth()
	if unescaped, _ := url.QueryUnescape(secret); id != clientID || unescaped != clientSecret {
		refuse(w, http.StatusUnauthorized, "invalid_client")
		return
	}
	switch r.Form.Get("grant_type") {
	case "authorization_code":
		p.exchange(w, r)
	case "refresh_token":
		p.refresh(w, r)
	case "client_credentials":
		p.mu.Lock()
		defer p.mu.Unlock()
		g := &grant{family: p.next("family"), account: "client"}
		p.grants[g.family] = g
		p.issue(w, g, false)
	default:
		refuse(w, http.StatusBadRequest, "unsupported_grant_type")
	}
}

func (p *provider) exchange(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	g := p.codes[r.Form.Get("code")]
	delete(p.codes, r.Form.Get("code"))
	sum := sha256.Sum256([]byte(r.Form.Get("code_verifier")))
	if g == nil || g.redirect != r.Form.Get("redirect_uri") || base64.RawURLEncoding.EncodeToString(sum[:]) != g.challenge {
		refuse(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	p.grants[g.family] = g
	p.issue(w, g, true)
}

// refresh serves a refresh, and counts it from its arrival to its answer.
func (p *provider) refresh(w http.ResponseWriter, r *http.Request) {
	token := r.Form.Get("refresh_token")
	g := p.byRefresh(token)
	if g == nil {
		refuse(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	p.lock(func() {
		g.refreshes++
		g.inFlight++
		g.most = max(g.most, g.inFlight)
	})
	defer p.lock(func() { g.inFlight-- })
	p.mu.Lock()
	hook := p.onRefresh
	p.mu.Unlock()
	if hook != nil && hook(w, r) {
		return
	}
	p.mu.Lock()
	if slices.Contains(g.used, token) {
		g.dead, g.reused = true, true
	}
	if g.dead {
		p.mu.Unlock()
		refuse(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	answered := httptest.NewRecorder()
	p.issue(answered, g, true)
	after := p.afterRefresh
	p.mu.Unlock()
	if after != nil {
		after()
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(answered.Body.Bytes())
}

func (p *provider) byRefresh(token string) *grant {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, g := range p.grants {
		if g.refresh == token || slices.Contains(g.used, token) {
			return g
		}
	}
	return nil
}

// issue answers new tokens. The lock is held.
func (p *provider) issue(w http.ResponseWriter, g *grant, refreshable bool) {
	access := p.next("access")
	p.tokens[access] = issued{g.family, time.Now().Add(p.lifetime)}
	out := map[string]any{"access_token": access, "token_type": "Bearer"}
	if refreshable {
		if g.refresh != "" {
			g.used = append(g.used, g.refresh)
		}
		g.refresh = p.next("refresh")
		out["refresh_token"] = g.refresh
	}
	if g.scope != "" {
		out["scope"] = g.scope
	}
	said := p.said
	if f, ok := said.(func() any); ok {
		said = f()
	}
	if said != nil {
		out["expires_in"] = said
	}
	answer(w, out)
}

func (p *provider) revoke(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	if g := p.byRefresh(r.Form.Get("token")); g != nil {
		p.lock(func() { g.dead = true })
	}
}

// owner answers whose access token a request carries, or refuses it.
func (p *provider) owner(w http.ResponseWriter, r *http.Request) *grant {
	p.mu.Lock()
	defer p.mu.Unlock()
	t, known := p.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	if !known || p.grants[t.family].dead || time.Now().After(t.until) {
		refuse(w, http.StatusUnauthorized, "invalid_token")
		return nil
	}
	return p.grants[t.family]
}

// expire ends all access tokens, as if their time were over.
func (p *provider) expire() {
	p.lock(func() {
		for token, t := range p.tokens {
			t.until = time.Now().Add(-time.Second)
			p.tokens[token] = t
		}
	})
}

// only answers the one grant that there is.
func (p *provider) only(t *testing.T) *grant {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.grants) != 1 {
		t.Fatalf("there are %d grants", len(p.grants))
	}
	for _, g := range p.grants {
		copied := *g
		return &copied
	}
	return nil
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": code})
}

// useProvider points the fixture's platform at the provider.
func (c client) useProvider(p *provider) {
	c.t.Helper()
	c.must("PUT", "/v1/platforms/fixture/settings", map[string]any{"base_url": p.URL + "/api", "allow_private_network": true, "oauth": map[string]any{
		"client_id": clientID, "client_secret": clientSecret, "authorization_url": p.URL + "/authorize", "token_url": p.URL + "/token",
		"revocation_url": p.URL + "/revoke", "device_authorization_url": p.URL + "/device"}}, nil)
}

type authorizationView struct {
	ID, State, Integration, Code, Detail string
	URL                                  string `json:"authorization_url"`
}

// person is an HTTP client with cookies that follows redirects as a browser does.
func person(t *testing.T) *http.Client {
	t.Helper()
	return &http.Client{Jar: newJar(t)}
}

// connectFixture connects an account by OAuth, as a person would, and answers the integration.
func (c client) connectFixture(p *provider) integrationView {
	c.t.Helper()
	c.useProvider(p)
	return c.connectAgain("")
}

func (c client) connectAgain(ref string) integrationView {
	c.t.Helper()
	in := map[string]any{"platform": "fixture", "label": "Mine"}
	if ref != "" {
		in["integration"] = ref
	}
	var a authorizationView
	c.must("POST", "/v1/oauth/authorizations", in, &a)
	resp, err := person(c.t).Get(a.URL)
	if err != nil {
		c.t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		c.t.Fatalf("connecting ended with status %d", resp.StatusCode)
	}
	c.must("GET", "/v1/oauth/authorizations/"+a.ID, nil, &a)
	if a.State != "done" {
		c.t.Fatalf("the authorisation is %+v", a)
	}
	var i integrationView
	c.must("GET", "/v1/integrations/"+a.Integration, nil, &i)
	return i
}

func whoami(i integrationView) map[string]any {
	return map[string]any{"integration": i.ID, "operation": "whoami", "input": map[string]any{}}
}
