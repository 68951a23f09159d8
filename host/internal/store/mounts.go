package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay/patchbay/host/internal/mount"
)

// Mounts answers the platforms that operators made, without what is large.
func (s *Store) Mounts(ctx context.Context) ([]mount.Record, error) {
	rows, err := s.pool.Query(ctx, `SELECT id, adapter, revision, definition, changed_by, changed_at FROM mounts ORDER BY id`)
	if err != nil {
		return nil, err
	}
	var out []mount.Record
	var r mount.Record
	var adapter string
	var raw []byte
	_, err = pgx.ForEachRow(rows, []any{&r.ID, &adapter, &r.Revision, &raw, &r.ChangedBy, &r.ChangedAt}, func() error {
		r.Definition = mount.Definition{}
		if err := json.Unmarshal(raw, &r.Definition); err != nil {
			return fmt.Errorf("decoding platform %s: %w", r.ID, err)
		}
		r.Adapter = adapter
		out = append(out, r)
		return nil
	})
	return out, err
}

// Compiled answers what was made of the document of a platform, in the revision.
func (s *Store) Compiled(ctx context.Context, id string, revision int64) ([]byte, error) {
	var compiled []byte
	err := s.pool.QueryRow(ctx, `SELECT compiled FROM mounts WHERE id = $1 AND revision = $2`, id, revision).Scan(&compiled)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, mount.ErrChanged
	}
	return compiled, err
}

// Document answers the document of a platform, or nil.
func (s *Store) Document(ctx context.Context, id string) ([]byte, error) {
	var document []byte
	err := s.pool.QueryRow(ctx, `SELECT document FROM mounts WHERE id = $1`, id).Scan(&document)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return document, err
}

// PutMount stores a platform whose revision is one above the stored one (1: there is none), or fails with mount.ErrChanged.
func (s *Store) PutMount(ctx context.Context, r mount.Record, document, compiled []byte) error {
	definition, err := json.Marshal(r.Definition)
	if err != nil {
		return fmt.Errorf("encoding platform %s: %w", r.ID, err)
	}
	tag, err := s.pool.Exec(ctx, `INSERT INTO mounts AS m (id, adapter, revision, definition, document, compiled, changed_by, changed_at)
		SELECT $1::text, $2::text, $3::bigint, $4::jsonb, $5::bytea, $6::bytea, $7::text, $8::timestamptz
		WHERE $3::bigint = 1 OR EXISTS (SELECT 1 FROM mounts WHERE id = $1::text)
		ON CONFLICT (id) DO UPDATE SET adapter = $2, revision = $3::bigint, definition = $4, document = $5, compiled = $6, changed_by = $7, changed_at = $8
		WHERE m.revision = $3::bigint - 1`, r.ID, r.Adapter, r.Revision, definition, document, compiled, r.ChangedBy, r.ChangedAt)
	if err == nil && tag.RowsAffected() == 0 {
		return mount.ErrChanged
	}
	return err
}

// DropMount removes a platform of a revision, or fails with mount.ErrChanged.
func (s *Store) DropMount(ctx context.Context, id string, revision int64) error {
	tag, err := s.pool.Exec(ctx, `DELETE FROM mounts WHERE id = $1 AND revision = $2`, id, revision)
	if err == nil && tag.RowsAffected() == 0 {
		return mount.ErrChanged
	}
	return err
}
