package api

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/patchbay/patchbay/host/internal/catalog"
)

// settingsChange is a change of settings: a field that is left out keeps its value.
type settingsChange struct {
	BaseURL             *string              `json:"base_url,omitempty" maxLength:"2000"`
	AllowPrivateNetwork *bool                `json:"allow_private_network,omitempty"`
	AllowedCIDRs        *[]string            `json:"allowed_cidrs,omitempty" maxItems:"100"`
	MinTLS              *string              `json:"min_tls_version,omitempty"`
	Enabled             *bool                `json:"enabled,omitempty"`
	RateLimits          *[]catalog.RateLimit `json:"rate_limits,omitempty" maxItems:"100" doc:"Stand in place of the platform's own; an empty list is none"`
	OwnRateLimits       bool                 `json:"platform_rate_limits,omitempty" doc:"Go back to the platform's own rate limits"`
	OAuth               struct {
		ClientID         *string   `json:"client_id,omitempty" maxLength:"500"`
		ClientSecret     *string   `json:"client_secret,omitempty" maxLength:"4000"`
		AuthorizationURL *string   `json:"authorization_url,omitempty" maxLength:"2000"`
		TokenURL         *string   `json:"token_url,omitempty" maxLength:"2000"`
		RevocationURL    *string   `json:"revocation_url,omitempty" maxLength:"2000"`
		DeviceURL        *string   `json:"device_authorization_url,omitempty" maxLength:"2000"`
		Issuer           *string   `json:"issuer,omitempty" maxLength:"2000"`
		Scopes           *[]string `json:"scopes,omitempty" maxItems:"200"`
	} `json:"oauth,omitempty"`
}

func (c *settingsChange) apply(s *catalog.Settings) {
	set(&s.BaseURL, c.BaseURL)
	set(&s.AllowPrivateNetwork, c.AllowPrivateNetwork)
	set(&s.MinTLS, c.MinTLS)
	if c.Enabled != nil {
		s.Disabled = !*c.Enabled
	}
	set(&s.RateLimits, c.RateLimits)
	if c.OwnRateLimits {
		s.RateLimits = nil
	}
	set(&s.OAuth.ClientID, c.OAuth.ClientID)
	set(&s.OAuth.AuthorizationURL, c.OAuth.AuthorizationURL)
	set(&s.OAuth.TokenURL, c.OAuth.TokenURL)
	set(&s.OAuth.RevocationURL, c.OAuth.RevocationURL)
	set(&s.OAuth.DeviceAuthorizationURL, c.OAuth.DeviceURL)
	set(&s.OAuth.Issuer, c.OAuth.Issuer)
	set(&s.OAuth.Scopes, c.OAuth.Scopes)
}

func set[T any](target *T, value *T) {
	if value != nil {
		*target = *value
	}
}

// cidrs parses the address ranges; nil where they are left out.
func (c *settingsChange) cidrs(ctx context.Context) ([]netip.Prefix, error) {
	if c.AllowedCIDRs == nil {
		return nil, nil
	}
	out := []netip.Prefix{}
	for i, text := range *c.AllowedCIDRs {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			p := newProblem(ctx, 422, "validation_failed", "An address range is not valid.")
			p.Errors = []catalog.Violation{{Pointer: fmt.Sprintf("/allowed_cidrs/%d", i), Detail: "must be an address range such as 169.254.0.0/16"}}
			return nil, p
		}
		out = append(out, prefix.Masked())
	}
	return out, nil
}

func settingsOf(s catalog.Settings) platformSettings {
	out := platformSettings{BaseURL: s.BaseURL, AllowPrivateNetwork: s.AllowPrivateNetwork, MinTLS: s.MinTLS, Enabled: !s.Disabled,
		OAuth: s.OAuth, AllowedCIDRs: []string{}, RateLimits: s.RateLimits}
	if out.MinTLS == "" {
		out.MinTLS = "1.3"
	}
	for _, p := range s.AllowedCIDRs {
		out.AllowedCIDRs = append(out.AllowedCIDRs, p.String())
	}
	return out
}
