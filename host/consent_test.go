package host_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// program is an MCP client that knows the address of /mcp and nothing else, and the browser of its user.
type program struct {
	t                              *testing.T
	s                              *server
	browser                        *http.Client
	authorize, token, register     string
	resource, revocation, clientID string
	redirect, verifier             string
}

func (p *program) getJSON(address string, out any) {
	p.t.Helper()
	resp, err := http.Get(address)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil || resp.StatusCode != 200 {
		p.t.Fatalf("%s answers %d %v", address, resp.StatusCode, err)
	}
}

var metadataAt = regexp.MustCompile(`resource_metadata="([^"]+)"`)

// newProgram finds its way from a refusal to the registration, as the protocol has it.
func newProgram(t *testing.T, s *server, redirect string) *program {
	t.Helper()
	p := &program{t: t, s: s, redirect: redirect, verifier: strings.Repeat("v", 50)}
	resp, err := http.Post(s.URL+"/mcp", "application/json", bytes.NewReader(listing))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	found := metadataAt.FindStringSubmatch(resp.Header.Get("WWW-Authenticate"))
	if resp.StatusCode != 401 || found == nil {
		t.Fatalf("without a token it answers %d %q", resp.StatusCode, resp.Header.Get("WWW-Authenticate"))
	}
	var protected struct {
		Resource string
		Servers  []string `json:"authorization_servers"`
	}
	p.getJSON(found[1], &protected)
	var metadata struct {
		Issuer        string
		Authorization string   `json:"authorization_endpoint"`
		Token         string   `json:"token_endpoint"`
		Registration  string   `json:"registration_endpoint"`
		Revocation    string   `json:"revocation_endpoint"`
		Challenges    []string `json:"code_challenge_methods_supported"`
	}
	p.getJSON(protected.Servers[0]+"/.well-known/oauth-authorization-server", &metadata)
	if metadata.Issuer != protected.Servers[0] || !slices.Equal(metadata.Challenges, []string{"S256"}) || protected.Resource != s.URL+"/mcp" {
		t.Fatalf("the metadata are %+v %+v", protected, metadata)
	}
	p.authorize, p.token, p.register, p.revocation, p.resource = metadata.Authorization, metadata.Token, metadata.Registration, metadata.Revocation, protected.Resource
	p.clientID = p.registerAs("Claude <b>Code</b>", redirect)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	p.browser = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return p
}

