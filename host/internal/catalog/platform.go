package catalog

import (
	"encoding/json"
	"slices"
	"strings"
)

// Platform is an external service as its adapter declares it.
type Platform struct {
	ID          string
	Name        string
	Description string
	Category    string
	Icon        []byte // an SVG document
	Website     string
	BaseURL     string
	Hosts       []string // declared hosts: "slack.com", "*.googleapis.com", "host:port"
	AuthMethods []AuthMethod
	Operations  []*Operation
	RateLimits  []RateLimit
	VerifyNote  string
	// Adapter is the name of the adapter that serves it.
	Adapter string
	// Mount is what an operator made this platform of; nil where its adapter declares it.
	Mount *Mount
	// Plan is what the adapter needs of a platform that was made of a document.
	Plan []byte
}

// Served answers the id by which the adapter knows the platform.
func (p *Platform) Served() string {
	if p.Mount != nil && p.Mount.Base != "" {
		return p.Mount.Base
	}
	return p.ID
}

// AuthMethod answers the platform's method of a type, or nil.
func (p *Platform) AuthMethod(kind string) *AuthMethod {
	for i := range p.AuthMethods {
		if p.AuthMethods[i].Type == kind {
			return &p.AuthMethods[i]
		}
	}
	return nil
}

// Operation answers the operation of a name, or nil.
func (p *Platform) Operation(name string) *Operation {
	for _, op := range p.Operations {
		if op.Name == name {
			return op
		}
	}
	return nil
}

// AuthMethod is one way to connect an account.
type AuthMethod struct {
	Type, Label, Help    string
	Fields               []Field
	OAuth2               *OAuth2
	HostField, PortField string
	DefaultPort          uint32
}

// Field is one value that a user gives.
type Field struct {
	Name      string `json:"name"`
	Label     string `json:"label"`
	Help      string `json:"help,omitempty"`
	Secret    bool   `json:"secret"`
	Required  bool   `json:"required"`
	Pattern   string `json:"pattern,omitempty"`
	Default   string `json:"default,omitempty"`
	Multiline bool   `json:"multiline,omitempty"`
}

// OAuth2 holds a provider's endpoints and quirks.
type OAuth2 struct {
	AuthorizationURL, TokenURL, RevocationURL, DeviceAuthorizationURL        string
	Scopes                                                                   []string
	AuthorizeParameters                                                      map[string]string
	ScopeSeparator, ScopeParameter, ClientAuthentication, TokenRequestFormat string
	AccessTokenPointer, RefreshTokenPointer, ExpiresInPointer                string
	ScopePointer, ErrorPointer, UserAgent                                    string
	Grants                                                                   []string
	NoPKCE                                                                   bool
	Issuer, RevocationToken                                                  string
	TokenParameters                                                          map[string]string
}

// Effect says what repeating an operation does.
type Effect string

// Effects.
const (
	Read       Effect = "read"
	Idempotent Effect = "idempotent"
	Write      Effect = "write"
)

// Operation is one action of a platform.
type Operation struct {
	Name, Title, Description string
	Effect                   Effect
	InputSchema              json.RawMessage
	OutputSchema             json.RawMessage
	// Scopes are all needed, and of each set of AnyScopes one.
	Scopes                 []string
	AnyScopes              [][]string
	Streaming              bool
	TakesFiles, GivesFiles bool
	// Plan is what the adapter needs of an operation that was made of a document.
	Plan []byte

	input *inputChecker
}

// Missing answers the scopes that an operation needs and that were not granted; of a set of which one suffices, the first. Where the platform
// never said which were granted, it decides itself and nothing is missing.
func (op *Operation) Missing(granted []string) []string {
	if len(granted) == 0 {
		return nil
	}
	has := func(scope string) bool {
		return slices.ContainsFunc(granted, func(g string) bool { return sameScope(g, scope) })
	}
	var missing []string
	for _, scope := range op.Scopes {
		if !has(scope) {
			missing = append(missing, scope)
		}
	}
	for _, set := range op.AnyScopes {
		if !slices.ContainsFunc(set, has) {
			missing = append(missing, set[0])
		}
	}
	return missing
}

// sameScope compares a granted scope with a needed one as leniently as providers spell them: Microsoft answers Mail.Read as
// https://graph.microsoft.com/Mail.Read, and in other case. What is refused here is not sent; what is sent the platform decides.
func sameScope(granted, needed string) bool {
	if strings.EqualFold(granted, needed) {
		return true
	}
	at := len(granted) - len(needed)
	return at > 0 && granted[at-1] == '/' && strings.EqualFold(granted[at:], needed)
}

// RateLimit is a number of calls in a time, for each integration.
type RateLimit struct {
	Calls      uint32   `json:"calls"`
	PerSeconds uint32   `json:"per_seconds"`
	Operations []string `json:"operations,omitempty"`
}
