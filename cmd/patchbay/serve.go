package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/patchbay/patchbay/host"
)

type serveCmd struct {
	Listen             string        `env:"PATCHBAY_LISTEN" default:"127.0.0.1:7450" placeholder:"HOST:PORT" help:"Where to listen; anything but loopback needs --tls-cert and --tls-key. ${default} when left out."`
	DatabaseURL        string        `name:"database-url" env:"PATCHBAY_DATABASE_URL" placeholder:"URL" help:"Your PostgreSQL; a private one in the data folder when left out."`
	PostgresBin        string        `name:"postgres-bin" env:"PATCHBAY_POSTGRES_BIN" placeholder:"FOLDER" help:"PostgreSQL's programs for the private one."`
	Key                string        `env:"PATCHBAY_KEY" placeholder:"FILE|URI" help:"Encryption keys: a file, or the URI of a KMS (aws-kms://, gcp-kms://, hcvault://); keys.json in the data folder when left out."`
	PublicURL          string        `name:"public-url" env:"PATCHBAY_PUBLIC_URL" placeholder:"URL" help:"Where clients reach the host, if not where it listens."`
	Advertise          string        `env:"PATCHBAY_ADVERTISE" placeholder:"HOST:PORT" help:"Where the other hosts of a cluster reach this one."`
	Adapters           string        `env:"PATCHBAY_ADAPTERS" placeholder:"FOLDER" help:"The adapters' programs; the folder adapters beside this program when left out."`
	TLSCert            string        `name:"tls-cert" env:"PATCHBAY_TLS_CERT" placeholder:"FILE" help:"Certificate, in PEM."`
	TLSKey             string        `name:"tls-key" env:"PATCHBAY_TLS_KEY" placeholder:"FILE" help:"Its private key, in PEM."`
	TraceEndpoint      string        `name:"trace-endpoint" env:"PATCHBAY_TRACE_ENDPOINT" placeholder:"URL" help:"Where to send traces (OTLP over HTTP); none are sent when left out."`
	IdleAfter          time.Duration `name:"idle-after" env:"PATCHBAY_IDLE_AFTER" default:"10m" help:"Stop an adapter that was not used for so long. ${default} when left out."`
	ProviderTimeout    time.Duration `name:"provider-timeout" env:"PATCHBAY_PROVIDER_TIMEOUT" default:"30s" help:"How long an OAuth provider may take to answer a token request. ${default} when left out."`
	AdapterMemory      int64         `name:"adapter-memory" env:"PATCHBAY_ADAPTER_MEMORY" default:"256" placeholder:"MIB" help:"Memory, in MiB, that an adapter's process should keep below; where the kernel lets the host bound it, twice that ends the process. ${default} when left out."`
	RequireConfinement bool          `name:"require-confinement" env:"PATCHBAY_REQUIRE_CONFINEMENT" default:"true" negatable:"" help:"Refuse to start adapters where the kernel cannot confine them; --no-require-confinement starts them with what it can do."`
	PrivateWebhooks    bool          `name:"allow-private-webhooks" env:"PATCHBAY_ALLOW_PRIVATE_WEBHOOKS" help:"Let webhooks lead to private and loopback addresses, and to http:// ones."`
	UserRequests       int           `name:"user-requests" env:"PATCHBAY_USER_REQUESTS" placeholder:"N" help:"Requests a minute that this host takes of one user; any number when left out."`
	TokenRequests      int           `name:"token-requests" env:"PATCHBAY_TOKEN_REQUESTS" placeholder:"N" help:"Requests a minute that this host takes of one token; any number when left out."`
	OIDC               oidcFlags     `embed:"" prefix:"oidc-"`
	LogLevel           string        `name:"log-level" env:"PATCHBAY_LOG_LEVEL" enum:"debug,info,warn,error" default:"info" help:"debug, info, warn or error."`
	LogFormat          string        `name:"log-format" env:"PATCHBAY_LOG_FORMAT" enum:"text,json" default:"text" help:"text or json."`
}

