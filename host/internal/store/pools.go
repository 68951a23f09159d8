package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay/patchbay/host/internal/pool"
)

// Pools implements pool.Store.
type Pools struct{ *Store }

const poolColumns = `id, user_id, name, platform, strategy, members, created_at`

// InsertPool stores a new one.
func (s Pools) InsertPool(ctx context.Context, p pool.Pool, most int) error {
	return s.inTx(ctx, func(tx pgx.Tx) error {
		// Two requests of one user are counted one after the other.
		if _, err := tx.Exec(ctx, `SELECT 1 FROM users WHERE id = $1 FOR NO KEY UPDATE`, p.User); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `INSERT INTO pools (`+poolColumns+`) SELECT $1, $2, $3, $4, $5, $6, $7
			WHERE (SELECT count(*) FROM pools WHERE user_id = $2) < $8`, p.ID, p.User, p.Name, p.Platform, string(p.Strategy), p.Members, p.CreatedAt, most)
		switch {
		case violates(err, uniqueViolation):
			return pool.ErrTaken
		case err == nil && tag.RowsAffected() == 0:
			return pool.ErrTooMany
		}
		return err
	})
}

// Pool answers a user's by its id or its name.
func (s Pools) Pool(ctx context.Context, user, ref string) (pool.Pool, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+poolColumns+` FROM pools WHERE user_id = $1 AND (id = $2 OR name = $2) ORDER BY id = $2 DESC LIMIT 1`, user, ref)
	if err != nil {
		return pool.Pool{}, err
	}
	p, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[pool.Pool])
	if errors.Is(err, pgx.ErrNoRows) {
		return p, pool.ErrNotFound
	}
	return p, err
}

// ListPools answers a page of a user's, the newest first.
func (s Pools) ListPools(ctx context.Context, user, before string, limit int) ([]pool.Pool, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+poolColumns+` FROM pools WHERE user_id = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3`, user, before, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[pool.Pool])
}

// ChangePool stores what can change of one.
func (s Pools) ChangePool(ctx context.Context, p pool.Pool) error {
	tag, err := s.pool.Exec(ctx, `UPDATE pools SET name = $3, strategy = $4, members = $5 WHERE id = $1 AND user_id = $2`,
		p.ID, p.User, p.Name, string(p.Strategy), p.Members)
	switch {
	case violates(err, uniqueViolation):
		return pool.ErrTaken
	case err == nil && tag.RowsAffected() == 0:
		return pool.ErrNotFound
	}
	return err
}

// DeletePool removes one of a user's.
func (s Pools) DeletePool(ctx context.Context, user, id string) error {
	tag, err := s.pool.Exec(ctx, `DELETE FROM pools WHERE id = $1 AND user_id = $2`, id, user)
	if err == nil && tag.RowsAffected() == 0 {
		return pool.ErrNotFound
	}
	return err
}

// Members answers sums over the calls of a pool.
func (s Pools) Members(ctx context.Context, ref string, since time.Time) ([]pool.Member, error) {
	rows, err := s.pool.Query(ctx, `SELECT integration_id, count(*), count(*) FILTER (WHERE kind <> ''), avg(duration_us)::bigint, max(started_at)
		FROM calls WHERE pool_id = $1 AND started_at >= $2 GROUP BY integration_id`, ref, since)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (pool.Member, error) {
		var m pool.Member
		var us int64
		err := row.Scan(&m.Integration, &m.Calls, &m.Errors, &us, &m.LastUsedAt)
		m.Mean = time.Duration(us) * time.Microsecond
		return m, err
	})
}
