package host

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/patchbay/patchbay/host/internal/api"
	"github.com/patchbay/patchbay/host/internal/audit"
	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/cluster"
	"github.com/patchbay/patchbay/host/internal/dispatch"
	"github.com/patchbay/patchbay/host/internal/egress"
	"github.com/patchbay/patchbay/host/internal/event"
	"github.com/patchbay/patchbay/host/internal/file"
	"github.com/patchbay/patchbay/host/internal/id"
	"github.com/patchbay/patchbay/host/internal/identity"
	"github.com/patchbay/patchbay/host/internal/integration"
	"github.com/patchbay/patchbay/host/internal/mcp"
	"github.com/patchbay/patchbay/host/internal/mount"
	"github.com/patchbay/patchbay/host/internal/oauth"
	"github.com/patchbay/patchbay/host/internal/pool"
	"github.com/patchbay/patchbay/host/internal/release"
	"github.com/patchbay/patchbay/host/internal/sandbox"
	"github.com/patchbay/patchbay/host/internal/store"
	"github.com/patchbay/patchbay/host/internal/store/postgres"
	"github.com/patchbay/patchbay/host/internal/supervisor"
	"github.com/patchbay/patchbay/host/internal/supervisor/confine"
	"github.com/patchbay/patchbay/host/internal/usage"
	"github.com/patchbay/patchbay/host/internal/vault"
	"github.com/patchbay/patchbay/host/internal/web"
)

// open builds the house from the ground up: each step stands on those before it.
func (h *Host) open(ctx context.Context) error {
	if err := h.prepare(ctx); err != nil {
		return err
	}
	if err := h.openStore(ctx); err != nil {
		return err
	}
	if err := h.openVault(ctx); err != nil {
		return err
	}
	auditKey, err := h.secretKey(ctx, "audit")
	if err != nil {
		return err
	}
	h.store.SetChain(audit.NewChain(h.id, auditKey))
	if err := h.openCluster(ctx); err != nil {
		return err
	}
	return h.openRooms(ctx, auditKey)
}

// prepare makes the folder, hardens the process and binds the address, so that a second host fails before it touches anything.
func (h *Host) prepare(ctx context.Context) error {
	if h.cfg.Data == "" || h.cfg.Adapters == "" || h.cfg.Logger == nil || h.cfg.Version == "" {
		return errors.New("opening a host: Data, Adapters, Logger and Version are required")
	}
	data, err := filepath.Abs(h.cfg.Data)
	if err != nil {
		return fmt.Errorf("finding the data folder: %w", err)
	}
	h.cfg.Data = data
	if h.cfg.Now == nil {
		h.cfg.Now = time.Now
	}
	if h.cfg.ProviderTimeout == 0 {
		h.cfg.ProviderTimeout = oauth.DefaultTimeout
	}
	mode := os.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711 // the database's own user must pass
	}
	if err := os.MkdirAll(data, mode); err != nil {
		return fmt.Errorf("making the data folder: %w", err)
	}
	if err := confine.ProtectHost(); err != nil {
		return err
	}
	h.id = id.New("host")
	return h.listen(ctx)
}

// openStore starts the private database where the operator has none, and connects.
func (h *Host) openStore(ctx context.Context) error {
	url := h.cfg.DatabaseURL
	if url == "" {
		server, err := postgres.Start(ctx, postgres.Config{DataDir: h.cfg.Data, Bin: h.cfg.PostgresBin,
			RuntimeDir: os.Getenv("XDG_RUNTIME_DIR"), Log: h.cfg.Logger})
		if err != nil {
			return fmt.Errorf("starting the private database: %w", err)
		}
		h.database = server
		h.onClose(func() {
			if err := server.Close(); err != nil {
				h.cfg.Logger.Error("stopping the private database failed", "error", err)
			}
		})
		url = server.URL()
	}
	s, err := store.Open(ctx, store.Config{URL: url, Host: h.id})
	if err != nil {
		return err
	}
	h.store = s
	h.onClose(s.Close)
	return nil
}

