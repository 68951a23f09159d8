package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay/patchbay/host/internal/cluster"
	"github.com/patchbay/patchbay/host/internal/oauth"
)

// Leases implements oauth.Leases.
type Leases struct{ *Store }

// freeLease says whether a lease may be taken: nobody has it, its time is over, or its owner died before it sent anything.
const freeLease = `(l.owner = '' OR l.expires_at <= clock_timestamp() OR (l.sent_at IS NULL AND NOT EXISTS
	(SELECT 1 FROM hosts h WHERE h.id = l.owner AND h.heartbeat_at > clock_timestamp() - $5::interval)))`

// Acquire takes the lease where it is free, or answers what it waits for.
func (s Leases) Acquire(ctx context.Context, grant, owner string, lifetime time.Duration, manual bool) (oauth.Lease, error) {
	l := oauth.Lease{Grant: grant, Owner: owner}
	var lostAgo *time.Duration
	var lostVersion *int64
	var lostBy *string
	err := s.pool.QueryRow(ctx, `INSERT INTO refresh_leases AS l (integration_id, owner, fence, expires_at) VALUES ($1, $2, 1, clock_timestamp() + $3::interval)
		ON CONFLICT (integration_id) DO UPDATE SET owner = $2, fence = l.fence + 1, expires_at = clock_timestamp() + $3::interval
		WHERE `+freeLease+` AND ($4 OR l.retry_at IS NULL OR l.retry_at <= clock_timestamp())
		RETURNING fence, failures, clock_timestamp() - COALESCE(sent_at, lost_at), COALESCE(sent_version, lost_version), COALESCE(sent_by, lost_by)`,
		grant, owner, lifetime, manual, cluster.LiveFor).Scan(&l.Fence, &l.Failures, &lostAgo, &lostVersion, &lostBy)
	if errors.Is(err, pgx.ErrNoRows) {
		return s.taken(ctx, l)
	}
	if err != nil {
		return l, err
	}
	l.Held = true
	if lostVersion != nil && lostBy != nil && lostAgo != nil {
		l.Lost, l.LostVersion, l.LostOwner, l.LostAgo = true, *lostVersion, *lostBy, *lostAgo
	}
	return l, nil
}

// taken says why a lease is not free.
func (s Leases) taken(ctx context.Context, l oauth.Lease) (oauth.Lease, error) {
	var busyFor, pause *time.Duration
	var failure []byte
	err := s.pool.QueryRow(ctx, `SELECT CASE WHEN owner <> '' THEN expires_at - clock_timestamp() END, retry_at - clock_timestamp(), failure
		FROM refresh_leases WHERE integration_id = $1`, l.Grant).Scan(&busyFor, &pause, &failure)
	if err != nil {
		return l, err
	}
	switch {
	case busyFor != nil && *busyFor > 0:
		l.Wait = *busyFor
	case pause != nil && *pause > 0 && failure != nil:
		l.Wait, l.Backoff = *pause, &oauth.Failure{}
		if err := json.Unmarshal(failure, l.Backoff); err != nil {
			return l, fmt.Errorf("decoding a failure: %w", err)
		}
	}
	return l, nil
}

// MarkSent records that a request is about to leave.
func (s Leases) MarkSent(ctx context.Context, l oauth.Lease, version int64, lifetime time.Duration) (bool, error) {
	tag, err := s.pool.Exec(ctx, `UPDATE refresh_leases SET lost_at = COALESCE(sent_at, lost_at), lost_version = COALESCE(sent_version, lost_version),
		lost_by = COALESCE(sent_by, lost_by), sent_at = clock_timestamp(), sent_version = $4, sent_by = $2, expires_at = clock_timestamp() + $5::interval
		WHERE integration_id = $1 AND owner = $2 AND fence = $3 AND expires_at > clock_timestamp()`, l.Grant, l.Owner, l.Fence, version, lifetime)
	return tag.RowsAffected() == 1, err
}

// Release gives the lease back and records a failure.
func (s Leases) Release(ctx context.Context, d oauth.Done, pause time.Duration) error {
	return s.inTx(ctx, func(tx pgx.Tx) error {
		if d.Failure == nil {
			if _, err := tx.Exec(ctx, `UPDATE refresh_leases SET owner = '', expires_at = NULL, sent_at = NULL, sent_version = NULL, sent_by = NULL
				WHERE integration_id = $1 AND owner = $2 AND fence = $3`, d.Lease.Grant, d.Lease.Owner, d.Lease.Fence); err != nil {
				return err
			}
			return notify(ctx, tx, d.Lease.Grant)
		}
		failure, err := json.Marshal(d.Failure)
		if err != nil {
			return fmt.Errorf("encoding a failure: %w", err)
		}
		// Where no answer came, the token may be spent all the same.
		lost := !d.Failure.NotSent && d.Failure.Status == 0
		if _, err := tx.Exec(ctx, `UPDATE refresh_leases SET owner = '', expires_at = NULL, failures = failures + 1, retry_at = clock_timestamp() + $4::interval,
			failure = $5, lost_at = CASE WHEN $6 THEN sent_at ELSE lost_at END, lost_version = CASE WHEN $6 THEN sent_version ELSE lost_version END,
			lost_by = CASE WHEN $6 THEN sent_by ELSE lost_by END, sent_at = NULL, sent_version = NULL, sent_by = NULL
			WHERE integration_id = $1 AND owner = $2 AND fence = $3`, d.Lease.Grant, d.Lease.Owner, d.Lease.Fence, pause, failure, lost); err != nil {
			return err
		}
		if err := recordRefresh(ctx, tx, d, "failed", 0); err != nil {
			return err
		}
		return notify(ctx, tx, d.Lease.Grant)
	})
}

// conclude gives the lease back after a request that decided the grant's fate.
func conclude(ctx context.Context, tx pgx.Tx, d oauth.Done) error {
	_, err := tx.Exec(ctx, `UPDATE refresh_leases SET owner = '', expires_at = NULL, sent_at = NULL, sent_version = NULL, sent_by = NULL, lost_at = NULL,
		lost_version = NULL, lost_by = NULL, failures = 0, retry_at = NULL, failure = NULL
		WHERE integration_id = $1 AND owner = $2 AND fence = $3`, d.Lease.Grant, d.Lease.Owner, d.Lease.Fence)
	return err
}

func recordRefresh(ctx context.Context, tx pgx.Tx, d oauth.Done, outcome string, version int64) error {
	var code, message string
	if d.Failure != nil {
		code, message = d.Failure.Code, d.Failure.Message
	}
	_, err := tx.Exec(ctx, `INSERT INTO refreshes (integration_id, user_id, host_id, reason, outcome, code, message, version, duration_us)
		SELECT id, user_id, $2, $3, $4, $5, $6, CASE WHEN $7 = 0 THEN version ELSE $7 END, $8 FROM integrations WHERE id = $1`,
		d.Lease.Grant, d.Lease.Owner, string(d.Trigger), outcome, code, message, version, d.Duration.Microseconds())
	return err
}

// ChangedChannel is where changes of integrations are told of, beside the announcements that somebody waits for.
const ChangedChannel = "patchbay_integration"

// notify tells all hosts that an integration has changed, when the transaction commits.
func notify(ctx context.Context, tx pgx.Tx, integration string) error {
	_, err := tx.Exec(ctx, `SELECT pg_notify('`+ChangedChannel+`', $1)`, integration)
	return err
}
