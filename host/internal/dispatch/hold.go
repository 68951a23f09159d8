package dispatch

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
)

// maxHolds bounds how many integrations are held at once; the ones past their time go first.
const maxHolds = 100_000

// holdPatience is how long a host tries to tell the others of a hold. Its own calls are held in any case.
const holdPatience = 2 * time.Second

// Holds keeps until when platforms want integrations left alone, for all hosts. Every host is told of a new hold, in the form that
// Dispatcher.HoldChanged takes.
type Holds interface {
	// Hold keeps calls of an integration back for d from now. A longer hold is not shortened.
	Hold(ctx context.Context, integration string, d time.Duration) error
	// Held answers the integrations that are held, and how long still.
	Held(ctx context.Context) (map[string]time.Duration, error)
}

// HoldNotice is what the hosts are told of a hold: the time that is left, and not its end, as their clocks may differ.
func HoldNotice(integration string, left time.Duration) string {
	return integration + " " + strconv.FormatInt(left.Milliseconds(), 10)
}

// HoldChanged takes a HoldNotice of any host; "" reads all holds again, for notices may have been missed.
func (d *Dispatcher) HoldChanged(ctx context.Context, notice string) {
	if notice == "" {
		held, err := d.cfg.Holds.Held(ctx)
		if err != nil && ctx.Err() == nil {
			d.cfg.Logger.Warn("reading which integrations are held failed", "error", err)
		}
		for integration, left := range held {
			d.holds.hold(integration, left)
		}
		return
	}
	integration, left, _ := strings.Cut(notice, " ")
	if ms, err := strconv.ParseInt(left, 10, 64); err == nil && ms > 0 {
		d.holds.hold(integration, time.Duration(ms)*time.Millisecond)
	}
}

// hold keeps calls of an integration back on every host. Where the others cannot be told they learn from the platform.
func (d *Dispatcher) hold(ctx context.Context, integration string, left time.Duration) {
	if !d.holds.hold(integration, left) {
		return // they know
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), holdPatience)
	defer cancel()
	if err := d.cfg.Holds.Hold(ctx, integration, left); err != nil {
		d.cfg.Logger.Warn("the other hosts could not be told of a rate limit", "integration", integration, "error", err)
	}
}

// holds is what this host knows of the holds. While there are none it costs a call nothing.
type holds struct {
	some  atomic.Bool
	mu    sync.Mutex
	until map[string]time.Time
}

func newHolds() *holds { return &holds{until: map[string]time.Time{}} }

// hold keeps calls of an integration back for d, and says whether that is longer than was known.
func (h *holds) hold(integration string, d time.Duration) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	until := now.Add(d)
	if !until.After(h.until[integration]) {
		return false
	}
	h.until[integration] = until
	h.some.Store(true)
	if len(h.until) > maxHolds {
		for id, until := range h.until {
			if until.Before(now) {
				delete(h.until, id)
			}
		}
	}
	return true
}

// left answers how long an integration is held still; 0 where it is not.
func (h *holds) left(integration string) time.Duration {
	if !h.some.Load() {
		return 0
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	until, held := h.until[integration]
	if !held {
		return 0
	}
	left := time.Until(until)
	if left <= 0 {
		delete(h.until, integration)
		h.some.Store(len(h.until) > 0)
	}
	return max(left, 0)
}

// wait returns when the integration may be used, or at once with rate_limited and the time left where the deadline comes first.
func (h *holds) wait(ctx context.Context, integration string) error {
	for left := h.left(integration); left > 0; left = h.left(integration) {
		if !sleep(ctx, left) {
			return &catalog.Failure{Kind: catalog.RateLimited, RetryAfter: left, NotSent: true,
				Message: fmt.Sprintf("The platform limits this integration for another %s.", left.Round(time.Millisecond))}
		}
	}
	return nil
}
