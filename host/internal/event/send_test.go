package event

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// receiver is a TLS server, and a courier that knows its certificate.
func receiver(t *testing.T, change func(*httptest.Server), handle http.HandlerFunc) (*Courier, Job) {
	t.Helper()
	server := httptest.NewUnstartedServer(handle)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	change(server)
	server.StartTLS()
	t.Cleanup(server.Close)
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	c := NewCourier(CourierConfig{Dial: (&net.Dialer{}).DialContext, RootCAs: pool, Version: "1", Now: time.Now})
	t.Cleanup(c.client.CloseIdleConnections)
	return c, Job{Attempts: 1, Webhook: Webhook{ID: "whk_1", URL: server.URL}, Event: Event{ID: "evt_1", Type: "a.b"}}
}

// Receivers speak TLS 1.2 or newer, with a certificate that is known and theirs.
func TestReceiversTLS(t *testing.T) {
	t.Parallel()
	fine := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }
	as := func(min, most uint16) func(*httptest.Server) {
		return func(s *httptest.Server) { s.TLS = &tls.Config{MinVersion: min, MaxVersion: most} }
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		c, j := receiver(t, as(version, version), fine)
		if a := c.send(t.Context(), j, keyring{}); a.status != 204 {
			t.Errorf("version %x is answered %+v", version, a)
		}
	}
	c, j := receiver(t, as(tls.VersionTLS10, tls.VersionTLS11), fine)
	if a := c.send(t.Context(), j, keyring{}); a.status != 0 || !strings.Contains(a.problem, "TLS 1.2") {
		t.Errorf("TLS 1.1 is answered %+v", a)
	}
	c, j = receiver(t, as(0, 0), fine)
	stranger := NewCourier(CourierConfig{Dial: c.cfg.Dial, RootCAs: x509.NewCertPool(), Now: time.Now})
	if a := stranger.send(t.Context(), j, keyring{}); a.status != 0 || a.problem != "its certificate is not valid" {
		t.Errorf("an unknown certificate is answered %+v", a)
	}
	j.Webhook.URL = strings.Replace(j.Webhook.URL, "127.0.0.1", "localhost", 1)
	if a := c.send(t.Context(), j, keyring{}); a.status != 0 || a.problem != "its certificate is not valid" {
		t.Errorf("a certificate of another name is answered %+v", a)
	}
	j.Webhook.URL = strings.Replace(j.Webhook.URL, "https:", "http:", 1)
	if a := c.send(t.Context(), j, keyring{}); a.status != 0 || !strings.Contains(a.problem, "https://") {
		t.Errorf("plain HTTP is answered %+v", a)
	}
}

// An answer without an end is not read to its end.
func TestEndlessAnswer(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	c, j := receiver(t, func(*httptest.Server) {}, func(w http.ResponseWriter, _ *http.Request) {
		defer close(ended)
		for block := make([]byte, 64<<10); ; {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	})
	if a := c.send(t.Context(), j, keyring{}); a.status != 200 || a.problem != "" {
		t.Errorf("it is answered %+v", a)
	}
	<-ended
}

// Failures are told without an address.
func TestExplain(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(nil)
	closed.Close()
	dialer := &net.Dialer{}
	c := NewCourier(CourierConfig{Dial: dialer.DialContext, AllowPlain: true, Now: time.Now})
	refusing := NewCourier(CourierConfig{AllowPlain: true, Now: time.Now, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, &RefusedAddressError{"it leads inside"}
	}})
	nameless := NewCourier(CourierConfig{AllowPlain: true, Now: time.Now, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "name.invalid", IsNotFound: true}}
	}})
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	impatient, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	for _, test := range []struct {
		by        *Courier
		ctx       context.Context
		url, want string
	}{
		{c, t.Context(), closed.URL, "it refused the connection"},
		{nameless, t.Context(), "http://name.invalid/", "its name cannot be found"},
		{refusing, t.Context(), "http://example.com/", "it leads inside"},
		{c, impatient, "http://" + silent.Addr().String(), "it did not answer within 10 seconds"},
	} {
		a := test.by.send(test.ctx, Job{Webhook: Webhook{URL: test.url}, Event: Event{ID: "evt_1", Type: "a"}}, keyring{})
		if a.problem != test.want {
			t.Errorf("%s is explained as %q", test.url, a.problem)
		}
	}
}

func TestAskedWait(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for text, want := range map[string]time.Duration{"": 0, "7": 7 * time.Second, "-7": 0, "999999999999": longestAsked, "99999999999999999999999": 0,
		"Fri, 02 Jan 2026 03:05:05 GMT": time.Minute, "Fri, 02 Jan 2026 03:04:00 GMT": 0, "soon": 0} {
		resp := &http.Response{StatusCode: 503, Header: http.Header{"Retry-After": {text}}}
		if got := askedWait(resp, now); got != want {
			t.Errorf("%q asks for %s, want %s", text, got, want)
		}
	}
}
