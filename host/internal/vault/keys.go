package vault

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead/aesgcm"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// KeysConfig says where the key-encryption keys are.
type KeysConfig struct {
	// URI is required: the path of a keyset file (also as file://PATH), the
	// URI of a key in a key management service, or several of these parted by
	// commas, of which one may be a file:
	//
	//	aws-kms://arn:aws:kms:REGION:ACCOUNT:key/ID
	//	gcp-kms://projects/P/locations/L/keyRings/R/cryptoKeys/K
	//	hcvault://HOST:PORT/MOUNT/keys/NAME
	//
	// AWS and Google find their credentials as their own tools do. On a first
	// run the first key named becomes the primary.
	URI string
	// Create makes a missing key file, optional. Give it on a first run only
	// (see FirstRun): a new file beside an old database only hides the loss.
	Create bool
	// HashiCorpToken yields the token for hcvault URIs, required with one. It
	// is asked before every request, so that a renewed token is picked up.
	HashiCorpToken func(context.Context) (Secret, error)
	// HashiCorpTLS is for hcvault URIs, optional; the default trusts the
	// machine's authorities and speaks TLS 1.2 or better.
	HashiCorpTLS *tls.Config
	// Timeout bounds one request to a service, optional; default 10 s.
	Timeout time.Duration
}

// Keys are the key-encryption keys that this host holds. Each has an id that
// stays the same on every host: Tink's key id in hex for a key in a file, a
// short hash of the URI for a key in a service. Safe for concurrent use.
type Keys struct {
	cfg  KeysConfig
	file *keyFile // nil when all keys are in services

	mu   sync.RWMutex
	keks []*kek // as configured, the file's in its own order
}

// kek is one key-encryption key. All but lost is constant.
type kek struct {
	id       string
	origin   string // path or URI
	aead     tink.AEADWithContext
	material *aesgcm.Key   // of a key in a file, to notice another under its id
	timeout  time.Duration // of a request to a service
	closer   io.Closer     // may be nil
	lost     bool          // no longer in the file; guarded by Keys.mu
}

// OpenKeys reads the key file and prepares the services, of which it asks
// nothing yet. A file that is missing, damaged or open to others fails with a
// KeyFileError that says what to do. Close releases connections.
func OpenKeys(ctx context.Context, cfg KeysConfig) (*Keys, error) {
	if cfg.Timeout <= 0 {
		cfg.Timeout = 10 * time.Second
	}
	k := &Keys{cfg: cfg}
	for uri := range strings.SplitSeq(cfg.URI, ",") {
		if err := k.open(ctx, strings.TrimSpace(uri)); err != nil {
			return nil, errors.Join(fmt.Errorf("opening keys: %w", err), k.Close())
		}
	}
	return k, nil
}

func (k *Keys) open(ctx context.Context, uri string) error {
	if isKMS(uri) {
		key, err := openKMS(ctx, k.cfg, uri)
		if err != nil {
			return err
		}
		return k.take(key)
	}
	path, isFile := strings.CutPrefix(uri, "file://")
	switch {
	case path == "":
		return errors.New("PATCHBAY_KEY names no key: give the path of a keyset file or the URI of a key in a service")
	case !isFile && strings.Contains(path, "://"):
		return fmt.Errorf("key %q: only file, aws-kms, gcp-kms and hcvault are known", shown(path))
	case k.file != nil:
		return fmt.Errorf("keys %q and %q: only one key file may be named", k.file.path, path)
	}
	k.file = &keyFile{path: path}
	handle, err := k.file.read()
	if errors.Is(err, fs.ErrNotExist) && k.cfg.Create {
		if err := k.file.create(ctx); err != nil {
			return err
		}
		handle, err = k.file.read()
	}
	if err != nil {
		return err
	}
	keys, err := k.file.keys(handle)
	if err != nil {
		return err
	}
	return k.take(keys...)
}

// take adds keys while opening.
func (k *Keys) take(keys ...*kek) error {
	for _, key := range keys {
		if k.find(key.id) != nil {
			return fmt.Errorf("key %s is named twice in PATCHBAY_KEY", key.id)
		}
		k.keks = append(k.keks, key)
	}
	return nil
}

// find is the key of an id or nil; the caller holds the lock.
func (k *Keys) find(id string) *kek {
	for _, key := range k.keks {
		if key.id == id {
			return key
		}
	}
	return nil
}

// get is the key of an id or nil.
func (k *Keys) get(id string) *kek {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.find(id)
}

// IDs are the keys that this host would have after a restart, in order.
func (k *Keys) IDs() []string {
	k.mu.RLock()
	defer k.mu.RUnlock()
	var ids []string
	for _, key := range k.keks {
		if !key.lost {
			ids = append(ids, key.id)
		}
	}
	return ids
}

