package oauth

import (
	"context"
	"net/http"
	"net/url"
)

// Revoke ends a grant at its provider (RFC 7009). A token that the provider does not know any more counts as revoked.
func Revoke(ctx context.Context, via HTTP, p *Provider, c Client, t Tokens) error {
	if p.RevocationURL == "" {
		return &Failure{Meaning: Misconfigured, NotSent: true, Message: "The platform has no way to revoke a grant: remove the app in the account's own settings."}
	}
	token, hint := t.Refresh(), "refresh_token"
	if token == "" || p.RevocationToken == "access" {
		token, hint = t.Access(), "access_token"
	}
	if token == "" {
		return nil
	}
	form := url.Values{"token": {token}, "token_type_hint": {hint}}
	status, header, body, err := post(ctx, via, p, c, p.RevocationURL, form, nil)
	if err != nil {
		return err
	}
	doc, parsed := parseAnswer(header, body)
	if status >= 200 && status < 300 && !parsed {
		return nil // the RFC asks for no body
	}
	f := answerFailure(p, status, header, doc, parsed)
	if f == nil || f.Meaning == Dead || f.Code == "invalid_token" && status != http.StatusUnauthorized {
		return nil
	}
	return f
}
