package store

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
)

// Manifest answers what the binary of a digest declared, encoded as it was put, or nil where it is not known.
func (s *Store) Manifest(ctx context.Context, digest []byte) ([]byte, error) {
	var manifest []byte
	err := s.pool.QueryRow(ctx, `SELECT manifest FROM manifests WHERE digest = $1`, digest).Scan(&manifest)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return manifest, err
}

// PutManifest stores what a binary declared.
func (s *Store) PutManifest(ctx context.Context, digest []byte, adapter, version string, manifest []byte) error {
	_, err := s.pool.Exec(ctx, `INSERT INTO manifests (digest, adapter, version, manifest) VALUES ($1, $2, $3, $4)
		ON CONFLICT (digest) DO UPDATE SET adapter = $2, version = $3, manifest = $4`, digest, adapter, version, manifest)
	return err
}
