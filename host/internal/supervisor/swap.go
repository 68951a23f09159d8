package supervisor

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/release"
)

// signal wakes whoever waits for an old process to end.
func (a *adapter) signal() {
	select {
	case a.woken <- struct{}{}:
	default:
	}
}

// try puts a generation on trial for what is left of the first minutes; the lock is held.
func (a *adapter) try(g *generation, t release.Target) {
	if until := t.Since.Add(trialTime); t.Revision > 0 && a.s.cfg.Now().Before(until) {
		g.trial.Store(&trial{until: until})
	}
}

// follow makes a target the one to bring about, and does not wait for it. The first one is taken as it is: there is nothing that it
// could replace, and what is new is started by the first call, as ever.
func (a *adapter) follow(t release.Target, declared map[[32]byte][]*catalog.Platform) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed || t.Revision <= a.target.Revision {
		return nil
	}
	maps.Copy(a.declared, declared)
	if a.target.Revision == 0 {
		return a.begin(t)
	}
	a.target = t
	a.signal()
	if !a.settling {
		a.settling = true
		a.running.Go(a.settle)
	}
	return nil
}

// begin puts a release into service without trying it first; the lock is held.
func (a *adapter) begin(t release.Target) error {
	g, err := a.generation(t.Release)
	if err != nil {
		return err
	}
	next := &way{stable: g}
	if t.Canary != nil {
		if next.canary, err = a.generation(*t.Canary); err != nil {
			return err
		}
		next.share = t.Share
		a.try(next.canary, t)
	}
	if err := a.s.cfg.Catalog.Put(a.name, g.platforms); err != nil {
		return err
	}
	a.try(g, t)
	if t.Disabled {
		next = &way{}
	}
	a.target, a.settled = t, t.Revision
	before := a.way.Swap(next)
	if before.stable != nil && before.stable != g {
		before.stable.park(drainLimit)
	}
	return nil
}

// settle brings targets about, one after the other, until the last one is.
func (a *adapter) settle() {
	for {
		a.mu.Lock()
		t := a.target
		if a.closed || t.Revision == a.settled {
			a.settling = false
			a.mu.Unlock()
			return
		}
		a.mu.Unlock()
		again, err := a.turn(t)
		a.mu.Lock()
		switch {
		case errors.Is(err, errGivenUp): // fell has said why
		case err == nil && !a.fellBack(t):
			a.problem = ""
		case err != nil && a.problem != err.Error():
			a.problem = err.Error()
			a.s.cfg.Logger.Error("an adapter stays with the release that it has", "adapter", a.name, "wanted", t.Release.Version, "error", err)
		}
		if !again {
			a.settled = t.Revision
		}
		a.mu.Unlock()
		if again {
			a.wait(missingRetry)
		}
	}
}

// missingRetry is how long a host waits before it asks again for a binary that it could not have.
const missingRetry = time.Second

// wait waits for a while, or until something was signalled.
func (a *adapter) wait(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-a.woken:
	}
}

// fellBack says whether the release of a target was given up after it came into service; the lock is held.
func (a *adapter) fellBack(t release.Target) bool {
	w := a.way.Load()
	return w.stable != nil && w.stable.release.Digest != t.Release.Digest
}

// turn brings one target about, or says why it did not; again says that it may succeed later. What is new is started and asked before
// it takes a call.
func (a *adapter) turn(t release.Target) (again bool, err error) {
	if t.Disabled {
		a.flip(&way{}, t)
		return false, nil
	}
	next := &way{}
	if next.stable, again, err = a.ready(t, t.Release, false); err != nil {
		return again, err
	}
	if t.Canary != nil {
		next.share = t.Share
		if next.canary, again, err = a.ready(t, *t.Canary, true); err != nil {
			return again, err
		}
	}
	if err := a.s.cfg.Catalog.Check(a.name, next.stable.platforms); err != nil {
		a.judge(t, t.Release, false, err.Error())
		return false, err
	}
	if !a.room(next, t) {
		return true, errors.New("two old processes still have calls under way")
	}
	if err := a.lead(next.stable, t); err != nil {
		return false, err
	}
	a.flip(next, t)
	if err := a.s.cfg.Catalog.Put(a.name, next.stable.platforms); err != nil {
		return false, err
	}
	return false, nil
}

// ready answers the generation of a release with a process that has said who it is. A release that cannot do that is given up.
func (a *adapter) ready(t release.Target, r release.Release, canary bool) (g *generation, again bool, err error) {
	a.mu.Lock()
	g, err = a.generation(r)
	a.mu.Unlock()
	if err != nil {
		return nil, true, err
	}
	if w := a.way.Load(); w.stable == g || w.canary == g {
		return g, false, nil
	}
	g.absolve()
	a.mu.Lock()
	g.trial.Store(nil)
	a.try(g, t)
	a.mu.Unlock()
	if err := g.prove(); err != nil {
		g.park(0)
		var missing *missingError
		if errors.As(err, &missing) {
			return nil, true, err
		}
		a.judge(t, r, canary, err.Error())
		return nil, false, fmt.Errorf("release %s: %w", r.Version, err)
	}
	return g, false, nil
}

