package host_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/host"
	"github.com/patchbay/patchbay/host/internal/oidctest"
)

// ownAddress answers an address of the loopback network that no other test listens on, known before the host does.
func ownAddress() string {
	n := rand.Uint32()
	return fmt.Sprintf("127.%d.%d.%d:7450", 1+n%250, n>>8&0xff, 1+n>>16%250)
}

// browser keeps cookies and follows no redirect.
type browser struct {
	*http.Client
	t *testing.T
}

func newBrowser(t *testing.T) browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return browser{&http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, t}
}

// open answers a page, and where it leads.
func (b browser) open(at string) (status int, to, page string) {
	b.t.Helper()
	resp, err := b.Get(at)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("Location"), string(raw)
}

// session answers the browser's session cookie.
func (b browser) session(at string) string {
	u, err := url.Parse(at)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.Jar.Cookies(u) {
		if c.Name == "patchbay_session" {
			return c.Value
		}
	}
	return ""
}

type meView struct{ ID, Name, Role string }

// who answers whose session the browser has; no id where it has none.
func (b browser) who(at string) (m meView) {
	b.t.Helper()
	resp, err := b.Get(at + "/v1/me")
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if err := json.NewDecoder(resp.Body).Decode(&m); err != nil {
		b.t.Fatal(err)
	}
	return m
}

// A person signs in at a certified provider: they become a user, the same one each time, found by the subject and never by an address or
// a name.
func TestSignInAtAProvider(t *testing.T) {
	t.Parallel()
	cfg := config(t, dataDir(t), database(t))
	cfg.Listen = ownAddress()
	callback := "http://" + cfg.Listen + "/signin/oidc/callback"
	p := oidctest.Start(t, oidctest.Options{Clients: []oidctest.Client{{ID: "patchbay", Secret: "of the client", RedirectURIs: []string{callback}}},
		Accounts: map[string]map[string]any{
			"ann": {"name": "Ann", "email": "ann@example.com", "email_verified": true},
			"eve": {"name": "Ann", "email": "ann@example.com", "email_verified": true},
			"bob": {"preferred_username": "bob\u0007", "email": "bob@other.example", "email_verified": true},
			"una": {"name": "Una", "email": "una@example.com", "email_verified": false}}})
	cfg.OIDC = host.OIDC{Issuer: p.Issuer, ClientID: "patchbay", ClientSecret: host.NewSecret("of the client"), AllowedDomains: []string{"Example.com"}}
	s := start(t, cfg)
	local, _ := s.another("Ann")
	signIn := func(account string) (browser, int, string) {
		b := newBrowser(t)
		status, to, _ := b.open(s.URL + "/signin/oidc?return=/docs")
		if status != 303 || !strings.HasPrefix(to, p.Issuer+"/auth?") {
			t.Fatalf("the button answers %d to %s", status, to)
		}
		status, to, page := b.open(p.Approve(t, to, account))
		if to != "" {
			return b, status, to
		}
		return b, status, page
	}
	if status, _, page := newBrowser(t).open(s.URL + "/"); status != 401 || !strings.Contains(page, `href="/signin/oidc"`) {
		t.Errorf("the first page answers %d %s", status, page)
	}
	b, status, to := signIn("ann")
	ann := b.who(s.URL)
	if status != 303 || to != "/docs" || ann.Name != "Ann" || ann.Role != "user" || ann.ID == local {
		t.Fatalf("ann's sign-in answers %d to %s as %+v", status, to, ann)
	}
	again, _, _ := signIn("ann")
	if got := again.who(s.URL); got != ann {
		t.Errorf("the second time ann is %+v", got)
	}
	if again.session(s.URL) == b.session(s.URL) {
		t.Error("two sign-ins have one session")
	}
	eve, _, _ := signIn("eve")
	if got := eve.who(s.URL); got.ID == "" || got.ID == ann.ID {
		t.Errorf("somebody with ann's address and name is %+v", got)
	}
	for _, account := range []string{"bob", "una"} {
		b, status, page := signIn(account)
		if status != 403 || !strings.Contains(page, "domains") || b.session(s.URL) != "" {
			t.Errorf("%s, whose domain is not allowed or not verified, gets %d %s", account, status, page)
		}
	}
	if b, status, page := signIn(oidctest.Nobody); status != 403 || b.session(s.URL) != "" {
		t.Errorf("who says no at the provider gets %d %s", status, page)
	}
	var users struct{ Items []meView }
	if s.must("GET", "/v1/users", nil, &users); len(users.Items) != 4 {
		t.Errorf("the users are %+v", users.Items)
	}
	leave, err := b.PostForm(s.URL+"/signout", url.Values{"all": {"1"}})
	if err != nil {
		t.Fatal(err)
	}
	_ = leave.Body.Close()
	if b.who(s.URL).ID != "" || again.who(s.URL).ID != "" || eve.who(s.URL).ID == "" {
		t.Error("signing out everywhere does not end all of one user's sessions and no other's")
	}
	if strings.Contains(s.log.String(), "of the client") {
		t.Error("the log holds the client's secret")
	}
}

