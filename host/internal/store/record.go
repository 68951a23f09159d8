package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay/patchbay/host/internal/audit"
	"github.com/patchbay/patchbay/host/internal/usage"
)

const intoCalls = `INSERT INTO calls (id, user_id, token_id, integration_id, label, platform, operation, effect, kind, reason,
	started_at, duration_us, attempts, bytes_in, bytes_out, units, host_id, pool_id, workflow, run_id) `

const intoAudit = `INSERT INTO audit (chain, seq, at, actor, action, subject, detail, hash) `

// A batch comes as one array for each column. unnest stands among what is selected and not behind FROM, where PostgreSQL would first
// copy each array into a store of its own.
const (
	insertCalls = intoCalls + `SELECT unnest($1::text[]), unnest($2::text[]), unnest($3::text[]), unnest($4::text[]), unnest($5::text[]),
		unnest($6::text[]), unnest($7::text[]), unnest($8::text[]), unnest($9::text[]), unnest($10::text[]), unnest($11::timestamptz[]),
		unnest($12::bigint[]), unnest($13::integer[]), unnest($14::bigint[]), unnest($15::bigint[]), unnest($16::jsonb[]), $17::text,
		nullif(unnest($18::text[]), ''), nullif(unnest($19::text[]), ''), nullif(unnest($20::text[]), '')`
	insertAudit = intoAudit + `SELECT $1::text, unnest($2::bigint[]), unnest($3::timestamptz[]), unnest($4::text[]), unnest($5::text[]),
		unnest($6::text[]), unnest($7::jsonb[]), unnest($8::bytea[])`
)

