package dispatch

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
)

// maxHolds bounds how many integrations are held at once; the ones past their time go first.
const maxHolds = 100_000

// holds remembers until when a platform wants an integration left alone.
type holds struct {
	mu    sync.Mutex
	until map[string]time.Time
}

func newHolds() *holds { return &holds{until: map[string]time.Time{}} }

// hold keeps calls of an integration back for d. A longer hold is not shortened.
func (h *holds) hold(integration string, d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	if until := now.Add(d); until.After(h.until[integration]) {
		h.until[integration] = until
	}
	if len(h.until) > maxHolds {
		for id, until := range h.until {
			if until.Before(now) {
				delete(h.until, id)
			}
		}
	}
}

// wait returns when the integration may be used, or at once with rate_limited and the time left where the deadline comes first.
func (h *holds) wait(ctx context.Context, integration string) error {
	for {
		h.mu.Lock()
		until, held := h.until[integration]
		left := time.Until(until)
		if held && left <= 0 {
			delete(h.until, integration)
		}
		h.mu.Unlock()
		if !held || left <= 0 {
			return nil
		}
		if !sleep(ctx, left) {
			return &catalog.Failure{Kind: catalog.RateLimited, RetryAfter: left, NotSent: true,
				Message: fmt.Sprintf("The platform limits this integration for another %s.", left.Round(time.Millisecond))}
		}
	}
}

// left is for how long an integration is held.
func (h *holds) left(integration string) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Until(h.until[integration])
}
