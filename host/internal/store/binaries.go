package store

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"
	"github.com/klauspost/compress/zstd"

	"github.com/patchbay/patchbay/host/internal/release"
)

// binaryPiece is how much of a compressed binary one row holds.
const binaryPiece = 1 << 20

// HasBinary says whether a binary is stored.
func (s Releases) HasBinary(ctx context.Context, digest [32]byte) (bool, error) {
	var has bool
	err := s.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM adapter_binaries WHERE digest = $1)`, digest[:]).Scan(&has)
	return has, err
}

// PutBinary stores a binary; what is there already stays.
func (s Releases) PutBinary(ctx context.Context, digest [32]byte, content io.Reader) error {
	return s.inTx(ctx, func(tx pgx.Tx) error {
		// One host stores it, and the others that come meanwhile find it.
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext('adapter_binaries'), hashtext(encode($1, 'hex')))`, digest[:]); err != nil {
			return err
		}
		var has bool
		if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM adapter_binaries WHERE digest = $1)`, digest[:]).Scan(&has); err != nil || has {
			return err
		}
		w := &pieceWriter{ctx: ctx, tx: tx, digest: digest}
		z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
		if err != nil {
			return err
		}
		if _, err := io.Copy(z, content); err != nil {
			_ = z.Close() // the transaction is given up
			return fmt.Errorf("reading the binary: %w", err)
		}
		if err := z.Close(); err != nil {
			return err
		}
		return w.flush()
	})
}

// pieceWriter stores what is written to it piece by piece.
type pieceWriter struct {
	ctx    context.Context
	tx     pgx.Tx
	digest [32]byte
	seq    int
	buffer bytes.Buffer
}

// Write stores whole pieces and keeps the rest.
func (w *pieceWriter) Write(p []byte) (int, error) {
	w.buffer.Write(p)
	for w.buffer.Len() >= binaryPiece {
		if err := w.put(w.buffer.Next(binaryPiece)); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

func (w *pieceWriter) flush() error { return w.put(w.buffer.Bytes()) }

func (w *pieceWriter) put(piece []byte) error {
	_, err := w.tx.Exec(w.ctx, `INSERT INTO adapter_binaries (digest, seq, data) VALUES ($1, $2, $3)`, w.digest[:], w.seq, piece)
	w.seq++
	return err
}

// CopyBinary writes a binary, or fails with release.ErrNotFound. It writes no more than a binary may have.
func (s Releases) CopyBinary(ctx context.Context, digest [32]byte, to io.Writer) error {
	z, err := zstd.NewReader(&pieceReader{ctx: ctx, s: s, digest: digest}, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
	if err != nil {
		return err
	}
	defer z.Close()
	n, err := io.Copy(to, io.LimitReader(z, release.MaxBinaryBytes+1))
	if err == nil && n > release.MaxBinaryBytes {
		err = fmt.Errorf("the binary is larger than %d MiB", release.MaxBinaryBytes>>20)
	}
	return err
}

// pieceReader reads the pieces in turn.
type pieceReader struct {
	ctx    context.Context
	s      Releases
	digest [32]byte
	seq    int
	rest   []byte
}

// Read answers io.EOF after the last piece, and release.ErrNotFound where there is none at all.
func (r *pieceReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		rows, err := r.s.pool.Query(r.ctx, `SELECT data FROM adapter_binaries WHERE digest = $1 AND seq = $2`, r.digest[:], r.seq)
		if err != nil {
			return 0, err
		}
		found, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
		switch {
		case err != nil:
			return 0, err
		case len(found) == 0 && r.seq == 0:
			return 0, release.ErrNotFound
		case len(found) == 0:
			return 0, io.EOF
		}
		r.rest = found[0]
		r.seq++
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}
