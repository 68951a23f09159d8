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

// How an adapter that dies is started again.
const (
	restartBase = 100 * time.Millisecond
	restartCap  = 30 * time.Second
	// crashLimit crashes within crashWindow are a loop: calls fail at once until crashWindow after the last one.
	crashLimit  = 5
	crashWindow = time.Minute
	// dyingTime is how long a process that has closed its connections may take to be gone.
	dyingTime = time.Second
)

// errParked is the error of acquire for a generation that takes no calls any more: another one does.
var errParked = errors.New("another generation takes the calls")

// generation is the life of one release of an adapter on this host: the mechanism, while adapter decides which generation takes calls.
// At most one process of a generation exists at any time: a start waits for the end of the process before. A generation that is
// parked takes no new calls and starts nothing; its process ends with its last call.
type generation struct {
	s         *Supervisor
	release   release.Release
	platforms []*catalog.Platform
	// fell hears of each crash and each start that failed; without the lock.
	fell func(g *generation, f *fault, looping bool)
	// stopped hears that a start or a stop has ended; without the lock.
	stopped func()
	trial   atomic.Pointer[trial] // nil: it is over

	mu        sync.Mutex
	process   *process    // takes calls; nil: none does
	change    *transition // under way; nil: none
	crashes   []time.Time // within crashWindow
	notBefore time.Time   // of the next start
	restarts  int
	fault     *fault // of the last crash or failed start; nil since a start succeeded
	parked    bool
	moved     chan struct{} // closed while it is parked
	limit     *time.Timer   // cuts the calls of a parked generation
	closed    bool
	running   sync.WaitGroup // starts, watches, stops
}

// transition is a start or a stop under way.
type transition struct {
	starting bool
	done     chan struct{}
	fault    *fault // why a start failed; set before done is closed
}

func newGeneration(s *Supervisor, r release.Release, platforms []*catalog.Platform) *generation {
	return &generation{s: s, release: r, platforms: platforms, moved: make(chan struct{}), fell: func(*generation, *fault, bool) {}, stopped: func() {}}
}

// acquire answers a running process for one call, starting one where none runs; give must follow. It fails with errParked where another
// generation is to be asked.
func (g *generation) acquire(ctx context.Context) (*process, error) {
	for {
		g.mu.Lock()
		if g.process != nil && g.process.ended() {
			g.bury(g.process) // before its watcher has come to it
		}
		switch {
		case g.closed, g.parked:
			closed := g.closed
			g.mu.Unlock()
			if closed && g.s.closing() {
				return nil, unavailable("The host is shutting down.")
			}
			return nil, errParked
		case g.process != nil:
			p := g.process
			p.inFlight++
			g.mu.Unlock()
			return p, nil
		case g.change != nil:
			t := g.change
			g.mu.Unlock()
			if err := g.await(ctx, t); err != nil {
				return nil, err
			}
			continue
		}
		if now := g.s.cfg.Now(); now.Before(g.notBefore) {
			wait, looping, last, moved := g.notBefore.Sub(now), g.looping(now), g.fault, g.moved
			g.mu.Unlock()
			if err := g.pause(ctx, wait, looping, last, moved); err != nil {
				return nil, err
			}
			continue
		}
		g.begin(true, g.start)
		g.mu.Unlock()
	}
}

// await waits for a transition. A start that failed is the failure of everyone who waited for it.
func (g *generation) await(ctx context.Context, t *transition) error {
	select {
	case <-t.done:
	case <-ctx.Done():
		return unavailable("The adapter %s did not start within the call's time.", g.release.Adapter)
	}
	if t.fault != nil {
		return unavailable("The adapter %s does not start: %s.", g.release.Adapter, t.fault.reason)
	}
	return nil
}

