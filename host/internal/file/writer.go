package file

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/patchbay/patchbay/host/internal/vault"
)

// Writer stores a file as it comes, at most one chunk in memory.
type Writer struct {
	ctx     context.Context // of the call that the file belongs to
	cabinet *Cabinet
	key     *vault.DataKey
	record  Record
	buffer  []byte
	closed  bool
}

// ErrTooLarge is answered for a file over MaxBytes.
var ErrTooLarge = errors.New("the file is larger than 1 GiB")

// Write takes the next bytes.
func (w *Writer) Write(p []byte) (int, error) {
	if w.closed {
		return 0, errors.New("the file is closed")
	}
	if w.record.Size += int64(len(p)); w.record.Size > MaxBytes {
		return 0, ErrTooLarge
	}
	w.buffer = append(w.buffer, p...)
	for len(w.buffer) > chunkBytes { // the last chunk is sealed apart, so one is always kept back
		if err := w.put(w.buffer[:chunkBytes], false); err != nil {
			return 0, err
		}
		w.buffer = append(w.buffer[:0], w.buffer[chunkBytes:]...)
	}
	return len(p), nil
}

func (w *Writer) put(data []byte, last bool) error {
	sealed, err := w.key.Seal(aad(w.record.Call, w.record.ID, w.record.Chunks, last), data)
	if err != nil {
		return fmt.Errorf("sealing a chunk: %w", err)
	}
	if err := w.cabinet.store.PutChunk(w.ctx, w.record.ID, w.record.Chunks, sealed); err != nil {
		return fmt.Errorf("storing a chunk: %w", err)
	}
	w.record.Chunks++
	return nil
}

// Close stores the rest and makes the file visible.
func (w *Writer) Close() error {
	if w.closed {
		return nil
	}
	if err := w.put(w.buffer, true); err != nil {
		return err
	}
	if err := w.cabinet.store.PutFile(w.ctx, w.record); err != nil {
		return fmt.Errorf("storing the file: %w", err)
	}
	w.closed = true
	return nil
}

// File answers what is told of the file, and whether it is complete.
func (w *Writer) File() (File, bool) { return w.record.File, w.closed }

// Discard removes the file. What cannot be removed now goes when it expires.
func (w *Writer) Discard(ctx context.Context) {
	_ = w.cabinet.store.DropFile(ctx, w.record.ID) // the sweep of expired files removes it otherwise
}

// cleanName makes a name of an adapter fit for a header and a screen.
func cleanName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '"' || r == '\\' {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(name, "_"))
	if runes := []rune(name); len(runes) > 200 {
		name = string(runes[:200])
	}
	if name == "" {
		return "file"
	}
	return name
}
