package usage

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Store commits a batch of calls, each with its audit record, durably and as one transaction. A batch may be given again after an
// error whose outcome was unknown: calls that are there already are kept as they are.
type Store interface {
	CommitCalls(ctx context.Context, calls []Call) error
}

// Ledger commits calls in groups. While several calls end at nearly the same time, a commit waits a few milliseconds at most for the
// others that are under way and not slow, which makes fewer and larger commits; a call that is alone never waits.
type Ledger struct {
	underWay atomic.Int64

	store Store
	queue chan entry
	done  chan struct{}

	mu     sync.RWMutex
	closed bool
}

type entry struct {
	call   Call
	result chan error
}

// ErrClosed is what Record answers once the ledger is closed.
var ErrClosed = errors.New("the host is shutting down")

// NewLedger answers a ledger whose Run must be called.
func NewLedger(store Store) *Ledger {
	return &Ledger{store: store, queue: make(chan entry, maxBatch), done: make(chan struct{})}
}

// Enter tells that a call is under way, and Leave that it has ended. Record lies between them.
func (l *Ledger) Enter() { l.underWay.Add(1) }

// Leave ends what Enter began.
func (l *Ledger) Leave() { l.underWay.Add(-1) }

// Record commits a call and returns when it is durable. It does not stop when ctx is done, because the call has happened; ctx is
// for its values alone.
func (l *Ledger) Record(_ context.Context, c Call) error {
	e := entry{call: c, result: make(chan error, 1)}
	l.mu.RLock()
	if l.closed {
		l.mu.RUnlock()
		return ErrClosed
	}
	l.queue <- e
	l.mu.RUnlock()
	return <-e.result
}

// Run commits what comes until Close, then what is left. ctx bounds nothing but the commits' values.
func (l *Ledger) Run(ctx context.Context) {
	defer close(l.done)
	ctx = context.WithoutCancel(ctx)
	var g gathering
	for first := range l.queue {
		batch := l.fill(l.gather(&g, []entry{first}))
		began := time.Now()
		l.commit(ctx, batch)
		g.committed(len(batch), time.Since(began))
	}
}

// gather waits for the calls under way that are worth it.
func (l *Ledger) gather(g *gathering, batch []entry) []entry {
	patience := g.patience()
	if patience == 0 {
		return batch
	}
	over := time.NewTimer(patience)
	defer over.Stop()
	for !g.complete(len(batch), int(l.underWay.Load())) {
		select {
		case e, ok := <-l.queue:
			if !ok {
				return batch
			}
			batch = append(batch, e)
		case <-over.C:
			g.gaveUp(len(batch), int(l.underWay.Load()))
			return batch
		}
	}
	return batch
}

// fill adds what is there already.
func (l *Ledger) fill(batch []entry) []entry {
	for len(batch) < maxBatch {
		select {
		case e, ok := <-l.queue:
			if !ok {
				return batch
			}
			batch = append(batch, e)
		default:
			return batch
		}
	}
	return batch
}

func (l *Ledger) commit(ctx context.Context, batch []entry) {
	calls := make([]Call, len(batch))
	for i, e := range batch {
		calls[i] = e.call
	}
	err := l.store.CommitCalls(ctx, calls)
	if err != nil {
		err = fmt.Errorf("recording the call: %w", err)
	}
	for _, e := range batch {
		e.result <- err
	}
}

// Close takes no more calls and waits until those taken are committed.
func (l *Ledger) Close() {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.queue)
	}
	l.mu.Unlock()
	<-l.done
}
