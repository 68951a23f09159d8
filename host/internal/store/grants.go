package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay/patchbay/host/internal/event"
	"github.com/patchbay/patchbay/host/internal/integration"
	"github.com/patchbay/patchbay/host/internal/oauth"
)

// GetAny answers an integration by its id alone, for the host's own work.
func (s Integrations) GetAny(ctx context.Context, id string) (integration.Integration, error) {
	var i integration.Integration
	err := s.pool.QueryRow(ctx, `SELECT `+integrationColumns+` FROM integrations i WHERE id = $1`, id).Scan(integrationFields(&i)...)
	if errors.Is(err, pgx.ErrNoRows) {
		return i, integration.ErrNotFound
	}
	return i, err
}

// Replace swaps the tokens in where the version before i's still stands. The lease's request is concluded either way.
func (s Integrations) Replace(ctx context.Context, i integration.Integration, d oauth.Done) (stored bool, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		var was integration.Integration
		if err := tx.QueryRow(ctx, `SELECT expired_at FROM integrations WHERE id = $1 FOR UPDATE`, i.ID).Scan(&was.ExpiredAt); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `UPDATE integrations SET version = $2, sealed = $3, key_id = $4, scopes = $5, credential_expires_at = $6,
			credential_set_at = $7, refreshable = $8, refresh_at = $9, expired_at = NULL, expired_reason = '' WHERE id = $1 AND version = $2 - 1`,
			i.ID, i.Version, i.Sealed.Bytes, i.Sealed.KeyID, i.Scopes, i.CredentialExpiresAt, i.CredentialSetAt, i.Refreshable, i.RefreshAt)
		if err != nil {
			return err
		}
		outcome := "refreshed"
		if stored = tag.RowsAffected() == 1; !stored {
			outcome = "late"
		}
		if err := conclude(ctx, tx, d); err != nil {
			return err
		}
		if err := recordRefresh(ctx, tx, d, outcome, i.Version); err != nil {
			return err
		}
		if err := notify(ctx, tx, i.ID); err != nil || !stored {
			return err
		}
		i.ExpiredAt = nil
		return emitHealth(ctx, tx, was, i)
	})
	return stored, err
}

// Bury marks a version as refused where it still stands. The lease's request is concluded either way.
func (s Integrations) Bury(ctx context.Context, id string, version int64, reason string, at time.Time, d oauth.Done) (buried bool, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		var i integration.Integration
		err := tx.QueryRow(ctx, `UPDATE integrations i SET expired_at = $3, expired_reason = $4 WHERE id = $1 AND version = $2 AND expired_at IS NULL
			RETURNING `+integrationColumns, id, version, at, reason).Scan(integrationFields(&i)...)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		buried = err == nil
		if err := conclude(ctx, tx, d); err != nil {
			return err
		}
		if err := recordRefresh(ctx, tx, d, "refused", version); err != nil {
			return err
		}
		if err := notify(ctx, tx, id); err != nil || !buried {
			return err
		}
		return emitHealth(ctx, tx, integration.Integration{}, i)
	})
	return buried, err
}

// emitHealth tells of an integration that has died or come back. It is the last statement of a transaction, as emitEvent is.
func emitHealth(ctx context.Context, tx pgx.Tx, was, is integration.Integration) error {
	e := event.Event{User: is.User, Type: integration.EventExpired, Subject: is.ID, Data: map[string]any{"platform": is.Platform, "label": is.Label}}
	switch {
	case was.ExpiredAt == nil && is.ExpiredAt != nil:
		e.Data["reason"] = is.ExpiredReason
	case was.ExpiredAt != nil && is.ExpiredAt == nil:
		e.Type = integration.EventRecovered
	default:
		return nil
	}
	return emitEvent(ctx, tx, e)
}

// Due answers the integrations whose tokens are to be refreshed, and how long until the next one is.
func (s Integrations) Due(ctx context.Context, limit int) ([]integration.Due, time.Duration, error) {
	rows, err := s.pool.Query(ctx, `SELECT i.id, i.version, i.refresh_at - clock_timestamp() FROM integrations i
		LEFT JOIN refresh_leases l ON l.integration_id = i.id
		WHERE i.refresh_at IS NOT NULL AND i.status = 'active'
		AND (l.owner IS NULL OR l.owner = '' OR l.expires_at <= clock_timestamp()) AND (l.retry_at IS NULL OR l.retry_at <= clock_timestamp())
		ORDER BY i.refresh_at LIMIT $1`, limit)
	if err != nil {
		return nil, 0, err
	}
	var due []integration.Due
	next := time.Hour
	var d integration.Due
	var in time.Duration
	_, err = pgx.ForEachRow(rows, []any{&d.ID, &d.Version, &in}, func() error {
		if in <= 0 {
			due = append(due, d)
		} else {
			next = min(next, in)
		}
		return nil
	})
	return due, next, err
}

// Matching answers all integrations of a user, of a platform, or of both.
func (s Integrations) Matching(ctx context.Context, user, platform string) ([]integration.Integration, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+integrationColumns+` FROM integrations i
		WHERE ($1 = '' OR user_id = $1) AND ($2 = '' OR platform = $2) AND deleted_at IS NULL ORDER BY id`, user, platform)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (integration.Integration, error) {
		var i integration.Integration
		err := row.Scan(integrationFields(&i)...)
		return i, err
	})
}

// Refreshes answers the history of a user's integration, the newest first.
func (s Integrations) Refreshes(ctx context.Context, user, id string, before int64, limit int) ([]integration.Refresh, error) {
	rows, err := s.pool.Query(ctx, `SELECT id, at, host_id, reason, outcome, code, message, version, duration_us FROM refreshes
		WHERE integration_id = $1 AND user_id = $2 AND ($3 = 0 OR id < $3) ORDER BY id DESC LIMIT $4`, id, user, before, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (integration.Refresh, error) {
		var r integration.Refresh
		var micros int64
		err := row.Scan(&r.ID, &r.At, &r.Host, &r.Trigger, &r.Outcome, &r.Code, &r.Message, &r.Version, &micros)
		r.Duration = time.Duration(micros) * time.Microsecond
		return r, err
	})
}
