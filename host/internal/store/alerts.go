package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay/patchbay/host/internal/alert"
	"github.com/patchbay/patchbay/host/internal/event"
	"github.com/patchbay/patchbay/host/internal/id"
)

// Alerts implements alert.Store.
type Alerts struct{ *Store }

const alertColumns = `a.id, a.user_id, a.name, a.condition, a.post, a.enabled, a.state, a.value, a.changed_at, a.checked_at, a.created_at`

func alertFields(a *alert.Alert) []any {
	return []any{&a.ID, &a.User, &a.Name, &a.Condition, &a.Post, &a.Enabled, &a.State, &a.Value, &a.ChangedAt, &a.CheckedAt, &a.CreatedAt}
}

func scanAlert(row pgx.CollectableRow) (alert.Alert, error) {
	var a alert.Alert
	err := row.Scan(alertFields(&a)...)
	return a, err
}

func noAlert(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return alert.ErrNotFound
	}
	return err
}

// InsertAlert stores a new one, unless its user has most already.
func (s Alerts) InsertAlert(ctx context.Context, a alert.Alert, most int) (bool, error) {
	saved := false
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		// Two requests of one user are counted one after the other.
		if _, err := tx.Exec(ctx, `SELECT 1 FROM users WHERE id = $1 FOR NO KEY UPDATE`, a.User); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `INSERT INTO alerts (id, user_id, name, condition, post, enabled, state, value, changed_at, checked_at, created_at)
			SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 WHERE (SELECT count(*) FROM alerts WHERE user_id = $2) < $12`, append(alertFields(&a), most)...)
		saved = tag.RowsAffected() == 1
		return err
	})
	return saved, err
}

// Alert answers one of a user's.
func (s Alerts) Alert(ctx context.Context, user, ref string) (alert.Alert, error) {
	var a alert.Alert
	err := s.pool.QueryRow(ctx, `SELECT `+alertColumns+` FROM alerts a WHERE id = $1 AND user_id = $2`, ref, user).Scan(alertFields(&a)...)
	return a, noAlert(err)
}

// ListAlerts answers a page of a user's, the newest first.
func (s Alerts) ListAlerts(ctx context.Context, user, before string, limit int) ([]alert.Alert, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+alertColumns+` FROM alerts a WHERE user_id = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3`, user, before, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanAlert)
}

// PutAlert stores what its user may change, as an alert that is ok and due.
func (s Alerts) PutAlert(ctx context.Context, a alert.Alert) error {
	tag, err := s.pool.Exec(ctx, `UPDATE alerts SET name = $3, condition = $4, post = $5, enabled = $6, state = $7, value = 0, changed_at = NULL, checked_at = NULL,
		due_at = now() WHERE id = $1 AND user_id = $2`, a.ID, a.User, a.Name, a.Condition, a.Post, a.Enabled, alert.OK)
	if err == nil && tag.RowsAffected() == 0 {
		return alert.ErrNotFound
	}
	return err
}

// DeleteAlert removes one of a user's with its posts.
func (s Alerts) DeleteAlert(ctx context.Context, user, ref string) error {
	tag, err := s.pool.Exec(ctx, `DELETE FROM alerts WHERE id = $1 AND user_id = $2`, ref, user)
	if err == nil && tag.RowsAffected() == 0 {
		return alert.ErrNotFound
	}
	return err
}

// DueAlert takes an alert that is due.
func (s Alerts) DueAlert(ctx context.Context, every time.Duration) (alert.Alert, bool, error) {
	var a alert.Alert
	err := s.pool.QueryRow(ctx, `UPDATE alerts a SET due_at = now() + $1::interval, checked_at = now() WHERE id = (SELECT id FROM alerts
		WHERE enabled AND due_at <= now() ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING `+alertColumns, every).Scan(alertFields(&a)...)
	if errors.Is(err, pgx.ErrNoRows) {
		return a, false, nil
	}
	return a, err == nil, err
}

// Judged stores what was found, and with another state the event and the post.
func (s Alerts) Judged(ctx context.Context, taken alert.Alert, state string, value float64, eventType string) error {
	condition, err := json.Marshal(taken.Condition)
	if err != nil {
		return fmt.Errorf("encoding a condition: %w", err)
	}
	return s.inTx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE alerts SET state = $2, value = $3, changed_at = CASE WHEN state = $2 THEN changed_at ELSE now() END
			WHERE id = $1 AND enabled AND state = $4 AND condition = $5::jsonb`, taken.ID, state, value, taken.State, condition)
		if err != nil || tag.RowsAffected() == 0 || state == taken.State {
			return err
		}
		if taken.Post != nil {
			if _, err := tx.Exec(ctx, `INSERT INTO alert_posts (id, alert_id, state, value) VALUES ($1, $2, $3, $4)`, id.New("pst"), taken.ID, state, value); err != nil {
				return err
			}
		}
		c := taken.Condition
		return emitEvent(ctx, tx, event.Event{User: taken.User, Type: eventType, Subject: taken.ID, Data: map[string]any{"name": taken.Name, "metric": c.Metric,
			"window": c.Window, "threshold": c.Threshold, "value": value, "integration": c.Integration, "platform": c.Platform, "operation": c.Operation, "workflow": c.Workflow}})
	})
}

// DuePost takes a post that is due.
func (s Alerts) DuePost(ctx context.Context, lease time.Duration) (alert.Due, bool, error) {
	var d alert.Due
	fields := append([]any{&d.ID, &d.State, &d.Value, &d.Attempts}, alertFields(&d.Alert)...)
	err := s.pool.QueryRow(ctx, `UPDATE alert_posts p SET due_at = now() + $1::interval, attempts = attempts + 1 FROM alerts a WHERE a.id = p.alert_id
		AND p.id = (SELECT id FROM alert_posts WHERE done_at IS NULL AND due_at <= now() ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
		RETURNING p.id, p.state, p.value, p.attempts, `+alertColumns, lease).Scan(fields...)
	if errors.Is(err, pgx.ErrNoRows) {
		return d, false, nil
	}
	if err == nil && d.Alert.Post == nil { // its owner wants none any more
		return d, false, s.Posted(ctx, d.ID, "The alert posts nothing any more.", 0)
	}
	return d, err == nil, err
}

// Posted ends a post, or has it tried again.
func (s Alerts) Posted(ctx context.Context, ref, problem string, again time.Duration) error {
	_, err := s.pool.Exec(ctx, `UPDATE alert_posts SET problem = $2, due_at = now() + $3::interval, done_at = CASE WHEN $3::interval = '0' THEN now() END WHERE id = $1`,
		ref, clean(problem), again)
	return err
}
