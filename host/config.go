package host

import (
	"log/slog"
	"time"

	"github.com/patchbay/patchbay/host/internal/vault"
)

// Secret is a secret that cannot be printed.
type Secret = vault.Secret

// NewSecret makes a Secret of text.
func NewSecret(text string) Secret { return vault.SecretString(text) }

// OIDC is a provider of identities, with the client that the operator registered there for the redirect URL PublicURL/signin/oidc/callback.
type OIDC struct {
	// Issuer is the provider's URL, exactly as it names itself; https, but on loopback. Empty: there is none.
	Issuer string
	// ClientID is required with an issuer; ClientSecret is empty for a public client.
	ClientID     string
	ClientSecret Secret `json:"-"`
	// Scopes besides openid; profile and email when empty.
	Scopes []string
	// AllowedDomains are those of verified email addresses that may sign in; everybody whom the provider knows when empty.
	AllowedDomains []string
	// OperatorGroup makes its members operators, and everybody else who signs in there none. Optional.
	OperatorGroup string
	// GroupsClaim names the claim with the groups; groups when empty.
	GroupsClaim string
}

// Config is what a host needs.
type Config struct {
	// Data is the folder of this host: keys, the operator's token, its private database, sockets. Required.
	Data string
	// Listen is host:port; 127.0.0.1:7450 when empty. Anything but loopback needs TLSCert and TLSKey.
	Listen string
	// DatabaseURL of PostgreSQL; empty: a private server under Data.
	DatabaseURL string
	// PostgresBin is the folder of PostgreSQL's programs for the private server. Optional.
	PostgresBin string
	// Key is the file of the key-encryption keys, or the URI of a KMS; Data/keys.json when empty.
	Key string
	// PublicURL is where clients reach the host; http(s)://Listen when empty.
	PublicURL string
	// Advertise is the host:port at which other hosts of the cluster reach this one; a free port on loopback when empty.
	Advertise string
	// Adapters is the folder of the adapters' binaries. Required.
	Adapters string
	// TLSCert and TLSKey are PEM files. Optional on loopback.
	TLSCert, TLSKey string
	// TraceEndpoint is the URL of an OTLP collector over HTTP; empty: no traces.
	TraceEndpoint string
	// IdleAfter is how long an adapter may be unused before it is stopped; 10 minutes when 0.
	IdleAfter time.Duration
	// AdapterMemory is how many bytes of memory an adapter's process should keep below; 256 MiB when 0.
	AdapterMemory int64
	// AllowUnconfined starts adapters although this kernel lacks a part of their confinement; by default they are refused then.
	AllowUnconfined bool
	// ProviderTimeout is how long an OAuth provider may take to answer a token request; 30 seconds when 0. A host that stands still while it
	// refreshes loses nothing for a third more than this.
	ProviderTimeout time.Duration
	// Now is this machine's clock; time.Now when nil. What all hosts must agree on goes by the database's clock.
	Now func() time.Time `json:"-"`
	// AllowPrivateWebhooks lets webhooks lead to private and loopback addresses, and to http:// ones.
	AllowPrivateWebhooks bool
	// UserRequests and TokenRequests are how many requests a minute this host takes of one user and of one token; any number when 0.
	UserRequests, TokenRequests int
	// OIDC is a provider at which people sign in; without an issuer they do so by links alone.
	OIDC OIDC
	// Version of this build. Required.
	Version string
	// Logger is required.
	Logger *slog.Logger
}
