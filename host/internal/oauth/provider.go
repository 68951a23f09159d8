package oauth

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Provider is an authorisation server: its endpoints and where it departs from RFC 6749. A zero field means what the RFC says.
type Provider struct {
	AuthorizationURL, TokenURL, RevocationURL, DeviceAuthorizationURL string
	// Issuer is the provider's identifier (RFC 9207).
	Issuer string
	// AuthorizeParameters and TokenParameters are added to the requests.
	AuthorizeParameters, TokenParameters map[string]string
	// ScopeSeparator is a space when empty, ScopeParameter "scope".
	ScopeSeparator, ScopeParameter string
	// ClientAuthentication is "basic", "body" (also when empty) or "none".
	ClientAuthentication string
	// TokenRequestFormat is "form" (also when empty) or "json".
	TokenRequestFormat string
	// Pointers are JSON Pointers into the token answer. Where one finds nothing, the RFC's own name is looked for.
	AccessTokenPointer, RefreshTokenPointer, ExpiresInPointer, ScopePointer, ErrorPointer string
	// UserAgent is one that the provider requires.
	UserAgent string
	// Grants besides authorization_code: "client_credentials", "device_code".
	Grants []string
	// NoPKCE is true where the provider refuses PKCE.
	NoPKCE bool
	// RevocationToken is "refresh" (also when empty) or "access".
	RevocationToken string
}

// Takes says whether a provider offers a grant.
func (p *Provider) Takes(grant string) bool {
	if grant == AuthorizationCode {
		return p.AuthorizationURL != ""
	}
	return slices.Contains(p.Grants, grant)
}

// Grants, as integrations are connected by them.
const (
	AuthorizationCode = "authorization_code"
	ClientCredentials = "client_credentials"
	DeviceCode        = "device_code"
)

// Client is what the operator registered at a provider. Its secret cannot be printed or marshalled.
type Client struct {
	ID     string
	secret *string // behind a pointer, so that no verb shows it
}

// NewClient answers a client; the secret is empty for a public one.
func NewClient(id, secret string) Client { return Client{ID: id, secret: &secret} }

func (c Client) reveal() string {
	if c.secret == nil {
		return ""
	}
	return *c.secret
}

// Format hides the secret from every verb.
func (c Client) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "client "+c.ID) }

// MarshalText hides the secret.
func (c Client) MarshalText() ([]byte, error) { return []byte(c.ID), nil }

// Tokens are what a provider gave. They cannot be printed or marshalled.
type Tokens struct {
	values *tokenValues
	// Scopes that the answer says were granted; nil where it does not say.
	Scopes []string
	// Lifetime of the access token, counted from before the request was sent; 0 when unknown.
	Lifetime time.Duration
}

type tokenValues struct{ access, refresh string }

// NewTokens makes tokens of an access token and a refresh token, which may be empty.
func NewTokens(access, refresh string) Tokens { return Tokens{values: &tokenValues{access, refresh}} }

// Access answers the access token, for the one place that seals it.
func (t Tokens) Access() string {
	if t.values == nil {
		return ""
	}
	return t.values.access
}

// Refresh answers the refresh token, or "" where there is none.
func (t Tokens) Refresh() string {
	if t.values == nil {
		return ""
	}
	return t.values.refresh
}

// Format hides the tokens from every verb.
func (t Tokens) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[tokens]") }

// MarshalText hides the tokens.
func (t Tokens) MarshalText() ([]byte, error) { return []byte("[tokens]"), nil }

func (p *Provider) joinScopes(scopes []string) string {
	separator := p.ScopeSeparator
	if separator == "" {
		separator = " "
	}
	return strings.Join(scopes, separator)
}

// splitScopes reads a list of scopes however it is separated: by spaces as the RFC has it, or by commas.
func splitScopes(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' || r == '\n' })
}
