package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay/patchbay/host/internal/usage"
)

// usageLock is the advisory lock under which calls are rolled up: one host at a time.
const usageLock = 0x7573616765 // "usage"

const (
	// rollUpBatch bounds how many calls are rolled up in one transaction.
	rollUpBatch = 20_000
	// How long sums of hours and of days, and the calls themselves, are kept.
	hoursKept = 35 * 24 * time.Hour
	daysKept  = 3 * 366 * 24 * time.Hour
	callsKept = 366 * 24 * time.Hour
)

// sumKey is what a row of the sums is for.
type sumKey struct {
	user, span                                 string
	at                                         time.Time
	integration, platform, operation, workflow string
}

func (k sumKey) fields() []any {
	return []any{k.user, k.span, k.at, k.integration, k.platform, k.operation, k.workflow}
}

// rollup adds calls up in memory.
type rollup struct {
	prices usage.PriceList
	sums   map[sumKey]*usage.Sum
}

func (r *rollup) add(c usage.Call) {
	at := c.Started.UTC()
	key := sumKey{user: c.User, span: "h", at: at.Truncate(time.Hour), integration: c.Integration, platform: c.Platform, operation: c.Operation, workflow: c.Workflow}
	r.addTo(key, c)
	key.span, key.at = "d", at.Truncate(24*time.Hour)
	r.addTo(key, c)
}

func (r *rollup) addTo(key sumKey, c usage.Call) {
	s := r.sums[key]
	if s == nil {
		s = &usage.Sum{Kinds: map[string]int64{}, Units: map[string]float64{}}
		r.sums[key] = s
	}
	s.Calls++
	s.Duration += c.Duration
	s.BytesIn += c.BytesIn
	s.BytesOut += c.BytesOut
	s.Cost += r.prices.Cost(c)
	step := make([]int64, usage.Step(c.Duration)+1)
	step[len(step)-1] = 1
	s.Latency.Add(step)
	if c.Kind != "" {
		s.Failed++
		s.Kinds[c.Kind]++
	}
	for unit, n := range c.Units {
		s.Units[unit] += n
	}
}

const (
	addSum = `INSERT INTO usage_sums AS s (user_id, span, at, integration_id, platform, operation, workflow, calls, failed, duration_us, bytes_in, bytes_out,
		cost, latency) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::float8, $14)
		ON CONFLICT (user_id, span, at, integration_id, platform, operation, workflow) DO UPDATE SET calls = s.calls + EXCLUDED.calls,
		failed = s.failed + EXCLUDED.failed, duration_us = s.duration_us + EXCLUDED.duration_us, bytes_in = s.bytes_in + EXCLUDED.bytes_in,
		bytes_out = s.bytes_out + EXCLUDED.bytes_out, cost = s.cost + EXCLUDED.cost, latency = add_latency(s.latency, EXCLUDED.latency)`
	addPart = `INSERT INTO usage_parts AS p (user_id, span, at, integration_id, platform, operation, workflow, sort, name, n)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::float8)
		ON CONFLICT (user_id, span, at, integration_id, platform, operation, workflow, sort, name) DO UPDATE SET n = p.n + EXCLUDED.n`
)

// queue queues what was added up.
func (r *rollup) queue(b *pgx.Batch) {
	for key, s := range r.sums {
		b.Queue(addSum, append(key.fields(), s.Calls, s.Failed, s.Duration.Microseconds(), s.BytesIn, s.BytesOut, s.Cost, []int64(s.Latency))...)
		for kind, n := range s.Kinds {
			b.Queue(addPart, append(key.fields(), "kind", kind, float64(n))...)
		}
		for unit, n := range s.Units {
			b.Queue(addPart, append(key.fields(), "unit", unit, n)...)
		}
	}
}

// RollUp adds the calls that were committed since the last time to the sums, each once: where a chain stands and its sums change together.
func (s *Store) RollUp(ctx context.Context) error {
	for {
		n, err := s.rollUpSome(ctx)
		if err != nil {
			return fmt.Errorf("rolling calls up: %w", err)
		}
		if n == 0 {
			return nil
		}
	}
}