func (p *program) registerAs(name, redirect string) string {
	p.t.Helper()
	body, err := json.Marshal(map[string]any{"client_name": name, "redirect_uris": []string{redirect}, "token_endpoint_auth_method": "none"})
	if err != nil {
		p.t.Fatal(err)
	}
	resp, err := http.Post(p.register, "application/json", strings.NewReader(string(body)))
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var out struct {
		ID string `json:"client_id"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		p.t.Fatal(err)
	}
	return out.ID
}

func (p *program) request() url.Values {
	sum := sha256.Sum256([]byte(p.verifier))
	return url.Values{"response_type": {"code"}, "client_id": {p.clientID}, "redirect_uri": {p.redirect}, "state": {"s&1"}, "scope": {"calls integrations other"},
		"resource": {p.resource}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}}
}

// page sends the browser somewhere and answers what it is shown.
func (p *program) page(req *http.Request) (int, http.Header, string) {
	p.t.Helper()
	resp, err := p.browser.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(body)
}

func (p *program) get(address string) (int, http.Header, string) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), "GET", address, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.page(req)
}

// signIn signs the browser in as the operator.
func (p *program) signIn() {
	p.t.Helper()
	var me struct{ ID string }
	p.s.must("GET", "/v1/me", nil, &me)
	var link struct{ URL string }
	p.s.must("POST", "/v1/users/"+me.ID+"/signin-link", nil, &link)
	if status, _, _ := p.get(link.URL); status != http.StatusSeeOther {
		p.t.Fatalf("signing in answers %d", status)
	}
}

var hidden = regexp.MustCompile(`type="hidden" name="([^"]+)" value="([^"]*)"`)

// answer sends the consent form as the page has it, with what the person adds, and answers where the browser is sent.
func (p *program) answer(origin string, add url.Values) (int, *url.URL) {
	p.t.Helper()
	_, _, page := p.get(p.authorize + "?" + p.request().Encode())
	form := url.Values{}
	for _, field := range hidden.FindAllStringSubmatch(page, -1) {
		form.Set(field[1], html.UnescapeString(field[2]))
	}
	for name, values := range add {
		form[name] = values
	}
	req, err := http.NewRequestWithContext(p.t.Context(), "POST", p.s.URL+"/oauth/authorize", strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", origin)
	status, header, _ := p.page(req)
	_, to, _ := strings.Cut(header.Get("Refresh"), "url=")
	u, err := url.Parse(to)
	if err != nil {
		p.t.Fatal(err)
	}
	return status, u
}

type gotten struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Scope   string
	Error   string
}

func (p *program) ask(form url.Values) gotten {
	p.t.Helper()
	resp, err := http.PostForm(p.token, form)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var out gotten
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		p.t.Fatal(err)
	}
	return out
}

func (p *program) redeem(code string, change url.Values) gotten {
	p.t.Helper()
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "client_id": {p.clientID}, "redirect_uri": {p.redirect}, "code_verifier": {p.verifier}, "resource": {p.resource}}
	for name, values := range change {
		form[name] = values
	}
	return p.ask(form)
}

func (p *program) refresh(token string) gotten {
	p.t.Helper()
	return p.ask(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {p.clientID}})
}

// works says whether a token is good at /mcp.
func (p *program) works(token string) bool {
	p.t.Helper()
	status, _, err := p.s.try(token, "POST", "/mcp", listing, mcpHeaders...)
	if err != nil {
		p.t.Fatal(err)
	}
	return status == 200
}

// A program signs its user in, gets what the user agreed to, and no more.
func TestMCPSignIn(t *testing.T) {
	t.Parallel()
	s := start(t, config(t, dataDir(t), database(t)))
	slack := newSlackDouble(t)
	s.connectSlack(slack)
	p := newProgram(t, s, "http://127.0.0.1:7777/callback")
	if status, _, page := p.get(p.authorize + "?" + p.request().Encode()); status != 401 || strings.Contains(page, "code_challenge") {
		t.Errorf("somebody who is not signed in is shown %d %s", status, page)
	}
	p.signIn()
	status, header, page := p.get(p.authorize + "?" + p.request().Encode())
	if status != 200 || !strings.Contains(page, "Claude &lt;b&gt;") || !strings.Contains(page, "127.0.0.1:7777") || !strings.Contains(header.Get("Content-Security-Policy"), "form-action 'self'; frame-ancestors 'none'") {
		t.Fatalf("the page is %d %v %s", status, header, page)
	}
	if _, to := p.answer(s.URL, url.Values{"answer": {"deny"}}); to.Query().Get("error") != "access_denied" || to.Query().Get("state") != "s&1" || to.Query().Get("code") != "" {
		t.Errorf("a refusal leads to %s", to)
	}
	_, to := p.answer(s.URL, url.Values{"answer": {"allow"}, "read_only": {"1"}})
	code := to.Query().Get("code")
	if to.Host != "127.0.0.1:7777" || code == "" || to.Query().Get("iss") != s.URL || to.Query().Get("state") != "s&1" {
		t.Fatalf("the browser is sent to %s", to)
	}
	got := p.redeem(code, nil)
	if got.Access == "" || got.Refresh == "" || got.Scope != "calls integrations" {
		t.Fatalf("the program gets %+v", got)
	}
	agent := s.agent(got.Access, "?tools=all")
	names := agent.names()
	if !slices.Contains(names, "slack__get_channel") || slices.Contains(names, "slack__send_message") || !slices.Contains(names, "authenticate") {
		t.Errorf("it sees %v", names)
	}
	if r := agent.call("slack__get_channel", map[string]any{"channel": "C1"}); r.IsError {
		t.Errorf("a call answers %+v", r)
	}
	for _, path := range []string{"/v1/me", "/v1/integrations", "/v1/calls"} {
		if status := s.as(got.Access, "GET", path, nil, nil); status != 401 {
			t.Errorf("its token is answered %d at %s, for which it is not", status, path)
		}
	}
	next := p.refresh(got.Refresh)
	if next.Access == "" || next.Refresh == got.Refresh || !p.works(next.Access) {
		t.Fatalf("a refresh answers %+v", next)
	}
	var tokens struct{ Items []struct{ ID, Name string } }
	s.must("GET", "/v1/tokens", nil, &tokens)
	if !slices.ContainsFunc(tokens.Items, func(x struct{ ID, Name string }) bool { return strings.HasPrefix(x.Name, "MCP: Claude") }) {
		t.Errorf("the user's tokens are %+v", tokens.Items)
	}
	resp, err := http.PostForm(p.revocation, url.Values{"token": {next.Refresh}})
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if p.works(next.Access) || p.refresh(next.Refresh).Error != "invalid_grant" {
		t.Error("a revoked grant goes on")
	}
}

// What somebody could try who has a code, a token, a page or a link of their own.
func TestMCPSignInAttacks(t *testing.T) {
	t.Parallel()
	s := start(t, config(t, dataDir(t), database(t)))
	p := newProgram(t, s, "https://client.example/cb")
	p.signIn()
	code := func() string {
		t.Helper()
		_, to := p.answer(s.URL, url.Values{"answer": {"allow"}})
		return to.Query().Get("code")
	}
	if status, to := p.answer("https://evil.example", url.Values{"answer": {"allow"}}); status != 403 || to.String() != "" {
		t.Errorf("a page of another origin is answered %d %s", status, to)
	}
	for name, change := range map[string]url.Values{"another verifier": {"code_verifier": {strings.Repeat("w", 50)}}, "no verifier": {"code_verifier": {""}},
		"another client": {"client_id": {p.registerAs("Other", p.redirect)}}, "another address": {"redirect_uri": {"https://client.example/other"}}} {
		c := code()
		if got := p.redeem(c, change); got.Error != "invalid_grant" {
			t.Errorf("with %s: %+v", name, got)
		}
		if got := p.redeem(c, nil); got.Error != "invalid_grant" {
			t.Errorf("after %s the code is good still: %+v", name, got)
		}
	}
	if got := p.redeem(code(), url.Values{"resource": {"https://other.example/mcp"}}); got.Error != "invalid_target" {
		t.Errorf("for another resource: %+v", got)
	}
	// A code that comes twice ends what it gave, and so does a refresh token.
	c := code()
	got := p.redeem(c, nil)
	if !p.works(got.Access) || p.redeem(c, nil).Error != "invalid_grant" || p.works(got.Access) || p.refresh(got.Refresh).Error != "invalid_grant" {
		t.Error("a code that came twice is good still")
	}
	got = p.redeem(code(), nil)
	// Whoever knows a grant's id ends it with no token of their own making.
	_, known, _ := strings.Cut(got.Refresh, ".")
	if p.refresh("pbr_guessed."+known).Error != "invalid_grant" || !p.works(got.Access) {
		t.Error("a refresh token that was never given ends a grant")
	}
	next := p.refresh(got.Refresh)
	if !p.works(next.Access) || p.refresh(got.Refresh).Error != "invalid_grant" || p.works(next.Access) || p.refresh(next.Refresh).Error != "invalid_grant" {
		t.Error("a refresh token that came twice is good still")
	}
	for name, change := range map[string][2]string{"an address that was not registered": {"redirect_uri", "https://evil.example/cb"}, "a client of its own making": {"client_id", "pbclient_eyJuIjoiIn0.AAAA"},
		"no challenge": {"code_challenge", ""}, "a plain challenge": {"code_challenge_method", "plain"}, "another resource": {"resource", "https://other.example/"}, "a token": {"response_type", "token"}, "the operator's scope": {"scope", "operator"}} {
		q := p.request()
		q.Set(change[0], change[1])
		if status, header, _ := p.get(p.authorize + "?" + q.Encode()); status != 400 || header.Get("Refresh") != "" || header.Get("Location") != "" {
			t.Errorf("a request with %s is answered %d %v", name, status, header)
		}
	}
	for _, bad := range []string{"http://client.example/cb", "javascript:alert(1)", "data:text/html,x", "https://user@client.example/", "https://client.example/#x", "https://a.example/\"onload=", "", "file:///etc/passwd"} {
		if id := p.registerAs("x", bad); id != "" {
			t.Errorf("%q is registered", bad)
		}
	}
	if n := number(t, s.database, `SELECT count(*) FROM tokens WHERE audience = 'mcp' AND revoked_at IS NULL`); n != 0 {
		t.Errorf("%d grants are left", n)
	}
}
