package oauth

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/oauth2"
)

// NewVerifier makes a PKCE code verifier (RFC 7636, 4.1).
func NewVerifier() string { return oauth2.GenerateVerifier() }

// AuthorizeURL answers where a person decides (RFC 6749, 4.1.1), with an S256 challenge of the verifier.
func AuthorizeURL(p *Provider, clientID, redirect, state, verifier string, scopes []string) (string, error) {
	at, err := url.Parse(p.AuthorizationURL)
	if err != nil || at.Host == "" {
		return "", errors.New("the provider's authorization endpoint is no address")
	}
	q := at.Query()
	for _, name := range slices.Sorted(maps.Keys(p.AuthorizeParameters)) {
		q.Set(name, p.AuthorizeParameters[name])
	}
	q.Set("response_type", "code")
	q.Set("client_id", clientID)
	q.Set("redirect_uri", redirect)
	q.Set("state", state)
	if len(scopes) > 0 {
		parameter := p.ScopeParameter
		if parameter == "" {
			parameter = "scope"
		}
		q.Set(parameter, p.joinScopes(scopes))
	}
	if !p.NoPKCE {
		q.Set("code_challenge", oauth2.S256ChallengeFromVerifier(verifier))
		q.Set("code_challenge_method", "S256")
	}
	at.RawQuery = q.Encode()
	return at.String(), nil
}

// CheckIssuer compares the iss of a callback (RFC 9207) with the provider's issuer. Where the provider's is not known, iss must name the
// host of one of its endpoints. An answer without iss is accepted: few providers send one, and their data does not say which.
func CheckIssuer(p *Provider, iss string) error {
	switch {
	case iss == "":
		return nil
	case p.Issuer != "" && iss == p.Issuer:
		return nil
	case p.Issuer != "":
		return fmt.Errorf("the answer says that it comes from %q, and this platform's provider is %q", clean(iss, 200), p.Issuer)
	}
	from, err := url.Parse(iss)
	if err == nil && from.Host != "" {
		for _, endpoint := range []string{p.AuthorizationURL, p.TokenURL} {
			if at, err := url.Parse(endpoint); err == nil && strings.EqualFold(at.Host, from.Host) {
				return nil
			}
		}
	}
	return fmt.Errorf("the answer says that it comes from %q, which is not where this platform's provider is", clean(iss, 200))
}