// openVault opens the keys and brings them in step with the database.
func (h *Host) openVault(ctx context.Context) error {
	keyStore := store.Keys{Store: h.store}
	first, err := vault.FirstRun(ctx, keyStore)
	if err != nil {
		return fmt.Errorf("looking for keys in the database: %w", err)
	}
	uri := h.cfg.Key
	if uri == "" {
		uri = filepath.Join(h.cfg.Data, "keys.json")
	}
	h.keys, err = vault.OpenKeys(ctx, vault.KeysConfig{URI: uri, Create: first, HashiCorpToken: hashiCorpToken})
	if err != nil {
		return err
	}
	h.onClose(func() { _ = h.keys.Close() }) // idle connections to a key service
	h.vault, err = vault.New(vault.Config{Keys: h.keys, Auditor: reads{audit.NewLog(h.store, h.cfg.Now)}})
	if err != nil {
		return err
	}
	h.onClose(h.vault.Close)
	if _, err := h.store.Beat(ctx, cluster.Host{ID: h.id, StartedAt: time.Now()}); err != nil {
		return fmt.Errorf("registering this host: %w", err)
	}
	h.rotation, err = vault.NewRotation(vault.RotationConfig{Vault: h.vault, Keys: h.keys, Store: keyStore, Host: h.id, Log: h.cfg.Logger})
	if err != nil {
		return err
	}
	return h.rotation.Start(ctx)
}

// hashiCorpToken reads the token for hcvault:// keys where HashiCorp's own tools look for it.
func hashiCorpToken(context.Context) (vault.Secret, error) {
	token := os.Getenv("VAULT_TOKEN")
	if token == "" {
		return vault.Secret{}, errors.New("VAULT_TOKEN is not set: it must hold a token that may use the transit key")
	}
	return vault.SecretString(token), nil
}

// reads puts administrative reads of plaintext into the audit log.
type reads struct{ log *audit.Log }

// RecordRead commits the record of a read before it happens.
func (r reads) RecordRead(ctx context.Context, read vault.Read) error {
	return r.log.Record(ctx, read.Actor, "vault.read", read.Subject, "purpose", read.Purpose, "owner", read.Owner)
}

// secretKey answers a signing key of the host, the same on every host, sealed in the database. It is no encryption key.
func (h *Host) secretKey(ctx context.Context, name string) ([]byte, error) {
	aad := vault.SigningKeyAAD(name)
	sealed, err := h.store.Secret(ctx, "signing-"+name, func() (vault.Sealed, error) {
		return h.vault.Seal(ctx, aad, newKey())
	})
	if err != nil {
		return nil, fmt.Errorf("reading the %s key: %w", name, err)
	}
	secret, err := h.vault.Open(ctx, vault.Access{Actor: "host", Reason: vault.ForHost}, aad, sealed)
	if err != nil {
		return nil, fmt.Errorf("opening the %s key: %w", name, err)
	}
	return secret.Reveal(), nil
}

func (h *Host) openCluster(ctx context.Context) error {
	name, err := os.Hostname()
	if err != nil {
		name = "unknown"
	}
	h.cluster, err = cluster.Open(ctx, cluster.Config{Store: h.store, Secrets: h.store, Vault: h.vault, ID: h.id, Name: name,
		Version: h.cfg.Version, Advertise: h.cfg.Advertise, Logger: h.cfg.Logger})
	return err
}

