package host_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/patchbay/patchbay/host"
)

// hostileIssuer is a provider that answers whatever a test makes it answer.
type hostileIssuer struct {
	*httptest.Server
	t   *testing.T
	key *rsa.PrivateKey

	mu sync.Mutex
	// challenge and nonce are those of the last request for authorization.
	challenge, nonce string
	// change alters the claims of the next id_token, sign what signs it.
	change func(c map[string]any)
	sign   func(c map[string]any) string
	// info is the userinfo answer.
	info map[string]any
	// exchanged counts codes that were exchanged.
	exchanged int
}

func newHostileIssuer(t *testing.T) *hostileIssuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := &hostileIssuer{t: t, key: key}
	mux := http.NewServeMux()
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"issuer": i.URL, "authorization_endpoint": i.URL + "/auth", "token_endpoint": i.URL + "/token", "jwks_uri": i.URL + "/jwks",
			"userinfo_endpoint": i.URL + "/me", "id_token_signing_alg_values_supported": []string{"RS256", "none", "HS256"},
			"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"}})
	})
	mux.HandleFunc("GET /jwks", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"keys": []map[string]any{{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1",
			"n": b64(key.N.Bytes()), "e": b64(big.NewInt(int64(key.E)).Bytes())}}})
	})
	mux.HandleFunc("POST /token", i.token)
	mux.HandleFunc("GET /me", func(w http.ResponseWriter, _ *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		answer(w, i.info)
	})
	return i
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// token answers with an id_token, and wants the verifier of PKCE.
func (i *hostileIssuer) token(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	verifier := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if b64(verifier[:]) != i.challenge || r.PostFormValue("redirect_uri") == "" {
		w.WriteHeader(http.StatusBadRequest)
		answer(w, map[string]any{"error": "invalid_grant"})
		return
	}
	i.exchanged++
	c := map[string]any{"iss": i.URL, "sub": "mallory", "aud": "patchbay", "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(),
		"nonce": i.nonce, "name": "Mallory"}
	if i.change != nil {
		i.change(c)
	}
	sign := i.signed
	if i.sign != nil {
		sign = i.sign
	}
	answer(w, map[string]any{"access_token": "at", "token_type": "Bearer", "expires_in": 3600, "id_token": sign(c)})
}

// signed makes a JWT as RFC 7515 has it.
func (i *hostileIssuer) signed(c map[string]any) string {
	return i.jwt("RS256", c, func(input []byte) []byte {
		digest := sha256.Sum256(input)
		signature, err := rsa.SignPKCS1v15(rand.Reader, i.key, crypto.SHA256, digest[:])
		if err != nil {
			i.t.Error(err)
		}
		return signature
	})
}

func (i *hostileIssuer) jwt(alg string, c map[string]any, sign func([]byte) []byte) string {
	head, _ := json.Marshal(map[string]string{"alg": alg, "kid": "1"})
	body, _ := json.Marshal(c)
	input := b64(head) + "." + b64(body)
	return input + "." + b64(sign([]byte(input)))
}

// host runs a host that trusts the issuer.
func (i *hostileIssuer) host(change func(*host.OIDC)) *server {
	i.t.Helper()
	cfg := config(i.t, dataDir(i.t), database(i.t))
	cfg.OIDC = host.OIDC{Issuer: i.URL, ClientID: "patchbay", ClientSecret: host.NewSecret("s")}
	if change != nil {
		change(&cfg.OIDC)
	}
	return start(i.t, cfg)
}

// begin opens the button and answers the URL to come back with.
func (i *hostileIssuer) begin(b browser, s *server, returnTo string) *url.URL {
	i.t.Helper()
	status, to, _ := b.open(s.URL + "/signin/oidc?return=" + url.QueryEscape(returnTo))
	asked, err := url.Parse(to)
	if err != nil || status != 303 || !strings.HasPrefix(to, i.URL+"/auth?") {
		i.t.Fatalf("the button answers %d to %q: %v", status, to, err)
	}
	q := asked.Query()
	if q.Get("code_challenge_method") != "S256" || q.Get("response_type") != "code" || len(q.Get("state")) < 40 || len(q.Get("nonce")) < 40 {
		i.t.Errorf("the provider is asked %v", q)
	}
	i.mu.Lock()
	i.challenge, i.nonce = q.Get("code_challenge"), q.Get("nonce")
	i.mu.Unlock()
	back, err := url.Parse(s.URL + "/signin/oidc/callback")
	if err != nil {
		i.t.Fatal(err)
	}
	back.RawQuery = url.Values{"code": {"c"}, "state": {q.Get("state")}}.Encode()
	return back
}

