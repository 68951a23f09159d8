package postgres

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Bounds of an archive: the real one has about 700 entries and 54 MB.
const (
	maxEntries = 10_000
	maxBytes   = 512 << 20
)

// unpack writes the directories and plain files of a tar.gz into dir, which exists and is empty. Anything else in the
// archive (links, devices, names that lead out of dir, two files of one name) is an error, and so is one beyond the
// bounds; what was written until then stays for the caller to remove. Files can be read by all, written by the owner.
func unpack(from io.Reader, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	err = unpackInto(root, from, maxBytes)
	return errors.Join(err, root.Close())
}

func unpackInto(root *os.Root, from io.Reader, room int64) error {
	plain, err := gzip.NewReader(from)
	if err != nil {
		return err
	}
	archive := tar.NewReader(plain)
	for range maxEntries {
		header, err := archive.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if room -= header.Size; room < 0 {
			return fmt.Errorf("%s: the archive is larger than %d bytes", header.Name, maxBytes)
		}
		if err := unpackEntry(root, header, archive); err != nil {
			return fmt.Errorf("%s: %w", header.Name, err)
		}
	}
	return fmt.Errorf("the archive has more than %d entries", maxEntries)
}

func unpackEntry(root *os.Root, header *tar.Header, content io.Reader) error {
	name := filepath.Clean(header.Name)
	if !filepath.IsLocal(name) {
		return errors.New("leads out of the directory")
	}
	switch header.Typeflag {
	case tar.TypeDir:
		if err := root.MkdirAll(name, 0o755); err != nil {
			return err
		}
		if name == "." {
			return nil // opened by the caller, when all is there
		}
		return root.Chmod(name, 0o755) // whatever the umask
	case tar.TypeReg:
		return unpackFile(root, name, header.FileInfo().Mode(), content)
	default:
		return fmt.Errorf("is of type %q, neither a directory nor a plain file", header.Typeflag)
	}
}

func unpackFile(root *os.Root, name string, mode os.FileMode, content io.Reader) error {
	permissions := os.FileMode(0o644)
	if mode&0o111 != 0 {
		permissions = 0o755
	}
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	return errors.Join(err, file.Chmod(permissions), file.Close())
}
