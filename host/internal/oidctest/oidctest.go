// Package oidctest runs an OpenID provider that nobody here wrote, npm oidc-provider, on loopback, for tests of signing in and of
// connecting accounts by OAuth.
package oidctest

import (
	"bufio"
	"bytes"
	_ "embed" // the provider's program
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

//go:embed provider.mjs
var program []byte

// Client is a client that the provider knows.
type Client struct {
	ID string `json:"id"`
	// Secret is empty for a public client.
	Secret string `json:"secret,omitempty"`
	// RedirectURIs are compared exactly.
	RedirectURIs []string `json:"redirect_uris,omitempty"`
	// Scopes that the client may ask for; all when empty.
	Scopes []string `json:"scopes,omitempty"`
	// GrantTypes are authorization_code and refresh_token when empty; others: client_credentials,
	// urn:ietf:params:oauth:grant-type:device_code. Whoever may refresh gets a refresh token with every code.
	GrantTypes []string `json:"grant_types,omitempty"`
	// AuthMethod is client_secret_basic when empty; others: client_secret_post, none.
	AuthMethod string `json:"auth_method,omitempty"`
}

// Options say how the provider behaves. It always requires PKCE.
type Options struct {
	Clients []Client `json:"clients"`
	// Scopes beyond openid, offline_access, profile, email and groups.
	Scopes []string `json:"scopes,omitempty"`
	// Accounts are who may sign in, each with its claims; anybody, without claims, when nil.
	Accounts map[string]map[string]any `json:"accounts,omitempty"`
	// Account is who signs in where nobody else is named; ann when empty.
	Account string `json:"account,omitempty"`
	// Ask shows whoever signs in a page with the buttons #allow and #deny, for tests with a real browser.
	Ask bool `json:"ask,omitempty"`
	// ClaimsInIDToken puts the claims into the id_token too; without it they are at the userinfo endpoint alone.
	ClaimsInIDToken bool `json:"claims_in_id_token,omitempty"`
	// Lifetimes in seconds: an hour and 14 days when 0.
	AccessTokenSeconds  int `json:"access_token_seconds,omitempty"`
	RefreshTokenSeconds int `json:"refresh_token_seconds,omitempty"`
	// RotateRefreshTokens makes each refresh token good once; using one again revokes its grant.
	RotateRefreshTokens bool `json:"rotate_refresh_tokens,omitempty"`
	// TokenDelayMS holds every request for tokens back before it is looked at.
	TokenDelayMS int `json:"token_delay_ms,omitempty"`
	// Port to listen on; a free one when 0.
	Port int `json:"port,omitempty"`

	Module string `json:"module"` // set by Start
}

// Provider is a running one.
type Provider struct {
	// Issuer is its address, without a trailing slash. Endpoints: /auth, /token, /token/revocation, /token/introspection, /me,
	// /device/auth, and the usual document under /.well-known.
	Issuer string
}

// Start runs a provider until the test ends. The test is skipped where PATCHBAY_TEST_TOOLS is not set.
func Start(t testing.TB, o Options) *Provider {
	t.Helper()
	tools := os.Getenv("PATCHBAY_TEST_TOOLS")
	if tools == "" {
		t.Skip("PATCHBAY_TEST_TOOLS is not set: oidc-provider is not to be had")
	}
	o.Module = filepath.Join(tools, "node_modules", "oidc-provider", "lib", "index.js")
	input, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "provider.mjs")
	if err := os.WriteFile(file, program, 0o600); err != nil {
		t.Fatal(err)
	}
	return &Provider{Issuer: run(t, exec.CommandContext(t.Context(), "node", file), input)}
}

// run starts the program and answers its first line.
func run(t testing.TB, cmd *exec.Cmd, input []byte) string {
	t.Helper()
	var log output
	cmd.Stderr = &log
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting oidc-provider: %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Wait() // "signal: killed": the test's context has ended
		if t.Failed() {
			t.Logf("oidc-provider said: %s", log.String())
		}
	})
	if _, err := in.Write(append(input, '\n')); err != nil {
		t.Fatalf("telling oidc-provider its options: %v\n%s", err, log.String())
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("waiting for oidc-provider: %v\n%s", err, log.String())
	}
	return strings.TrimSpace(line)
}

// output keeps what a program says.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}
