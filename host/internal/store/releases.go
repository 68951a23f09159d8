package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay/patchbay/host/internal/event"
	"github.com/patchbay/patchbay/host/internal/release"
)

// Releases implements release.Store, release.Binaries, release.Keys and release.Uses.
type Releases struct{ *Store }

const releaseColumns = `adapter, version, os, arch, digest, size, trust, publisher, grants, created_at, created_by,
	coalesce(failed_at, 'epoch'), failed_reason`

func scanRelease(row pgx.CollectableRow) (release.Release, error) {
	var r release.Release
	var digest []byte
	err := row.Scan(&r.Adapter, &r.Version, &r.OS, &r.Arch, &digest, &r.Size, &r.Trust, &r.Publisher, &r.Grants, &r.CreatedAt, &r.CreatedBy,
		&r.FailedAt, &r.FailedReason)
	copy(r.Digest[:], digest) // 32 bytes, by the column's check
	if r.FailedAt.Unix() == 0 {
		r.FailedAt = time.Time{}
	}
	return r, err
}

// Releases answers the releases of an adapter, or of all where it is "", the newest first.
func (s Releases) Releases(ctx context.Context, adapter string) ([]release.Release, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+releaseColumns+` FROM adapter_releases WHERE $1 = '' OR adapter = $1
		ORDER BY created_at DESC, adapter, version, os, arch`, adapter)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanRelease)
}

// PutRelease stores a release; see release.Store.
func (s Releases) PutRelease(ctx context.Context, r release.Release) (replaced bool, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		grants := []string(r.Grants)
		if grants == nil {
			grants = []string{}
		}
		tag, err := tx.Exec(ctx, `INSERT INTO adapter_releases (adapter, version, os, arch, digest, size, trust, publisher, grants, manifest, signature, created_by)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING`,
			r.Adapter, r.Version, r.OS, r.Arch, r.Digest[:], r.Size, r.Trust, r.Publisher, grants, r.Manifest, r.Signature, r.CreatedBy)
		if err != nil || tag.RowsAffected() == 1 {
			return err
		}
		var digest []byte
		var trust release.Trust
		err = tx.QueryRow(ctx, `SELECT digest, trust FROM adapter_releases WHERE adapter = $1 AND version = $2 AND os = $3 AND arch = $4 FOR UPDATE`,
			r.Adapter, r.Version, r.OS, r.Arch).Scan(&digest, &trust)
		if err != nil {
			return err
		}
		if [32]byte(digest) == r.Digest && r.Trust == release.Signed && trust != release.BuiltIn {
			_, err = tx.Exec(ctx, `UPDATE adapter_releases SET trust = $5, publisher = $6, grants = $7, manifest = $8, signature = $9, created_by = $10
				WHERE adapter = $1 AND version = $2 AND os = $3 AND arch = $4`,
				r.Adapter, r.Version, r.OS, r.Arch, r.Trust, r.Publisher, grants, r.Manifest, r.Signature, r.CreatedBy)
			return err
		}
		if [32]byte(digest) == r.Digest {
			return nil
		}
		if trust != release.BuiltIn || r.Trust != release.BuiltIn {
			return release.ErrExists
		}
		replaced = true
		if _, err = tx.Exec(ctx, `UPDATE adapter_releases SET digest = $5, size = $6, created_at = now(), created_by = $7, failed_at = NULL, failed_reason = ''
			WHERE adapter = $1 AND version = $2 AND os = $3 AND arch = $4`, r.Adapter, r.Version, r.OS, r.Arch, r.Digest[:], r.Size, r.CreatedBy); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE adapter_desired SET revision = revision + 1, forced = false, changed_at = clock_timestamp(), changed_by = $3
			WHERE adapter = $1 AND $2 IN (version, canary, previous)`, r.Adapter, r.Version, r.CreatedBy)
		return err
	})
	return replaced, err
}

// Fail marks a release as given up.
func (s Releases) Fail(ctx context.Context, r release.Release, reason string) error {
	_, err := s.pool.Exec(ctx, `UPDATE adapter_releases SET failed_at = now(), failed_reason = $3 WHERE adapter = $1 AND digest = $2`, r.Adapter, r.Digest[:], reason)
	return err
}

// Absolve takes the mark away.
func (s Releases) Absolve(ctx context.Context, adapter, version string) error {
	_, err := s.pool.Exec(ctx, `UPDATE adapter_releases SET failed_at = NULL, failed_reason = '' WHERE adapter = $1 AND version = $2`, adapter, version)
	return err
}

// DropReleases removes what nothing needs; see release.Store.
func (s Releases) DropReleases(ctx context.Context, before time.Time) error {
	batch := &pgx.Batch{}
	batch.Queue(`DELETE FROM adapter_releases r WHERE trust = 'built-in' AND created_at < $1 AND EXISTS (SELECT FROM adapter_desired d
		WHERE d.adapter = r.adapter AND r.version NOT IN (d.version, d.canary, d.previous))`, before)
	batch.Queue(`DELETE FROM adapter_binaries b WHERE NOT EXISTS (SELECT FROM adapter_releases r WHERE r.digest = b.digest)`)
	return s.pool.SendBatch(ctx, batch).Close()
}

const desiredColumns = `adapter, version, previous, canary, share, pinned, disabled, forced, revision, changed_at, changed_by`

// Desired answers all desired states.
func (s Releases) Desired(ctx context.Context) ([]release.Desired, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+desiredColumns+` FROM adapter_desired ORDER BY adapter`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[release.Desired])
}

// PutDesired stores a state with its events; see release.Store.
func (s Releases) PutDesired(ctx context.Context, d release.Desired, events ...release.Event) error {
	return s.inTx(ctx, func(tx pgx.Tx) error {
		sql := `INSERT INTO adapter_desired (adapter, version, previous, canary, share, pinned, disabled, forced, revision, changed_by)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`
		if d.Revision > 1 {
			sql = `UPDATE adapter_desired SET version = $2, previous = $3, canary = $4, share = $5, pinned = $6, disabled = $7, forced = $8, revision = $9,
				changed_at = clock_timestamp(), changed_by = $10 WHERE adapter = $1 AND revision = $9 - 1`
		}
		tag, err := tx.Exec(ctx, sql, d.Adapter, d.Version, d.Previous, d.Canary, d.Share, d.Pinned, d.Disabled, d.Forced, d.Revision, d.ChangedBy)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return release.ErrChanged
		}
		for _, e := range events {
			if err := addEvent(ctx, tx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

// AddEvent stores an event.
func (s Releases) AddEvent(ctx context.Context, e release.Event) error {
	return s.inTx(ctx, func(tx pgx.Tx) error { return addEvent(ctx, tx, e) })
}

// addEvent stores what happened to an adapter, for the history, and as an event of the operator's for whoever is told. It is the last statement
// of a transaction, as emitEvent is.
func addEvent(ctx context.Context, tx pgx.Tx, e release.Event) error {
	_, err := tx.Exec(ctx, `INSERT INTO adapter_events (id, adapter, version, kind, host_id, actor, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		e.ID, e.Adapter, e.Version, e.Kind, e.Host, e.Actor, e.Detail)
	if err != nil {
		return err
	}
	return emitEvent(ctx, tx, event.Event{Type: "adapter." + e.Kind, Subject: e.Adapter,
		Data: map[string]any{"version": e.Version, "host": e.Host, "actor": e.Actor, "detail": e.Detail}})
}

