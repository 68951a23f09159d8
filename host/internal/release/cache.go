package release

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// Cache keeps copies of binaries on this host's disk. They are not trusted: every launch checks the digest of what it runs.
type Cache struct {
	dir      string
	binaries Binaries

	mu   sync.Mutex
	seen map[string]os.FileInfo // copies that had their digest when they were looked at
}

// NewCache answers a cache in a folder, which is made when it is needed.
func NewCache(dir string, binaries Binaries) *Cache {
	return &Cache{dir: dir, binaries: binaries, seen: map[string]os.FileInfo{}}
}

// Path answers a file with the binary of a release, fetched where it is not there or has been changed.
func (c *Cache) Path(ctx context.Context, r Release) (string, error) {
	path := filepath.Join(c.dir, hex.EncodeToString(r.Digest[:]))
	if c.has(path, r.Digest) {
		return path, nil
	}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return "", fmt.Errorf("making the folder of binaries: %w", err)
	}
	temporary, err := os.CreateTemp(c.dir, ".fetch-")
	if err != nil {
		return "", fmt.Errorf("making a file for the binary: %w", err)
	}
	defer func() { _ = os.Remove(temporary.Name()) }() // renamed already where all went well
	h := sha256.New()
	err = c.binaries.CopyBinary(ctx, r.Digest, io.MultiWriter(temporary, h))
	if err = errors.Join(err, temporary.Chmod(0o500), temporary.Close()); err != nil {
		return "", fmt.Errorf("fetching the binary of %s %s: %w", r.Adapter, r.Version, err)
	}
	if [32]byte(h.Sum(nil)) != r.Digest {
		return "", fmt.Errorf("the stored binary of %s %s does not have its digest", r.Adapter, r.Version)
	}
	return path, os.Rename(temporary.Name(), path)
}

// has says whether a regular file has a digest. One that looks as it did when it had is not read again: the launch reads it all.
func (c *Cache) has(path string, digest [32]byte) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if before := c.seen[path]; before != nil && os.SameFile(before, info) && before.Size() == info.Size() && before.ModTime().Equal(info.ModTime()) {
		return true
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // only read
	h := sha256.New()
	if _, err = io.Copy(h, f); err != nil || [32]byte(h.Sum(nil)) != digest {
		return false
	}
	c.seen[path] = info
	return true
}

// checkedReader reads to the end and fails there where the content does not have the digest.
type checkedReader struct {
	from io.Reader
	want [32]byte
	hash hash.Hash
}

// Read reads on.
func (r *checkedReader) Read(p []byte) (int, error) {
	if r.hash == nil {
		r.hash = sha256.New()
	}
	n, err := r.from.Read(p)
	r.hash.Write(p[:n])
	if errors.Is(err, io.EOF) && [32]byte(r.hash.Sum(nil)) != r.want {
		return n, errors.New("the binary was changed meanwhile")
	}
	return n, err
}
