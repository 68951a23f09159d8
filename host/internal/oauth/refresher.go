package oauth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// RefresherConfig is what a Refresher needs; every field is required.
type RefresherConfig struct {
	Grants Grants
	Leases Leases
	// Host is the id of this process: the owner of its leases.
	Host string
	// Timeout is how long a provider may take to answer. All other times follow from it.
	Timeout time.Duration
	Logger  *slog.Logger
}

// Times that follow from the provider's time-out.
//
//	holdFor      a lease before its request is marked as sent
//	sentFor      a lease from then on: a request that begins within sentFor - Timeout ends before the lease does
//	lostGrace    how long a refused grant waits for the answer of an earlier holder that went missing
//	storeFor     how long an answer is tried to be stored: it may hold the only live token
func (c RefresherConfig) holdFor() time.Duration   { return c.Timeout / 3 }
func (c RefresherConfig) sentFor() time.Duration   { return c.Timeout * 4 / 3 }
func (c RefresherConfig) lostGrace() time.Duration { return c.Timeout / 2 }
func (c RefresherConfig) storeFor() time.Duration  { return c.Timeout * 20 }

const (
	// pollEvery is how often a waiting host looks at the grant when no notice comes.
	pollEvery = time.Second
	// storeOnClose is how long an answer is tried to be stored by a process that ends.
	storeOnClose = 10 * time.Second
	backoffBase  = time.Second
	backoffCap   = 5 * time.Minute
)

// ErrNotRefreshable says that a grant has nothing to refresh with.
var ErrNotRefreshable = errors.New("the grant has no refresh token")

// DeadError says that a grant is refused for good.
type DeadError struct{ Reason string }

// Error answers the reason.
func (e *DeadError) Error() string { return e.Reason }

// Refresher refreshes grants, each at most once at a time on all hosts. It is safe for concurrent use.
type Refresher struct {
	cfg RefresherConfig

	running sync.WaitGroup
	closed  context.Context
	close   context.CancelFunc

	mu      sync.Mutex
	flights map[string]*flight
	wakes   map[string]chan struct{}
}

// NewRefresher answers a refresher. Close must be called.
func NewRefresher(cfg RefresherConfig) *Refresher {
	r := &Refresher{cfg: cfg, flights: map[string]*flight{}, wakes: map[string]chan struct{}{}}
	r.closed, r.close = context.WithCancel(context.Background())
	return r
}

// Close begins no more refreshes and waits for those whose request has left.
func (r *Refresher) Close() {
	r.close()
	r.running.Wait()
}

// Refresh returns nil once a version newer than seen is stored, by whomever. Otherwise it answers a *DeadError, ErrNotRefreshable, or the
// *Failure that keeps the provider from answering; the grant is unharmed then. A refresh that has begun goes on when ctx ends.
func (r *Refresher) Refresh(ctx context.Context, id string, seen int64, why Trigger) error {
	for {
		f, mine := r.board(id, seen, why)
		select {
		case <-f.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if mine || f.seen >= seen {
			return f.err
		}
	}
}

// refresh runs one flight: until a newer version stands, or there is no hope for one.
func (r *Refresher) refresh(ctx context.Context, id string, seen int64, why Trigger) error {
	for {
		woken := r.wake(id) // before reading, so that no change is missed
		g, err := r.cfg.Grants.Read(ctx, id)
		if err != nil {
			return fmt.Errorf("reading the grant: %w", err)
		}
		if done, err := settled(g, seen, why); done {
			return err
		}
		l, err := r.cfg.Leases.Acquire(ctx, id, r.cfg.Host, r.cfg.holdFor(), why == ByHand)
		if err != nil {
			return fmt.Errorf("taking the refresh lease: %w", err)
		}
		switch {
		case l.Held:
			if again, err := r.hold(ctx, l, seen, why); !again {
				return err
			}
			continue
		case l.Backoff != nil:
			l.Backoff.RetryAfter, l.Backoff.NotSent = l.Wait, true
			return l.Backoff
		case why == BeforeExpiry:
			return nil // another host is at it, and nobody waits
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-woken:
		case <-time.After(min(max(l.Wait, 20*time.Millisecond), pollEvery)):
		}
	}
}

// settled says whether nothing is to be done, and what that means.
func settled(g Grant, seen int64, why Trigger) (bool, error) {
	switch {
	case g.Version != seen:
		return true, nil
	case g.Dead != "" && why != ByHand:
		return true, &DeadError{g.Dead}
	case !g.Refreshable:
		return true, ErrNotRefreshable
	case g.Fresh && why == OnUse:
		return true, nil
	}
	return false, nil
}

// hold does what the holder of a lease may do. again asks to begin anew.
func (r *Refresher) hold(ctx context.Context, l Lease, seen int64, why Trigger) (again bool, err error) {
	g, err := r.cfg.Grants.Read(ctx, l.Grant) // somebody may have refreshed just before
	if err != nil {
		return false, errors.Join(fmt.Errorf("reading the grant: %w", err), r.release(ctx, Done{Lease: l, Trigger: why}, 0))
	}
	if done, settledErr := settled(g, seen, why); done {
		return false, errors.Join(settledErr, r.release(ctx, Done{Lease: l, Trigger: why}, 0))
	}
	begun := time.Now() // before the database gives the lease its lifetime, so that it ends later there than here
	held, err := r.cfg.Leases.MarkSent(ctx, l, g.Version, r.cfg.sentFor())
	if err != nil {
		return false, fmt.Errorf("marking the refresh as sent: %w", err)
	}
	if !held {
		return true, nil // this process was stopped for longer than its lease
	}
	// From here on nothing cancels: the answer may hold the only live token.
	ctx = context.WithoutCancel(ctx)
	sendable := func() bool { return time.Since(begun) < r.cfg.sentFor()-r.cfg.Timeout }
	asking, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	t, err := r.cfg.Grants.Request(asking, g, sendable)
	cancel()
	d := Done{Lease: l, Trigger: why, Duration: time.Since(begun)}
	if err == nil {
		return false, r.keep(ctx, g, t, d)
	}
	return r.failed(ctx, g, d, err)
}

// keep stores new tokens, for as long as it takes.
func (r *Refresher) keep(ctx context.Context, g Grant, t Tokens, d Done) error {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.storeFor())
	defer cancel()
	begun := time.Now()
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		stored, err := r.cfg.Grants.Replace(ctx, g, t, d)
		if err == nil && !stored {
			r.cfg.Logger.Warn("an answer of a provider came too late: a newer token stands", "integration", g.ID, "version", g.Version)
		}
		if err == nil {
			return nil
		}
		r.cfg.Logger.Error("new tokens could not be stored; it is tried again", "integration", g.ID, "error", err)
		closing := r.closed.Done()
		if r.closed.Err() != nil { // this process ends: a last few tries
			closing = nil
			if time.Since(begun) > storeOnClose {
				return fmt.Errorf("storing new tokens: %w", err)
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("storing new tokens: %w", err)
		case <-closing:
			begun = time.Now()
		case <-time.After(pause):
		}
	}
}

