package supervisor

import (
	"context"
	"time"
)

// give gives a process back after a call. The last call of a parked generation ends its process.
func (g *generation) give(p *process) {
	g.mu.Lock()
	defer g.mu.Unlock()
	p.inFlight--
	p.usedAt = g.s.cfg.Now()
	if g.parked && p.inFlight == 0 {
		g.dismiss()
	}
}

// park takes a generation out of service: calls that have a process keep it, for as long as limit, and nothing new begins.
func (g *generation) park(limit time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.parked {
		g.parked = true
		close(g.moved)
	}
	switch {
	case g.process == nil || g.closed:
	case limit <= 0 || g.process.inFlight == 0:
		g.dismiss()
	case g.limit == nil:
		var limited *time.Timer
		limited = time.AfterFunc(limit, func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			if g.limit == limited { // it was not put back into service meanwhile
				g.dismiss()
			}
		})
		g.limit = limited
	}
}

// absolve puts a generation back into service, as one that never crashed.
func (g *generation) absolve() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.crashes, g.notBefore, g.fault = nil, time.Time{}, nil
	if g.closed || !g.parked {
		return
	}
	g.parked, g.moved = false, make(chan struct{})
	g.unlimit()
}

// prove starts a process where none runs, and says what is wrong with one that does not come up.
func (g *generation) prove() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*g.s.cfg.StartTimeout)
	defer cancel()
	p, err := g.acquire(ctx)
	if err == nil {
		g.give(p)
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.fault == nil:
		return err
	case g.fault.missing:
		return &missingError{g.fault}
	}
	return g.fault
}

// dismiss stops the process of a parked generation; the lock is held.
func (g *generation) dismiss() {
	p := g.process
	if p == nil || g.closed {
		return
	}
	g.process = nil
	g.unlimit()
	g.begin(false, func(*transition) {
		p.stop()
		g.s.cfg.Logger.Info("an adapter's old process has ended", "adapter", g.release.Adapter, "version", g.release.Version, "pid", p.pid())
		g.mu.Lock()
	})
}

// unlimit ends the wait for the limit of a drain; the lock is held.
func (g *generation) unlimit() {
	if g.limit != nil {
		g.limit.Stop()
		g.limit = nil
	}
}

// live says whether the generation has a process, or is about to have or to lose one.
func (g *generation) live() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.process != nil || g.change != nil
}
