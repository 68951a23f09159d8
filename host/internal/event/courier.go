package event

import (
	"context"
	"crypto/x509"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/patchbay/patchbay/host/internal/vault"
)

const (
	// workers is how many deliveries one host makes at the same time, eachUser how many of them all hosts make for one user: a slow
	// receiver takes no other user's turn.
	workers  = 16
	eachUser = 4
	// lease is how long a delivery belongs to the host that took it. It outlives an attempt; a host that dies loses it by then.
	lease = 30 * time.Second
	// lookEvery is how often a host looks for what is due.
	lookEvery = 500 * time.Millisecond
)

// Job is a delivery that this host has taken for a time.
type Job struct {
	// Fence tells this taking from any other: what is recorded under an older one is ignored.
	Fence    int64
	Attempts int
	// Age is the time since the first attempt.
	Age     time.Duration
	Webhook Webhook
	Event   Event
}

// Queue hands deliveries out. Its clock is the database's.
type Queue interface {
	// Take leases up to n due deliveries, no more than each for one user together with those under way on any host.
	Take(ctx context.Context, n, each int, lease time.Duration) ([]Job, error)
	// Settle records what became of a delivery, unless it was taken or replayed again meanwhile. A given up one marks its webhook
	// failing, a successful one unmarks it, Gone disables it; the events of these changes are part of the transaction.
	Settle(ctx context.Context, j Job, o Outcome) error
}

// CourierConfig is what a Courier needs; every field but RootCAs is required.
type CourierConfig struct {
	Queue Queue
	Vault *vault.Vault
	// Dial opens connections to receivers, and refuses addresses that the host does not dial with a *RefusedAddressError.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// AllowPlain lets addresses begin with http://.
	AllowPlain bool
	// RootCAs are the machine's when nil.
	RootCAs *x509.CertPool
	Version string
	Logger  *slog.Logger
	Now     func() time.Time
}

// Courier brings events to webhooks.
type Courier struct {
	cfg    CourierConfig
	client *http.Client
	// again is sent to when a worker is free, so that the loop looks for more.
	again chan struct{}
}

// NewCourier answers a courier that does nothing before Run.
func NewCourier(cfg CourierConfig) *Courier {
	return &Courier{cfg: cfg, client: newClient(cfg), again: make(chan struct{}, 1)}
}

// Run takes and makes deliveries until ctx is done, and returns when those under way have ended, each within its own time limit.
func (c *Courier) Run(ctx context.Context) {
	var running sync.WaitGroup
	defer c.client.CloseIdleConnections()
	defer running.Wait()
	slots := make(chan struct{}, workers)
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		c.look(ctx, &running, slots)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-c.again:
		}
	}
}

// look takes as many deliveries as there are free slots.
func (c *Courier) look(ctx context.Context, running *sync.WaitGroup, slots chan struct{}) {
	free := cap(slots) - len(slots)
	if free == 0 {
		return
	}
	jobs, err := c.cfg.Queue.Take(ctx, free, eachUser, lease)
	if err != nil {
		if ctx.Err() == nil {
			c.cfg.Logger.Warn("looking for deliveries to webhooks failed", "error", err)
		}
		return
	}
	for _, j := range jobs {
		slots <- struct{}{} // free: this loop alone fills them
		running.Go(func() {
			c.deliver(context.WithoutCancel(ctx), j)
			<-slots
			select {
			case c.again <- struct{}{}:
			default:
			}
		})
	}
}

// deliver makes one attempt and records it. Where the record fails, the lease ends and the attempt is made again, under the same id.
func (c *Courier) deliver(ctx context.Context, j Job) {
	a := c.attempt(ctx, j)
	o := judge(a, j.Attempts, j.Age, rand.Float64())
	log := c.cfg.Logger.With("webhook", j.Webhook.ID, "event", j.Event.ID, "attempt", j.Attempts)
	if o.Result != Done {
		log.Info("a webhook was not reached", "problem", o.Error, "again_in", o.Wait)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := c.cfg.Queue.Settle(ctx, j, o); err != nil {
		log.Warn("recording a delivery failed; it will be repeated", "error", err)
	}
}

func (c *Courier) attempt(ctx context.Context, j Job) answer {
	ring, err := open(ctx, c.cfg.Vault, j.Webhook)
	if err != nil {
		c.cfg.Logger.Error("a webhook's secret cannot be opened", "webhook", j.Webhook.ID, "error", err)
		return answer{problem: "the host could not open the webhook's secret; its log says more"}
	}
	return c.send(ctx, j, ring)
}
