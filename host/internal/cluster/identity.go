package cluster

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/patchbay/patchbay/host/internal/vault"
)

// peerDomain follows a host's id in its certificate. It is no name of the DNS: connections go to the registered address.
const peerDomain = ".patchbay.internal"

// caName is the name of the authority among the sealed secrets.
const caName = "cluster-ca"

// peerIdentity is this host's certificate and the authority that all hosts' certificates come from.
type peerIdentity struct {
	certificate tls.Certificate
	authority   *x509.CertPool
}

// openIdentity opens the cluster's authority, making it where there is none, and issues this process a certificate.
func openIdentity(ctx context.Context, cfg Config) (*peerIdentity, error) {
	aad := vault.ClusterAAD(caName)
	sealed, err := cfg.Secrets.Secret(ctx, caName, func() (vault.Sealed, error) {
		bundle, err := newAuthority()
		if err != nil {
			return vault.Sealed{}, err
		}
		secret := vault.NewSecret(bundle)
		defer secret.Wipe()
		return cfg.Vault.Seal(ctx, aad, secret)
	})
	if err != nil {
		return nil, fmt.Errorf("reading the cluster's certificate authority: %w", err)
	}
	secret, err := cfg.Vault.Open(ctx, vault.Access{Actor: "host", Reason: vault.ForHost}, aad, sealed)
	if err != nil {
		return nil, fmt.Errorf("opening the cluster's certificate authority: %w", err)
	}
	defer secret.Wipe()
	return issue(secret.Reveal(), cfg.ID)
}

// newAuthority makes a key and its certificate, both PEM.
func newAuthority() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the authority's key: %w", err)
	}
	template := &x509.Certificate{SerialNumber: serial(), Subject: pkix.Name{CommonName: "Patchbay cluster"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(30, 0, 0), IsCA: true, BasicConstraintsValid: true,
		MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("making the authority's certificate: %w", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding the authority's key: %w", err)
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})...), nil
}

// issue makes a certificate for a host. Its key lives in this process alone.
func issue(bundle []byte, hostID string) (*peerIdentity, error) {
	pair, err := tls.X509KeyPair(bundle, bundle)
	if err != nil {
		return nil, errors.New("the cluster's certificate authority is damaged")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making this host's key: %w", err)
	}
	template := &x509.Certificate{SerialNumber: serial(), Subject: pkix.Name{CommonName: hostID}, DNSNames: []string{hostID + peerDomain},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(5, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, pair.Leaf, key.Public(), pair.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("issuing this host's certificate: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(pair.Leaf)
	return &peerIdentity{certificate: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, authority: pool}, nil
}

func serial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		panic("reading random bytes: " + err.Error()) // documented never to fail
	}
	return n
}

func (p *peerIdentity) serverConfig() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{p.certificate}, ClientCAs: p.authority,
		ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13}
}

type peerKey struct{}

// withPeer remembers where a request goes: its URL holds the host's id, for the certificate, and not its address.
func withPeer(ctx context.Context, h Host) context.Context {
	return context.WithValue(ctx, peerKey{}, h)
}

// transport dials the address of the peer in the request's context and checks that the certificate is that peer's.
func (p *peerIdentity) transport() *http.Transport {
	return &http.Transport{
		TLSClientConfig: &tls.Config{Certificates: []tls.Certificate{p.certificate}, RootCAs: p.authority, MinVersion: tls.VersionTLS13},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			h, ok := ctx.Value(peerKey{}).(Host)
			if !ok || !strings.HasPrefix(address, h.ID) {
				return nil, errors.New("a request to another host names none")
			}
			return new(net.Dialer).DialContext(ctx, network, h.Address)
		},
		MaxIdleConnsPerHost: 4,
		IdleConnTimeout:     time.Minute,
	}
}
