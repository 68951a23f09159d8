package supervisor

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/release"
)

// adapter decides which generation takes the calls: when a new release comes into service, and when it is given up. How processes
// start, serve and end is generation's.
type adapter struct {
	s    *Supervisor
	name string
	// slots bounds the calls under way, so that one slow platform cannot take all that the host has.
	slots chan struct{}
	// way is where calls go. It is replaced as a whole.
	way atomic.Pointer[way]

	mu          sync.Mutex
	target      release.Target
	settled     int64 // revision of the target that was brought about, or given up; 0: none was set
	settling    bool
	generations map[[32]byte]*generation // by digest
	declared    map[[32]byte][]*catalog.Platform
	problem     string // why the target was given up, or ""
	closed      bool
	woken       chan struct{} // signals that an old process has ended, or that there is a new target
	running     sync.WaitGroup
}

// way is where calls go: to stable, but share of them to canary.
type way struct {
	stable, canary *generation // stable is nil where the adapter is disabled
	share          float64
}

func newAdapter(s *Supervisor, name string) *adapter {
	a := &adapter{s: s, name: name, slots: make(chan struct{}, s.cfg.MaxCalls), generations: map[[32]byte]*generation{},
		declared: map[[32]byte][]*catalog.Platform{}, woken: make(chan struct{}, 1)}
	a.way.Store(&way{})
	return a
}

// enter waits for a place among the adapter's calls; leave must follow.
func (a *adapter) enter(ctx context.Context) error {
	select {
	case a.slots <- struct{}{}:
		return nil
	default:
	}
	select {
	case a.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return unavailable("The adapter %s has %d calls under way, as many as it may, and none ended in time.", a.name, cap(a.slots))
	}
}

func (a *adapter) leave() { <-a.slots }

// acquire answers a running process for one call. Where the way changes meanwhile, it goes the new one: a generation that was given up
// fails nobody who can still be served.
func (a *adapter) acquire(ctx context.Context, r catalog.Request) (*process, error) {
	for {
		w := a.way.Load()
		g := w.pick(r)
		if g == nil {
			return nil, unavailable("The adapter %s is disabled by the operator of this host.", a.name)
		}
		p, err := g.acquire(ctx)
		if err == nil {
			return p, nil
		}
		moved := a.way.Load() != w
		switch {
		case errors.Is(err, errParked) && !moved: // between two steps of a swap
			time.Sleep(time.Millisecond)
		case !errors.Is(err, errParked) && (!moved || ctx.Err() != nil):
			return nil, err
		}
	}
}

// pick answers the generation for one call. A canary gets only what it serves: it may lack what nobody used so far.
func (w *way) pick(r catalog.Request) *generation {
	if w.canary != nil && rand.Float64() < w.share && w.canary.serves(r) {
		return w.canary
	}
	return w.stable
}

// serves says whether the generation declares what the request is for.
func (g *generation) serves(r catalog.Request) bool {
	if r.Platform.Plan != nil {
		return true // it is the adapter's trade
	}
	for _, p := range g.platforms {
		if p.ID == r.Platform.Served() {
			return r.Operation == nil || p.Operation(r.Operation.Name) != nil
		}
	}
	return false
}

// generation answers the one of a release, made where there is none; the lock is held.
func (a *adapter) generation(r release.Release) (*generation, error) {
	if g := a.generations[r.Digest]; g != nil {
		return g, nil
	}
	platforms := a.declared[r.Digest]
	if platforms == nil {
		return nil, &missingError{fmt.Errorf("what release %s declares is not known yet", r.Version)}
	}
	g := newGeneration(a.s, r, platforms)
	g.fell, g.stopped = a.fell, a.signal
	a.generations[r.Digest] = g
	return g, nil
}

// close stops all of the adapter for good, and returns when nothing of it is left.
func (a *adapter) close() {
	a.mu.Lock()
	a.closed = true
	var all sync.WaitGroup
	for _, g := range a.generations {
		all.Go(g.close)
	}
	a.signal()
	a.mu.Unlock()
	all.Wait()
	a.running.Wait()
}

// stopIfIdle stops the processes in service that no call used for a while.
func (a *adapter) stopIfIdle(after time.Duration) {
	w := a.way.Load()
	for _, g := range []*generation{w.stable, w.canary} {
		if g != nil {
			g.stopIfIdle(after)
		}
	}
}

// status answers what is told of the adapter: of the generation in service, with the others beside it.
func (a *adapter) status() Status {
	a.mu.Lock()
	defer a.mu.Unlock()
	w := a.way.Load()
	out := Status{Name: a.name, Version: a.target.Release.Version, State: "disabled"}
	if w.stable != nil {
		out = w.stable.status()
		out.OnTrial = a.target.Fallback != nil && !w.stable.trial.Load().over(a.s.cfg.Now())
	} else if g := a.generations[a.target.Release.Digest]; g != nil {
		out = g.status()
		out.State = "disabled"
	}
	if w.canary != nil {
		canary := w.canary.status()
		out.Canary, out.Share = &canary, w.share
	}
	for _, g := range a.old(w) {
		out.Old = append(out.Old, g.status())
	}
	out.Revision, out.Swapping = a.settled, a.target.Revision != a.settled
	if a.problem != "" {
		out.Problem = a.problem
	}
	return out
}
