package integration

import (
	"context"
	"fmt"
	"slices"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/oauth"
)

// provider is a platform's OAuth provider as it is in force: as its adapter declares it, with what the operator set.
type provider struct {
	oauth.Provider
	platform *catalog.Platform
	settings catalog.Settings
	client   oauth.Client
	scopes   []string
	via      oauth.HTTP
}

// providerOf answers the provider of a platform with the operator's client.
func (s *Service) providerOf(ctx context.Context, platform string) (*provider, error) {
	p, settings, err := s.cfg.Catalog.Platform(platform)
	if err != nil {
		return nil, err
	}
	method := p.AuthMethod("oauth2")
	if method == nil {
		return nil, invalid("/auth_method", p.Name+" is not connected by OAuth")
	}
	if settings.OAuth.ClientID == "" {
		return nil, &catalog.Failure{Kind: OAuthNotConfigured, Message: fmt.Sprintf(
			"No OAuth client of %s is registered here. An operator registers one with %s (redirect URI %s) and then runs: patchbay platform set %s --client-id ID --client-secret-stdin",
			p.Name, p.Name, s.RedirectURI(), p.ID)}
	}
	secret, err := s.cfg.Catalog.ClientSecret(ctx, platform)
	if err != nil {
		return nil, err
	}
	out := &provider{platform: p, settings: settings, client: oauth.NewClient(settings.OAuth.ClientID, secret),
		Provider: inForce(method.OAuth2, settings.OAuth), via: s.cfg.Outward(p.ID, settings)}
	out.scopes = ScopesOf(method.OAuth2, settings.OAuth)
	return out, nil
}

// inForce puts the operator's endpoints in the place of the declared ones. A declared issuer is that of the declared endpoints.
func inForce(o *catalog.OAuth2, c catalog.OAuthClient) oauth.Provider {
	p := oauth.Provider{AuthorizationURL: o.AuthorizationURL, TokenURL: o.TokenURL, RevocationURL: o.RevocationURL,
		DeviceAuthorizationURL: o.DeviceAuthorizationURL, Issuer: o.Issuer, AuthorizeParameters: o.AuthorizeParameters,
		TokenParameters: o.TokenParameters, ScopeSeparator: o.ScopeSeparator, ScopeParameter: o.ScopeParameter,
		ClientAuthentication: o.ClientAuthentication, TokenRequestFormat: o.TokenRequestFormat, AccessTokenPointer: o.AccessTokenPointer,
		RefreshTokenPointer: o.RefreshTokenPointer, ExpiresInPointer: o.ExpiresInPointer, ScopePointer: o.ScopePointer,
		ErrorPointer: o.ErrorPointer, UserAgent: o.UserAgent, Grants: o.Grants, NoPKCE: o.NoPKCE, RevocationToken: o.RevocationToken}
	if c.AuthorizationURL != "" || c.Issuer != "" {
		p.Issuer = c.Issuer
	}
	for target, value := range map[*string]string{&p.AuthorizationURL: c.AuthorizationURL, &p.TokenURL: c.TokenURL,
		&p.RevocationURL: c.RevocationURL, &p.DeviceAuthorizationURL: c.DeviceAuthorizationURL} {
		if value != "" {
			*target = value
		}
	}
	return p
}

// ScopesOf answers the scopes to ask for: those that the platform declares, and the operator's besides.
func ScopesOf(o *catalog.OAuth2, c catalog.OAuthClient) []string {
	out := slices.Clone(o.Scopes)
	for _, scope := range c.Scopes {
		if !slices.Contains(out, scope) {
			out = append(out, scope)
		}
	}
	return out
}

// OAuthNotConfigured says that the operator has registered no client for a platform.
const OAuthNotConfigured catalog.Kind = "oauth_not_configured"

// RedirectURI is where providers send people back to; the operator registers it with each provider.
func (s *Service) RedirectURI() string { return s.cfg.PublicURL + "/oauth/callback" }

// providerFailure answers a provider's failure as one of a call. The grant is unharmed.
func providerFailure(platform string, f *oauth.Failure) *catalog.Failure {
	out := &catalog.Failure{Kind: catalog.PlatformUnavailable, RetryAfter: f.RetryAfter, NotSent: true, PlatformCode: f.Code,
		PlatformStatus: f.Status, Message: fmt.Sprintf("The token of %s could not be refreshed; the connection itself is unharmed. %s", platform, f.Message)}
	if f.Meaning == oauth.Misconfigured {
		out.Kind = OAuthNotConfigured
	}
	return out
}
