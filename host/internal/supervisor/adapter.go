package supervisor

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
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

// adapter is the life of one adapter on this host. At most one process of it exists at any time: a start waits for the end of the
// process before.
type adapter struct {
	s             *Supervisor
	name, version string
	path          string
	digest        []byte
	platforms     []string

	mu        sync.Mutex
	process   *process    // takes calls; nil: none does
	change    *transition // under way; nil: none
	crashes   []time.Time // within crashWindow
	notBefore time.Time   // of the next start
	restarts  int
	fault     *fault // of the last crash or failed start; nil since a start succeeded
	closed    bool
	running   sync.WaitGroup // starts, watches, stops
}

// transition is a start or a stop under way.
type transition struct {
	starting bool
	done     chan struct{}
	fault    *fault // why a start failed; set before done is closed
}

func newAdapter(s *Supervisor, name, version, path string, digest []byte) *adapter {
	return &adapter{s: s, name: name, version: version, path: path, digest: digest}
}

// acquire answers a running process for one call, starting one where none runs. release must follow.
func (a *adapter) acquire(ctx context.Context) (*process, error) {
	for {
		a.mu.Lock()
		if a.process != nil && a.process.ended() {
			a.bury(a.process) // before its watcher has come to it
		}
		switch {
		case a.closed:
			a.mu.Unlock()
			return nil, unavailable("The host is shutting down.")
		case a.process != nil:
			p := a.process
			p.inFlight++
			a.mu.Unlock()
			return p, nil
		case a.change != nil:
			t := a.change
			a.mu.Unlock()
			if err := a.await(ctx, t); err != nil {
				return nil, err
			}
			continue
		}
		if now := a.s.cfg.Now(); now.Before(a.notBefore) {
			wait, looping, last := a.notBefore.Sub(now), a.looping(now), a.fault
			a.mu.Unlock()
			if err := a.pause(ctx, wait, looping, last); err != nil {
				return nil, err
			}
			continue
		}
		a.begin(true, a.start)
		a.mu.Unlock()
	}
}

// await waits for a transition. A start that failed is the failure of everyone who waited for it.
func (a *adapter) await(ctx context.Context, t *transition) error {
	select {
	case <-t.done:
	case <-ctx.Done():
		return unavailable("The adapter %s did not start within the call's time.", a.name)
	}
	if t.fault != nil {
		return unavailable("The adapter %s does not start: %s.", a.name, t.fault.reason)
	}
	return nil
}

