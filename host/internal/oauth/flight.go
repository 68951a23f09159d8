package oauth

import (
	"context"
	"time"
)

// flight is one refresh of this process, with all callers that wait for it.
type flight struct {
	seen int64
	done chan struct{}
	err  error // once done is closed
}

// flightTime bounds a flight that only waits: four requests, each with its lease.
func (c RefresherConfig) flightTime() time.Duration { return c.sentFor() * 4 }

// board answers the flight of a grant that is under way, or begins one; mine says which.
func (r *Refresher) board(id string, seen int64, why Trigger) (f *flight, mine bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f := r.flights[id]; f != nil {
		return f, false
	}
	f = &flight{seen: seen, done: make(chan struct{})}
	r.flights[id] = f
	r.running.Go(func() {
		ctx, cancel := context.WithTimeout(r.closed, r.cfg.flightTime())
		defer cancel()
		f.err = r.refresh(ctx, id, seen, why)
		r.mu.Lock()
		delete(r.flights, id)
		delete(r.wakes, id)
		r.mu.Unlock()
		close(f.done)
	})
	return f, true
}

// Wake tells the flight of a grant that the grant has changed, or all flights where id is empty.
func (r *Refresher) Wake(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for grant, ch := range r.wakes {
		if id == "" || grant == id {
			close(ch)
			delete(r.wakes, grant)
		}
	}
}

// wake answers a channel that is closed at the next Wake. Only a grant's one flight uses it.
func (r *Refresher) wake(id string) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	ch := r.wakes[id]
	if ch == nil {
		ch = make(chan struct{})
		r.wakes[id] = ch
	}
	return ch
}
