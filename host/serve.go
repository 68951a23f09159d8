package host

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"

	"github.com/patchbay/patchbay/host/internal/api"
	"github.com/patchbay/patchbay/host/internal/cluster"
	"github.com/patchbay/patchbay/host/internal/identity"
	"github.com/patchbay/patchbay/host/internal/supervisor"
	"github.com/patchbay/patchbay/host/internal/vault"
)

const defaultListen = "127.0.0.1:7450"

// listen binds the address. Plain HTTP is for loopback alone; anything else speaks TLS 1.3 or nothing.
func (h *Host) listen(ctx context.Context) error {
	if h.cfg.Listen == "" {
		h.cfg.Listen = defaultListen
	}
	var certificate *tls.Config
	if h.cfg.TLSCert != "" || h.cfg.TLSKey != "" {
		pair, err := tls.LoadX509KeyPair(h.cfg.TLSCert, h.cfg.TLSKey)
		if err != nil {
			return fmt.Errorf("reading the TLS certificate and key (--tls-cert, --tls-key): %w", err)
		}
		certificate = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13, NextProtos: []string{"h2", "http/1.1"}}
	} else if !loopback(h.cfg.Listen) {
		return fmt.Errorf("%s is not a loopback address: give --tls-cert and --tls-key, or listen on 127.0.0.1 behind a proxy on this machine", h.cfg.Listen)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", h.cfg.Listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is in use: another host or program listens there; stop it or choose another address with --listen", h.cfg.Listen)
	}
	if err != nil {
		return fmt.Errorf("listening on %s: %w", h.cfg.Listen, err)
	}
	h.onClose(func() { _ = l.Close() }) // closed already after Run
	h.listener = l
	h.url = strings.TrimRight(h.cfg.PublicURL, "/")
	if h.url == "" {
		h.url = "http://" + l.Addr().String()
		if certificate != nil {
			h.url = "https://" + l.Addr().String()
		}
	}
	if certificate != nil {
		h.listener = tls.NewListener(l, certificate)
	}
	return nil
}

// loopback says whether an address to listen on is this machine's alone.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// serve puts the handlers behind what every request passes.
func (h *Host) serve(mux *http.ServeMux) {
	handler := api.Middleware(mux, h.cfg.Logger)
	if h.cfg.TraceEndpoint != "" {
		handler = otelhttp.NewHandler(handler, "request")
	}
	h.server = &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 5 * time.Minute, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(h.cfg.Logger.Handler(), slog.LevelDebug)}
}

// welcome makes the operator, the token of this machine's command line, and a sign-in link.
func (h *Host) welcome(ctx context.Context, who *identity.Service) error {
	operator, err := who.Operator(ctx)
	if err != nil {
		return fmt.Errorf("making the operator: %w", err)
	}
	link, err := who.AddLink(ctx, "host", operator.ID)
	if err != nil {
		return err
	}
	h.link = h.url + "/signin?link=" + link
	if err := writeFile(filepath.Join(h.cfg.Data, "address"), h.url+"\n"); err != nil {
		return err
	}
	path := filepath.Join(h.cfg.Data, "operator.token")
	if token, err := os.ReadFile(path); err == nil {
		if _, err := who.Authenticate(ctx, strings.TrimSpace(string(token))); err == nil {
			return nil
		}
	}
	by := identity.Principal{User: operator.ID, Role: identity.Operator, Scopes: identity.Scopes}
	_, secret, err := who.AddToken(ctx, identity.NewToken{By: by, Name: "command line of " + h.cluster.Self().Name})
	if err != nil {
		return err
	}
	return writeFile(path, secret+"\n")
}

// newKey makes a signing key of 32 bytes.
func newKey() vault.Secret {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // documented never to fail
	return vault.NewSecret(b)
}

// serveAdapters tells another host this one's adapters.
func (h *Host) serveAdapters(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(h.supervisor.Status()) // a host that went away
}

// adaptersOf asks another host for its adapters.
func (h *Host) adaptersOf(ctx context.Context, other cluster.Host) ([]supervisor.Status, error) {
	var out []supervisor.Status
	err := h.cluster.Get(ctx, other, "/adapters", &out)
	return out, err
}
