package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 64 << 20

// Config is what a Client needs.
type Config struct {
	// URL is where the host is, such as https://patchbay.example.com. Required.
	URL string
	// Token is an API token, pb_.... Required.
	Token string
	// User is whom a service token acts for. Optional.
	User string
	// HTTP sends the requests; one of its own that follows no redirects when nil. What is given here must not follow them to another host.
	HTTP *http.Client
}

// Client speaks to one host.
type Client struct {
	base  *url.URL
	token string
	user  string
	http  *http.Client
}

// New answers a client. It sends nothing yet.
func New(cfg Config) (*Client, error) {
	base, err := url.Parse(cfg.URL)
	if err != nil || (base.Scheme != "https" && base.Scheme != "http") || base.Host == "" || base.User != nil {
		return nil, errors.New("the host's URL must be such as https://patchbay.example.com")
	}
	if cfg.Token == "" || strings.ContainsAny(cfg.Token, " \r\n\t") {
		return nil, errors.New("the token is missing or no token")
	}
	c := &Client{base: base, token: cfg.Token, user: cfg.User, http: cfg.HTTP}
	if c.http == nil {
		c.http = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	return c, nil
}

// Error is a host's refusal (RFC 9457). Decide by its Code.
type Error struct {
	Status    int    `json:"status"`
	Code      string `json:"code"`
	Detail    string `json:"detail"`
	RequestID string `json:"request_id"`
	// Call is the id of the call that failed, where it was recorded; Blame is caller, platform, adapter or host.
	Call, Blame   string
	Errors        []Violation
	MissingScopes []string `json:"missing_scopes"`
	PlatformCode  string   `json:"platform_code"`
	// RetryAfter is how long to wait before another try; 0 when the host does not say.
	RetryAfter time.Duration `json:"-"`
}

// Violation is one thing wrong with an input; Pointer is a JSON Pointer into it.
type Violation struct{ Pointer, Detail string }

// Error answers the code and what happened.
func (e *Error) Error() string { return e.Code + ": " + e.Detail }

// Codes on which programs decide. The host's documentation has them all.
const (
	RateLimited             = "rate_limited"
	OutcomeUnknown          = "outcome_unknown"
	ReauthorizationRequired = "reauthorization_required"
	IntegrationInactive     = "integration_inactive"
	IntegrationNotFound     = "integration_not_found"
	PermissionDenied        = "permission_denied"
	ValidationFailed        = "validation_failed"
	PlatformUnavailable     = "platform_unavailable"
	TooManyRequests         = "too_many_requests"
	NotFound                = "not_found"
	Unauthenticated         = "unauthenticated"
)

// Code answers the code of an error of the host, or "" for nil and any other error.
func Code(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// do sends a request and decodes a success into out, where it is not nil.
func (c *Client) do(ctx context.Context, method, path string, query url.Values, in, out any) error {
	resp, err := c.send(ctx, method, path, query, in, nil)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // read to its end, or given up
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(out); err != nil {
		return fmt.Errorf("decoding the host's answer: %w", err)
	}
	return nil
}

// send answers a successful response, whose body the caller closes, or an error.
func (c *Client) send(ctx context.Context, method, path string, query url.Values, in any, header http.Header) (*http.Response, error) {
	at := *c.base
	at.Path = strings.TrimSuffix(at.Path, "/") + path
	at.RawQuery = query.Encode()
	var body io.Reader
	if in != nil {
		encoded, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("encoding the request: %w", err)
		}
		body = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(ctx, method, at.String(), body)
	if err != nil {
		return nil, fmt.Errorf("making the request: %w", err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.user != "" {
		req.Header.Set("Patchbay-User", c.user)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking the host: %w", err)
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer func() { _ = resp.Body.Close() }() // the error says all
	return nil, refusal(resp)
}

// refusal reads a problem.
func refusal(resp *http.Response) error {
	e := &Error{}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(e); err != nil || e.Code == "" {
		return fmt.Errorf("the host's address answered HTTP %d, and not as a Patchbay host does", resp.StatusCode)
	}
	e.Status = resp.StatusCode
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds > 0 {
		e.RetryAfter = time.Duration(seconds) * time.Second
	}
	return e
}
