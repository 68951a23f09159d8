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
)

// adapter is the life of one adapter on this host.
type adapter struct {
	s             *Supervisor
	name, version string
	path          string
	digest        []byte
	platforms     []string

	mu        sync.Mutex
	process   *process      // nil: none is running
	starting  chan struct{} // closed when the start under way has ended
	crashes   []time.Time   // within crashWindow
	notBefore time.Time     // of the next start
	restarts  int
	problem   string
	closed    bool
	watchers  sync.WaitGroup
}

func newAdapter(s *Supervisor, name, version, path string, digest []byte) *adapter {
	return &adapter{s: s, name: name, version: version, path: path, digest: digest}
}

// acquire answers a running process for one call, starting one where none runs. release must follow.
func (a *adapter) acquire(ctx context.Context) (*process, error) {
	for {
		a.mu.Lock()
		switch {
		case a.closed:
			a.mu.Unlock()
			return nil, unavailable("The host is shutting down.")
		case a.process != nil:
			p := a.process
			p.inFlight++
			a.mu.Unlock()
			return p, nil
		case a.starting != nil:
			wait := a.starting
			a.mu.Unlock()
			select {
			case <-wait:
			case <-ctx.Done():
				return nil, unavailable("The adapter %s did not start within the call's time.", a.name)
			}
			if p, err := a.acquireStarted(); p != nil || err != nil {
				return p, err
			}
			continue
		}
		if pause := time.Until(a.notBefore); pause > 0 {
			looping, problem := a.looping(time.Now()), a.problem
			a.mu.Unlock()
			if err := a.pause(ctx, pause, looping, problem); err != nil {
				return nil, err
			}
			continue
		}
		a.starting = make(chan struct{})
		a.mu.Unlock()
		go a.start() // ends with the launch; close waits for it by way of starting
	}
}

// acquireStarted takes the process that a start has just made, or says why there is none. (nil, nil) asks to look again.
func (a *adapter) acquireStarted() (*process, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.process != nil {
		a.process.inFlight++
		return a.process, nil
	}
	if a.problem != "" && a.starting == nil {
		return nil, unavailable("The adapter %s does not start: %s", a.name, a.problem)
	}
	return nil, nil
}

// pause waits for the time of the next start, or fails at once where that is pointless.
func (a *adapter) pause(ctx context.Context, d time.Duration, looping bool, problem string) error {
	if looping {
		f := unavailable("The adapter %s keeps crashing and is left alone for %s. Last: %s", a.name, d.Round(time.Second), problem)
		f.RetryAfter = d
		return f
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d {
		return unavailable("The adapter %s crashed and starts again in %s: %s", a.name, d.Round(time.Millisecond), problem)
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

// start launches a process. It does not depend on the call that asked for it: others wait for the same one.
func (a *adapter) start() {
	ctx, cancel := context.WithTimeout(context.Background(), a.s.cfg.StartTimeout)
	defer cancel()
	p, err := a.s.launch(ctx, launchSpec{name: a.name, path: a.path, digest: a.digest})
	if err == nil {
		if err = p.expect(ctx, a.name, a.version); err != nil {
			p.stop()
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	close(a.starting)
	a.starting = nil
	if err != nil {
		a.crashed(err.Error())
		a.s.cfg.Logger.Error("an adapter does not start", "adapter", a.name, "error", err)
		return
	}
	if a.closed {
		p.stop()
		return
	}
	a.process, a.problem = p, ""
	a.watchers.Go(func() { a.watch(p) })
	a.s.cfg.Logger.Info("an adapter started", "adapter", a.name, "version", a.version, "pid", p.pid())
}

// watch waits for the end of a process and books one that was not asked for.
func (a *adapter) watch(p *process) {
	<-p.died
	p.stop()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.process != p {
		return // it was stopped on purpose
	}
	a.process = nil
	a.crashed(p.lastWords())
	a.s.cfg.Logger.Error("an adapter died", "adapter", a.name, "pid", p.pid(), "reason", a.problem, "next_start_in", time.Until(a.notBefore))
}

// crashed books a crash or a failed start; the lock is held.
func (a *adapter) crashed(problem string) {
	now := time.Now()
	a.problem, a.restarts = problem, a.restarts+1
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
	p.usedAt = time.Now()
}

// stopIfIdle stops the process when no call used it for a while.
func (a *adapter) stopIfIdle(after time.Duration) {
	a.mu.Lock()
	p := a.process
	if p == nil || p.inFlight > 0 || time.Since(p.usedAt) < after {
		a.mu.Unlock()
		return
	}
	a.process = nil
	a.mu.Unlock()
	p.stop()
	a.s.cfg.Logger.Info("an idle adapter was stopped", "adapter", a.name)
}

// close stops the adapter for good.
func (a *adapter) close() {
	a.mu.Lock()
	a.closed = true
	p, starting := a.process, a.starting
	a.process = nil
	a.mu.Unlock()
	if p != nil {
		p.stop()
	}
	if starting != nil {
		<-starting
	}
	a.watchers.Wait()
}

func (a *adapter) status() Status {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := Status{Name: a.name, Version: a.version, State: "stopped", Restarts: a.restarts, Problem: a.problem, Platforms: a.platforms,
		Confinement: "none"}
	now := time.Now()
	switch {
	case a.process != nil:
		out.State, out.PID, out.InFlight, out.Since = "running", a.process.pid(), a.process.inFlight, a.process.startedAt
	case a.starting != nil:
		out.State = "starting"
	case a.looping(now):
		out.State = "crash_loop"
	case now.Before(a.notBefore):
		out.State = "waiting"
	}
	return out
}

// expect checks that a process is who its binary's manifest says.
func (p *process) expect(ctx context.Context, name, version string) error {
	d, err := p.describe(ctx)
	if err != nil {
		return fmt.Errorf("asking who it is: %w", err)
	}
	if d.GetName() != name || (version != "" && d.GetVersion() != version) {
		return errors.New("it is not the adapter that it was when it was taken into service")
	}
	return nil
}