// pause waits for the time of the next start, or fails at once where that is pointless.
func (g *generation) pause(ctx context.Context, d time.Duration, looping bool, last *fault, moved <-chan struct{}) error {
	if looping {
		f := unavailable("The adapter %s keeps crashing and is left alone for %s. The last time %s.", g.release.Adapter, d.Round(time.Second), last.reason)
		f.RetryAfter = d
		return f
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d {
		f := unavailable("The adapter %s crashed and starts again in %s: %s.", g.release.Adapter, d.Round(time.Millisecond), last.reason)
		f.RetryAfter = d
		return f
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-moved:
		return errParked
	case <-ctx.Done():
		return unavailable("The adapter %s crashed and did not start again within the call's time.", g.release.Adapter)
	}
}

// begin starts a transition; the lock is held, and none is under way. f runs without the lock, and answers with it held.
func (g *generation) begin(starting bool, f func(*transition)) *transition {
	t := &transition{starting: starting, done: make(chan struct{})}
	g.change = t
	g.running.Go(func() {
		f(t)
		g.change = nil
		g.mu.Unlock()
		close(t.done)
		g.stopped()
	})
	return t
}

// start launches a process. It does not depend on the call that asked for it: others wait for the same one.
func (g *generation) start(t *transition) {
	p, err := g.launch()
	g.mu.Lock()
	if err == nil && (g.closed || g.parked) {
		g.mu.Unlock()
		p.stop()
		g.mu.Lock()
		return
	}
	if err != nil {
		t.fault = asFault(err)
		g.crashed(t.fault)
		g.s.cfg.Logger.Error("an adapter does not start", "adapter", g.release.Adapter, "error", err)
		return
	}
	g.process, g.fault = p, nil
	g.running.Go(func() { g.watch(p) })
	g.s.cfg.Logger.Info("an adapter started", "adapter", g.release.Adapter, "version", g.release.Version, "pid", p.pid())
}

// launch starts a process and checks that it is who its binary's manifest says.
func (g *generation) launch() (*process, error) {
	ctx, cancel := context.WithTimeout(context.Background(), g.s.cfg.StartTimeout)
	defer cancel()
	path, err := g.s.binary(ctx, g.release)
	if err != nil {
		return nil, &missingError{err}
	}
	p, err := g.s.launch(ctx, launchSpec{name: g.release.Adapter, path: path, digest: g.release.Digest, grants: g.release.Grants})
	if err != nil {
		return nil, err
	}
	p.life = g
	d, err := p.describe(ctx)
	switch {
	case err != nil:
		return nil, p.giveUp(ctx, fmt.Errorf("it does not say who it is: %w", failureOf(ctx, err)))
	case d.GetName() != g.release.Adapter || d.GetVersion() != g.release.Version:
		return nil, p.giveUp(ctx, errors.New("it is not the adapter that it was when it was taken into service"))
	}
	return p, nil
}

// missingError is the error of a launch whose binary could not be had: nothing is known of the release then.
type missingError struct{ error }

// Unwrap answers the cause.
func (e *missingError) Unwrap() error { return e.error }

func asFault(err error) *fault {
	var f *fault
	if errors.As(err, &f) {
		return f
	}
	var missing *missingError
	return &fault{reason: err.Error(), missing: errors.As(err, &missing)}
}

// watch waits for the end of a process.
func (g *generation) watch(p *process) {
	<-p.died
	g.mu.Lock()
	defer g.mu.Unlock()
	g.bury(p)
}

// bury clears away a process that has ended without having been asked to, and books the crash; the lock is held.
func (g *generation) bury(p *process) {
	if g.process != p {
		return // it was stopped on purpose, or is buried already
	}
	g.process = nil
	f := p.ending()
	g.crashed(f)
	g.s.cfg.Logger.Error("an adapter died", "adapter", g.release.Adapter, "pid", p.pid(), "reason", f.Error(), "next_start_in", g.notBefore.Sub(g.s.cfg.Now()))
	g.begin(false, func(*transition) {
		p.stop()
		g.mu.Lock()
	})
}

// ending says how the process ended; the adapter's lock is held.
func (p *process) ending() *fault {
	reason := p.verdict
	if reason == "" {
		reason = p.runner.ending()
	}
	return &fault{reason: reason, said: p.runner.logs.last()}
}

// crashed books a crash or a failed start; the lock is held.
func (g *generation) crashed(f *fault) {
	now := g.s.cfg.Now()
	g.fault, g.restarts = f, g.restarts+1
	recent := g.crashes[:0]
	for _, at := range g.crashes {
		if now.Sub(at) < crashWindow {
			recent = append(recent, at)
		}
	}
	g.crashes = append(recent, now)
	looping := len(g.crashes) >= crashLimit
	if !g.closed {
		g.running.Go(func() { g.fell(g, f, looping) })
	}
	if looping {
		g.notBefore = now.Add(crashWindow)
		return
	}
	most := min(restartBase<<(len(g.crashes)-1), restartCap)
	g.notBefore = now.Add(most/2 + rand.N(most/2+1))
}

// looping says whether the adapter is in a crash loop; the lock is held.
func (g *generation) looping(now time.Time) bool {
	return len(g.crashes) >= crashLimit && now.Before(g.notBefore)
}

// suspect looks after a process on which a call failed as on one that hangs: it may be alive and serve nothing any more. One that
// does not say who it is within the time of a start is ended, so that a new one can serve.
func (g *generation) suspect(p *process) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || g.process != p || p.suspected {
		return
	}
	p.suspected = true
	g.running.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), g.s.cfg.StartTimeout)
		defer cancel()
		if _, err := p.describe(ctx); err != nil {
			g.end(p, "it did not answer any more and was ended")
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		p.suspected = false
	})
}

