package host

import (
	"log/slog"
	"time"
)

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
	// Version of this build. Required.
	Version string
	// Logger is required.
	Logger *slog.Logger
}
