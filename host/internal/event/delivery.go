package event

import (
	"context"
	"fmt"
	"time"

	"github.com/patchbay/patchbay/host/internal/id"
)

// State of a delivery.
type State string

// States.
const (
	Pending   State = "pending"   // due now or later
	Delivered State = "delivered" // the receiver answered 2xx
	Failed    State = "failed"    // given up
)

// Delivery is an event on its way to a webhook.
type Delivery struct {
	Webhook, Event, Type string
	State                State
	// Attempts since it was due first, or replayed.
	Attempts int
	// DueAt is the next attempt of a pending one.
	DueAt                      time.Time
	LastAttemptAt, DeliveredAt *time.Time
	// LastStatus is the HTTP status of the last answer; 0 where there was none.
	LastStatus int
	// LastError says why the last attempt failed, without addresses and without the receiver's words.
	LastError string
	CreatedAt time.Time
}

// Deliveries keeps deliveries. It is a part of Store.
type Deliveries interface {
	// ListDeliveries answers a page of a webhook of a user's, the newest first.
	ListDeliveries(ctx context.Context, user, webhook, before string, limit int) ([]Delivery, error)
	// Replay makes an event due again, as if nothing had been tried: for one webhook of a user's, or where none is named for all of
	// the user's enabled ones that want it. A webhook without AllUsers gets its user's events alone. It answers how many are due.
	Replay(ctx context.Context, user, event, webhook string) (int, error)
}

// Deliveries answers a page of what one of the caller's webhooks was or will be sent, the newest first.
func (s *Webhooks) Deliveries(ctx context.Context, by Caller, ref, before string, limit int) ([]Delivery, error) {
	if _, err := s.Get(ctx, by, ref); err != nil {
		return nil, err
	}
	return s.cfg.Store.ListDeliveries(ctx, by.User, ref, before, limit)
}

// Test sends one of the caller's webhooks an event of the type webhook.test, whatever types it wants.
func (s *Webhooks) Test(ctx context.Context, by Caller, ref string) (Event, error) {
	w, err := s.Get(ctx, by, ref)
	if err != nil {
		return Event{}, err
	}
	if !w.Enabled {
		return Event{}, ErrDisabled
	}
	e, _, err := Event{User: by.User, Type: TypeTest, Subject: w.ID, Data: map[string]any{"message": "This is a test."}}.Prepare()
	if err != nil {
		return Event{}, err
	}
	if err := s.cfg.Store.EmitEvent(ctx, e, w.ID); err != nil {
		return Event{}, fmt.Errorf("emitting %s: %w", e.Type, err)
	}
	return s.cfg.Store.Event(ctx, e.ID)
}

// Replay sends an event again, under the id it had before: to one of the caller's webhooks, or to all of them that want it. It answers
// how many deliveries are due, or ErrNotFound where the event, or the webhook, is not the caller's.
func (s *Webhooks) Replay(ctx context.Context, by Caller, ref, webhook string) (int, error) {
	if !id.Is("evt", ref) {
		return 0, ErrNotFound
	}
	e, err := s.cfg.Store.Event(ctx, ref)
	if err != nil {
		return 0, err
	}
	if e.User != by.User && !by.Operator {
		return 0, ErrNotFound
	}
	if webhook != "" {
		w, err := s.Get(ctx, by, webhook)
		if err != nil {
			return 0, err
		}
		if !w.Enabled {
			return 0, ErrDisabled
		}
	}
	n, err := s.cfg.Store.Replay(ctx, by.User, ref, webhook)
	if err != nil {
		return 0, fmt.Errorf("replaying the event: %w", err)
	}
	if n == 0 && webhook != "" {
		return 0, ErrNotFound // another user's event, and a webhook that gets its own user's alone
	}
	return n, s.cfg.Audit.Record(ctx, by.User, "event.replay", ref, "webhook", webhook, "deliveries", fmt.Sprint(n))
}
