package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// ownDigest answers the digest of this program, which the host runs without a path.
var ownDigest = sync.OnceValues(func() (string, error) {
	f, err := os.Open("/proc/self/exe")
	if err != nil {
		return "", fmt.Errorf("reading this program: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("reading this program: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
})

// copyOnce puts a copy of this program into a folder, unless it is there.
func copyOnce(folder, name string) (string, error) {
	dir := filepath.Join(folder, "agents")
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return "", err
	}
	from, err := os.Open("/proc/self/exe")
	if err != nil {
		return "", fmt.Errorf("reading this program: %w", err)
	}
	defer func() { _ = from.Close() }() // only read
	to, err := os.CreateTemp(dir, "new-*")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.Remove(to.Name()) }() // renamed by then
	_, err = io.Copy(to, from)
	if err := errors.Join(err, to.Chmod(0o555), to.Sync(), to.Close()); err != nil {
		return "", fmt.Errorf("copying the agent: %w", err)
	}
	return path, os.Rename(to.Name(), path)
}
