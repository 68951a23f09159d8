package signin

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Begin answers where to send a browser, and what it carries as a cookie until it is back. returnTo is the page to show afterwards.
func (p *Provider) Begin(ctx context.Context, returnTo string) (to, cookie string, err error) {
	d, err := p.discover(ctx)
	if err != nil {
		return "", "", err
	}
	f := p.newFlow(returnTo)
	return p.oauth(d).AuthCodeURL(f.state(), oidc.Nonce(f.nonce()), oauth2.S256ChallengeOption(f.verifier())), p.cookie(f), nil
}

// Finish proves who came back with the query of the redirect URL, in the browser that carries the cookie. It fails with ErrFlow, with a
// *RefusedError, or with what went wrong between the host and the provider. The caller lets Person.Flow be used once.
func (p *Provider) Finish(ctx context.Context, cookie string, query url.Values) (Person, error) {
	f, ok := p.flowOf(cookie)
	if !ok || !same(query.Get("state"), f.state()) {
		return Person{}, ErrFlow
	}
	if query.Get("error") != "" {
		return Person{}, &RefusedError{"The provider did not sign you in. It may say why when you try again."}
	}
	if issuer := query.Get("iss"); issuer != "" && issuer != p.cfg.Issuer {
		return Person{}, errors.New("the answer names another issuer")
	}
	d, err := p.discover(ctx)
	if err != nil {
		return Person{}, err
	}
	ctx = oidc.ClientContext(ctx, p.client)
	tokens, err := p.oauth(d).Exchange(ctx, query.Get("code"), oauth2.VerifierOption(f.verifier()))
	if err != nil {
		return Person{}, fmt.Errorf("exchanging the code: %w", exchangeError(err))
	}
	token, err := verify(ctx, d, f, p.cfg.ClientID, tokens)
	if err != nil {
		return Person{}, err
	}
	c, err := p.claims(ctx, d, token, tokens)
	if err != nil {
		return Person{}, err
	}
	operator, err := p.admit(c)
	if err != nil {
		return Person{}, err
	}
	return Person{Issuer: p.cfg.Issuer, Subject: token.Subject, Name: c.name(), Operator: operator, ReturnTo: f.returnTo, Flow: f.mark(), FlowEnds: f.ends}, nil
}

// exchangeError keeps the provider's code of an error and not its answer, which may hold tokens.
func exchangeError(err error) error {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.Response != nil {
		return fmt.Errorf("the provider answered %d %.50q", refused.Response.StatusCode, refused.ErrorCode)
	}
	return err
}

// verify checks the id_token: signature, issuer, audience and time, and that it answers this very flow.
func verify(ctx context.Context, d *discovered, f flow, clientID string, tokens *oauth2.Token) (*oidc.IDToken, error) {
	raw, ok := tokens.Extra("id_token").(string)
	if !ok {
		return nil, errors.New("the provider gave no id_token")
	}
	token, err := d.verifier.Verify(ctx, raw)
	if err != nil {
		return nil, fmt.Errorf("verifying the id_token: %w", err)
	}
	if token.Subject == "" || len(token.Subject) > 255 {
		return nil, errors.New("the id_token names nobody")
	}
	if !same(token.Nonce, f.nonce()) {
		return nil, errors.New("the id_token answers another request: its nonce is wrong")
	}
	var party struct {
		Authorized string `json:"azp"`
	}
	if err := token.Claims(&party); err != nil {
		return nil, fmt.Errorf("reading the id_token: %w", err)
	}
	if (party.Authorized != "" || len(token.Audience) > 1) && party.Authorized != clientID {
		return nil, errors.New("the id_token was made for another client")
	}
	if token.AccessTokenHash != "" {
		if err := token.VerifyAccessToken(tokens.AccessToken); err != nil {
			return nil, fmt.Errorf("verifying the access token: %w", err)
		}
	}
	return token, nil
}

// claims answers those of the id_token, and those of the userinfo endpoint where they are not enough.
func (p *Provider) claims(ctx context.Context, d *discovered, token *oidc.IDToken, tokens *oauth2.Token) (claims, error) {
	c, err := decodeClaims(token)
	if err != nil || !p.incomplete(c) || d.provider.UserInfoEndpoint() == "" {
		return c, err
	}
	info, err := d.provider.UserInfo(ctx, oauth2.StaticTokenSource(tokens))
	if err != nil {
		return nil, fmt.Errorf("asking the provider about the person: %w", err)
	}
	if info.Subject != token.Subject {
		return nil, errors.New("the provider spoke about somebody else")
	}
	more, err := decodeClaims(info)
	if err != nil {
		return nil, err
	}
	c.fill(more)
	return c, nil
}
