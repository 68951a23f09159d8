package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay/patchbay/host/internal/event"
)

// eventsKept is how long events are kept, with their deliveries.
const eventsKept = 30 * 24 * time.Hour

// ListDeliveries answers a page of a webhook of a user's, the newest event first.
func (s Events) ListDeliveries(ctx context.Context, user, webhook, before string, limit int) ([]event.Delivery, error) {
	rows, err := s.pool.Query(ctx, `SELECT d.webhook_id, d.event_id, e.type, d.state, d.attempts, d.due_at, d.last_attempt_at, d.delivered_at,
		d.last_status, d.last_error, d.created_at FROM deliveries d JOIN webhooks w ON w.id = d.webhook_id JOIN events e ON e.id = d.event_id
		WHERE d.webhook_id = $1 AND w.user_id = $2 AND ($3 = '' OR d.event_id < $3) ORDER BY d.event_id DESC LIMIT $4`, webhook, user, before, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[event.Delivery])
}

// Replay makes an event due again. A host that is delivering it now records nothing of that any more.
func (s Events) Replay(ctx context.Context, user, ref, webhook string) (int, error) {
	tag, err := s.pool.Exec(ctx, `INSERT INTO deliveries (webhook_id, event_id) SELECT w.id, e.id FROM events e, webhooks w
		WHERE e.id = $2 AND w.user_id = $1 AND w.enabled AND `+entitled(`e.user_id`)+`
		AND CASE WHEN $3 = '' THEN `+matches(`w.types`, `e.type`)+` ELSE w.id = $3 END FOR KEY SHARE OF w
		ON CONFLICT (webhook_id, event_id) DO UPDATE SET state = 'pending', attempts = 0, fence = deliveries.fence + 1, due_at = now(),
		lease_until = NULL, first_attempt_at = NULL, delivered_at = NULL`, user, ref, webhook)
	return int(tag.RowsAffected()), err
}

// free is true for a delivery that is due and that no host has.
const free = `state = 'pending' AND due_at <= now() AND (lease_until IS NULL OR lease_until <= now())`

// take leases due deliveries, the users in turn: $1 in all, $2 for one user with those under way, for $3.
var take = `WITH busy AS (
		SELECT w.user_id, count(*) AS n FROM deliveries d JOIN webhooks w ON w.id = d.webhook_id WHERE d.lease_until > now() GROUP BY w.user_id
	), due AS (
		SELECT w.user_id, d.webhook_id, d.event_id, d.due_at, row_number() OVER (PARTITION BY w.user_id ORDER BY d.due_at, d.event_id) AS turn
		FROM webhooks w CROSS JOIN LATERAL (SELECT webhook_id, event_id, due_at FROM deliveries WHERE webhook_id = w.id AND ` + free + `
			ORDER BY due_at, event_id LIMIT $2) d
		WHERE w.enabled
	), chosen AS (
		SELECT webhook_id, event_id FROM deliveries WHERE (webhook_id, event_id) IN (
			SELECT due.webhook_id, due.event_id FROM due LEFT JOIN busy USING (user_id) WHERE due.turn <= $2 - coalesce(busy.n, 0)
			ORDER BY due.turn, due.due_at LIMIT $1) AND ` + free + ` FOR UPDATE SKIP LOCKED
	)
	UPDATE deliveries d SET lease_until = now() + $3::interval, fence = d.fence + 1, attempts = d.attempts + 1, last_attempt_at = now(),
		first_attempt_at = coalesce(d.first_attempt_at, now())
	FROM chosen c, webhooks w, events e
	WHERE d.webhook_id = c.webhook_id AND d.event_id = c.event_id AND w.id = d.webhook_id AND e.id = d.event_id
	RETURNING d.fence, d.attempts, extract(epoch FROM now() - d.first_attempt_at)::float8, ` + webhookColumns + `, ` + eventColumns

// Take leases deliveries to this host.
func (s Events) Take(ctx context.Context, n, each int, lease time.Duration) ([]event.Job, error) {
	rows, err := s.pool.Query(ctx, take, n, each, lease)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (event.Job, error) {
		var j event.Job
		var age float64
		err := row.Scan(append(append([]any{&j.Fence, &j.Attempts, &age}, webhookFields(&j.Webhook)...), eventFields(&j.Event)...)...)
		j.Age = time.Duration(age * float64(time.Second))
		return j, err
	})
}

// Settle records what became of a delivery. The webhook's row is locked before the delivery's, as everywhere.
func (s Events) Settle(ctx context.Context, j event.Job, o event.Outcome) error {
	return s.inTx(ctx, func(tx pgx.Tx) error {
		w, err := webhookOf(ctx, tx, j.Webhook.User, j.Webhook.ID, `FOR NO KEY UPDATE`)
		if errors.Is(err, event.ErrNotFound) {
			return nil // deleted meanwhile
		}
		if err != nil {
			return err
		}
		state, wait := event.Failed, time.Duration(0)
		switch o.Result {
		case event.Done:
			state = event.Delivered
		case event.Again:
			state, wait = event.Pending, o.Wait
		}
		tag, err := tx.Exec(ctx, `UPDATE deliveries SET state = $4, due_at = clock_timestamp() + $5::interval, lease_until = NULL, last_status = $6,
			last_error = $7, delivered_at = CASE WHEN $4 = 'delivered' THEN clock_timestamp() END
			WHERE webhook_id = $1 AND event_id = $2 AND fence = $3 AND state = 'pending'`,
			w.ID, j.Event.ID, j.Fence, string(state), wait, o.Status, o.Error)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		return s.judgeWebhook(ctx, tx, w, o)
	})
}

// judgeWebhook marks a webhook by what became of a delivery to it, and tells its user.
func (s Events) judgeWebhook(ctx context.Context, tx pgx.Tx, w event.Webhook, o event.Outcome) error {
	switch {
	case o.Result == event.Done && w.FailingSince != nil:
		_, err := tx.Exec(ctx, `UPDATE webhooks SET failing_since = NULL WHERE id = $1`, w.ID)
		return err
	case o.Result == event.GiveUp && w.FailingSince == nil:
		if _, err := tx.Exec(ctx, `UPDATE webhooks SET failing_since = clock_timestamp() WHERE id = $1`, w.ID); err != nil {
			return err
		}
		return emitEvent(ctx, tx, event.Event{User: w.User, Type: event.TypeFailing, Subject: w.ID, Data: map[string]any{"reason": o.Error}})
	case o.Result == event.Gone && w.Enabled:
		if _, err := tx.Exec(ctx, `UPDATE webhooks SET enabled = false, disabled_reason = $2 WHERE id = $1`, w.ID, o.Error); err != nil {
			return err
		}
		if err := giveUpAll(ctx, tx, w.ID); err != nil {
			return err
		}
		return emitEvent(ctx, tx, event.Event{User: w.User, Type: event.TypeDisabled, Subject: w.ID, Data: map[string]any{"reason": o.Error}})
	}
	return nil
}
