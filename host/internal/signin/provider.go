package signin

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/patchbay/patchbay/host/internal/vault"
)

// Config is what a Provider needs.
type Config struct {
	// Issuer is the provider's, exactly as it names itself; https, but for a loopback address. Required.
	Issuer string
	// ClientID as registered there. Required.
	ClientID string
	// ClientSecret is empty for a public client.
	ClientSecret vault.Secret
	// RedirectURL is the host's page to come back to, as registered there. Required.
	RedirectURL string
	// Scopes besides openid; profile and email when empty.
	Scopes []string
	// AllowedDomains are those of verified email addresses that may sign in; everybody whom the provider knows when empty, which is
	// refused for providers whom everybody can join.
	AllowedDomains []string
	// OperatorGroup makes its members operators, and everybody else who signs in here none; empty: roles stay as they are.
	OperatorGroup string
	// GroupsClaim is where the groups are; "groups" when empty.
	GroupsClaim string
	// Key authenticates what a browser carries to the provider and back, the same on every host. Required.
	Key []byte
	// Now is the clock. Required.
	Now func() time.Time
}

// public are issuers at whom everybody can have an account.
var public = []string{"accounts.google.com", "login.microsoftonline.com", "gitlab.com", "appleid.apple.com", "www.linkedin.com"}

const (
	// providerTime bounds a request to the provider.
	providerTime = 15 * time.Second
	// maxAnswer bounds an answer of the provider, in bytes.
	maxAnswer = 1 << 20
)

// Provider is where people sign in. It is safe for concurrent use.
type Provider struct {
	cfg    Config
	client *http.Client

	mu    sync.Mutex
	known *discovered // nil until the provider answered
}

// discovered is what the provider says of itself.
type discovered struct {
	provider *oidc.Provider
	verifier *oidc.IDTokenVerifier
}

// New checks the configuration. It does not ask the provider, which may be down while the host starts.
func New(cfg Config) (*Provider, error) {
	issuer, err := url.Parse(cfg.Issuer)
	if err != nil || issuer.Host == "" || issuer.User != nil || issuer.RawQuery != "" || issuer.Fragment != "" ||
		(issuer.Scheme != "https" && (issuer.Scheme != "http" || !loopback(issuer.Hostname()))) {
		return nil, errors.New("the issuer (--oidc-issuer) must be a URL such as https://id.example.com, without user, query and fragment; http:// on loopback alone")
	}
	if cfg.ClientID == "" {
		return nil, errors.New("an issuer (--oidc-issuer) needs a client (--oidc-client-id), registered there with the redirect URL " + cfg.RedirectURL)
	}
	if len(cfg.AllowedDomains) == 0 && slices.Contains(public, issuer.Hostname()) {
		return nil, fmt.Errorf("everybody can have an account at %s: say whose may sign in with --oidc-allowed-domain", issuer.Hostname())
	}
	for _, domain := range cfg.AllowedDomains {
		if domain == "" || strings.ContainsAny(domain, "@ */") {
			return nil, fmt.Errorf("%q of --oidc-allowed-domain is not a domain such as example.com", domain)
		}
	}
	if len(cfg.Scopes) == 0 {
		cfg.Scopes = []string{"profile", "email"}
	}
	if cfg.GroupsClaim == "" {
		cfg.GroupsClaim = "groups"
	}
	return &Provider{cfg: cfg, client: newClient()}, nil
}

// Name is what the button calls the provider.
func (p *Provider) Name() string {
	issuer, err := url.Parse(p.cfg.Issuer)
	if err != nil {
		return "OpenID"
	}
	return issuer.Hostname()
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// newClient answers a client for the provider: bounded in time and size, and without redirects, which could carry the secret elsewhere.
func newClient() *http.Client {
	return &http.Client{Timeout: providerTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: bounded{&http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, IdleConnTimeout: time.Minute,
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}}}
}

// bounded cuts answers off.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(r)
	if err == nil {
		resp.Body = cut{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	}
	return resp, err
}

type cut struct {
	io.Reader
	io.Closer
}

// discover asks the provider once what it is; a failure is tried again the next time.
func (p *Provider) discover(ctx context.Context) (*discovered, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known != nil {
		return p.known, nil
	}
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), p.cfg.Issuer)
	if err != nil {
		return nil, fmt.Errorf("asking the provider what it is: %w", err)
	}
	p.known = &discovered{provider, provider.Verifier(&oidc.Config{ClientID: p.cfg.ClientID, Now: p.cfg.Now})}
	return p.known, nil
}

func (p *Provider) oauth(d *discovered) *oauth2.Config {
	return &oauth2.Config{ClientID: p.cfg.ClientID, ClientSecret: p.cfg.ClientSecret.RevealString(), Endpoint: d.provider.Endpoint(),
		RedirectURL: p.cfg.RedirectURL, Scopes: append([]string{oidc.ScopeOpenID}, p.cfg.Scopes...)}
}