// room waits until at most one old process is left beside what is in service, and says whether that came about: then there may be one
// more. It gives up where there is a new target.
func (a *adapter) room(next *way, t release.Target) bool {
	for {
		a.mu.Lock()
		old, changed := a.old(next), a.closed || a.target.Revision != t.Revision
		a.mu.Unlock()
		if changed {
			return false
		}
		if len(old) < maxOld {
			return true
		}
		if t.Forced {
			for _, g := range old {
				g.park(0)
			}
		}
		a.wait(missingRetry)
	}
}

// maxOld bounds the old processes that wait for their last call, and drainLimit how long one may.
const (
	maxOld     = 2
	drainLimit = 15 * time.Minute
)

// old answers the generations that still have a process and are not in service by a way, nor by the one now; the lock is held.
func (a *adapter) old(next *way) []*generation {
	now := a.way.Load()
	var out []*generation
	for _, g := range a.generations {
		if g != next.stable && g != next.canary && g != now.stable && g != now.canary && g.live() {
			out = append(out, g)
		}
	}
	return out
}

// flip makes a way the one that calls go, and takes what is not on it out of service.
func (a *adapter) flip(next *way, t release.Target) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return
	}
	limit := drainLimit
	if t.Forced {
		limit = 0
	}
	before := a.way.Swap(next)
	a.parkOthers(limit)
	if next.stable != before.stable && next.stable != nil {
		a.s.cfg.Logger.Info("an adapter's release came into service", "adapter", a.name, "version", t.Release.Version, "revision", t.Revision)
		a.report(release.Verdict{Adapter: a.name, Revision: t.Revision, Release: next.stable.release, Good: true})
	}
	a.forget(t)
}

// parkOthers takes what is not on the way out of service; the lock is held.
func (a *adapter) parkOthers(limit time.Duration) {
	w := a.way.Load()
	for _, g := range a.generations {
		if g != w.stable && g != w.canary {
			g.park(limit)
		}
	}
}

// leadShares are the shares of the calls that a new release gets first, each for leadStep: its process opens its connections a few at a
// time, where all callers at once would wait for all of them.
func leadShares() []float64 { return []float64{1. / 16, 1. / 8, 1. / 4, 1. / 2} }

const leadStep = 25 * time.Millisecond

// errGivenUp is the error of a release that was given up while it took its first calls; fell has said why.
var errGivenUp = errors.New("the release was given up while it took its first calls")

// lead brings a generation in by a growing share of the calls, where another one serves now.
func (a *adapter) lead(g *generation, t release.Target) error {
	before := a.way.Load()
	if t.Forced || before.stable == nil || before.stable == g || before.canary == g || !before.stable.live() {
		return nil
	}
	now := before
	for _, share := range leadShares() {
		next := &way{stable: before.stable, canary: g, share: share}
		if !a.way.CompareAndSwap(now, next) {
			break
		}
		now = next
		a.wait(leadStep)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.way.Load() == now && !a.closed {
		return nil
	}
	a.parkOthers(drainLimit)
	return errGivenUp
}

// forget drops generations that nothing leads back to; the lock is held.
func (a *adapter) forget(t release.Target) {
	w := a.way.Load()
	for digest, g := range a.generations {
		keep := g == w.stable || g == w.canary || digest == t.Release.Digest || t.Fallback != nil && digest == t.Fallback.Digest ||
			t.Canary != nil && digest == t.Canary.Digest
		if keep || g.live() {
			continue
		}
		delete(a.generations, digest)
		a.running.Go(g.close)
	}
}

// fell hears that a generation crashed or was blamed. One that is on trial or in a crash loop is given up where another can take its
// calls: a canary and one that takes its first calls always, the stable one where there is a release to fall back to.
func (a *adapter) fell(g *generation, f *fault, looping bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t, w := a.target, a.way.Load()
	if a.closed || f.missing || !looping && g.trial.Load().over(a.s.cfg.Now()) {
		return
	}
	switch {
	case g == w.canary:
		a.way.Store(&way{stable: w.stable})
	case g == w.stable && t.Fallback != nil && t.Release.Digest == g.release.Digest && t.Fallback.Digest != g.release.Digest:
		fallback, err := a.generation(*t.Fallback)
		if err == nil {
			err = a.s.cfg.Catalog.Put(a.name, fallback.platforms)
		}
		if err != nil {
			a.s.cfg.Logger.Error("an adapter cannot fall back", "adapter", a.name, "to", t.Fallback.Version, "error", err)
			return
		}
		fallback.absolve()
		a.way.Store(&way{stable: fallback, canary: w.canary, share: w.share})
	default:
		return
	}
	g.park(drainLimit)
	a.problem = fmt.Sprintf("release %s was given up: %s", g.release.Version, f.reason)
	a.s.cfg.Logger.Error("an adapter's release is given up", "adapter", a.name, "version", g.release.Version, "reason", f.Error())
	a.report(release.Verdict{Adapter: a.name, Revision: t.Revision, Release: g.release, Reason: f.reason,
		Canary: t.Canary != nil && t.Canary.Digest == g.release.Digest})
}

// judge gives up a release before it took a call.
func (a *adapter) judge(t release.Target, r release.Release, canary bool, reason string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.report(release.Verdict{Adapter: a.name, Revision: t.Revision, Release: r, Reason: reason, Canary: canary})
}

// report hands a verdict on; the lock is held.
func (a *adapter) report(v release.Verdict) {
	if a.s.cfg.Report != nil && !a.closed && v.Revision > 0 {
		a.running.Go(func() { a.s.cfg.Report(v) })
	}
}
