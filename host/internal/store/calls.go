package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay/patchbay/host/internal/usage"
)

const callColumns = `id, user_id, token_id, integration_id, label, platform, operation, effect, kind, reason, started_at, duration_us,
	attempts, bytes_in, bytes_out, units, coalesce(pool_id, ''), coalesce(workflow, ''), coalesce(run_id, '')`

func scanCall(row pgx.CollectableRow) (usage.Call, error) {
	var c usage.Call
	var us int64
	err := row.Scan(&c.ID, &c.User, &c.Token, &c.Integration, &c.Label, &c.Platform, &c.Operation, &c.Effect, &c.Kind, &c.Reason,
		&c.Started, &us, &c.Attempts, &c.BytesIn, &c.BytesOut, &c.Units, &c.Pool, &c.Workflow, &c.Run)
	c.Duration = time.Duration(us) * time.Microsecond
	return c, err
}

// Call answers one of a user's calls, or usage.ErrNotFound.
func (s *Store) Call(ctx context.Context, user, id string) (usage.Call, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+callColumns+` FROM calls WHERE id = $1 AND user_id = $2`, id, user)
	if err != nil {
		return usage.Call{}, err
	}
	c, err := pgx.CollectExactlyOneRow(rows, scanCall)
	if errors.Is(err, pgx.ErrNoRows) {
		return c, usage.ErrNotFound
	}
	return c, err
}

// Calls answers a page of a user's calls, the newest first.
func (s *Store) Calls(ctx context.Context, f usage.Filter) ([]usage.Call, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+callColumns+` FROM calls WHERE user_id = $1 AND ($2 = '' OR integration_id = $2)
		AND ($3 = '' OR platform = $3) AND ($4 = '' OR kind = $4 OR ($4 = 'ok' AND kind = '')) AND ($5 = '' OR id < $5)
		ORDER BY id DESC LIMIT $6`, f.User, f.Integration, f.Platform, f.Kind, f.Before, f.Limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanCall)
}