// openRooms makes the rooms and ties them together.
func (h *Host) openRooms(ctx context.Context, auditKey []byte) error {
	linkKey, err := h.secretKey(ctx, "links")
	if err != nil {
		return err
	}
	log := audit.NewLog(h.store, h.cfg.Now)
	cat := catalog.New(catalog.Config{Store: h.store, Vault: h.vault, Announce: h.cluster.Announce, Record: log.Record})
	if err := cat.Reload(ctx); err != nil {
		return err
	}
	if err := h.openSupervisor(ctx, cat, log); err != nil {
		return err
	}
	mounts := mount.New(mount.Config{Store: h.store, Compiler: h.supervisor, Uses: store.Releases{Store: h.store}, Catalog: cat, Announce: h.cluster.Announce,
		Record: log.Record, Now: h.cfg.Now})
	if err := mounts.Reload(ctx); err != nil {
		h.cfg.Logger.Error("a mounted platform is not in service", "error", err)
	}
	who := identity.New(identity.Config{Store: store.Identities{Store: h.store}, Cluster: h.cluster, Record: log.Record, Now: h.cfg.Now})
	integrations := integration.New(integration.Config{Store: store.Integrations{Store: h.store}, Vault: h.vault, Catalog: cat, Audit: log,
		Verifier: h.supervisor, Cluster: h.cluster, Leases: store.Leases{Store: h.store}, Outward: outward, PublicURL: h.url, Host: h.id,
		ProviderTimeout: h.cfg.ProviderTimeout, Logger: h.cfg.Logger, Now: h.cluster.Now})
	h.integrations = integrations
	h.onClose(integrations.Close)
	files := file.NewCabinet(h.store, h.vault, h.cfg.Now)
	h.ledger = usage.NewLedger(h.store)
	if h.telemetry, err = newTelemetry(ctx, h.cfg, h.supervisor.Status); err != nil {
		return err
	}
	h.onClose(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := h.telemetry.close(ctx); err != nil {
			h.cfg.Logger.Warn("the last traces could not be sent", "error", err)
		}
	})
	pools := pool.New(pool.Config{Store: store.Pools{Store: h.store}, Integrations: integrations, Audit: log, Now: h.cfg.Now})
	if err := h.openSandboxes(log); err != nil {
		return err
	}
	h.dispatcher = dispatch.New(dispatch.Config{Integrations: integrations, Pools: pools, Catalog: cat, Runner: sandbox.Runner{Service: h.sandboxes, Next: h.supervisor}, Ledger: h.ledger, Files: files,
		Claims: h.store, Holds: h.store, Budgets: h.store, Vault: h.vault, Host: h.id, Observe: h.telemetry.observe, Logger: h.cfg.Logger, Now: h.cfg.Now})
	h.dispatcher.HoldChanged(ctx, "")
	workflows := h.openWorkflows(integrations, pools, cat, h.dispatcher, log)
	webhooks := h.openEvents(log)
	alerts := h.openAlerts(log)
	provider, err := h.openSignIn(ctx)
	if err != nil {
		return err
	}
	agreed, err := h.openConsent(ctx, who, log)
	if err != nil {
		return err
	}
	h.follow(cat, mounts, integrations, who)
	mux := http.NewServeMux()
	rest := api.Register(mux, api.Config{Identity: who, Integrations: integrations, Catalog: cat, Dispatcher: h.dispatcher, Pools: pools, Workflows: workflows,
		History: h.store, Sums: h.store, Prices: h.store, Alerts: alerts, Files: files,
		Links: file.NewLinks(linkKey, h.cfg.Now), Audit: log, AuditKey: auditKey,
		Events: event.NewLog(store.Events{Store: h.store}), Webhooks: webhooks, Cluster: h.cluster, Adapters: h.supervisor.Status,
		Releases: h.shelf, Mounts: mounts, Scratch: h.runDir,
		AdaptersOf: h.adaptersOf, Rotation: h.rotation, Ready: h.ready, Sandboxes: h.sandboxes, Elsewhere: h.passElsewhere, Metrics: h.telemetry.handler, Throttle: api.Throttle{User: h.cfg.UserRequests, Token: h.cfg.TokenRequests}, PublicURL: h.url,
		Version: h.cfg.Version, Logger: h.cfg.Logger, Now: h.cfg.Now})
	h.serveSandboxes(rest)
	pages, err := documentation()
	if err != nil {
		return err
	}
	err = web.Register(mux, web.Config{Identity: who, Integrations: integrations, Catalog: cat, OpenAPI: func() *huma.OpenAPI { return rest.OpenAPI() }, Provider: provider,
		Docs: pages, Secure: strings.HasPrefix(h.url, "https://"), Consent: agreed, Logger: h.cfg.Logger})
	if err != nil {
		return err
	}
	agents, err := mcp.New(mcp.Config{Integrations: integrations, Catalog: cat, Dispatcher: h.dispatcher, Files: files, Link: rest.Link, PublicURL: h.url,
		Version: h.cfg.Version, Logger: h.cfg.Logger})
	if err != nil {
		return err
	}
	mux.Handle("/mcp", rest.Guard(identity.ScopeCalls, identity.AudienceMCP, h.challenge(), agents.Serve))
	h.serve(mux)
	return h.welcome(ctx, who)
}

