package sdk

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// maxRedirects is how many redirects a request follows.
const maxRedirects = 5

// HTTP answers a client for one call. It dials through the host, adds the credential to requests for the platform's own hosts
// (never to a redirect that leads elsewhere), refuses http:// unless the operator set such a base URL, requires TLS 1.3 (1.2
// where the operator lowered it), bounds the answer, and returns an answer with a status of 400 and above as an *Error.
func HTTP(call *Call) *http.Client {
	return &http.Client{
		Transport:     &signer{call: call, base: call.transports.of(call)},
		CheckRedirect: checkRedirect,
	}
}

// checkRedirect follows a redirect within a host as net/http does. One that leads elsewhere takes nothing along: no header of the
// adapter's, which may hold the credential as well as the one that authorize adds, no Referer with the address before, in whose path
// some platforms have the credential, and no body.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return Errorf(PlatformError, "The platform redirects without end.")
	}
	for _, before := range via {
		if sameOrigin(before.URL, req.URL) {
			continue
		}
		if req.Body != nil && req.Body != http.NoBody {
			return Errorf(PlatformError, "The platform redirects the request, with its content, to another host; that is not followed.")
		}
		for name := range req.Header {
			if !slices.Contains(plainHeaders, name) {
				req.Header.Del(name)
			}
		}
	}
	return nil
}

// plainHeaders are those that a redirect to another host takes along.
var plainHeaders = []string{"Accept", "Accept-Language", "Range", "User-Agent"}

func sameOrigin(a, b *url.URL) bool { return a.Scheme == b.Scheme && strings.EqualFold(a.Host, b.Host) }

// transports keeps the adapter's connections. Those to a platform's hosts are shared between its calls, and with no other platform's, which
// may not be allowed to reach them; those of platforms whose integrations have a host of their own live as long as the call.
type transports struct {
	mu     sync.Mutex
	shared map[pool]*http.Transport
}

// pool names the calls that may share connections. Two platforms of operators may stand on one of the adapter's: where they are tells them apart.
type pool struct {
	minTLS            uint16
	platform, baseURL string
}

type callKey struct{}

func (t *transports) of(call *Call) *http.Transport {
	version := uint16(tls.VersionTLS13)
	if call.minTLSVersion == "1.2" {
		version = tls.VersionTLS12
	}
	if call.ownHost() {
		own := newTransport(version)
		call.Defer(own.CloseIdleConnections)
		return own
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.shared == nil {
		t.shared = map[pool]*http.Transport{}
	}
	key := pool{version, call.Platform, call.BaseURL()}
	if t.shared[key] == nil {
		t.shared[key] = newTransport(version)
	}
	return t.shared[key]
}

func newTransport(minTLS uint16) *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			call, ok := ctx.Value(callKey{}).(*Call)
			if !ok {
				return nil, Errorf(AdapterBug, "The adapter dialled outside a call.")
			}
			ctx, cancel := context.WithDeadline(ctx, call.deadline) // net/http dials without the request's
			defer cancel()
			return Dial(ctx, call, address)
		},
		TLSClientConfig:        &tls.Config{MinVersion: minTLS},
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxResponseHeaderBytes: 1 << 20,
	}
}

// signer is the policy of one call's requests; the transport beneath is the mechanism.
type signer struct {
	call *Call
	base http.RoundTripper
}

func (s *signer) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := s.allowed(req.URL); err != nil {
		if req.Body != nil {
			_ = req.Body.Close() // as http.RoundTripper has it; the refusal matters more
		}
		return nil, err
	}
	var sent atomic.Bool
	ctx := context.WithValue(req.Context(), callKey{}, s.call)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }})
	out := req.Clone(ctx)
	if s.trusted(req) {
		s.authorize(out)
	}
	resp, err := s.base.RoundTrip(out)
	if err != nil {
		return nil, transportError(ctx, err, sent.Load())
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return nil, s.explain(resp)
	}
	resp.Request = req // without what authorize added
	resp.Body = &boundedBody{ReadCloser: resp.Body, left: maxBodyBytes}
	return resp, nil
}

// allowed refuses plain HTTP except to the operator's own base URL.
func (s *signer) allowed(u *url.URL) error {
	if u.Scheme == "https" {
		return nil
	}
	if host, plain := s.call.operatorHost(); u.Scheme == "http" && plain && u.Host == host {
		return nil
	}
	return &Error{Kind: PermissionDenied, NotSent: true, Message: "Plain http:// is refused: only an operator may set such a base URL, with " +
		"`patchbay platform set " + s.call.Platform + " --base-url URL`."}
}

// trusted says whether a request may carry the credential: it goes to a host of the platform's, and no redirect led it there
// from another one.
func (s *signer) trusted(req *http.Request) bool {
	for r := req; r.Response != nil; r = r.Response.Request {
		if !sameOrigin(r.Response.Request.URL, req.URL) {
			return false
		}
	}
	base, err := url.Parse(s.call.BaseURL())
	if err == nil && sameOrigin(base, req.URL) {
		return true
	}
	return slices.ContainsFunc(s.call.platform.Hosts, func(pattern string) bool { return matchHost(pattern, req.URL) })
}

// matchHost says whether a URL's host is the declared one, or below it where the declaration begins with "*.".
func matchHost(pattern string, u *url.URL) bool {
	host := strings.ToLower(u.Hostname())
	if h, port, err := net.SplitHostPort(pattern); err == nil {
		if orString(u.Port(), "443") != port {
			return false
		}
		pattern = h
	} else if p := u.Port(); p != "" && p != "443" {
		return false
	}
	pattern = strings.ToLower(pattern)
	if rest, ok := strings.CutPrefix(pattern, "*"); ok {
		return strings.HasPrefix(rest, ".") && strings.HasSuffix(host, rest) && len(host) > len(rest)
	}
	return host == pattern
}

func (s *signer) authorize(req *http.Request) {
	if s.call.platform.Authorize != nil {
		s.call.platform.Authorize(req, s.call.Credential)
		return
	}
	if token := s.call.Credential.Token(); token != "" && req.Header.Get("Authorization") == "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
}

// transportError gives a request without an answer its kind. Its text names no URL, which may hold a secret.
func transportError(ctx context.Context, err error, sent bool) error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	e := &Error{Kind: PlatformUnavailable, NotSent: !sent, Message: "The platform cannot be reached: " + withoutAddress(err) + "."}
	var certificate *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &certificate) || errors.As(err, &unknown):
		e.Message = "The platform's certificate is not to be trusted."
	case ctx.Err() != nil:
		e.Kind, e.Message = Timeout, "The platform did not answer in time."
	case strings.Contains(err.Error(), "protocol version"):
		e.Message = "The platform does not speak TLS 1.3. An operator may lower it with `--min-tls 1.2`."
	case sent:
		e.Kind, e.Message = OutcomeUnknown, "The platform closed the connection without an answer."
	}
	return e
}

// boundedBody fails instead of reading more than it should.
type boundedBody struct {
	io.ReadCloser
	left int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, Errorf(PlatformError, "The platform's answer is too large.")
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	return n, err
}
