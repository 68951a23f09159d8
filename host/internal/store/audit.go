package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay/patchbay/host/internal/audit"
)

const auditColumns = `chain, seq, at, actor, action, subject, detail, hash`

func scanRecord(row pgx.CollectableRow) (audit.Record, error) {
	var r audit.Record
	err := row.Scan(&r.Chain, &r.Seq, &r.At, &r.Actor, &r.Action, &r.Subject, &r.Detail, &r.Hash)
	return r, err
}

// Query answers audit records, the newest first.
func (s *Store) Query(ctx context.Context, f audit.Filter) ([]audit.Record, error) {
	var before any
	if !f.Before.IsZero() {
		before = f.Before
	}
	rows, err := s.pool.Query(ctx, `SELECT `+auditColumns+` FROM audit
		WHERE ($1 = '' OR actor = $1) AND ($2 = '' OR subject = $2)
		AND ($3::timestamptz IS NULL OR (at, chain, seq) < ($3, $4, $5))
		ORDER BY at DESC, chain DESC, seq DESC LIMIT $6`, f.Actor, f.Subject, before, f.BeforeChain, f.BeforeSeq, f.Limit)
	if err != nil {
		return nil, fmt.Errorf("reading the audit log: %w", err)
	}
	return pgx.CollectRows(rows, scanRecord)
}

// Heads answers the stored end of each chain.
func (s *Store) Heads(ctx context.Context) (map[string]audit.Head, error) {
	rows, err := s.pool.Query(ctx, `SELECT chain, seq, hash FROM audit_heads
		UNION SELECT DISTINCT chain, 0, ''::bytea FROM audit a WHERE NOT EXISTS (SELECT 1 FROM audit_heads h WHERE h.chain = a.chain)`)
	if err != nil {
		return nil, err
	}
	heads := map[string]audit.Head{}
	var chain string
	var h audit.Head
	_, err = pgx.ForEachRow(rows, []any{&chain, &h.Seq, &h.Hash}, func() error {
		heads[chain] = audit.Head{Seq: h.Seq, Hash: append([]byte(nil), h.Hash...)}
		return nil
	})
	return heads, err
}

// Walk calls each for the records of a chain in order.
func (s *Store) Walk(ctx context.Context, chain string, each func(audit.Record) error) error {
	rows, err := s.pool.Query(ctx, `SELECT `+auditColumns+` FROM audit WHERE chain = $1 ORDER BY seq`, chain)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		r, err := scanRecord(rows)
		if err != nil {
			return err
		}
		if err := each(r); err != nil {
			return err
		}
	}
	return rows.Err()
}
