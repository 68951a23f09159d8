package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay/patchbay/host/internal/file"
)

// PutChunk stores a sealed chunk.
func (s *Store) PutChunk(ctx context.Context, id string, seq int, sealed []byte) error {
	_, err := s.pool.Exec(ctx, `INSERT INTO file_chunks (file_id, seq, data) VALUES ($1, $2, $3)`, id, seq, sealed)
	return err
}

// PutFile makes a file visible.
func (s *Store) PutFile(ctx context.Context, r file.Record) error {
	_, err := s.pool.Exec(ctx, `INSERT INTO files (id, call_id, user_id, name, media_type, size, chunks, sealed, key_id, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, r.ID, r.Call, r.User, r.Name, r.MediaType, r.Size, r.Chunks, r.Key.Bytes, r.Key.KeyID, r.ExpiresAt)
	return err
}

// DropFile removes a file with its chunks.
func (s *Store) DropFile(ctx context.Context, id string) error {
	batch := &pgx.Batch{}
	batch.Queue(`DELETE FROM files WHERE id = $1`, id)
	batch.Queue(`DELETE FROM file_chunks WHERE file_id = $1`, id)
	return s.pool.SendBatch(ctx, batch).Close()
}

// FileOf answers a file of a call.
func (s *Store) FileOf(ctx context.Context, call, id string, now time.Time) (file.Record, error) {
	r := file.Record{Call: call}
	err := s.pool.QueryRow(ctx, `SELECT id, user_id, name, media_type, size, chunks, sealed, key_id, expires_at FROM files
		WHERE id = $1 AND call_id = $2 AND expires_at > $3`, id, call, now).
		Scan(&r.ID, &r.User, &r.Name, &r.MediaType, &r.Size, &r.Chunks, &r.Key.Bytes, &r.Key.KeyID, &r.ExpiresAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, file.ErrNotFound
	}
	return r, err
}

// FilesOf answers the files of a call.
func (s *Store) FilesOf(ctx context.Context, call string, now time.Time) ([]file.File, error) {
	rows, err := s.pool.Query(ctx, `SELECT id, name, media_type, size FROM files WHERE call_id = $1 AND expires_at > $2 ORDER BY id`, call, now)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (file.File, error) {
		var f file.File
		err := row.Scan(&f.ID, &f.Name, &f.MediaType, &f.Size)
		return f, err
	})
}

// Chunk answers a sealed chunk.
func (s *Store) Chunk(ctx context.Context, id string, seq int) ([]byte, error) {
	var data []byte
	err := s.pool.QueryRow(ctx, `SELECT data FROM file_chunks WHERE file_id = $1 AND seq = $2`, id, seq).Scan(&data)
	return data, err
}