// failed decides what a failed request means for the grant.
func (r *Refresher) failed(ctx context.Context, g Grant, d Done, err error) (again bool, _ error) {
	var f *Failure
	if !errors.As(err, &f) {
		f = &Failure{Meaning: Transient, Message: "The host failed to ask the provider.", NotSent: true}
		r.cfg.Logger.Error("asking a provider failed inside the host", "integration", g.ID, "error", err)
	}
	d.Failure = f
	if f.HeldBack {
		d.Failure = nil
		return true, r.release(ctx, d, 0)
	}
	if f.Meaning != Dead {
		pause := backoff(d.Lease.Failures+1, f)
		if err := r.release(ctx, d, pause); err != nil {
			return false, err
		}
		f.RetryAfter = pause
		return false, f
	}
	return false, r.bury(ctx, g, d)
}

// bury ends a grant that its provider refuses, but only once no earlier request can still bring the token that replaced the refused one.
func (r *Refresher) bury(ctx context.Context, g Grant, d Done) error {
	reason := d.Failure.Message
	if l := d.Lease; l.Lost && l.LostVersion == g.Version {
		if l.LostOwner != r.cfg.Host { // one of its own has ended
			moved, err := r.awaitLost(ctx, g)
			if err != nil || moved {
				return errors.Join(err, r.release(ctx, Done{Lease: l, Trigger: d.Trigger, Duration: d.Duration}, 0))
			}
		}
		reason = fmt.Sprintf("%s Host %s had asked for a new token before, and the answer to it was lost.", reason, l.LostOwner)
	}
	if err := r.cfg.Grants.Bury(ctx, g, reason, d); err != nil {
		return fmt.Errorf("marking the grant as refused: %w", err)
	}
	now, err := r.cfg.Grants.Read(ctx, g.ID)
	if err != nil {
		return fmt.Errorf("reading the grant: %w", err)
	}
	if now.Version != g.Version {
		return nil // it was replaced in the meantime
	}
	return &DeadError{reason}
}

// awaitLost waits for the answer of an earlier holder, and says whether it came.
func (r *Refresher) awaitLost(ctx context.Context, g Grant) (bool, error) {
	over := time.After(r.cfg.lostGrace())
	for {
		woken := r.wake(g.ID)
		now, err := r.cfg.Grants.Read(ctx, g.ID)
		if err != nil {
			return false, fmt.Errorf("reading the grant: %w", err)
		}
		if now.Version != g.Version {
			return true, nil
		}
		select {
		case <-over:
			return false, nil
		case <-woken:
		case <-time.After(pollEvery):
		}
	}
}

func (r *Refresher) release(ctx context.Context, d Done, pause time.Duration) error {
	if err := r.cfg.Leases.Release(context.WithoutCancel(ctx), d, pause); err != nil {
		return fmt.Errorf("giving the refresh lease back: %w", err)
	}
	return nil
}

// backoff is how long to leave a provider alone after the n-th failure in a row: exponential with jitter, and never shorter than it asks.
func backoff(n int, f *Failure) time.Duration {
	most := min(backoffBase<<min(n-1, 10), backoffCap)
	if f.Meaning == Misconfigured {
		most = max(most, 10*time.Second) // it takes a person
	}
	return max(most/2+rand.N(most/2+1), f.RetryAfter)
}

// Alone runs f while nobody refreshes the grant, on any host. f must end within a lease's time; its context does.
func (r *Refresher) Alone(ctx context.Context, id string, f func(context.Context) error) error {
	for {
		woken := r.wake(id)
		l, err := r.cfg.Leases.Acquire(ctx, id, r.cfg.Host, r.cfg.sentFor(), true)
		if err != nil {
			return fmt.Errorf("taking the refresh lease: %w", err)
		}
		if l.Held {
			doing, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
			defer cancel()
			return errors.Join(f(doing), r.release(ctx, Done{Lease: l}, 0))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-woken:
		case <-time.After(min(max(l.Wait, 20*time.Millisecond), pollEvery)):
		}
	}
}