// pause waits for the time of the next start, or fails at once where that is pointless.
func (a *adapter) pause(ctx context.Context, d time.Duration, looping bool, last *fault) error {
	if looping {
		f := unavailable("The adapter %s keeps crashing and is left alone for %s. The last time %s.", a.name, d.Round(time.Second), last.reason)
		f.RetryAfter = d
		return f
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d {
		f := unavailable("The adapter %s crashed and starts again in %s: %s.", a.name, d.Round(time.Millisecond), last.reason)
		f.RetryAfter = d
		return f
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return unavailable("The adapter %s crashed and did not start again within the call's time.", a.name)
	}
}

// begin starts a transition; the lock is held, and none is under way. f runs without the lock, and answers with it held.
func (a *adapter) begin(starting bool, f func(*transition)) *transition {
	t := &transition{starting: starting, done: make(chan struct{})}
	a.change = t
	a.running.Go(func() {
		f(t)
		a.change = nil
		a.mu.Unlock()
		close(t.done)
	})
	return t
}

// start launches a process. It does not depend on the call that asked for it: others wait for the same one.
func (a *adapter) start(t *transition) {
	p, err := a.launch()
	a.mu.Lock()
	if err == nil && a.closed {
		a.mu.Unlock()
		p.stop()
		a.mu.Lock()
		return
	}
	if err != nil {
		t.fault = asFault(err)
		a.crashed(t.fault)
		a.s.cfg.Logger.Error("an adapter does not start", "adapter", a.name, "error", err)
		return
	}
	a.process, a.fault = p, nil
	a.running.Go(func() { a.watch(p) })
	a.s.cfg.Logger.Info("an adapter started", "adapter", a.name, "version", a.version, "pid", p.pid())
}

// launch starts a process and checks that it is who its binary's manifest says.
func (a *adapter) launch() (*process, error) {
	ctx, cancel := context.WithTimeout(context.Background(), a.s.cfg.StartTimeout)
	defer cancel()
	p, err := a.s.launch(ctx, launchSpec{name: a.name, path: a.path, digest: a.digest})
	if err != nil {
		return nil, err
	}
	d, err := p.describe(ctx)
	switch {
	case err != nil:
		return nil, p.giveUp(ctx, fmt.Errorf("it does not say who it is: %w", failureOf(ctx, err)))
	case d.GetName() != a.name || d.GetVersion() != a.version:
		return nil, p.giveUp(ctx, errors.New("it is not the adapter that it was when it was taken into service"))
	}
	return p, nil
}

func asFault(err error) *fault {
	var f *fault
	if errors.As(err, &f) {
		return f
	}
	return &fault{reason: err.Error()}
}

// watch waits for the end of a process.
func (a *adapter) watch(p *process) {
	<-p.died
	a.mu.Lock()
	defer a.mu.Unlock()
	a.bury(p)
}

// bury clears away a process that has ended without having been asked to, and books the crash; the lock is held.
func (a *adapter) bury(p *process) {
	if a.process != p {
		return // it was stopped on purpose, or is buried already
	}
	a.process = nil
	f := p.ending()
	a.crashed(f)
	a.s.cfg.Logger.Error("an adapter died", "adapter", a.name, "pid", p.pid(), "reason", f.Error(), "next_start_in", a.notBefore.Sub(a.s.cfg.Now()))
	a.begin(false, func(*transition) {
		p.stop()
		a.mu.Lock()
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
func (a *adapter) crashed(f *fault) {
	now := a.s.cfg.Now()
	a.fault, a.restarts = f, a.restarts+1
	recent := a.crashes[:0]
	for _, at := range a.crashes {
		if now.Sub(at) < crashWindow {
			recent = append(recent, at)
		}
	}
	a.crashes = append(recent, now)
	if len(a.crashes) >= crashLimit {
		a.notBefore = now.Add(crashWindow)
		return
	}
	most := min(restartBase<<(len(a.crashes)-1), restartCap)
	a.notBefore = now.Add(most/2 + rand.N(most/2+1))
}

// looping says whether the adapter is in a crash loop; the lock is held.
func (a *adapter) looping(now time.Time) bool {
	return len(a.crashes) >= crashLimit && now.Before(a.notBefore)
}

// release gives a process back after a call.
func (a *adapter) release(p *process) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p.inFlight--
	p.usedAt = a.s.cfg.Now()
}

// suspect looks after a process on which a call failed as on one that hangs: it may be alive and serve nothing any more. One that
// does not say who it is within the time of a start is ended, so that a new one can serve.
func (a *adapter) suspect(p *process) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed || a.process != p || p.suspected {
		return
	}
	p.suspected = true
	a.running.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), a.s.cfg.StartTimeout)
		defer cancel()
		if _, err := p.describe(ctx); err != nil {
			a.end(p, "it did not answer any more and was ended")
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		p.suspected = false
	})
}

// end waits for the end of a process that is of no use any more, and brings it about where it does not come by itself in a moment: its
// connections close before the kernel says how it ended, and that says more.
func (a *adapter) end(p *process, verdict string) {
	t := time.NewTimer(dyingTime)
	defer t.Stop()
	select {
	case <-p.died:
		return
	case <-t.C:
	}
	a.mu.Lock()
	if a.process == p && !p.ended() {
		p.verdict = verdict
		p.runner.kill()
	}
	a.mu.Unlock()
	<-p.died
}

// stopIfIdle stops the process when no call used it for a while.
func (a *adapter) stopIfIdle(after time.Duration) {
	a.mu.Lock()
	p := a.process
	if p == nil || a.closed || p.inFlight > 0 || a.s.cfg.Now().Sub(p.usedAt) < after {
		a.mu.Unlock()
		return
	}
	a.process = nil
	t := a.begin(false, func(*transition) {
		p.stop()
		a.mu.Lock()
	})
	a.mu.Unlock()
	<-t.done
	a.s.cfg.Logger.Info("an idle adapter was stopped", "adapter", a.name)
}

// close stops the adapter for good, and returns when nothing of it is left.
func (a *adapter) close() {
	a.mu.Lock()
	a.closed = true
	p := a.process
	a.process = nil
	a.mu.Unlock()
	if p != nil {
		p.stop()
	}
	a.running.Wait()
}

func (a *adapter) status() Status {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := Status{Name: a.name, Version: a.version, State: "stopped", Restarts: a.restarts, Platforms: a.platforms, Confinement: a.s.cfg.Confine.String()}
	if a.fault != nil {
		out.Problem = a.fault.Error()
	}
	now := a.s.cfg.Now()
	switch {
	case a.process != nil:
		out.State, out.PID, out.InFlight, out.Since = "running", a.process.pid(), a.process.inFlight, a.process.startedAt
	case a.change != nil && a.change.starting:
		out.State = "starting"
	case a.looping(now):
		out.State = "crash_loop"
	case now.Before(a.notBefore):
		out.State = "waiting"
	}
	return out
}
