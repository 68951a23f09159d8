package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/patchbay/patchbay/host/internal/id"
	"github.com/patchbay/patchbay/host/internal/vault"
)

const (
	// chunkBytes is how much of a file is sealed at a time.
	chunkBytes = 1 << 20
	// MaxBytes bounds one file.
	MaxBytes = 1 << 30
	// Lifetime is how long a file is kept.
	Lifetime = 24 * time.Hour
)

// File is what is told of a file.
type File struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	MediaType string `json:"media_type"`
	Size      int64  `json:"size"`
	// URL is where it can be read for some minutes; surfaces fill it in.
	URL string `json:"url,omitempty"`
}

// Record is a file as it is stored.
type Record struct {
	File
	User, Call string
	Key        vault.Sealed // the sealed data key of its chunks
	Chunks     int
	ExpiresAt  time.Time
}

// ErrNotFound is answered for a missing file and for another user's alike.
var ErrNotFound = errors.New("there is no such file")

// Store keeps files.
type Store interface {
	// PutChunk stores a chunk of a file that is not complete yet.
	PutChunk(ctx context.Context, file string, seq int, sealed []byte) error
	// PutFile makes a file visible, once all its chunks are stored.
	PutFile(ctx context.Context, r Record) error
	// DropFile removes a file with its chunks.
	DropFile(ctx context.Context, id string) error
	Reader
}

// Reader reads what a Store keeps.
type Reader interface {
	// FileOf answers a complete file of a call, or ErrNotFound.
	FileOf(ctx context.Context, call, id string, now time.Time) (Record, error)
	// FilesOf answers the complete files of a call.
	FilesOf(ctx context.Context, call string, now time.Time) ([]File, error)
	Chunk(ctx context.Context, file string, seq int) ([]byte, error)
}

// Cabinet stores and opens files.
type Cabinet struct {
	store Store
	vault *vault.Vault
	now   func() time.Time
}

// NewCabinet answers a cabinet over a store; now is the clock.
func NewCabinet(store Store, v *vault.Vault, now func() time.Time) *Cabinet {
	return &Cabinet{store: store, vault: v, now: now}
}

// Create begins a file of a call. The writer's Close makes it visible.
func (c *Cabinet) Create(ctx context.Context, user, call, name, mediaType string) (*Writer, error) {
	key, err := c.vault.NewDataKey(ctx)
	if err != nil {
		return nil, fmt.Errorf("making the file's key: %w", err)
	}
	if mediaType == "" {
		mediaType = "application/octet-stream"
	}
	return &Writer{ctx: ctx, cabinet: c, key: key, record: Record{User: user, Call: call, ExpiresAt: c.now().Add(Lifetime), Key: key.Sealed(),
		File: File{ID: id.New("file"), Name: cleanName(name), MediaType: cleanName(mediaType)}}}, nil
}

// Store stores a file whole.
func (c *Cabinet) Store(ctx context.Context, user, call, name, mediaType string, data []byte) (File, error) {
	w, err := c.Create(ctx, user, call, name, mediaType)
	if err != nil {
		return File{}, err
	}
	if _, err := w.Write(data); err != nil {
		w.Discard(ctx)
		return File{}, err
	}
	if err := w.Close(); err != nil {
		return File{}, err
	}
	f, _ := w.File()
	return f, nil
}

// List answers the files of a call.
func (c *Cabinet) List(ctx context.Context, call string) ([]File, error) {
	return c.store.FilesOf(ctx, call, c.now())
}

// Open answers a file of a call of a user, and writes its content with Content.
func (c *Cabinet) Open(ctx context.Context, user, call, fileID string) (*Content, error) {
	r, err := c.store.FileOf(ctx, call, fileID, c.now())
	if err != nil {
		return nil, err
	}
	if r.User != user {
		return nil, ErrNotFound
	}
	return c.content(ctx, r)
}

// OpenLinked answers a file to whoever holds a valid link to it.
func (c *Cabinet) OpenLinked(ctx context.Context, call, fileID string) (*Content, error) {
	r, err := c.store.FileOf(ctx, call, fileID, c.now())
	if err != nil {
		return nil, err
	}
	return c.content(ctx, r)
}

func (c *Cabinet) content(ctx context.Context, r Record) (*Content, error) {
	key, err := c.vault.OpenDataKey(ctx, vault.Access{Actor: r.User, Owner: r.User, Reason: vault.ForCall}, vault.FileAAD(r.Call, r.ID, 0), r.Key)
	if err != nil {
		return nil, fmt.Errorf("opening the file's key: %w", err)
	}
	return &Content{File: r.File, record: r, store: c.store, key: key}, nil
}

// Content is an opened file.
type Content struct {
	File
	record Record
	store  Reader
	key    *vault.DataKey
}

// CopyTo writes the content to w, chunk by chunk.
func (c *Content) CopyTo(ctx context.Context, w io.Writer) error {
	for seq := range c.record.Chunks {
		sealed, err := c.store.Chunk(ctx, c.record.ID, seq)
		if err != nil {
			return fmt.Errorf("reading chunk %d: %w", seq, err)
		}
		plain, err := c.key.Open(aad(c.record.Call, c.record.ID, seq, seq == c.record.Chunks-1), sealed)
		if err != nil {
			return fmt.Errorf("opening chunk %d: %w", seq, err)
		}
		if _, err := w.Write(plain); err != nil {
			return err
		}
	}
	return nil
}

// aad binds a chunk to its place; the last one is marked, so that a file cannot be cut short.
func aad(call, file string, seq int, last bool) vault.AAD {
	if last {
		return vault.LastFileAAD(call, file, seq)
	}
	return vault.FileAAD(call, file, seq)
}