// Help is the longer help.
func (serveCmd) Help() string {
	return `The host keeps everything in the data folder (--data, ~/.patchbay when left out). On its first start it makes the operator and a key file: keep a copy
of the keys, without them nothing that is sealed can be opened again. SIGINT or SIGTERM let the calls under way end; a second one kills.

    patchbay serve
    patchbay serve --data ./.patchbay --listen 127.0.0.1:8000
    patchbay serve --listen 0.0.0.0:443 --tls-cert host.pem --tls-key host.key --database-url postgres://patchbay@db/patchbay

The flags can stand in patchbay.yaml, one "name: value" on each line, such as "listen: 127.0.0.1:8000".`
}

// Run runs the host until a signal.
func (c *serveCmd) Run(ctx context.Context, flags *connection, con *console) error {
	cfg, err := c.config(flags, con)
	if err != nil {
		return err
	}
	spareWakeups()
	spareCollections()
	h, err := host.Open(ctx, cfg)
	if err != nil && ctx.Err() != nil {
		return errors.New("interrupted while starting")
	}
	if err != nil {
		return fmt.Errorf("starting the host: %w", err)
	}
	if err := con.ready(h.URL(), h.SignInLink(), cfg.Data); err != nil {
		h.Close()
		return fmt.Errorf("saying where the host is: %w", err)
	}
	return h.Run(ctx)
}

// config makes the host's configuration of the flags.
func (c *serveCmd) config(flags *connection, con *console) (host.Config, error) {
	home, err := os.UserHomeDir()
	if err != nil && flags.Data == "" {
		return host.Config{}, usageError("finding your home folder: %w; name a data folder with --data", err)
	}
	data := firstOf(expandHome(flags.Data, home), filepath.Join(home, ".patchbay"))
	adapters := expandHome(c.Adapters, home)
	if adapters == "" {
		if adapters, err = adaptersBeside(); err != nil {
			return host.Config{}, err
		}
	}
	oidc, err := c.OIDC.config(home)
	if err != nil {
		return host.Config{}, err
	}
	return host.Config{Data: data, Listen: c.Listen, DatabaseURL: c.DatabaseURL, PostgresBin: expandHome(c.PostgresBin, home), Key: expandHome(c.Key, home),
		PublicURL: c.PublicURL, Advertise: c.Advertise, Adapters: adapters, TLSCert: expandHome(c.TLSCert, home), TLSKey: expandHome(c.TLSKey, home),
		TraceEndpoint: c.TraceEndpoint, IdleAfter: c.IdleAfter, AdapterMemory: c.AdapterMemory << 20, ProviderTimeout: c.ProviderTimeout, AllowUnconfined: !c.RequireConfinement,
		AllowPrivateWebhooks: c.PrivateWebhooks, UserRequests: c.UserRequests, TokenRequests: c.TokenRequests, OIDC: oidc, Version: version, Logger: c.logger(con.err)}, nil
}

// adaptersBeside answers the folder of adapters beside this program.
func adaptersBeside() (string, error) {
	program, err := os.Executable()
	if err == nil {
		program, err = filepath.EvalSymlinks(program)
	}
	if err != nil {
		return "", usageError("finding this program: %w; name the adapters' folder with --adapters", err)
	}
	return filepath.Join(filepath.Dir(program), "adapters"), nil
}

func (c *serveCmd) logger(w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel)) // one of the flag's enum, which slog knows
	options := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// ready says where the host is, how to sign in, and what to try first.
func (c *console) ready(url, link, data string) error {
	if c.json {
		return c.value(map[string]string{"url": url, "sign_in_link": link})
	}
	if _, err := fmt.Fprintf(c.out, "Patchbay %s is ready at %s\n", version, url); err != nil {
		return err
	}
	if link != "" {
		c.say("Sign in as the operator, once and within an hour: %s", link)
	}
	c.say("Try: %s%s platforms", c.dataPrefix(data), os.Args[0])
	return nil
}

// dataPrefix is what the other commands need to find the host, where they do not look by themselves.
func (c *console) dataPrefix(data string) string {
	home, _ := os.UserHomeDir() // "" finds nothing
	absolute, err := filepath.Abs(data)
	here, hereErr := filepath.Abs(".patchbay")
	if err != nil || hereErr != nil || absolute == here || absolute == filepath.Join(home, ".patchbay") || absolute == os.Getenv("PATCHBAY_DATA") {
		return ""
	}
	return "PATCHBAY_DATA=" + absolute + " "
}
