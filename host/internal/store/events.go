package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay/patchbay/host/internal/event"
)

// Events implements event.Store and event.Queue.
type Events struct{ *Store }

// eventLock is the advisory lock under which events are stored, so that they become visible in the order of their numbers.
const eventLock = 0x6576656e74 // "event"

// matches is true where a list of patterns has one for a type.
func matches(patterns, eventType string) string {
	return `EXISTS (SELECT 1 FROM unnest(` + patterns + `) p WHERE p = '*' OR p = ` + eventType + `
		OR (right(p, 2) = '.*' AND starts_with(` + eventType + `, left(p, -1))))`
}

// entitled is true where a webhook w may get the events of a user: its own user's, or everybody's while its user is an operator.
func entitled(user string) string {
	return `(w.user_id = ` + user + ` OR (w.all_users AND EXISTS (SELECT 1 FROM users u WHERE u.id = w.user_id AND u.role = 'operator')))`
}

// EmitEvent stores an event and what is due for it in a transaction of its own.
func (s Events) EmitEvent(ctx context.Context, e event.Event, webhook string) error {
	return s.inTx(ctx, func(tx pgx.Tx) error { return emitTo(ctx, tx, e, webhook) })
}

// emitEvent stores an event, and a delivery for each webhook that wants it, within the transaction of what happened. Let it be the
// last statement: other events wait from here to the commit.
func emitEvent(ctx context.Context, tx pgx.Tx, e event.Event) error { return emitTo(ctx, tx, e, "") }

func emitTo(ctx context.Context, tx pgx.Tx, e event.Event, webhook string) error {
	e, data, err := e.Prepare()
	if err != nil {
		return err
	}
	batch := &pgx.Batch{}
	batch.Queue(`SELECT pg_advisory_xact_lock($1)`, int64(eventLock))
	batch.Queue(`INSERT INTO events (id, user_id, type, subject, data) VALUES ($1, $2, $3, $4, $5)`, e.ID, e.User, e.Type, clean(e.Subject), data)
	// A webhook that is being deleted is waited for, and left out then.
	batch.Queue(`INSERT INTO deliveries (webhook_id, event_id) SELECT w.id, $1::text FROM webhooks w WHERE w.enabled
		AND CASE WHEN $4::text = '' THEN `+entitled(`$2::text`)+` AND `+matches(`w.types`, `$3::text`)+` ELSE w.id = $4 AND w.user_id = $2 END
		FOR KEY SHARE OF w`, e.ID, e.User, e.Type, webhook)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("storing the event %s: %w", e.Type, err)
	}
	return nil
}

const eventColumns = `e.id, e.user_id, e.type, e.subject, e.data, e.created_at`

// eventData decodes the data of an event and keeps numbers as they were written.
type eventData struct{ into *map[string]any }

// Scan takes JSON.
func (d eventData) Scan(src any) error {
	raw, ok := src.([]byte)
	if !ok {
		return fmt.Errorf("decoding the data of an event: it is a %T", src)
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	return decoder.Decode(d.into)
}

func eventFields(e *event.Event) []any {
	return []any{&e.ID, &e.User, &e.Type, &e.Subject, eventData{&e.Data}, &e.CreatedAt}
}

func noEvent(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return event.ErrNotFound
	}
	return err
}

// Event answers one.
func (s Events) Event(ctx context.Context, id string) (event.Event, error) {
	var e event.Event
	err := s.pool.QueryRow(ctx, `SELECT `+eventColumns+` FROM events e WHERE id = $1`, id).Scan(eventFields(&e)...)
	return e, noEvent(err)
}

// ListEvents answers a page: the newest first, or those after one in the order of their numbers.
func (s Events) ListEvents(ctx context.Context, f event.Filter) ([]event.Event, error) {
	var seq int64
	if f.After != "" && f.After != event.First {
		err := s.pool.QueryRow(ctx, `SELECT seq FROM events WHERE id = $1 AND ($2 OR user_id = $3)`, f.After, f.All, f.User).Scan(&seq)
		if err != nil {
			return nil, noEvent(err)
		}
	}
	where := `($1 OR user_id = $2) AND ($3 = '' OR ` + matches(`ARRAY[$3]`, `type`) + `)`
	query, from := `SELECT `+eventColumns+` FROM events e WHERE `+where+` AND ($4 = '' OR id < $4) ORDER BY id DESC LIMIT $5`, any(f.Before)
	if f.After != "" {
		query, from = `SELECT `+eventColumns+` FROM events e WHERE `+where+` AND seq > $4 ORDER BY seq LIMIT $5`, seq
	}
	rows, err := s.pool.Query(ctx, query, f.All, f.User, f.Type, from, f.Limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (event.Event, error) {
		var e event.Event
		err := row.Scan(eventFields(&e)...)
		return e, err
	})
}
