package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead/aesgcm"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"golang.org/x/sys/unix"
)

const (
	maxKeyFile  = 1 << 20 // bytes; a key takes about 250
	lockRetry   = 20 * time.Millisecond
	adviceCopy  = "put back the file from another host of the cluster or from a backup; without it nothing that is sealed can be read"
	adviceFirst = "on a first run the host makes one; otherwise " + adviceCopy
)

// keyFile is a Tink keyset in JSON, in clear, with AES-256-GCM keys. It is the
// root of all other secrets: readable by its owner alone, replaced whole, and
// never written but by adding a key.
type keyFile struct {
	path string
}

// read loads the keyset. It refuses a file that others than its owner could
// read, checking the open file and not the name.
func (f keyFile) read() (*keyset.Handle, error) {
	file, err := os.OpenFile(f.path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, f.problem("does not exist", adviceFirst, fs.ErrNotExist)
	case errors.Is(err, fs.ErrPermission):
		return nil, f.problem("may not be read by this user", "give it to the user that runs the host, with mode 0600", nil)
	case err != nil:
		return nil, f.problem("cannot be opened", adviceCopy, err)
	}
	defer func() { _ = file.Close() }() // only read
	info, err := file.Stat()
	if err != nil {
		return nil, f.problem("cannot be examined", adviceCopy, err)
	}
	if !info.Mode().IsRegular() {
		return nil, f.problem("is not a regular file", "point PATCHBAY_KEY at a keyset file", nil)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, f.problem(fmt.Sprintf("has mode %04o, others than its owner have access", info.Mode().Perm()),
			fmt.Sprintf("run `chmod 600 %s`, and rotate the key if others may have read it", f.path), nil)
	}
	b, err := io.ReadAll(io.LimitReader(file, maxKeyFile+1))
	if err != nil {
		return nil, f.problem("cannot be read", adviceCopy, err)
	}
	defer clear(b)
	if len(b) > maxKeyFile {
		return nil, f.problem("is too large for a keyset", adviceCopy, nil)
	}
	return f.parse(b)
}

// parse reads a keyset from b. Tink's own error is left out: it may quote the
// file.
func (f keyFile) parse(b []byte) (*keyset.Handle, error) {
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(b)))
	if err != nil {
		return nil, f.problem("is damaged: it holds no Tink keyset in JSON", adviceCopy, nil)
	}
	return handle, nil
}

// keys are the enabled keys of the keyset in the file's order.
func (f keyFile) keys(handle *keyset.Handle) ([]*kek, error) {
	var keks []*kek
	for i := range handle.Len() {
		entry, err := handle.Entry(i)
		if err != nil {
			return nil, f.problem("is damaged", adviceCopy, err)
		}
		if entry.KeyStatus() != keyset.Enabled {
			continue
		}
		id := fileKeyID(entry.KeyID())
		key, ok := entry.Key().(*aesgcm.Key)
		if !ok || key.Parameters().(*aesgcm.Parameters).KeySizeInBytes() != dataKeySize {
			return nil, f.problem(fmt.Sprintf("holds key %s, which is not AES-256-GCM", id), "use a file that the host made", nil)
		}
		primitive, err := aesgcm.NewAEAD(key)
		if err != nil {
			return nil, f.problem(fmt.Sprintf("holds key %s, which is not usable", id), adviceCopy, err)
		}
		keks = append(keks, &kek{id: id, origin: f.path, aead: local{primitive}, material: key})
	}
	if len(keks) == 0 {
		return nil, f.problem("holds no enabled key", adviceCopy, nil)
	}
	return keks, nil
}

// create makes the file with one key, unless it exists already.
func (f keyFile) create(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
		return f.problem("cannot be created", "make its directory writable for the host", err)
	}
	return f.locked(ctx, func() error {
		if _, err := os.Lstat(f.path); err == nil {
			return nil // another process made it first
		}
		manager := keyset.NewManager()
		id, err := addKey(manager)
		if err != nil {
			return err
		}
		if err := manager.SetPrimary(id); err != nil {
			return fmt.Errorf("making a key: %w", err)
		}
		return f.write(manager)
	})
}

// add puts a new key into the file and returns its id. Keys that another
// process added meanwhile are kept.
func (f keyFile) add(ctx context.Context) (string, error) {
	var added string
	err := f.locked(ctx, func() error {
		handle, err := f.read()
		if err != nil {
			return err
		}
		manager := keyset.NewManagerFromHandle(handle)
		id, err := addKey(manager)
		if err != nil {
			return err
		}
		added = fileKeyID(id)
		return f.write(manager)
	})
	return added, err
}

// addKey adds a fresh AES-256-GCM key to a keyset.
func addKey(manager *keyset.Manager) (uint32, error) {
	parameters, err := aesgcm.NewParameters(aesgcm.ParametersOpts{
		KeySizeInBytes: dataKeySize, IVSizeInBytes: 12, TagSizeInBytes: 16, Variant: aesgcm.VariantTink,
	})
	if err != nil {
		return 0, fmt.Errorf("making a key: %w", err)
	}
	id, err := manager.AddNewKeyFromParameters(parameters)
	if err != nil {
		return 0, fmt.Errorf("making a key: %w", err)
	}
	return id, nil
}

// write replaces the file by the manager's keyset: a new file of mode 0600,
// flushed to disk, renamed over the old one, the directory flushed. A crash
// leaves the old file or the new, never a part.
func (f keyFile) write(manager *keyset.Manager) error {
	handle, err := manager.Handle()
	if err != nil {
		return fmt.Errorf("writing key file: %w", err)
	}
	var buf bytes.Buffer
	defer func() { clear(buf.Bytes()) }()
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&buf)); err != nil {
		return fmt.Errorf("writing key file: %w", err)
	}
	if err := f.replace(buf.Bytes()); err != nil {
		return f.problem("cannot be written", "see that its directory is writable and its disk has room; the file is as it was", err)
	}
	return nil
}

func (f keyFile) replace(b []byte) error {
	dir := filepath.Dir(f.path)
	temp, err := os.CreateTemp(dir, "."+filepath.Base(f.path)+".*") // made with mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp.Name()) }() // fails once renamed, as it should
	_, err = temp.Write(b)
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), f.path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// locked runs do while no other process changes the file. The lock is a file
// beside it, since the key file itself is replaced.
func (f keyFile) locked(ctx context.Context, do func() error) error {
	lock, err := os.OpenFile(f.path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return f.problem("cannot be locked", "make its directory writable for the host", err)
	}
	defer func() { _ = lock.Close() }() // gives up the lock
	retry := time.NewTicker(lockRetry)
	defer retry.Stop()
	for {
		err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return do()
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return f.problem("cannot be locked", "keep it on a file system with locks", err)
		}
		select {
		case <-ctx.Done():
			return f.problem("is being changed by another process", "try again", ctx.Err())
		case <-retry.C:
		}
	}
}

func (f keyFile) problem(problem, advice string, err error) error {
	return &KeyFileError{Path: f.path, Problem: problem, Advice: advice, Err: err}
}

// fileKeyID is the id of a key in a file: Tink's own, in hex.
func fileKeyID(id uint32) string { return fmt.Sprintf("%08x", id) }
