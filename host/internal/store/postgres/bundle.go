package postgres

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// bundle is a PostgreSQL inside the host's own binary.
type bundle struct {
	archive string // tar.gz with bin, lib and share
	manifest
}

// manifest describes the archive; scripts/postgres-bundle writes it.
type manifest struct {
	Version  string `json:"version"`
	Platform string `json:"platform"` // GOOS/GOARCH
	SHA256   string `json:"sha256"`   // of the archive, in hex
}

var hexDigest = regexp.MustCompile(`^[0-9a-f]{64}$`)

// builtIn answers the bundle of this build, or why there is none to use.
func builtIn() (*bundle, error) {
	if bundleManifest == "" {
		return nil, errors.New("this build of the host carries none (scripts/postgres-bundle and the build tag \"bundle\" add it)")
	}
	return readBundle(bundleArchive, bundleManifest)
}

// readBundle checks that a bundle is for this machine.
func readBundle(archive, text string) (*bundle, error) {
	b := &bundle{archive: archive}
	if err := json.Unmarshal([]byte(text), &b.manifest); err != nil {
		return nil, fmt.Errorf("reading the bundle's manifest: %w", err)
	}
	if !hexDigest.MatchString(b.SHA256) {
		return nil, errors.New("the bundle's manifest has no digest")
	}
	if here := runtime.GOOS + "/" + runtime.GOARCH; b.Platform != here {
		return nil, fmt.Errorf("the bundle in this build is for %s, this machine is %s", b.Platform, here)
	}
	return b, nil
}

// unpackedUnder makes sure that the bundle lies unpacked in dir/<digest>, and returns its bin directory. The
// directory appears whole or not at all; it is named by the archive's digest, so that one that exists is the right one.
func (b *bundle) unpackedUnder(dir string) (string, error) {
	home := filepath.Join(dir, b.SHA256)
	if _, err := os.Stat(home); err == nil {
		return filepath.Join(home, "bin"), nil
	}
	defer pageOut(b.archive)
	sum := sha256.New()
	_, _ = io.Copy(sum, strings.NewReader(b.archive)) // neither fails
	if hex.EncodeToString(sum.Sum(nil)) != b.SHA256 {
		return "", errors.New("the bundle is not what its manifest says; build the host again")
	}
	if err := openDir(dir); err != nil {
		return "", err
	}
	temp, err := os.MkdirTemp(dir, unpacking)
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(temp) }() // gone already when all went well
	if err := unpack(strings.NewReader(b.archive), temp); err != nil {
		return "", fmt.Errorf("unpacking PostgreSQL into %s: %w", temp, err)
	}
	if err := settle(temp); err != nil {
		return "", fmt.Errorf("writing PostgreSQL to disk in %s: %w", temp, err)
	}
	if err := os.Rename(temp, home); err != nil && !errors.Is(err, os.ErrExist) && !errors.Is(err, unix.ENOTEMPTY) {
		return "", fmt.Errorf("putting PostgreSQL in place: %w", err) // the others: another process was faster
	}
	return filepath.Join(home, "bin"), nil
}

// pageOut gives the memory of a long text back to the system, for a text that is part of the program's file is read from there when it is
// needed again. It is advice: where the kernel does not take it, nothing is lost but memory.
func pageOut(text string) {
	page := uintptr(os.Getpagesize())
	first := unsafe.Pointer(unsafe.StringData(text))
	skip := (page - uintptr(first)%page) % page
	if whole := (uintptr(len(text)) - min(skip, uintptr(len(text)))) / page * page; whole > 0 {
		_ = unix.Madvise(unsafe.Slice((*byte)(unsafe.Add(first, skip)), whole), unix.MADV_PAGEOUT)
	}
}

// unpacking begins the name of a directory that is not whole yet.
const unpacking = ".unpacking-"

// openDir makes a directory that every account may read, whatever the umask.
func openDir(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		if errors.Is(err, os.ErrExist) {
			return nil
		}
		return err
	}
	return os.Chmod(dir, 0o755)
}

// settle opens dir to its readers and waits until it is on disk: the rename that follows must not outlive the files.
func settle(dir string) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	handle, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(unix.Syncfs(int(handle.Fd())), handle.Close())
}

// sweepBinaries removes what earlier builds and interrupted unpackings left in dir. Only for the holder of the lock,
// with no server running; young unpackings are spared, for they may be another process's.
func sweepBinaries(dir, keep string, now time.Time) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	var failed []error
	for _, entry := range entries {
		old := hexDigest.MatchString(entry.Name()) && entry.Name() != keep
		if strings.HasPrefix(entry.Name(), unpacking) {
			info, err := entry.Info()
			old = err == nil && now.Sub(info.ModTime()) > time.Hour
		}
		if old {
			failed = append(failed, os.RemoveAll(filepath.Join(dir, entry.Name())))
		}
	}
	return errors.Join(append(failed, err)...)
}

// bundleDigest is the digest of this build's bundle, empty without one.
func bundleDigest() string {
	b, err := builtIn()
	if err != nil {
		return ""
	}
	return b.SHA256
}
