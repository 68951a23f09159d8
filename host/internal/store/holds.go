package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/dispatch"
)

// HoldsChannel is where holds are told of, in the form of dispatch.HoldNotice.
const HoldsChannel = "patchbay_hold"

// Hold keeps an integration back for d from now, by the database's clock, and tells every host. A longer hold is not shortened, and nobody
// is told of it again.
func (s *Store) Hold(ctx context.Context, integration string, d time.Duration) error {
	_, err := s.pool.Exec(ctx, `WITH held AS (INSERT INTO holds (integration_id, until) VALUES ($1, clock_timestamp() + $2::interval)
		ON CONFLICT (integration_id) DO UPDATE SET until = EXCLUDED.until WHERE holds.until < EXCLUDED.until RETURNING 1)
		SELECT pg_notify($3, $4) FROM held`, integration, d, HoldsChannel, dispatch.HoldNotice(integration, d))
	return err
}

// Held answers the integrations that are held, and how long still.
func (s *Store) Held(ctx context.Context) (map[string]time.Duration, error) {
	rows, err := s.pool.Query(ctx, `SELECT integration_id, until - clock_timestamp() FROM holds WHERE until > clock_timestamp()`)
	if err != nil {
		return nil, err
	}
	out := map[string]time.Duration{}
	var integration string
	var left time.Duration
	_, err = pgx.ForEachRow(rows, []any{&integration, &left}, func() error {
		out[integration] = left
		return nil
	})
	return out, err
}

// TakeBudget grants calls of a budget: see the function take_budget of the schema.
func (s *Store) TakeBudget(ctx context.Context, integration, budget string, l catalog.RateLimit, want int, lasting time.Duration) (int, time.Duration, error) {
	var granted int
	var wait time.Duration
	err := s.pool.QueryRow(ctx, `SELECT granted, wait FROM take_budget($1, $2, $3, $4, $5::interval)`, integration, budget, int64(l.Calls), int64(want),
		time.Duration(l.PerSeconds)*time.Second+lasting).Scan(&granted, &wait)
	return granted, wait, err
}