// Events answers what happened, the newest first.
func (s Releases) Events(ctx context.Context, adapter, before string, limit int) ([]release.Event, error) {
	rows, err := s.pool.Query(ctx, `SELECT id, adapter, version, kind, host_id, actor, detail, at FROM adapter_events
		WHERE ($1 = '' OR adapter = $1) AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3`, adapter, before, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[release.Event])
}

// Keys answers the publishers' keys.
func (s Releases) Keys(ctx context.Context) ([]release.Key, error) {
	rows, err := s.pool.Query(ctx, `SELECT id, name, public_key, created_at, created_by FROM adapter_keys ORDER BY name`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[release.Key])
}

// AddKey stores a key.
func (s Releases) AddKey(ctx context.Context, k release.Key) error {
	_, err := s.pool.Exec(ctx, `INSERT INTO adapter_keys (id, name, public_key, created_by) VALUES ($1, $2, $3, $4)`, k.ID, k.Name, k.PublicKey, k.CreatedBy)
	if violates(err, uniqueViolation) {
		return release.ErrExists
	}
	return err
}

// RemoveKey removes a key.
func (s Releases) RemoveKey(ctx context.Context, name string) error {
	tag, err := s.pool.Exec(ctx, `DELETE FROM adapter_keys WHERE name = $1`, name)
	if err == nil && tag.RowsAffected() == 0 {
		return release.ErrNotFound
	}
	return err
}

// AuthMethods answers how integrations are connected to a platform.
func (s Releases) AuthMethods(ctx context.Context, platform string) ([]string, error) {
	rows, err := s.pool.Query(ctx, `SELECT DISTINCT auth_method FROM integrations WHERE platform = $1 AND status <> 'deleted'`, platform)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// Called says whether an integration of a platform ever ran an operation.
func (s Releases) Called(ctx context.Context, platform, operation string) (bool, error) {
	var called bool
	err := s.pool.QueryRow(ctx, `SELECT true FROM integrations i JOIN calls c ON c.integration_id = i.id
		WHERE i.platform = $1 AND i.status <> 'deleted' AND c.operation = $2 LIMIT 1`, platform, operation).Scan(&called)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return called, err
}