func (h *Host) openSupervisor(ctx context.Context, cat *catalog.Catalog, log *audit.Log) error {
	runDir, sweep, err := openRunDir(h.cfg.Data, h.id)
	if err != nil {
		return err
	}
	h.onClose(sweep)
	h.runDir = runDir
	gate := egress.New(egress.Config{SelfAddress: h.listener.Addr().String(), Logger: h.cfg.Logger})
	releases := store.Releases{Store: h.store}
	h.supervisor, err = supervisor.Open(ctx, supervisor.Config{Dir: h.cfg.Adapters, RunDir: runDir, Catalog: cat, Manifests: h.store,
		Binaries: release.NewCache(filepath.Join(h.cfg.Data, "releases"), releases), Report: func(v release.Verdict) { h.shelf.Judge(v) }, Resources: supervisor.Resources{MemoryBytes: h.cfg.AdapterMemory}, BuiltInGrants: builtInGrants(), Gate: gate, Logger: h.cfg.Logger, IdleAfter: h.cfg.IdleAfter, Traced: h.cfg.TraceEndpoint != "", Confine: &supervisor.Confinement{
			AllowMissing: h.cfg.AllowUnconfined, CABundle: supervisor.FindCABundle(os.Getenv("SSL_CERT_FILE"))}})
	if err != nil {
		return err
	}
	h.onClose(h.supervisor.Close)
	return h.openShelf(ctx, releases, runDir, log)
}

// openShelf stores the built-in releases and brings this host to what is to run.
func (h *Host) openShelf(ctx context.Context, releases store.Releases, scratch string, log *audit.Log) error {
	h.shelf = release.New(release.Config{Store: releases, Binaries: releases, Keys: releases, Uses: releases, Runner: h.supervisor,
		Announce: h.cluster.Announce, Record: log.Record, Host: h.id, Scratch: scratch, Logger: h.cfg.Logger})
	var files []release.File
	for _, b := range h.supervisor.BuiltIn() {
		files = append(files, release.File(b))
	}
	if err := h.shelf.Adopt(ctx, files); err != nil {
		return err
	}
	if err := h.shelf.Follow(ctx); err != nil {
		h.cfg.Logger.Error("an adapter is not what it is to be on this host yet", "error", err)
	}
	return nil
}

// follow makes this host drop its copies when another host changes what they are of.
func (h *Host) follow(cat *catalog.Catalog, mounts *mount.Service, integrations *integration.Service, who *identity.Service) {
	h.cluster.On(integration.Topic, integrations.Drop)
	h.cluster.On(identity.Topic, who.Drop)
	h.cluster.On(catalog.Topic, func(string) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := cat.Reload(ctx); err != nil {
			h.cfg.Logger.Error("reading the platform settings again failed", "error", err)
		}
	})
	h.cluster.On(mount.Topic, func(string) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := mounts.Reload(ctx); err != nil {
			h.cfg.Logger.Error("reading the mounted platforms again failed", "error", err)
		}
	})
	h.cluster.On(release.Topic, func(string) { h.shelf.Kick() })
	h.cluster.Handle("GET /adapters", h.serveAdapters)
}

// outward sends the host's own requests to a platform's provider: to the addresses that the platform's settings allow, as its adapter's
// requests are, and without following anything.
func outward(platform string, s catalog.Settings) oauth.HTTP {
	reach := egress.Reach{AllowPrivate: s.AllowPrivateNetwork, AllowedCIDRs: s.AllowedCIDRs,
		Setting: fmt.Sprintf("patchbay platform set %s --allow-private-network", platform)}
	least := uint16(tls.VersionTLS13)
	if s.MinTLS == "1.2" {
		least = tls.VersionTLS12
	}
	return &http.Transport{DialContext: reach.Dialer().DialContext, TLSClientConfig: &tls.Config{MinVersion: least},
		TLSHandshakeTimeout: 10 * time.Second, DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10}
}