func (i *hostileIssuer) lies(change func(map[string]any), sign func(map[string]any) string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.change, i.sign = change, sign
}

// An id_token that is not signed by the issuer, for this client, now, and for this very request begins no session.
func TestForgedIDTokens(t *testing.T) {
	t.Parallel()
	i := newHostileIssuer(t)
	s := i.host(nil)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	set := func(name string, value any) func(map[string]any) { return func(c map[string]any) { c[name] = value } }
	for what, lie := range map[string]struct {
		change func(map[string]any)
		sign   func(map[string]any) string
	}{
		"another nonce": {change: set("nonce", strings.Repeat("n", 43))}, "no nonce": {change: func(c map[string]any) { delete(c, "nonce") }},
		"another audience": {change: set("aud", "other")}, "no audience": {change: func(c map[string]any) { delete(c, "aud") }},
		"two audiences and no party": {change: set("aud", []string{"patchbay", "other"})}, "another party": {change: set("azp", "other")},
		"another issuer": {change: set("iss", "https://accounts.example.com")}, "an end long ago": {change: set("exp", time.Now().Add(-time.Minute).Unix())},
		"no end": {change: func(c map[string]any) { delete(c, "exp") }}, "nobody": {change: set("sub", "")}, "another access token": {change: set("at_hash", "AAAA")},
		"alg none":     {sign: func(c map[string]any) string { return i.jwt("none", c, func([]byte) []byte { return nil }) }},
		"alg None":     {sign: func(c map[string]any) string { return i.jwt("None", c, func([]byte) []byte { return nil }) }},
		"no signature": {sign: func(c map[string]any) string { return i.jwt("RS256", c, func([]byte) []byte { return nil }) }},
		"the public key as a secret": {sign: func(c map[string]any) string {
			return i.jwt("HS256", c, func(input []byte) []byte { sum := sha256.Sum256(append(i.key.N.Bytes(), input...)); return sum[:] })
		}},
		"another key": {sign: func(c map[string]any) string {
			return (&hostileIssuer{t: t, key: other}).signed(c)
		}},
		"no token": {sign: func(map[string]any) string { return "" }},
	} {
		i.lies(lie.change, lie.sign)
		b := newBrowser(t)
		status, to, page := b.open(i.begin(b, s, "/").String())
		if status != 502 || to != "" || b.session(s.URL) != "" || b.who(s.URL).ID != "" || strings.Contains(page, "allory") {
			t.Errorf("an id_token with %s is answered %d %s", what, status, page)
		}
	}
	var users struct{ Items []meView }
	if s.must("GET", "/v1/users", nil, &users); len(users.Items) != 1 {
		t.Errorf("forged tokens made users: %+v", users.Items)
	}
	i.lies(nil, nil)
	b := newBrowser(t)
	if status, _, page := b.open(i.begin(b, s, "/").String()); status != 303 || b.who(s.URL).Name != "Mallory" {
		t.Errorf("an honest token is answered %d %s", status, page)
	}
}