// end waits for the end of a process that is of no use any more, and brings it about where it does not come by itself in a moment: its
// connections close before the kernel says how it ended, and that says more.
func (g *generation) end(p *process, verdict string) {
	t := time.NewTimer(dyingTime)
	defer t.Stop()
	select {
	case <-p.died:
		return
	case <-t.C:
	}
	g.mu.Lock()
	if g.process == p && !p.ended() {
		p.verdict = verdict
		p.runner.kill()
	}
	g.mu.Unlock()
	<-p.died
}

// stopIfIdle stops the process when no call used it for a while.
func (g *generation) stopIfIdle(after time.Duration) {
	g.mu.Lock()
	p := g.process
	if p == nil || g.closed || p.inFlight > 0 || g.s.cfg.Now().Sub(p.usedAt) < after {
		g.mu.Unlock()
		return
	}
	g.process = nil
	t := g.begin(false, func(*transition) {
		p.stop()
		g.mu.Lock()
	})
	g.mu.Unlock()
	<-t.done
	g.s.cfg.Logger.Info("an idle adapter was stopped", "adapter", g.release.Adapter)
}

// close stops the adapter for good, and returns when nothing of it is left.
func (g *generation) close() {
	g.mu.Lock()
	if !g.parked {
		g.parked = true
		close(g.moved)
	}
	g.closed = true
	p := g.process
	g.process = nil
	g.mu.Unlock()
	if p != nil {
		p.stop()
	}
	g.running.Wait()
}

// status answers what is told of the generation.
func (g *generation) status() Status {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := Status{Name: g.release.Adapter, Version: g.release.Version, State: "stopped", Restarts: g.restarts, Digest: g.release.DigestText(),
		Trust: string(g.release.Trust), Publisher: g.release.Publisher, Grants: g.release.Grants, Confinement: g.s.cfg.Confine.of(g.release.Grants)}
	for _, p := range g.platforms {
		out.Platforms = append(out.Platforms, p.ID)
	}
	if g.fault != nil {
		out.Problem = g.fault.Error()
	}
	now := g.s.cfg.Now()
	switch {
	case g.process != nil:
		out.State, out.PID, out.InFlight, out.Since = "running", g.process.pid(), g.process.inFlight, g.process.startedAt
	case g.change != nil && g.change.starting:
		out.State = "starting"
	case g.looping(now):
		out.State = "crash_loop"
	case now.Before(g.notBefore):
		out.State = "waiting"
	}
	return out
}
