package vault

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/tink-crypto/tink-go-awskms/v3/integration/awskms"
	"github.com/tink-crypto/tink-go-gcpkms/v2/integration/gcpkms"
	"github.com/tink-crypto/tink-go-hcvault/v2/integration/hcvault"
	"github.com/tink-crypto/tink-go/v2/tink"
)

const (
	awsScheme       = "aws-kms://"
	gcpScheme       = "gcp-kms://"
	hashicorpScheme = "hcvault://"
)

// isKMS says that a key's URI names a key management service.
func isKMS(uri string) bool {
	return strings.HasPrefix(uri, awsScheme) || strings.HasPrefix(uri, gcpScheme) || strings.HasPrefix(uri, hashicorpScheme)
}

// shown is a URI for an error, without what could be a password in it.
func shown(uri string) string {
	scheme, rest, _ := strings.Cut(uri, "://")
	rest, _, _ = strings.Cut(rest, "?")
	return scheme + "://" + rest[strings.LastIndex(rest, "@")+1:]
}

// kmsKeyID is the id of a key in a service: a short hash of its URI. The URI
// must therefore stay spelled as it is.
func kmsKeyID(uri string) string {
	sum := sha256.Sum256([]byte(uri))
	return "kms-" + hex.EncodeToString(sum[:6])
}

// openKMS prepares the key behind uri without asking the service anything.
func openKMS(ctx context.Context, cfg KeysConfig, uri string) (*kek, error) {
	k := &kek{id: kmsKeyID(uri), origin: uri, timeout: cfg.Timeout}
	var err error
	switch {
	case strings.HasPrefix(uri, awsScheme):
		k.aead, err = awskms.NewAEADWithContext(ctx, strings.TrimPrefix(uri, awsScheme))
	case strings.HasPrefix(uri, gcpScheme):
		k.aead, k.closer, err = openGCP(ctx, uri)
	default:
		var h *hashicorp
		h, err = openHashiCorp(cfg, uri)
		k.aead, k.closer = h, h
	}
	if err != nil {
		return nil, fmt.Errorf("preparing key service %s: %w", shown(uri), err)
	}
	return k, nil
}

func openGCP(ctx context.Context, uri string) (tink.AEADWithContext, io.Closer, error) {
	// The client keeps the context to fetch its own tokens later.
	client, err := gcpkms.NewClient(context.WithoutCancel(ctx), uri)
	if err != nil {
		return nil, nil, err
	}
	primitive, err := client.GetAEAD(uri)
	if err != nil {
		return nil, nil, errors.Join(err, client.Close())
	}
	withContext, ok := primitive.(tink.AEADWithContext)
	if !ok {
		return nil, nil, errors.Join(errors.New("the client takes no deadlines"), client.Close())
	}
	return withContext, client, nil
}

// hashicorp wraps with a key of HashiCorp Vault's transit engine. The key must
// be of an AEAD type (aes256-gcm96, the default) and not derived.
type hashicorp struct {
	address string
	keyPath string
	token   func(context.Context) (Secret, error)
	http    *http.Client
	timeout time.Duration
}

var _ tink.AEADWithContext = (*hashicorp)(nil)

// openHashiCorp reads hcvault://host:port/mount/keys/name.
func openHashiCorp(cfg KeysConfig, uri string) (*hashicorp, error) {
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("the URI must read hcvault://HOST:PORT/MOUNT/keys/NAME")
	}
	if u.User != nil {
		return nil, errors.New("the URI must not carry a password; give the token apart")
	}
	if cfg.HashiCorpToken == nil {
		return nil, errors.New("a token for HashiCorp Vault is required")
	}
	tlsConfig := &tls.Config{MinVersion: tls.VersionTLS12}
	if cfg.HashiCorpTLS != nil {
		tlsConfig = cfg.HashiCorpTLS.Clone()
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = tlsConfig
	h := &hashicorp{
		address: "https://" + u.Host,
		keyPath: u.EscapedPath(),
		token:   cfg.HashiCorpToken,
		timeout: cfg.Timeout,
		http: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	if _, err := hcvault.NewAEAD(h.keyPath, nil); err != nil {
		return nil, errors.New("the URI must read hcvault://HOST:PORT/MOUNT/keys/NAME")
	}
	return h, nil
}

// Close drops idle connections.
func (h *hashicorp) Close() error {
	h.http.CloseIdleConnections()
	return nil
}

// EncryptWithContext wraps with the newest version of the transit key.
func (h *hashicorp) EncryptWithContext(ctx context.Context, plaintext, aad []byte) ([]byte, error) {
	primitive, err := h.primitive(ctx)
	if err != nil {
		return nil, err
	}
	return primitive.Encrypt(plaintext, aad)
}

// DecryptWithContext unwraps with whichever version wrapped.
func (h *hashicorp) DecryptWithContext(ctx context.Context, ciphertext, aad []byte) ([]byte, error) {
	primitive, err := h.primitive(ctx)
	if err != nil {
		return nil, err
	}
	return primitive.Decrypt(ciphertext, aad)
}

// primitive is Tink's client for one request, with the token of now and the
// time that ctx leaves. Redirects are off: the token goes to the named host
// alone.
func (h *hashicorp) primitive(ctx context.Context) (tink.AEAD, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	timeout := h.timeout
	if deadline, ok := ctx.Deadline(); ok {
		timeout = max(min(timeout, time.Until(deadline)), time.Millisecond)
	}
	token, err := h.token(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the token: %w", err)
	}
	client, err := api.NewClient(&api.Config{
		Address:          h.address,
		HttpClient:       h.http,
		Timeout:          timeout,
		MaxRetries:       2,
		MinRetryWait:     50 * time.Millisecond,
		MaxRetryWait:     250 * time.Millisecond,
		DisableRedirects: true,
	})
	if err != nil {
		return nil, err
	}
	client.SetToken(token.RevealString())
	return hcvault.NewAEAD(h.keyPath, client.Logical())
}
