package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// maxSecretFile bounds what is read as a token or a field of a credential.
const maxSecretFile = 1 << 20

// trusted says whether a file or folder is this user's or root's, and nobody else may write it.
func trusted(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && (int(stat.Uid) == os.Getuid() || stat.Uid == 0) && info.Mode().Perm()&0o022 == 0
}

// readPrivate reads a file of this user's that only this user may read; it refuses any other, whose content may be known or planted.
func readPrivate(path string) ([]byte, error) {
	return readChecked(path, func(info os.FileInfo) bool { return trusted(info) && info.Mode().Perm()&0o077 == 0 })
}

// readSecret reads a file that only its owner may read, whoever that is: for paths that the user named.
func readSecret(path string) ([]byte, error) {
	return readChecked(path, func(info os.FileInfo) bool { return info.Mode().Perm()&0o077 == 0 })
}

func readChecked(path string, good func(os.FileInfo) bool) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || !good(info) {
		return nil, fmt.Errorf("%s must be a file of yours that is closed to others: chmod 600 it, or remove it", path)
	}
	return readBounded(f)
}

// readBounded reads all of a small file.
func readBounded(r io.Reader) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxSecretFile+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxSecretFile {
		return nil, errors.New("it is larger than 1 MiB")
	}
	return raw, nil
}