// rollUpSome rolls up a batch of one chain, and answers how many records it has dealt with. Without anything new it takes no lock.
func (s *Store) rollUpSome(ctx context.Context) (records int, err error) {
	const behind = `SELECT h.chain, coalesce(p.seq, 0) FROM audit_heads h LEFT JOIN usage_progress p USING (chain)
		WHERE h.seq > coalesce(p.seq, 0) LIMIT 1`
	var chain string
	var seq int64
	if err := s.pool.QueryRow(ctx, behind).Scan(&chain, &seq); err != nil {
		return 0, ignoreNoRows(err)
	}
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(usageLock)); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, behind).Scan(&chain, &seq); err != nil {
			return ignoreNoRows(err)
		}
		records, err = s.rollUpChain(ctx, tx, chain, seq)
		return err
	})
	return records, err
}

func (s *Store) rollUpChain(ctx context.Context, tx pgx.Tx, chain string, seq int64) (int, error) {
	prices, err := readPrices(ctx, tx)
	if err != nil {
		return 0, err
	}
	var last int64
	var records int
	err = tx.QueryRow(ctx, `SELECT coalesce(max(seq), 0), count(*) FROM (SELECT seq FROM audit WHERE chain = $1 AND seq > $2 ORDER BY seq LIMIT $3) a`,
		chain, seq, rollUpBatch).Scan(&last, &records)
	if err != nil {
		return 0, err
	}
	if records == 0 { // somebody has cut the chain, as verifying it tells
		_, err := tx.Exec(ctx, `INSERT INTO usage_progress (chain, seq) SELECT chain, seq FROM audit_heads WHERE chain = $1
			ON CONFLICT (chain) DO UPDATE SET seq = EXCLUDED.seq`, chain)
		return 1, err
	}
	rows, err := tx.Query(ctx, `SELECT `+callColumns+` FROM audit a JOIN calls c ON c.id = a.detail->>'call'
		WHERE a.chain = $1 AND a.seq > $2 AND a.seq <= $3 AND a.action = 'call'`, chain, seq, last)
	if err != nil {
		return 0, err
	}
	sums := rollup{prices: usage.NewPriceList(prices), sums: map[sumKey]*usage.Sum{}}
	calls, err := pgx.CollectRows(rows, scanCall)
	if err != nil {
		return 0, err
	}
	for _, c := range calls {
		sums.add(c)
	}
	batch := &pgx.Batch{}
	sums.queue(batch)
	batch.Queue(`INSERT INTO usage_progress (chain, seq) VALUES ($1, $2) ON CONFLICT (chain) DO UPDATE SET seq = $2`, chain, last)
	return records, tx.SendBatch(ctx, batch).Close()
}

func ignoreNoRows(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	return err
}

// SweepUsage removes sums and calls that are kept no longer. Calls go once they are rolled up.
func (s *Store) SweepUsage(ctx context.Context, now time.Time) error {
	if err := s.RollUp(ctx); err != nil {
		return err
	}
	batch := &pgx.Batch{}
	for _, table := range []string{"usage_sums", "usage_parts"} {
		batch.Queue(`DELETE FROM `+table+` WHERE (span = 'h' AND at < $1) OR (span = 'd' AND at < $2)`, now.Add(-hoursKept), now.Add(-daysKept))
	}
	batch.Queue(`DELETE FROM calls WHERE started_at < $1`, now.Add(-callsKept))
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("sweeping usage: %w", err)
	}
	return nil
}

// groupColumns are what sums are grouped by.
var groupColumns = map[string]string{"integration": "integration_id", "platform": "platform", "operation": "platform || '.' || operation",
	"user": "user_id", "workflow": "workflow", "day": "to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD')"}

