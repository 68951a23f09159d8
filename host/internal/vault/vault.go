package vault

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Config is what a Vault stands on.
type Config struct {
	// Keys are required.
	Keys *Keys
	// Auditor records administrative reads, optional; without one they are
	// refused.
	Auditor Auditor
	// CacheSize bounds the unwrapped data keys kept in memory (about 700 bytes
	// each), optional: 0 is 4096, a negative number is none.
	CacheSize int
	// Now is the clock, optional; default time.Now.
	Now func() time.Time
}

// Vault seals secrets and opens them for those who may have them. It seals
// only once a Rotation has been started on it. Safe for concurrent use.
type Vault struct {
	cfg     Config
	cache   *dataKeys
	primary atomic.Pointer[primary]
}

// primary is what the database said last about the primary key: its id, or why
// this host cannot seal.
type primary struct {
	id  string
	err error
}

// New makes a Vault. It fails without keys.
func New(cfg Config) (*Vault, error) {
	if cfg.Keys == nil {
		return nil, errors.New("making a vault: keys are required")
	}
	if cfg.CacheSize == 0 {
		cfg.CacheSize = 4096
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	v := &Vault{cfg: cfg, cache: newDataKeys(cfg.CacheSize)}
	v.primary.Store(&primary{err: ErrNotStarted})
	return v, nil
}

// Primary is the id of the key that Seal wraps with now. It fails with
// ErrNotStarted, or with a MissingKeyError when this host lacks the key.
func (v *Vault) Primary() (string, error) {
	p := v.primary.Load()
	return p.id, p.err
}

// setPrimary takes over what the database says.
func (v *Vault) setPrimary(id string, err error) {
	v.primary.Store(&primary{id: id, err: err})
}

// primaryKey is the key to wrap with.
func (v *Vault) primaryKey() (*kek, error) {
	id, err := v.Primary()
	if err != nil {
		return nil, err
	}
	key := v.cfg.Keys.get(id)
	if key == nil {
		return nil, &MissingKeyError{KeyID: id, Primary: true, Location: v.cfg.Keys.Location()}
	}
	return key, nil
}

// Seal encrypts a secret under a data key of its own, bound to aad. It fails
// with ErrUnbound, ErrEmpty, ErrNotStarted, ErrNoKey or ErrKeyService. It takes
// no Access: sealing reveals nothing.
func (v *Vault) Seal(ctx context.Context, aad AAD, s Secret) (Sealed, error) {
	if !aad.valid() {
		return Sealed{}, fmt.Errorf("sealing: %w", ErrUnbound)
	}
	if s.IsZero() {
		return Sealed{}, fmt.Errorf("sealing %s: %w", aad, ErrEmpty)
	}
	e, cipher, err := v.freshKey(ctx, dataKeyAAD)
	if err != nil {
		return Sealed{}, fmt.Errorf("sealing %s: %w", aad, err)
	}
	e.payload, err = cipher.Encrypt(s.bytes(), aad.encoded)
	if err != nil {
		return Sealed{}, fmt.Errorf("sealing %s: %w", aad, err)
	}
	return e.encode()
}

// Open decrypts a secret for those whom the policy lets have it; see Access and
// Reason. It fails with ErrRefused, ErrUnbound, ErrDamaged, ErrNoKey or
// ErrKeyService.
func (v *Vault) Open(ctx context.Context, access Access, aad AAD, sealed Sealed) (Secret, error) {
	if err := v.admit(ctx, access, aad); err != nil {
		return Secret{}, err
	}
	e, err := sealed.decode()
	if err != nil {
		return Secret{}, fmt.Errorf("opening %s: %w", aad, err)
	}
	if len(e.payload) == 0 {
		return Secret{}, fmt.Errorf("opening %s: %w", aad, damaged("the payload is missing"))
	}
	cipher, err := v.unwrap(ctx, e)
	if err != nil {
		return Secret{}, fmt.Errorf("opening %s: %w", aad, err)
	}
	plaintext, err := cipher.Decrypt(e.payload, aad.encoded)
	if err != nil {
		return Secret{}, fmt.Errorf("opening %s: %w", aad, damaged("altered, or it belongs to another row"))
	}
	return adopt(plaintext), nil
}

// Rewrap wraps the data key of sealed bytes with the primary key of now; the
// payload stays as it is, and no plaintext but the data key is touched. Bytes
// that are on the primary already come back as they are. It fails with
// ErrDamaged, ErrNotStarted, ErrNoKey or ErrKeyService.
func (v *Vault) Rewrap(ctx context.Context, sealed Sealed) (Sealed, error) {
	e, err := sealed.decode()
	if err != nil {
		return Sealed{}, fmt.Errorf("rewrapping: %w", err)
	}
	to, err := v.primaryKey()
	if err != nil {
		return Sealed{}, fmt.Errorf("rewrapping: %w", err)
	}
	if e.keyID == to.id {
		return Sealed{KeyID: e.keyID, Bytes: sealed.Bytes}, nil
	}
	dataKey, err := v.unwrapKey(ctx, e)
	if err != nil {
		return Sealed{}, fmt.Errorf("rewrapping: %w", err)
	}
	defer clear(dataKey)
	e.wrapped, err = to.wrap(ctx, dataKey, e.wrapAAD())
	if err != nil {
		return Sealed{}, fmt.Errorf("rewrapping: %w", err)
	}
	e.keyID = to.id
	return e.encode()
}

// Close lets go of all unwrapped data keys. The vault may still be used.
func (v *Vault) Close() { v.cache.clear() }

// freshKey draws a data key and wraps it with the primary key.
func (v *Vault) freshKey(ctx context.Context, wrapAAD []byte) (envelope, tink.AEAD, error) {
	key, err := v.primaryKey()
	if err != nil {
		return envelope{}, nil, err
	}
	dataKey := make([]byte, dataKeySize)
	defer clear(dataKey)
	rand.Read(dataKey) // never fails: it ends the process instead
	wrapped, err := key.wrap(ctx, dataKey, wrapAAD)
	if err != nil {
		return envelope{}, nil, err
	}
	cipher, err := subtle.NewAESGCM(dataKey)
	if err != nil {
		return envelope{}, nil, err
	}
	return envelope{keyID: key.id, wrapped: wrapped}, cipher, nil
}

// unwrap is the cipher of an envelope's data key, from the cache if it is there.
func (v *Vault) unwrap(ctx context.Context, e envelope) (tink.AEAD, error) {
	hash := hashWrapped(e)
	if cipher := v.cache.get(hash); cipher != nil {
		return cipher, nil
	}
	dataKey, err := v.unwrapKey(ctx, e)
	if err != nil {
		return nil, err
	}
	defer clear(dataKey)
	cipher, err := subtle.NewAESGCM(dataKey)
	if err != nil {
		return nil, err
	}
	v.cache.put(hash, cipher)
	return cipher, nil
}

// unwrapKey is the raw data key of an envelope, for the caller to clear.
func (v *Vault) unwrapKey(ctx context.Context, e envelope) ([]byte, error) {
	key := v.cfg.Keys.get(e.keyID)
	if key == nil {
		return nil, &MissingKeyError{KeyID: e.keyID, Location: v.cfg.Keys.Location()}
	}
	dataKey, err := key.unwrap(ctx, e.wrapped, e.wrapAAD())
	if err != nil {
		return nil, err
	}
	if len(dataKey) != dataKeySize {
		clear(dataKey)
		return nil, damaged("the data key has a wrong length")
	}
	return dataKey, nil
}
