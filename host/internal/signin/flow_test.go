package signin

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/host/internal/vault"
)

func provider(t testing.TB, now *time.Time) *Provider {
	t.Helper()
	p, err := New(Config{Issuer: "https://id.example.com", ClientID: "c", ClientSecret: vault.SecretString("s"), RedirectURL: "https://host/back",
		Key: []byte("key of the host"), Now: func() time.Time { return *now }})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A flow is read as it was written, until its time is over, and by a host with the same key.
func TestFlow(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	p := provider(t, &now)
	f := p.newFlow("/docs?a=b.c")
	if got, ok := p.flowOf(p.cookie(f)); !ok || got.secret != f.secret || got.returnTo != "/docs?a=b.c" || got.state() != f.state() {
		t.Errorf("%+v is read as %+v %v", f, got, ok)
	}
	values := map[string]bool{f.state(): true, f.nonce(): true, f.verifier(): true, p.newFlow("/").state(): true, f.secret: true}
	if len(values) != 5 || len(f.verifier()) != 43 {
		t.Errorf("the values are not apart: %v", values)
	}
	other := provider(t, &now)
	other.cfg.Key = []byte("key of another")
	if _, ok := other.flowOf(p.cookie(f)); ok {
		t.Error("a host with another key reads it")
	}
	now = now.Add(FlowLifetime)
	if _, ok := p.flowOf(p.cookie(f)); ok {
		t.Error("it is read after its end")
	}
}

// No bytes that the host did not write are read as a flow.
func FuzzFlow(f *testing.F) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	p := provider(f, &now)
	good := p.cookie(p.newFlow("/docs"))
	f.Add(good)
	f.Add("...")
	f.Add("a.9999999999.Lw." + mac(nil, "flow a.9999999999.Lw"))
	f.Fuzz(func(t *testing.T, cookie string) {
		if got, ok := p.flowOf(cookie); ok && cookie != good {
			t.Errorf("%q is read as %+v", cookie, got)
		}
	})
}

// Wherever a browser resolves what Local lets through, it stays on the host.
func FuzzLocal(f *testing.F) {
	for _, seed := range []string{"/", "/docs?x=//y", "//evil.example", `/\evil.example`, "/a/..//evil.example", "/%2e%2e//evil", "/%09/evil.example", "https://evil.example"} {
		f.Add(seed)
	}
	base, err := url.Parse("https://host.example/signin/oidc/callback")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path string) {
		got := Local(path)
		// Browsers drop tabs and line breaks, and take a backslash for a slash.
		asBrowser := strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/").Replace(strings.TrimSpace(got))
		to, err := base.Parse(asBrowser)
		if err != nil || to.Host != base.Host || to.Scheme != base.Scheme || strings.HasPrefix(asBrowser, "//") {
			t.Errorf("%q leads to %v: %v", path, to, err)
		}
	})
}

func TestClaims(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]claims{
		"Ann": {"name": " Ann\n", "email": "a@b"}, "ann": {"name": 7.0, "preferred_username": "ann"}, "a@b": {"email": "a@b"}, "somebody": {"name": "\u0007"},
		strings.Repeat("é", 200): {"name": strings.Repeat("é", 300)}} {
		if got := c.name(); got != want {
			t.Errorf("%v is called %q", c, got)
		}
	}
	for _, test := range []struct {
		c    claims
		want string
	}{
		{claims{"email": "a@Example.com", "email_verified": true}, "example.com"}, {claims{"email": "a@example.com", "email_verified": "true"}, "example.com"},
		{claims{"email": "a@example.com"}, ""}, {claims{"email": "a@example.com", "email_verified": false}, ""}, {claims{"email_verified": true}, ""},
		{claims{"email": "example.com", "email_verified": true}, ""}, {claims{"email": "@example.com", "email_verified": true}, ""},
		{claims{"email": "a@example.com@evil.example", "email_verified": true}, "evil.example"}, {claims{"email": "a@example.com", "email_verified": 1.0}, ""},
	} {
		if got := test.c.verifiedDomain(); got != test.want {
			t.Errorf("%v has the domain %q", test.c, got)
		}
	}
}
