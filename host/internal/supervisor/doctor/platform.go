package doctor

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/patchbay/patchbay/host/internal/egress"
	"github.com/patchbay/patchbay/host/internal/supervisor/doctor/probe"
)

// The names that the examined adapter declares. No name server knows them; the doctor does.
const (
	platformHost = "platform.doctor.invalid"
	metadataHost = "metadata.doctor.invalid"
)

// platform is an HTTPS server at loopback, and the gate that leads to it.
type platform struct {
	gate  *egress.Gate
	calls *probe.Egress
	// strict are the rules of a call whose operator opened no private addresses, local those of the others.
	strict, local egress.Rules
}

// names resolves as an attacker's name server may: to addresses that are none of his business.
type names map[string]netip.Addr

func (n names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	addr, found := n[host]
	if !found {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return []netip.Addr{addr}, nil
}

// makePlatform starts the server, and writes the certificates that a program has to trust.
func (s *scene) makePlatform(ctx context.Context) error {
	certificate, err := newCertificate(platformHost)
	if err != nil {
		return fmt.Errorf("making a certificate: %w", err)
	}
	s.bundle = filepath.Join(s.dir, "ca.pem")
	if err := os.WriteFile(s.bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}), 0o644); err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }),
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13},
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          log.New(io.Discard, "", 0), // what goes wrong, the probe says
	}
	s.serving.Go(func() { _ = server.ServeTLS(listener, "", "") }) // ends with Close
	s.later(func() { _ = server.Close() })

	port := listener.Addr().(*net.TCPAddr).Port
	addresses := names{platformHost + ".": netip.MustParseAddr("127.0.0.1"), metadataHost + ".": netip.MustParseAddr("169.254.169.254")}
	s.scene.Egress = probe.Egress{Declared: platformHost, Metadata: metadataHost, Port: port,
		Call: egress.NewDialID(), Strict: egress.NewDialID(), Ended: egress.NewDialID()}
	declared := []string{net.JoinHostPort(platformHost, strconv.Itoa(port)), metadataHost + ":80"}
	s.platform = &platform{gate: egress.New(egress.Config{Resolver: addresses}), calls: &s.scene.Egress,
		strict: egress.Rules{Hosts: declared}, local: egress.Rules{Hosts: declared, AllowPrivate: true}}
	return nil
}

// admit opens a session for one launch with two calls under way and one that is over. It answers the program's end of the socket, and
// the function that ends the session.
func (p *platform) admit(ctx context.Context) (*os.File, func(), error) {
	session, file, err := p.gate.Open("doctor")
	if err != nil {
		return nil, nil, err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = session.Run(ctx) // what goes wrong, the probe says
	}()
	leave := func() {
		session.Close()
		<-ended
	}
	for _, call := range []egress.Call{{DialID: p.calls.Call, Rules: p.local}, {DialID: p.calls.Strict, Rules: p.strict},
		{DialID: p.calls.Ended, Rules: p.local}} {
		call.CallID, call.Platform = "doctor", "doctor"
		if err := session.Admit(call); err != nil {
			leave()
			_ = file.Close() // nobody has it
			return nil, nil, err
		}
	}
	session.Release(p.calls.Ended)
	return file, leave, nil
}

// newCertificate makes one that signs itself, for a day.
func newCertificate(host string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{host}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}, nil
}
