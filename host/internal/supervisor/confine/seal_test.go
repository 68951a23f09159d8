package confine

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestSeal(t *testing.T) {
	content := bytes.Repeat([]byte("program "), 10_000)
	digest := sha256.Sum256(content)
	path := filepath.Join(t.TempDir(), "adapter")
	write := func(content []byte) {
		t.Helper()
		if err := os.WriteFile(path, content, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(content)
	file, err := Seal(path, digest)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()

	// What becomes of the file afterwards is without effect, and the copy cannot be changed.
	write([]byte("another program"))
	if _, err := file.WriteAt([]byte("x"), 0); !errors.Is(err, unix.EPERM) {
		t.Errorf("writing to the copy: %v", err)
	}
	if err := file.Truncate(1); !errors.Is(err, unix.EPERM) {
		t.Errorf("truncating the copy: %v", err)
	}
	if err := file.Truncate(1 << 20); !errors.Is(err, unix.EPERM) {
		t.Errorf("growing the copy: %v", err)
	}
	if _, err := unix.Mmap(int(file.Fd()), 0, 4096, unix.PROT_WRITE, unix.MAP_SHARED); err == nil {
		t.Error("the copy can be mapped for writing")
	}
	if got, err := io.ReadAll(io.NewSectionReader(file, 0, 1<<20)); err != nil || !bytes.Equal(got, content) {
		t.Errorf("the copy holds %d bytes, %v", len(got), err)
	}

	for name, changed := range map[string][]byte{
		"replaced": []byte("another program"), "truncated": content[:len(content)-1], "longer": append(content, 'x'), "empty": nil,
	} {
		write(changed)
		if _, err := Seal(path, digest); !errors.Is(err, ErrDigest) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSealRefusesOtherThanFiles(t *testing.T) {
	dir := t.TempDir()
	content := []byte("program")
	if err := os.WriteFile(filepath.Join(dir, "file"), content, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("file", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(filepath.Join(dir, "pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"link", "pipe", ".", "missing"} {
		if _, err := Seal(filepath.Join(dir, name), sha256.Sum256(content)); err == nil || errors.Is(err, ErrDigest) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// changing is a file that is written to while it is read.
type changing struct {
	io.Reader
	file *os.File
}

func (c changing) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p[:min(len(p), 100)])
	_, _ = c.file.WriteAt([]byte("changed"), 500)
	return n, err
}

func TestSealOfAFileThatChangesMeanwhile(t *testing.T) {
	content := []byte(strings.Repeat("program ", 1000))
	path := filepath.Join(t.TempDir(), "adapter")
	if err := os.WriteFile(path, content, 0o755); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if _, err := SealFrom(changing{file, file}, sha256.Sum256(content)); !errors.Is(err, ErrDigest) {
		t.Errorf("SealFrom: %v", err)
	}
}

func TestSealIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a GiB of memory")
	}
	endless := readerFunc(func(p []byte) (int, error) { return len(p), nil })
	if _, err := SealFrom(endless, [sha256.Size]byte{}); err == nil || errors.Is(err, ErrDigest) {
		t.Errorf("SealFrom: %v", err)
	}
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