// Sums answers sums over calls. A day that is wanted whole is read from the days, the first one from its hours.
func (s *Store) Sums(ctx context.Context, q usage.Question) ([]usage.Sum, error) {
	column := groupColumns[q.GroupBy]
	if column == "" {
		return nil, usage.ErrGroup
	}
	since := q.Since.UTC().Truncate(time.Hour)
	firstDay := since.Truncate(24 * time.Hour)
	if !firstDay.Equal(since) {
		firstDay = firstDay.AddDate(0, 0, 1)
	}
	where := ` WHERE ($1 = '' OR user_id = $1) AND ((span = 'd' AND at >= $2) OR (span = 'h' AND at >= $3 AND at < $2))
		AND ($4 = '' OR integration_id = $4) AND ($5 = '' OR platform = $5) AND ($6 = '' OR operation = $6) AND ($7 = '' OR workflow = $7)`
	if q.User != "" {
		where = strings.Replace(where, `($1 = '' OR user_id = $1)`, `user_id = $1`, 1)
	}
	args := []any{q.User, firstDay, since, q.Integration, q.Platform, q.Operation, q.Workflow}
	byGroup := map[string]*usage.Sum{}
	find := func(group string) *usage.Sum {
		if byGroup[group] == nil {
			byGroup[group] = &usage.Sum{Group: group, Kinds: map[string]int64{}, Units: map[string]float64{}}
		}
		return byGroup[group]
	}
	rows, err := s.pool.Query(ctx, `SELECT `+column+`, calls, failed, duration_us, bytes_in, bytes_out, cost::float8, latency FROM usage_sums`+where, args...)
	if err != nil {
		return nil, err
	}
	var group string
	var one usage.Sum
	var us int64
	var latency []int64
	_, err = pgx.ForEachRow(rows, []any{&group, &one.Calls, &one.Failed, &us, &one.BytesIn, &one.BytesOut, &one.Cost, &latency}, func() error {
		sum := find(group)
		sum.Calls, sum.Failed, sum.Duration = sum.Calls+one.Calls, sum.Failed+one.Failed, sum.Duration+time.Duration(us)*time.Microsecond
		sum.BytesIn, sum.BytesOut, sum.Cost = sum.BytesIn+one.BytesIn, sum.BytesOut+one.BytesOut, sum.Cost+one.Cost
		sum.Latency.Add(latency)
		return nil
	})
	if err != nil {
		return nil, err
	}
	rows, err = s.pool.Query(ctx, `SELECT `+column+` AS g, sort, name, sum(n)::float8 FROM usage_parts`+where+` GROUP BY g, sort, name`, args...)
	if err != nil {
		return nil, err
	}
	var sort, name string
	var n float64
	if _, err := pgx.ForEachRow(rows, []any{&group, &sort, &name, &n}, func() error {
		if sort == "kind" {
			find(group).Kinds[name] = int64(n)
		} else {
			find(group).Units[name] = n
		}
		return nil
	}); err != nil {
		return nil, err
	}
	out := make([]usage.Sum, 0, len(byGroup))
	for _, sum := range byGroup {
		out = append(out, *sum)
	}
	return out, nil
}

// Prices answers the operator's table.
func (s *Store) Prices(ctx context.Context) ([]usage.Price, error) { return readPrices(ctx, s.pool) }

func readPrices(ctx context.Context, from querier) ([]usage.Price, error) {
	rows, err := from.Query(ctx, `SELECT platform, operation, unit, usd::float8 FROM usage_prices ORDER BY 1, 2, 3`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[usage.Price])
}

// PutPrices puts a table in place of the one before.
func (s *Store) PutPrices(ctx context.Context, prices []usage.Price) error {
	return s.inTx(ctx, func(tx pgx.Tx) error {
		batch := &pgx.Batch{}
		batch.Queue(`DELETE FROM usage_prices`)
		for _, p := range prices {
			batch.Queue(`INSERT INTO usage_prices (platform, operation, unit, usd) VALUES ($1, $2, $3, $4::float8)
				ON CONFLICT (platform, operation, unit) DO UPDATE SET usd = EXCLUDED.usd`, p.Platform, p.Operation, p.Unit, p.USD)
		}
		return tx.SendBatch(ctx, batch).Close()
	})
}