// usable are the keys that can unwrap now, those lost from the file included.
func (k *Keys) usable() []string {
	k.mu.RLock()
	defer k.mu.RUnlock()
	ids := make([]string, len(k.keks))
	for i, key := range k.keks {
		ids[i] = key.id
	}
	return ids
}

// File is the path of the key file; empty when all keys are in services.
func (k *Keys) File() string {
	if k.file == nil {
		return ""
	}
	return k.file.path
}

// Location is where this host's keys are, for messages.
func (k *Keys) Location() string { return k.cfg.URI }

// Reload reads the key file again and takes up the keys added to it since, as
// when it was copied from another host. Keys in memory are never dropped or
// replaced by it: a file that is gone, damaged or lacks one of them is
// reported and the host works on.
func (k *Keys) Reload(context.Context) error {
	if k.file == nil {
		return nil
	}
	handle, err := k.file.read()
	if err != nil {
		return fmt.Errorf("reloading keys: %w", err)
	}
	read, err := k.file.keys(handle)
	if err != nil {
		return fmt.Errorf("reloading keys: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, key := range k.keks {
		if key.material != nil {
			key.lost = !slices.ContainsFunc(read, key.same)
		}
	}
	for _, key := range read {
		held := k.find(key.id)
		if held == nil {
			k.keks = append(k.keks, key)
		} else if !held.same(key) {
			err = errors.Join(err, fmt.Errorf("reloading keys: %w", &WrongKeyError{KeyID: key.id, Location: k.file.path}))
		}
	}
	return err
}

// same says that two keys of a file are one.
func (e *kek) same(other *kek) bool {
	return e.id == other.id && e.material != nil && other.material != nil && e.material.Equal(other.material)
}

// lost are the keys in memory that the file no longer holds.
func (k *Keys) lost() []string {
	k.mu.RLock()
	defer k.mu.RUnlock()
	var ids []string
	for _, key := range k.keks {
		if key.lost {
			ids = append(ids, key.id)
		}
	}
	return ids
}

// forget drops a key that the file no longer holds.
func (k *Keys) forget(id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keks = slices.DeleteFunc(k.keks, func(key *kek) bool { return key.lost && key.id == id })
}

// Add makes a new key in the key file and returns its id. It does not become
// the primary by that; see Rotation.Rotate. Keys in a service are made there:
// without a key file Add fails and says so.
func (k *Keys) Add(ctx context.Context) (string, error) {
	if k.file == nil {
		return "", errors.New("adding a key: the keys are in a key management service: " +
			"make one there, add its URI to PATCHBAY_KEY (parted by a comma) on every host, and restart")
	}
	id, err := k.file.add(ctx)
	if err != nil {
		return "", fmt.Errorf("adding a key: %w", err)
	}
	if err := k.Reload(ctx); err != nil {
		return "", err
	}
	return id, nil
}

// Close releases the connections to services.
func (k *Keys) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	var err error
	for _, key := range k.keks {
		if key.closer != nil {
			err = errors.Join(err, key.closer.Close())
		}
	}
	return err
}

// Format prints the key's id alone, whatever the verb.
func (e *kek) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "key "+e.id) // fmt has nowhere to report a failed write
}

// wrap encrypts a data key.
func (e *kek) wrap(ctx context.Context, dataKey, aad []byte) ([]byte, error) {
	if e.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, e.timeout)
		defer cancel()
	}
	wrapped, err := e.aead.EncryptWithContext(ctx, dataKey, aad)
	if err != nil && e.material == nil {
		return nil, &KeyServiceError{URI: e.origin, Op: "wrapping", Err: err}
	}
	if err != nil {
		return nil, fmt.Errorf("wrapping a data key with key %s: %w", e.id, err)
	}
	return wrapped, nil
}

// unwrap decrypts what wrap made, or fails with ErrDamaged; with a
// KeyServiceError when a service refused, which does not say why.
func (e *kek) unwrap(ctx context.Context, wrapped, aad []byte) ([]byte, error) {
	if e.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, e.timeout)
		defer cancel()
	}
	dataKey, err := e.aead.DecryptWithContext(ctx, wrapped, aad)
	if err != nil && e.material == nil {
		return nil, &KeyServiceError{URI: e.origin, Op: "unwrapping", Err: err}
	}
	if err != nil {
		return nil, damaged("the data key was not wrapped by key %s", e.id)
	}
	return dataKey, nil
}

// local gives a primitive in this process the form of one in a service.
type local struct {
	tink.AEAD
}

// EncryptWithContext encrypts at once.
func (l local) EncryptWithContext(_ context.Context, plaintext, aad []byte) ([]byte, error) {
	return l.Encrypt(plaintext, aad)
}

// DecryptWithContext decrypts at once.
func (l local) DecryptWithContext(_ context.Context, ciphertext, aad []byte) ([]byte, error) {
	return l.Decrypt(ciphertext, aad)
}
