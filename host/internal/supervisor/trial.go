package supervisor

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
)

// When a release that has just come into service is given up. One crash is enough: what it replaced ran.
const (
	// trialTime is how long a release is on trial.
	trialTime = 5 * time.Minute
	// blamedCalls failures that are the adapter's own, and at least every blamedShare-th call, are too many.
	blamedCalls = 5
	blamedShare = 5
)

// trial counts the calls of a release in its first minutes.
type trial struct {
	until         time.Time
	calls, blamed atomic.Int64
}

// over says whether the trial has ended.
func (t *trial) over(now time.Time) bool { return t == nil || !now.Before(t.until) }

// count books a call and says whether the failures are too many now.
func (t *trial) count(err error) bool {
	calls := t.calls.Add(1)
	var failed *catalog.Failure
	if err == nil || !errors.As(err, &failed) || failed.Kind.Blame() != "adapter" {
		return false
	}
	blamed := t.blamed.Add(1)
	return blamed >= blamedCalls && blamed*blamedShare >= calls
}

// note books the outcome of a call. It costs one load once the trial is over.
func (g *generation) note(err error) {
	t := g.trial.Load()
	if t == nil {
		return
	}
	if t.over(g.s.cfg.Now()) {
		g.trial.CompareAndSwap(t, nil)
		return
	}
	if !t.count(err) || !g.trial.CompareAndSwap(t, nil) {
		return
	}
	f := &fault{reason: fmt.Sprintf("%d of its first %d calls failed by its own fault, the last with: %s", t.blamed.Load(), t.calls.Load(), clip(err.Error(), 200))}
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.running.Go(func() { g.fell(g, f, true) })
	}
}
