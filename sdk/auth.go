package sdk

import (
	"fmt"
	"io"
)

// AuthMethod is one way to connect an account.
type AuthMethod struct {
	// Type is one of the MethodX constants.
	Type string
	// Label names it for people, Help says how to get the credential.
	Label, Help string
	// Fields are what the user gives. None with OAuth2.
	Fields []Field
	// OAuth2 holds the provider's endpoints and quirks, with MethodOAuth2 only.
	OAuth2 *OAuth2
	// HostField and PortField name the fields that name the integration's own host, where each integration has one.
	HostField, PortField string
	// DefaultPort is used where the port field is empty.
	DefaultPort uint16
}

// Types of auth methods.
const (
	MethodOAuth2 = "oauth2"
	MethodAPIKey = "api_key"
	MethodBearer = "bearer"
	MethodCustom = "custom"
	MethodNone   = "none"
)

// Field is one value that a user gives.
type Field struct {
	Name, Label, Help string
	Secret, Required  bool
	// Pattern is an RE2 expression that the whole value must match; empty means any.
	Pattern string
	Default string
	// Multiline is true where the value has several lines, such as a private key.
	Multiline bool
}

// OAuth2 describes a provider. Every empty field means what RFC 6749 says.
type OAuth2 struct {
	AuthorizationURL, TokenURL, RevocationURL, DeviceAuthorizationURL string

	// Scopes are asked for, with those that the operator adds.
	Scopes []string
	// AuthorizeParameters are added to the authorise request, such as access_type=offline.
	AuthorizeParameters map[string]string
	// ScopeSeparator is a space when empty, ScopeParameter "scope".
	ScopeSeparator, ScopeParameter string
	// ClientAuthentication is "basic", "body" (also when empty) or "none".
	ClientAuthentication string
	// TokenRequestFormat is "form" (also when empty) or "json".
	TokenRequestFormat string
	// JSON Pointers (RFC 6901) into the token answer, where the provider departs from RFC 6749.
	AccessTokenPointer, RefreshTokenPointer, ExpiresInPointer, ScopePointer, ErrorPointer string
	// UserAgent is one that the provider requires.
	UserAgent string
	// Grants besides authorization_code: "client_credentials", "device_code".
	Grants []string
	// NoPKCE is true where the provider does not take PKCE.
	NoPKCE bool
	// Issuer is the provider's identifier (RFC 9207); where it is empty, an iss of the callback must name the host of an endpoint.
	Issuer string
	// TokenParameters are added to the token requests of every grant, such as audience.
	TokenParameters map[string]string
	// RevocationToken is the token that the revocation endpoint takes: "refresh" (also when empty; the access token where there is no
	// refresh token) or "access".
	RevocationToken string
}

// APIKey is an api_key method with one secret field, "api_key".
func APIKey(help string) AuthMethod {
	return AuthMethod{Type: MethodAPIKey, Label: "API key", Help: help,
		Fields: []Field{{Name: "api_key", Label: "API key", Secret: true, Required: true}}}
}

// Bearer is a bearer method with one secret field, "token".
func Bearer(label, help string) AuthMethod {
	return AuthMethod{Type: MethodBearer, Label: label, Help: help,
		Fields: []Field{{Name: "token", Label: label, Secret: true, Required: true}}}
}

// Credential is a lease on an integration's credential: good for one call, never to be kept.
type Credential struct {
	// Method is one of the MethodX constants.
	Method string
	fields *fieldValues // behind a pointer, which is all that the one verb prints that no Formatter sees, %p
}

type fieldValues struct{ of map[string]string }

// NewCredential makes a credential, for tests of an adapter.
func NewCredential(method string, fields map[string]string) Credential {
	return Credential{Method: method, fields: &fieldValues{fields}}
}

// Field answers a field's value, or "" when it is not there.
func (c Credential) Field(name string) string { return c.values()[name] }

func (c Credential) values() map[string]string {
	if c.fields == nil {
		return nil
	}
	return c.fields.of
}

// Token answers the one secret of the methods that have one: the access token, the bearer token or the API key.
func (c Credential) Token() string {
	switch c.Method {
	case MethodOAuth2:
		return c.values()["access_token"]
	case MethodAPIKey:
		return c.values()["api_key"]
	case MethodBearer:
		return c.values()["token"]
	}
	return ""
}

// String hides the values, so that a credential may stand in a log line by accident.
func (c Credential) String() string { return "credential(" + c.Method + ")" }

// Format hides the values from every verb.
func (c Credential) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// MarshalJSON hides the values too.
func (c Credential) MarshalJSON() ([]byte, error) { return []byte(`"` + c.String() + `"`), nil }
