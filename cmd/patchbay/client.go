package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"sync/atomic"
	"time"
)

const (
	// maxAnswer bounds a JSON answer of the host.
	maxAnswer = 64 << 20
	// patience is how long the host may take over a request, and longPatience over a call or a walk through the whole audit log.
	patience     = 2 * time.Minute
	longPatience = 16 * time.Minute
)

// client speaks REST to one host. It looks for the host when the first request needs it, so that a wrong command is told as such before.
type client struct {
	flags *connection
	location
	base *url.URL
	http *http.Client // nil until the host is found
}

// request is one request to the host.
type request struct {
	method string
	// path is made of segments, which are escaped: they may hold what a user typed.
	path  []string
	query url.Values
	// in is sent as JSON; body is sent as it is, of length bytes.
	in     any
	body   io.Reader
	length int64
	header http.Header
	// patience is the package's when 0.
	patience time.Duration
}

// open finds the host.
func (c *client) open() error {
	if c.http != nil {
		return nil
	}
	f, err := newFinder(c.flags)
	if err != nil {
		return err
	}
	at, err := f.find()
	if err != nil {
		return err
	}
	return c.dialTo(at)
}

// dialTo makes the client one of a location. It speaks TLS 1.3, follows no redirect and uses no proxy on loopback.
func (c *client) dialTo(at location) error {
	base, err := url.Parse(at.url)
	if err != nil {
		return usageError("the host's address is not a URL")
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 15 * time.Second,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS13}}
	if at.caFile != "" {
		if transport.TLSClientConfig.RootCAs, err = readCAs(at.caFile); err != nil {
			return err
		}
	}
	c.location, c.base = at, base
	c.http = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return nil
}

func readCAs(path string) (*x509.CertPool, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, usageError("reading the certificates of --ca-file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(raw) {
		return nil, usageError("%s of --ca-file holds no PEM certificate", path)
	}
	return pool, nil
}

// ask sends a request and answers the JSON of a success; {} where there is no body.
func (c *client) ask(ctx context.Context, r request) (json.RawMessage, error) {
	if r.patience == 0 {
		r.patience = patience
	}
	ctx, cancel := context.WithTimeout(ctx, r.patience)
	defer cancel()
	answer, err := c.send(ctx, r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }() // read to its end, or given up
	raw, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err != nil {
		return nil, sent(c.unreachable(ctx, err))
	}
	switch {
	case len(raw) > maxAnswer:
		return nil, errors.New("the host's answer is larger than this program takes")
	case len(bytes.TrimSpace(raw)) == 0:
		return json.RawMessage("{}"), nil
	case !json.Valid(raw):
		return nil, sent(c.strange(answer))
	}
	return raw, nil
}

// send sends a request and answers a successful response, whose body the caller closes, or the problem. ctx must live until then.
func (c *client) send(ctx context.Context, r request) (*http.Response, error) {
	if err := c.open(); err != nil {
		return nil, err
	}
	out, err := c.build(ctx, r)
	if err != nil {
		return nil, err
	}
	var left atomic.Bool
	out = out.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { left.Store(true) }}))
	answer, err := c.http.Do(out)
	if err != nil && left.Load() {
		return nil, sent(c.unreachable(ctx, err))
	}
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	if answer.StatusCode/100 == 2 {
		return answer, nil
	}
	defer func() { _ = answer.Body.Close() }() // read as far as it is wanted
	raw, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return nil, sent(c.unreachable(ctx, err))
	}
	p := decodeProblem(raw)
	if p == nil {
		return nil, sent(c.strange(answer))
	}
	p.retryAfter = answer.Header.Get("Retry-After")
	return nil, p
}

func (c *client) build(ctx context.Context, r request) (*http.Request, error) {
	escaped := make([]string, len(r.path))
	for i, segment := range r.path {
		if segment == "" || segment == "." || segment == ".." {
			return nil, usageError("%q is not a name or an id", segment)
		}
		escaped[i] = url.PathEscape(segment)
	}
	at := c.base.JoinPath(escaped...)
	at.RawQuery = r.query.Encode()
	if r.in != nil {
		raw, err := json.Marshal(r.in)
		if err != nil {
			return nil, errors.New("encoding the request") // the cause could quote a secret
		}
		r.body, r.length = bytes.NewReader(raw), int64(len(raw))
	}
	out, err := http.NewRequestWithContext(ctx, r.method, at.String(), r.body)
	if err != nil {
		return nil, usageError("the host's address is not a URL")
	}
	out.ContentLength = r.length
	for name, values := range r.header {
		out.Header[name] = values
	}
	if r.in != nil {
		out.Header.Set("Content-Type", "application/json")
	}
	out.Header.Set("Authorization", "Bearer "+c.token)
	out.Header.Set("User-Agent", "patchbay-cli/"+version)
	if c.flags.As != "" {
		out.Header.Set("Patchbay-User", c.flags.As)
	}
	return out, nil
}

// sent marks an error of a request that had left for the host.
func sent(err error) error {
	var e *exitError
	if errors.As(err, &e) {
		e.sent = true
	}
	return err
}

// unreachable says why there is no answer. It never quotes headers, where the token is.
func (c *client) unreachable(ctx context.Context, err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	var authority x509.UnknownAuthorityError
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return errors.New("interrupted")
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return unreachableError("the host at %s did not answer in time", c.url)
	case errors.As(err, &authority):
		return unreachableError("the certificate of %s is signed by an authority that this machine does not know; --ca-file names its certificate", c.url)
	}
	return unreachableError("cannot reach the host at %s (known from %s): %w", c.url, c.from, err)
}

// strange is the error for an answer that no host gives: a proxy's, or another program's.
func (c *client) strange(answer *http.Response) error {
	if to, err := answer.Location(); err == nil && answer.StatusCode/100 == 3 {
		return unreachableError("%s redirects to %s://%s: give that address if it is your host", c.url, to.Scheme, to.Host)
	}
	return unreachableError("%s answered HTTP %d, and not as a Patchbay host does", c.url, answer.StatusCode)
}
