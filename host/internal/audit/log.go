package audit

import (
	"context"
	"fmt"
	"time"
)

// Store keeps the chains. Append links and commits entries as one batch of this host's chain, durably, before it returns.
type Store interface {
	Append(ctx context.Context, entries []Entry) error
	// Query answers records, the newest first.
	Query(ctx context.Context, f Filter) ([]Record, error)
	// Heads answers each chain's name and the end that was stored with its last batch.
	Heads(ctx context.Context) (map[string]Head, error)
	// Walk calls each for the records of a chain in order.
	Walk(ctx context.Context, chain string, each func(Record) error) error
}

// Filter narrows a query. The zero value asks for the newest records of everybody.
type Filter struct {
	Actor, Subject string
	Before         time.Time // zero: now
	BeforeChain    string
	BeforeSeq      int64
	Limit          int
}

// Log records what is done outside of calls (a call's entry is committed with its usage row).
type Log struct {
	store Store
	now   func() time.Time
}

// NewLog answers a log over a store; now is the clock.
func NewLog(store Store, now func() time.Time) *Log { return &Log{store: store, now: now} }

// Record commits one entry before it returns. Details are pairs of names and values.
func (l *Log) Record(ctx context.Context, actor, action, subject string, details ...string) error {
	e := Entry{At: l.now(), Actor: actor, Action: action, Subject: subject}
	if len(details) > 0 {
		e.Detail = map[string]string{}
		for i := 0; i+1 < len(details); i += 2 {
			e.Detail[details[i]] = details[i+1]
		}
	}
	if err := l.store.Append(ctx, []Entry{e}); err != nil {
		return fmt.Errorf("recording %s: %w", action, err)
	}
	return nil
}

// Query answers records, the newest first.
func (l *Log) Query(ctx context.Context, f Filter) ([]Record, error) { return l.store.Query(ctx, f) }