// The way back belongs to the browser that began it, and is good once.
func TestStatesAreBoundToTheBrowser(t *testing.T) {
	t.Parallel()
	i := newHostileIssuer(t)
	s := i.host(nil)
	victim, attacker := newBrowser(t), newBrowser(t)
	i.begin(victim, s, "/") // has a flow of its own
	back := i.begin(attacker, s, "/")
	for what, at := range map[string]*url.URL{"another's state": back, "no state": with(back, "state", ""), "an invented state": with(back, "state", strings.Repeat("s", 43))} {
		if status, _, page := victim.open(at.String()); status != 403 || victim.session(s.URL) != "" {
			t.Errorf("a callback with %s is answered %d %s", what, status, page)
		}
	}
	if status, _, _ := newBrowser(t).open(back.String()); status != 403 {
		t.Errorf("a browser without a flow is answered %d", status)
	}
	if i.exchanged != 0 {
		t.Errorf("%d codes were exchanged", i.exchanged)
	}
	if status, _, _ := attacker.open(with(back, "iss", "https://other.example.com").String()); status != 502 {
		t.Error("an answer that names another issuer is taken")
	}

	back = i.begin(attacker, s, "/")
	at, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	carried := attacker.Jar.Cookies(at)
	if status, _, _ := attacker.open(back.String()); status != 303 {
		t.Fatalf("the callback is answered %d", status)
	}
	thief := newBrowser(t)
	thief.Jar.SetCookies(at, carried) // all that the browser had
	if status, _, page := thief.open(back.String()); status != 403 || thief.session(s.URL) != "" {
		t.Errorf("a state that was used is answered %d %s", status, page)
	}
	for _, c := range carried {
		for _, changed := range []string{"", "x", c.Value + "x", "A" + c.Value[1:], strings.Replace(c.Value, ".1", ".9", 1), strings.Repeat(".", 5), c.Value[:len(c.Value)/2]} {
			b := newBrowser(t)
			back := i.begin(b, s, "/")
			b.Jar.SetCookies(at, []*http.Cookie{{Name: c.Name, Value: changed, Path: "/"}})
			if status, _, _ := b.open(back.String()); status != 403 || b.session(s.URL) != "" {
				t.Errorf("a flow changed to %q is answered %d", changed, status)
			}
		}
	}
}

func with(u *url.URL, name, value string) *url.URL {
	q := maps.Clone(u.Query())
	q.Set(name, value)
	changed := *u
	changed.RawQuery = q.Encode()
	return &changed
}

// Signing in leads back to a page of the host and nowhere else.
func TestNoOpenRedirect(t *testing.T) {
	t.Parallel()
	i := newHostileIssuer(t)
	s := i.host(nil)
	for returnTo, want := range map[string]string{"/docs": "/docs", "/integrations/int_1?tab=calls": "/integrations/int_1?tab=calls", "": "/", "docs": "/",
		"https://evil.example/": "/", "//evil.example": "/", "///evil.example": "/", `/\evil.example`: "/", `\\evil.example`: "/", "/\t/evil.example": "/", "/%2f/evil.example": "/",
		"/%5cevil.example": "/", "/.//evil.example": "/", "/..//evil.example": "/", "javascript:alert(1)": "/", "/a\r\nSet-Cookie: a=b": "/", "http:evil.example": "/",
		" //evil.example": "/", "/x@evil.example": "/x@evil.example", "/" + strings.Repeat("x", 1000): "/", "/é": "/"} {
		b := newBrowser(t)
		if status, to, page := b.open(i.begin(b, s, returnTo).String()); status != 303 || to != want {
			t.Errorf("%q leads to %q, want %q (%d %s)", returnTo, to, want, status, page)
		}
	}
}

// A session that somebody planted in a browser before is not the one that a sign-in begins.
func TestNoSessionFixation(t *testing.T) {
	t.Parallel()
	i := newHostileIssuer(t)
	s := i.host(nil)
	at, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t)
	planted := "pbs_" + strings.Repeat("0", 32)
	b.Jar.SetCookies(at, []*http.Cookie{{Name: "patchbay_session", Value: planted, Path: "/"}})
	if status, _, _ := b.open(i.begin(b, s, "/").String()); status != 303 {
		t.Fatalf("the callback is answered %d", status)
	}
	first := b.session(s.URL)
	if first == planted || b.who(s.URL).ID == "" {
		t.Error("the planted session is the one that was begun")
	}
	if status, _, _ := b.open(i.begin(b, s, "/").String()); status != 303 || b.session(s.URL) == first {
		t.Error("a second sign-in keeps the session of the first")
	}
	attacker := newBrowser(t)
	attacker.Jar.SetCookies(at, []*http.Cookie{{Name: "patchbay_session", Value: planted, Path: "/"}})
	if attacker.who(s.URL).ID != "" {
		t.Error("the planted session is somebody's")
	}
}