// Over TLS a browser carries its cookies under TLS alone, and what binds a sign-in to it cannot be written by another host of the domain.
func TestSignInOverTLS(t *testing.T) {
	t.Parallel()
	i := newHostileIssuer(t)
	cfg := config(t, dataDir(t), database(t))
	var pool *x509.CertPool
	cfg.TLSCert, cfg.TLSKey, pool = certificate(t)
	cfg.OIDC = host.OIDC{Issuer: i.URL, ClientID: "patchbay"}
	s := start(t, cfg)
	b := newBrowser(t)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	t.Cleanup(transport.CloseIdleConnections)
	b.Transport = transport
	resp, err := b.Get(s.URL + "/signin/oidc")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if c := resp.Cookies(); len(c) != 1 || c[0].Name != "__Host-patchbay_signin" || !c[0].Secure || !c[0].HttpOnly || c[0].Path != "/" || c[0].Domain != "" || c[0].SameSite != http.SameSiteLaxMode {
		t.Errorf("the sign-in's cookie is %+v", c)
	}
	resp, err = b.Get(i.begin(b, s, "/docs").String())
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	var session *http.Cookie
	for _, c := range resp.Cookies() {
		if c.Name == "patchbay_session" {
			session = c
		}
	}
	if session == nil || !session.Secure || !session.HttpOnly || resp.Header.Get("Location") != "/docs" {
		t.Errorf("the callback answers %d with %v", resp.StatusCode, resp.Cookies())
	}
	if status, _, page := b.open(s.URL + "/"); status != 200 || !strings.Contains(page, "Mallory") || !strings.Contains(page, "Sign out everywhere") {
		t.Errorf("the first page is answered %d %s", status, page)
	}
}

// A real browser finds its way from the button to the provider and back, over TLS, and is signed in.
func TestSignInWithARealBrowser(t *testing.T) {
	t.Parallel()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed: no real browser signs in")
	}
	cfg := config(t, dataDir(t), database(t))
	cfg.Listen = ownAddress()
	cfg.TLSCert, cfg.TLSKey, _ = certificate(t)
	at := "https://" + cfg.Listen
	p := oidctest.Start(t, oidctest.Options{Clients: []oidctest.Client{{ID: "patchbay", RedirectURIs: []string{at + "/signin/oidc/callback"}}},
		Accounts: map[string]map[string]any{"ann": {"name": "Ann of the browser"}}, ClaimsInIDToken: true})
	cfg.OIDC = host.OIDC{Issuer: p.Issuer, ClientID: "patchbay"}
	start(t, cfg)
	profile := t.TempDir()
	cmd := exec.CommandContext(t.Context(), chromium, "--headless", "--no-sandbox", "--disable-gpu", "--ignore-certificate-errors", "--user-data-dir="+profile,
		"--timeout=60000", "--dump-dom", at+"/signin/oidc?return=/")
	cmd.Env = append(os.Environ(), "HOME="+profile)
	page, err := cmd.Output()
	if err != nil || !strings.Contains(string(page), "Ann of the browser (user)") {
		t.Errorf("the browser shows %s: %v", page, err)
	}
}
