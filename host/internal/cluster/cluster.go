package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/patchbay/patchbay/host/internal/vault"
)

// The times of the heartbeat. LiveFor is by the database's clock, FreshFor by the host's own monotonic one; the difference allows
// for the two running at slightly different speeds.
const (
	BeatEvery = time.Second
	FreshFor  = 4 * time.Second
	LiveFor   = 7 * time.Second
)

// Host is one process that serves.
type Host struct {
	ID        string
	Name      string // of the machine
	Address   string // host:port at which the others reach it
	Version   string
	StartedAt time.Time
	BeatAt    time.Time
}

// Store keeps the hosts.
type Store interface {
	// Beat stores a host with the database's time as its heartbeat, and answers that time.
	Beat(ctx context.Context, h Host) (time.Time, error)
	// Live answers the hosts whose heartbeat is younger than within, by the database's clock.
	Live(ctx context.Context, within time.Duration) ([]Host, error)
	// Leave removes a host.
	Leave(ctx context.Context, id string) error
}

// Secrets keeps sealed values of the host by name. Secret answers the one that is stored; where there is none it stores what create
// makes, or what another host stored meanwhile.
type Secrets interface {
	Secret(ctx context.Context, name string, create func() (vault.Sealed, error)) (vault.Sealed, error)
}

// Config is what a Cluster needs; every field is required but Advertise.
type Config struct {
	Store   Store
	Secrets Secrets
	Vault   *vault.Vault
	// ID names this process; a new one at each start.
	ID, Name, Version string
	// Advertise is the host:port at which other hosts reach this one. Empty: a free port on loopback, for hosts of one machine.
	Advertise string
	Logger    *slog.Logger
}

// Cluster is this host's part in the cluster.
type Cluster struct {
	cfg      Config
	self     Host
	listener net.Listener
	server   *http.Server
	client   *http.Client
	routes   *http.ServeMux

	start  time.Time    // of the process, for monotonic arithmetic
	clock  atomic.Int64 // the database's time at start, in nanoseconds since 1970
	beatAt atomic.Int64 // when the last heartbeat that succeeded was sent, since start; 0: never

	mu     sync.RWMutex
	topics map[string]func(subject string)
}

// Open takes a certificate, listens for the other hosts and registers this one. Run must be called next.
func Open(ctx context.Context, cfg Config) (*Cluster, error) {
	identity, err := openIdentity(ctx, cfg)
	if err != nil {
		return nil, err
	}
	listener, err := listen(ctx, cfg.Advertise)
	if err != nil {
		return nil, err
	}
	address := cfg.Advertise
	if address == "" {
		address = listener.Addr().String()
	}
	c := &Cluster{cfg: cfg, listener: listener, routes: http.NewServeMux(), start: time.Now(), topics: map[string]func(string){},
		self: Host{ID: cfg.ID, Name: cfg.Name, Address: address, Version: cfg.Version, StartedAt: time.Now()}}
	c.server = &http.Server{Handler: c.routes, TLSConfig: identity.serverConfig(), ReadHeaderTimeout: 5 * time.Second,
		ErrorLog: slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelDebug)}
	c.client = &http.Client{Transport: identity.transport()}
	c.routes.HandleFunc("POST /announce", c.serveAnnounce)
	if err := c.beat(ctx); err != nil {
		_ = listener.Close() // the registration is what failed
		return nil, fmt.Errorf("registering this host: %w", err)
	}
	return c, nil
}

// listen opens the listener for other hosts: on the advertised port of every interface, or on the address itself on loopback.
func listen(ctx context.Context, advertise string) (net.Listener, error) {
	address := "127.0.0.1:0"
	if advertise != "" {
		host, port, err := net.SplitHostPort(advertise)
		if err != nil {
			return nil, fmt.Errorf("the advertised address %q must be host:port: %w", advertise, err)
		}
		address = ":" + port
		if ip := net.ParseIP(host); host == "localhost" || (ip != nil && ip.IsLoopback()) {
			address = advertise
		}
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening for other hosts on %s (set --advertise to a free host:port): %w", address, err)
	}
	return l, nil
}

// On calls drop whenever a subject of the topic was changed, on this host's behalf by others.
func (c *Cluster) On(topic string, drop func(subject string)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.topics[topic] = drop
}

// Run keeps the heartbeat and serves the other hosts until ctx is done; then it removes this host from the register.
func (c *Cluster) Run(ctx context.Context) error {
	served := make(chan error, 1)
	go func() { served <- c.server.ServeTLS(c.listener, "", "") }()
	ticker := time.NewTicker(BeatEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer cancel()
			c.beatAt.Store(0)
			err := c.cfg.Store.Leave(leaving, c.self.ID)
			_ = c.server.Close() // nothing of it is worth waiting for
			if serveErr := <-served; err == nil && !errors.Is(serveErr, http.ErrServerClosed) {
				err = serveErr
			}
			if err != nil {
				return fmt.Errorf("leaving the cluster: %w", err)
			}
			return nil
		case err := <-served:
			if errors.Is(err, http.ErrServerClosed) {
				return nil
			}
			return fmt.Errorf("serving the other hosts: %w", err)
		case <-ticker.C:
			if err := c.beat(ctx); err != nil && ctx.Err() == nil {
				c.cfg.Logger.Warn("the heartbeat failed; this host serves from the database alone until it succeeds", "error", err)
			}
		}
	}
}

// beat stores the heartbeat. What counts is when it was sent, for the database's time is later than that.
func (c *Cluster) beat(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, FreshFor)
	defer cancel()
	sent := time.Since(c.start)
	at, err := c.cfg.Store.Beat(ctx, c.self)
	if err != nil {
		return err
	}
	c.clock.Store(at.Add(-(sent + time.Since(c.start)) / 2).UnixNano()) // the database read its clock halfway between
	c.beatAt.Store(max(1, int64(sent)))
	return nil
}

// Now answers the time of the database's clock, which all hosts share, however wrong this machine's own clock is.
func (c *Cluster) Now() time.Time { return time.Unix(0, c.clock.Load()).Add(time.Since(c.start)) }

// Fresh says whether this host may serve from its copies of records.
func (c *Cluster) Fresh() bool {
	at := c.beatAt.Load()
	return at != 0 && time.Since(c.start)-time.Duration(at) < FreshFor
}

// Self answers this host as it is registered.
func (c *Cluster) Self() Host { return c.self }

// Live answers the hosts that are alive, this one among them.
func (c *Cluster) Live(ctx context.Context) ([]Host, error) { return c.cfg.Store.Live(ctx, LiveFor) }
