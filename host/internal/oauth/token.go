package oauth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// HTTP sends the requests of a provider. Its transport decides which addresses may be dialled.
type HTTP interface {
	RoundTrip(*http.Request) (*http.Response, error)
}

// Bounds of a request to a provider.
const (
	// DefaultTimeout is how long a provider may take to answer.
	DefaultTimeout = 30 * time.Second
	maxAnswer      = 256 << 10
	userAgent      = "Patchbay"
)

// errTooLate says that the request was not sent because too little of the lease was left.
var errTooLate = errors.New("too little of the lease is left to send the request")

// Exchange turns an authorisation code into tokens (RFC 6749, 4.1.3; RFC 7636, 4.5).
func Exchange(ctx context.Context, via HTTP, p *Provider, c Client, code, redirect, verifier string) (Tokens, error) {
	form := url.Values{"grant_type": {AuthorizationCode}, "code": {code}, "redirect_uri": {redirect}}
	if !p.NoPKCE {
		form.Set("code_verifier", verifier)
	}
	return requestTokens(ctx, via, p, c, form, nil)
}

// Refresh spends a refresh token (RFC 6749, 6). sendable is asked immediately before the request leaves; where it answers false nothing is
// sent, and the failure says NotSent. An answer without a refresh token means that the old one stays in force.
func Refresh(ctx context.Context, via HTTP, p *Provider, c Client, refresh string, sendable func() bool) (Tokens, error) {
	t, err := requestTokens(ctx, via, p, c, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}, sendable)
	if err == nil && t.values.refresh == "" {
		t.values.refresh = refresh
	}
	return t, err
}

// Credentials asks for a token of the client itself (RFC 6749, 4.4). sendable is as for Refresh; nil means always.
func Credentials(ctx context.Context, via HTTP, p *Provider, c Client, scopes []string, sendable func() bool) (Tokens, error) {
	form := url.Values{"grant_type": {ClientCredentials}}
	if len(scopes) > 0 {
		form.Set("scope", p.joinScopes(scopes))
	}
	return requestTokens(ctx, via, p, c, form, sendable)
}

func requestTokens(ctx context.Context, via HTTP, p *Provider, c Client, form url.Values, sendable func() bool) (Tokens, error) {
	for name, value := range p.TokenParameters {
		form.Set(name, value)
	}
	started := time.Now()
	status, header, body, err := post(ctx, via, p, c, p.TokenURL, form, sendable)
	if err != nil {
		return Tokens{}, err
	}
	return readTokens(p, status, header, body, time.Since(started))
}

// post sends one request with the client's authentication and reads the bounded answer. A connection serves one request: a pooled one
// could be found broken, and the request sent again.
func post(ctx context.Context, via HTTP, p *Provider, c Client, endpoint string, form url.Values, sendable func() bool) (int, http.Header, []byte, error) {
	req, err := newRequest(ctx, p, c, endpoint, form, sendable)
	if err != nil {
		return 0, nil, nil, err
	}
	resp, err := via.RoundTrip(req)
	if err != nil {
		return 0, nil, nil, transportFailure(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }() // read below
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return 0, nil, nil, transportFailure(ctx, err)
	}
	if len(body) > maxAnswer {
		return 0, nil, nil, unusable(resp.StatusCode, "answered more than %d KiB", maxAnswer>>10)
	}
	return resp.StatusCode, resp.Header, body, nil
}

func newRequest(ctx context.Context, p *Provider, c Client, endpoint string, form url.Values, sendable func() bool) (*http.Request, error) {
	basic := p.ClientAuthentication == "basic"
	if !basic {
		form.Set("client_id", c.ID)
		if p.ClientAuthentication != "none" && c.reveal() != "" {
			form.Set("client_secret", c.reveal())
		}
	}
	body, mediaType := []byte(form.Encode()), "application/x-www-form-urlencoded"
	if p.TokenRequestFormat == "json" {
		flat := map[string]string{}
		for name := range form {
			flat[name] = form.Get(name)
		}
		var err error
		if body, err = json.Marshal(flat); err != nil {
			return nil, fmt.Errorf("encoding the token request: %w", err)
		}
		mediaType = "application/json"
	}
	// The reader has no type that net/http could rewind and send again.
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, &guardedBody{Reader: bytes.NewReader(body), sendable: sendable})
	if err != nil {
		return nil, &Failure{Meaning: Misconfigured, NotSent: true, Message: "The provider's endpoint is no address: an operator must look at the platform's settings."}
	}
	req.ContentLength = int64(len(body))
	req.Close = true
	req.Header.Set("Content-Type", mediaType)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", userAgent)
	if p.UserAgent != "" {
		req.Header.Set("User-Agent", p.UserAgent)
	}
	if basic { // RFC 6749, 2.3.1: both are form-encoded first
		req.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.reveal()))
	}
	return req, nil
}

// guardedBody is read when the request is about to be written to the connection, after dialling and the TLS handshake: the last moment at
// which it can be held back.
type guardedBody struct {
	io.Reader
	sendable func() bool
	read     bool
}

// Read gives the body, or errTooLate where it may not leave any more.
func (b *guardedBody) Read(p []byte) (int, error) {
	if !b.read && b.sendable != nil && !b.sendable() {
		return 0, errTooLate
	}
	b.read = true
	return b.Reader.Read(p)
}

// Close does nothing: there is nothing to release.
func (b *guardedBody) Close() error { return nil }

// transportFailure says in words why there is no answer, without addresses or the request.
func transportFailure(ctx context.Context, err error) *Failure {
	f := &Failure{Meaning: Transient}
	var address interface {
		error
		Refused() string
	}
	switch {
	case errors.Is(err, errTooLate):
		f.NotSent, f.HeldBack, f.Message = true, true, "The request to the provider was held back: its lease was about to end."
	case errors.As(err, &address):
		f.NotSent, f.Meaning, f.Message = true, Misconfigured, "The provider cannot be dialled: "+address.Refused()+"."
	case ctx.Err() != nil:
		f.Message = "The provider did not answer in time."
	default:
		f.Message = "The provider cannot be reached or broke the connection."
		var op *net.OpError
		f.NotSent = errors.As(err, &op) && op.Op == "dial"
	}
	return f
}
