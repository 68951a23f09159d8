package event

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

const (
	// attemptTime bounds an attempt from the look-up of the name to the end of the answer.
	attemptTime = 10 * time.Second
	maxBody     = 256 << 10
	// maxAnswer is how much of an answer is read; nothing of it is kept.
	maxAnswer = 4 << 10
)

// RefusedAddressError says that an address led where the host does not dial. Its reason names no address.
type RefusedAddressError struct{ Reason string }

// Error answers the reason.
func (e *RefusedAddressError) Error() string { return e.Reason }

// newClient answers a client that dials by the courier's dialer alone: no proxy, no redirect, no cookie.
func newClient(cfg CourierConfig) *http.Client {
	return &http.Client{
		Timeout:       attemptTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DialContext: cfg.Dial, ForceAttemptHTTP2: true, TLSHandshakeTimeout: attemptTime,
			TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: cfg.RootCAs}, MaxIdleConns: 2 * workers, MaxIdleConnsPerHost: 2,
			IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 32 << 10, DisableCompression: true},
	}
}

// message is the body of a delivery, the same at every attempt.
type message struct {
	ID        string         `json:"id"`
	Type      string         `json:"type"`
	Timestamp time.Time      `json:"timestamp"`
	User      string         `json:"user,omitempty"`
	Subject   string         `json:"subject"`
	Data      map[string]any `json:"data"`
}

func bodyOf(e Event) ([]byte, error) {
	body, err := json.Marshal(message{e.ID, e.Type, e.CreatedAt.UTC(), e.User, e.Subject, e.Data})
	if err == nil && len(body) > maxBody {
		err = fmt.Errorf("it has %d bytes, more than %d", len(body), maxBody)
	}
	return body, err
}

// send posts an event once.
func (c *Courier) send(ctx context.Context, j Job, ring keyring) answer {
	body, err := bodyOf(j.Event)
	if err != nil {
		return answer{problem: "the event is too large to be sent"}
	}
	if err := checkURL(j.Webhook.URL, c.cfg.AllowPlain); err != nil {
		return answer{problem: "the URL " + err.Error()}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, j.Webhook.URL, bytes.NewReader(body))
	if err != nil {
		return answer{problem: "the URL cannot be used"}
	}
	now := c.cfg.Now()
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Patchbay/"+c.cfg.Version)
	req.Header.Set("webhook-id", j.Event.ID)
	req.Header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	req.Header.Set("webhook-signature", ring.signatures(j.Event.ID, now, body))
	resp, err := c.client.Do(req)
	if err != nil {
		return answer{problem: explain(err)}
	}
	defer func() { _ = resp.Body.Close() }()                                       // whatever is left is not wanted
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer))               // the status has been given: how the rest ends changes nothing
	a := answer{status: resp.StatusCode, retryAfter: askedWait(resp, c.cfg.Now())} //
	switch {
	case resp.StatusCode/100 == 2:
	case resp.StatusCode/100 == 3:
		a.problem = fmt.Sprintf("it answered %d: redirects are not followed", resp.StatusCode)
	case resp.StatusCode == http.StatusGone:
		a.problem = "it answered 410: it wants no more"
	default:
		a.problem = fmt.Sprintf("it answered %d", resp.StatusCode)
	}
	return a
}

// askedWait reads Retry-After, in seconds or as a date.
func askedWait(resp *http.Response, now time.Time) time.Duration {
	if resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != http.StatusServiceUnavailable {
		return 0
	}
	text := resp.Header.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil && seconds > 0 {
		return time.Duration(min(seconds, int(longestAsked/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}

// explain says why there was no answer, in words that name no address.
func explain(err error) string {
	var refused *RefusedAddressError
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var hostname x509.HostnameError
	var record tls.RecordHeaderError
	var op *net.OpError
	var timeout net.Error
	switch {
	case errors.As(err, &refused):
		return refused.Reason
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Sprintf("it did not answer within %d seconds", attemptTime/time.Second)
	case errors.As(err, &dns):
		return "its name cannot be found"
	case errors.As(err, &certificate), errors.As(err, &hostname):
		return "its certificate is not valid"
	case errors.As(err, &record), errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error"): // a TLS alert
		return "the TLS handshake failed: it must speak TLS 1.2 or newer"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "it refused the connection"
	}
	return "the connection failed"
}
