package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// summed says how long questions about many calls take.
type summed struct {
	calls int
	// rollUp is how long it took to roll them all up; byAccount and byDay are GET /v1/usage afterwards, p50, over 30 days.
	rollUp, byAccount, byDay time.Duration
}

// usage fills a host with calls of 30 days, of 50 accounts and 4 operations each, has them rolled up, and asks.
func (b *bench) usage(ctx context.Context) (out summed, err error) {
	say("asking for the usage of %d calls", b.o.calls)
	p, err := b.serving(ctx, "usage")
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	if err := p.setUp(ctx, b.url); err != nil {
		return out, err
	}
	if err := p.haveCalled(ctx, b.o.calls); err != nil {
		return out, fmt.Errorf("making calls: %w", err)
	}
	out.calls = b.o.calls
	ask := func(group string) (time.Duration, int64, error) {
		var answer struct{ Items []struct{ Calls int64 } }
		began := time.Now()
		if err := p.do(ctx, "GET", "/v1/usage?since=744h&group_by="+group, nil, &answer); err != nil {
			return 0, 0, err
		}
		took := time.Since(began)
		var all int64
		for _, item := range answer.Items {
			all += item.Calls
		}
		return took, all, nil
	}
	for all := int64(0); all < int64(b.o.calls); {
		began := time.Now()
		if _, all, err = ask("platform"); err != nil {
			return out, err
		}
		out.rollUp += time.Since(began)
	}
	for group, into := range map[string]*time.Duration{"integration": &out.byAccount, "day": &out.byDay} {
		var times []time.Duration
		for range 2*b.o.starts + 5 {
			took, all, err := ask(group)
			if err != nil {
				return out, err
			}
			if all < int64(b.o.calls) {
				return out, fmt.Errorf("usage by %s tells of %d calls, not of %d", group, all, b.o.calls)
			}
			times = append(times, took)
		}
		*into = median(times)
	}
	return out, nil
}

// haveCalled writes calls as a host of the past would have, each with its record.
func (p *patchbay) haveCalled(ctx context.Context, calls int) error {
	address, err := p.databaseURL()
	if err != nil {
		return err
	}
	db, err := pgx.Connect(ctx, address)
	if err != nil {
		return fmt.Errorf("connecting to the database: %w", err)
	}
	defer func() { _ = db.Close(context.WithoutCancel(ctx)) }() // nothing is under way
	for _, sql := range []string{
		`INSERT INTO calls (id, user_id, token_id, integration_id, label, platform, operation, effect, kind, reason, started_at, duration_us, attempts,
			bytes_in, bytes_out, units, host_id) SELECT 'call_' || n, (SELECT id FROM users WHERE role = 'operator'), '', 'int_' || n % 50, 'Team', 'slack', 'op_' || n % 4, 'read',
			CASE WHEN n % 40 = 0 THEN 'rate_limited' ELSE '' END, '', now() - n * interval '30 days' / $1, (1000 * exp(random() * 6))::bigint, 1, 100, 1000,
			CASE WHEN n % 10 = 0 THEN '{"credits":1}'::jsonb END, 'bench' FROM generate_series(1, $1::bigint) n`,
		`INSERT INTO audit (chain, seq, at, actor, action, subject, detail, hash)
			SELECT 'bench', n, now(), '', 'call', '', jsonb_build_object('call', 'call_' || n), '' FROM generate_series(1, $1::bigint) n`,
		`INSERT INTO audit_heads (chain, seq, hash) VALUES ('bench', $1::bigint, '')`,
	} {
		if _, err := db.Exec(ctx, sql, calls); err != nil {
			return err
		}
	}
	_, err = db.Exec(ctx, `VACUUM (ANALYZE) calls, audit`)
	return err
}