// Operators are who the provider says is in the group now: whoever left it is none from the next sign-in on, with every token.
func TestOperatorGroup(t *testing.T) {
	t.Parallel()
	i := newHostileIssuer(t)
	s := i.host(func(o *host.OIDC) { o.OperatorGroup = "ops" })
	signIn := func(groups any, info map[string]any) (browser, meView) {
		i.mu.Lock()
		i.info = info
		i.mu.Unlock()
		i.lies(func(c map[string]any) {
			if groups != nil {
				c["groups"] = groups
			}
		}, nil)
		b := newBrowser(t)
		if status, _, page := b.open(i.begin(b, s, "/").String()); status != 303 {
			t.Fatalf("the sign-in is answered %d %s", status, page)
		}
		return b, b.who(s.URL)
	}
	_, first := signIn([]string{"ops", "dev"}, nil)
	if first.Role != "operator" {
		t.Fatalf("a member of the group is %+v", first)
	}
	var token struct{ Token string }
	s.must("POST", "/v1/tokens", map[string]any{"user": first.ID, "name": "kept"}, &token)
	if status := s.as(token.Token, "GET", "/v1/users", nil, nil); status != 200 {
		t.Fatalf("an operator's token is answered %d", status)
	}
	b, second := signIn([]string{"dev", "opsy"}, nil)
	if second.ID != first.ID || second.Role != "user" {
		t.Errorf("who left the group is %+v", second)
	}
	if status := s.as(token.Token, "GET", "/v1/users", nil, nil); status != 403 {
		t.Errorf("a token of who left the group is answered %d", status)
	}
	if status, _, _ := b.open(s.URL + "/v1/users"); status != 403 {
		t.Errorf("a session of who left the group is answered %d", status)
	}
	for what, c := range map[string]struct {
		groups any
		info   map[string]any
		want   string
	}{
		"a group as one text": {"ops", nil, "operator"}, "groups at the userinfo endpoint": {nil, map[string]any{"sub": "mallory", "groups": []string{"ops"}}, "operator"},
		"no groups anywhere": {nil, map[string]any{"sub": "mallory"}, "user"}, "groups of another form": {map[string]any{"ops": true}, nil, "user"},
	} {
		if _, got := signIn(c.groups, c.info); got.Role != c.want {
			t.Errorf("%s make %+v", what, got)
		}
	}
	i.mu.Lock()
	i.info = map[string]any{"sub": "another", "groups": []string{"ops"}}
	i.mu.Unlock()
	i.lies(nil, nil)
	stranger := newBrowser(t)
	if status, _, _ := stranger.open(i.begin(stranger, s, "/").String()); status != 502 || stranger.session(s.URL) != "" {
		t.Errorf("userinfo about somebody else is answered %d", status)
	}
}

// What is wrong with the provider's settings keeps the host from starting, and the provider being down does not.
func TestSignInSettings(t *testing.T) {
	t.Parallel()
	for what, o := range map[string]host.OIDC{"plain http": {Issuer: "http://id.example.com", ClientID: "c"}, "no client": {Issuer: "https://id.example.com"},
		"a query": {Issuer: "https://id.example.com/?a=b", ClientID: "c"}, "everybody's provider": {Issuer: "https://accounts.google.com", ClientID: "c"},
		"an address for a domain": {Issuer: "https://id.example.com", ClientID: "c", AllowedDomains: []string{"a@b.c"}}} {
		cfg := config(t, dataDir(t), database(t))
		cfg.OIDC = o
		if err := tryOpen(t, cfg); err == nil || !strings.Contains(err.Error(), "--oidc-") {
			t.Errorf("with %s opening the host answers %v", what, err)
		}
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	cfg := config(t, dataDir(t), database(t))
	cfg.OIDC = host.OIDC{Issuer: gone.URL, ClientID: "c"}
	s := start(t, cfg)
	if status, to, _ := newBrowser(t).open(s.URL + "/signin/oidc"); status != 502 || to != "" {
		t.Errorf("with a provider that is down the button answers %d to %q", status, to)
	}
}