// One call alone comes as plain values: its caller waits for this commit and for nobody else's.
const (
	insertCall = intoCalls + `VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
		nullif($18, ''), nullif($19, ''), nullif($20, ''))`
	insertRecord = intoAudit + `VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
)

const moveHead = `INSERT INTO audit_heads (chain, seq, hash) VALUES ($1, $2, $3)
	ON CONFLICT (chain) DO UPDATE SET seq = EXCLUDED.seq, hash = EXCLUDED.hash`

// CommitCalls commits calls with their audit records and kept answers, as one transaction in one round trip.
func (s *Store) CommitCalls(ctx context.Context, calls []usage.Call) error {
	entries := make([]audit.Entry, len(calls))
	for i, c := range calls {
		entries[i] = audit.Entry{At: c.Started.Add(c.Duration), Actor: c.User, Action: "call", Subject: c.Integration,
			Detail: map[string]string{"call": c.ID, "operation": c.Platform + "." + c.Operation, "outcome": outcome(c.Kind)}}
	}
	return s.commit(ctx, entries, func(b *pgx.Batch) {
		queueCalls(b, calls, s.host)
		for _, c := range calls {
			queueAnswer(b, c.Answer)
		}
	})
}

// Append commits audit records alone.
func (s *Store) Append(ctx context.Context, entries []audit.Entry) error {
	return s.commit(ctx, entries, func(*pgx.Batch) {})
}

func outcome(kind string) string {
	if kind == "" {
		return "ok"
	}
	return kind
}

// commit links entries to the chain and commits them with what more queues. While the database cannot be reached it tries again: the
// end of the chain tells whether a commit without an answer had happened.
func (s *Store) commit(ctx context.Context, entries []audit.Entry, more func(*pgx.Batch)) error {
	s.chainMu.Lock()
	defer s.chainMu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	var sent audit.Head // of a commit whose fate is unknown
	for {
		err := s.refreshHead(ctx)
		if err == nil && sent.Seq != 0 && s.head.Seq == sent.Seq && bytes.Equal(s.head.Hash, sent.Hash) {
			return nil // it had happened
		}
		if err == nil {
			records, head := s.chain.Link(s.head, entries)
			batch := &pgx.Batch{}
			more(batch)
			queueAudit(batch, s.chain.Name(), records, head)
			if err = s.pool.SendBatch(ctx, batch).Close(); err == nil {
				s.head = head
				return nil
			}
			s.dirty = true
			if unreachable(err) {
				sent = head
			}
		}
		if !unreachable(err) {
			return fmt.Errorf("committing to the audit chain: %w", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("committing to the audit chain: %w", err)
		case <-time.After(pause):
		}
	}
}

// unreachable says whether an error may pass when the database is back: anything but its refusal, and its own going down.
func unreachable(err error) bool {
	var refused interface{ SQLState() string }
	if errors.As(err, &refused) {
		state := refused.SQLState()
		return state[:2] == "57" || state[:2] == "08" || state[:2] == "53"
	}
	return true
}

// refreshHead reads the end of the chain where this process is not sure of it.
func (s *Store) refreshHead(ctx context.Context) error {
	if !s.dirty {
		return nil
	}
	head := audit.Head{}
	err := s.pool.QueryRow(ctx, `SELECT seq, hash FROM audit WHERE chain = $1 ORDER BY seq DESC LIMIT 1`, s.chain.Name()).Scan(&head.Seq, &head.Hash)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	s.head, s.dirty = head, false
	return nil
}

// textOf answers the columns of a call that are text, in the order of intoCalls.
func textOf(c usage.Call) [13]string {
	columns := [...]string{c.ID, c.User, c.Token, c.Integration, c.Label, c.Platform, c.Operation, c.Effect, c.Kind, c.Reason,
		c.Pool, c.Workflow, c.Run}
	for i := range columns {
		columns[i] = clean(columns[i])
	}
	return columns
}

func unitsOf(c usage.Call) []byte {
	if len(c.Units) == 0 {
		return nil
	}
	encoded, _ := json.Marshal(c.Units) // a map of numbers
	return encoded
}

func queueCalls(b *pgx.Batch, calls []usage.Call, host string) {
	if len(calls) == 1 {
		c := calls[0]
		t := textOf(c)
		b.Queue(insertCall, t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7], t[8], t[9], c.Started, c.Duration.Microseconds(),
			int32(c.Attempts), c.BytesIn, c.BytesOut, unitsOf(c), host, t[10], t[11], t[12])
		return
	}
	n := len(calls)
	var (
		text     [13][]string
		started  = make([]time.Time, n)
		duration = make([]int64, n)
		attempts = make([]int32, n)
		in, out  = make([]int64, n), make([]int64, n)
		units    = make([][]byte, n)
	)
	for i := range text {
		text[i] = make([]string, n)
	}
	for i, c := range calls {
		for j, v := range textOf(c) {
			text[j][i] = v
		}
		started[i], duration[i], attempts[i], in[i], out[i] = c.Started, c.Duration.Microseconds(), int32(c.Attempts), c.BytesIn, c.BytesOut
		units[i] = unitsOf(c)
	}
	b.Queue(insertCalls, text[0], text[1], text[2], text[3], text[4], text[5], text[6], text[7], text[8], text[9],
		started, duration, attempts, in, out, units, host, text[10], text[11], text[12])
}

func detailOf(r audit.Record) []byte {
	if len(r.Detail) == 0 {
		return nil
	}
	encoded, _ := json.Marshal(r.Detail) // a map of strings
	return encoded
}

func queueAudit(b *pgx.Batch, chain string, records []audit.Record, head audit.Head) {
	b.Queue(moveHead, chain, head.Seq, head.Hash)
	if len(records) == 1 {
		r := records[0]
		b.Queue(insertRecord, chain, r.Seq, r.At, r.Actor, r.Action, r.Subject, detailOf(r), r.Hash)
		return
	}
	n := len(records)
	var (
		seq                    = make([]int64, n)
		at                     = make([]time.Time, n)
		actor, action, subject = make([]string, n), make([]string, n), make([]string, n)
		detail, hash           = make([][]byte, n), make([][]byte, n)
	)
	for i, r := range records {
		seq[i], at[i], actor[i], action[i], subject[i], detail[i], hash[i] = r.Seq, r.At, r.Actor, r.Action, r.Subject, detailOf(r), r.Hash
	}
	b.Queue(insertAudit, chain, seq, at, actor, action, subject, detail, hash)
}

// clean drops what PostgreSQL's text cannot hold: one call's words must not spoil the batch.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}

// queueAnswer finishes or gives up the claim of a call.
func queueAnswer(b *pgx.Batch, a *usage.Answer) {
	switch {
	case a == nil:
	case a.Release:
		b.Queue(`DELETE FROM claims WHERE user_id = $1 AND key = $2`, a.User, a.Key)
	default:
		b.Queue(`UPDATE claims SET sealed = $3, key_id = $4 WHERE user_id = $1 AND key = $2`, a.User, a.Key, a.Sealed, a.KeyID)
	}
}
