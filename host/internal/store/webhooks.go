package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay/patchbay/host/internal/event"
)

const webhookColumns = `w.id, w.user_id, w.url, w.types, w.description, w.enabled, w.all_users, w.disabled_reason, w.failing_since, w.sealed,
	w.key_id, w.created_at`

func webhookFields(w *event.Webhook) []any {
	return []any{&w.ID, &w.User, &w.URL, &w.Types, &w.Description, &w.Enabled, &w.AllUsers, &w.DisabledReason, &w.FailingSince,
		&w.Sealed.Bytes, &w.Sealed.KeyID, &w.CreatedAt}
}

func scanWebhook(row pgx.CollectableRow) (event.Webhook, error) {
	var w event.Webhook
	err := row.Scan(webhookFields(&w)...)
	return w, err
}

// InsertWebhook stores a new one, unless its user has most already.
func (s Events) InsertWebhook(ctx context.Context, w event.Webhook, most int) (bool, error) {
	saved := false
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		// Two requests of one user are counted one after the other.
		if _, err := tx.Exec(ctx, `SELECT 1 FROM users WHERE id = $1 FOR NO KEY UPDATE`, w.User); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `INSERT INTO webhooks (id, user_id, url, types, description, enabled, all_users, disabled_reason, failing_since,
			sealed, key_id, created_at) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12
			WHERE (SELECT count(*) FROM webhooks WHERE user_id = $2) < $13`, append(webhookFields(&w), most)...)
		saved = tag.RowsAffected() == 1
		return err
	})
	return saved, err
}

// Webhook answers one of a user's.
func (s Events) Webhook(ctx context.Context, user, id string) (event.Webhook, error) {
	return webhookOf(ctx, s.pool, user, id, "")
}

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func webhookOf(ctx context.Context, from querier, user, id, lock string) (event.Webhook, error) {
	rows, err := from.Query(ctx, `SELECT `+webhookColumns+` FROM webhooks w WHERE id = $1 AND user_id = $2 `+lock, id, user)
	if err != nil {
		return event.Webhook{}, err
	}
	w, err := pgx.CollectExactlyOneRow(rows, scanWebhook)
	return w, noEvent(err)
}

// ListWebhooks answers a page of a user's, the newest first.
func (s Events) ListWebhooks(ctx context.Context, user, before string, limit int) ([]event.Webhook, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+webhookColumns+` FROM webhooks w WHERE user_id = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3`,
		user, before, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanWebhook)
}

// ChangeWebhook alters one of a user's. Events are emitted meanwhile.
func (s Events) ChangeWebhook(ctx context.Context, user, id string, change func(*event.Webhook) error) (event.Webhook, error) {
	var w event.Webhook
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		var err error
		if w, err = webhookOf(ctx, tx, user, id, `FOR NO KEY UPDATE`); err != nil {
			return err
		}
		if err := change(&w); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE webhooks SET url = $2, types = $3, description = $4, enabled = $5, disabled_reason = $6, sealed = $7, key_id = $8
			WHERE id = $1`, id, w.URL, w.Types, w.Description, w.Enabled, w.DisabledReason, w.Sealed.Bytes, w.Sealed.KeyID)
		if err != nil || w.Enabled {
			return err
		}
		return giveUpAll(ctx, tx, id)
	})
	return w, err
}

// giveUpAll gives up what is due to a webhook that was disabled.
func giveUpAll(ctx context.Context, tx pgx.Tx, webhook string) error {
	_, err := tx.Exec(ctx, `UPDATE deliveries SET state = 'failed', lease_until = NULL, last_error = 'the webhook was disabled'
		WHERE webhook_id = $1 AND state = 'pending'`, webhook)
	return err
}

// DeleteWebhook removes one of a user's with its deliveries.
func (s Events) DeleteWebhook(ctx context.Context, user, id string, allow func(event.Webhook) error) error {
	return s.inTx(ctx, func(tx pgx.Tx) error {
		w, err := webhookOf(ctx, tx, user, id, `FOR UPDATE`)
		if err != nil {
			return err
		}
		if err := allow(w); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `DELETE FROM webhooks WHERE id = $1`, id)
		return err
	})
}
