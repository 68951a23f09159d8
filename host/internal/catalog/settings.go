package catalog

import (
	"fmt"
	"math"
	"net/netip"
	"net/url"
	"strings"
)

// Settings are what the operator set for one platform. The zero value means the platform's own.
type Settings struct {
	// BaseURL replaces the platform's.
	BaseURL string
	// AllowPrivateNetwork lets its adapter reach private and loopback addresses.
	AllowPrivateNetwork bool
	// AllowedCIDRs lets its adapter reach addresses that are refused even then, such as link-local ones.
	AllowedCIDRs []netip.Prefix
	// MinTLS is "1.3" (also when empty) or "1.2".
	MinTLS string
	// Disabled platforms are not shown and not called.
	Disabled bool
	// OAuth is the operator's client; its secret is kept sealed and apart.
	OAuth OAuthClient
	// RateLimits stand in place of those that the platform declares; nil leaves the platform's, an empty list none.
	RateLimits []RateLimit
}

// maxLimits and maxPeriod bound the operator's rate limits.
const (
	maxLimits = 100
	maxPeriod = 30 * 24 * 60 * 60 // seconds
)

// OAuthClient is what the operator registered at the provider, and where he wants the provider to be.
type OAuthClient struct {
	ClientID         string `json:"client_id,omitempty"`
	AuthorizationURL string `json:"authorization_url,omitempty"`
	TokenURL         string `json:"token_url,omitempty"`
	RevocationURL    string `json:"revocation_url,omitempty"`
	// DeviceAuthorizationURL is where device flows begin, Issuer what an iss of the callback must equal (RFC 9207).
	DeviceAuthorizationURL string   `json:"device_authorization_url,omitempty"`
	Issuer                 string   `json:"issuer,omitempty"`
	Scopes                 []string `json:"scopes,omitempty"`
	HasClientSecret        bool     `json:"has_client_secret"`
}

// Check answers what is wrong with settings, each with a pointer into the request that gave them.
func (s Settings) Check() []Violation {
	var out []Violation
	if s.BaseURL != "" && !httpURL(s.BaseURL) {
		out = append(out, Violation{"/base_url", "must be an http:// or https:// URL with a host, without user, query or fragment"})
	}
	if s.MinTLS != "" && s.MinTLS != "1.2" && s.MinTLS != "1.3" {
		out = append(out, Violation{"/min_tls_version", `must be "1.2" or "1.3"`})
	}
	if len(s.RateLimits) > maxLimits {
		out = append(out, Violation{"/rate_limits", fmt.Sprintf("must be at most %d", maxLimits)})
	}
	for i, l := range s.RateLimits {
		if l.Calls == 0 || l.Calls > math.MaxInt32 || l.PerSeconds == 0 || l.PerSeconds > maxPeriod {
			out = append(out, Violation{fmt.Sprintf("/rate_limits/%d", i), "must have calls and per_seconds of at least 1, and at most 30 days"})
		}
	}
	for pointer, value := range map[string]string{"/oauth/authorization_url": s.OAuth.AuthorizationURL,
		"/oauth/token_url": s.OAuth.TokenURL, "/oauth/revocation_url": s.OAuth.RevocationURL,
		"/oauth/device_authorization_url": s.OAuth.DeviceAuthorizationURL} {
		if value != "" && !httpURL(value) {
			out = append(out, Violation{pointer, "must be an http:// or https:// URL with a host"})
		}
	}
	return out
}

func httpURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && u.RawQuery == "" &&
		u.Fragment == "" && !strings.ContainsAny(s, "\r\n\t ")
}
