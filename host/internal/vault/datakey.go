package vault

import (
	"context"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/tink"
)

// DataKey seals many chunks of a file under one data key, so that a large file
// is wrapped, and rewrapped, in one place: Sealed goes into the file's row, the
// chunks wherever the file is kept. A chunk is
//
//	+----------+------+--------+
//	| nonce 12 | text | tag 16 |
//	+----------+------+--------+
//
// under its FileAAD, or LastFileAAD for the last. Safe for concurrent use.
type DataKey struct {
	sealed Sealed
	cipher tink.AEAD
	file   *AAD // the only file it opens; nil when newly made
}

// NewDataKey draws a data key, wrapped by the primary key. It fails like Seal.
func (v *Vault) NewDataKey(ctx context.Context) (*DataKey, error) {
	e, cipher, err := v.freshKey(ctx, fileKeyAAD)
	if err != nil {
		return nil, fmt.Errorf("making a data key: %w", err)
	}
	sealed, err := e.encode()
	if err != nil {
		return nil, fmt.Errorf("making a data key: %w", err)
	}
	return &DataKey{sealed: sealed, cipher: cipher}, nil
}

// OpenDataKey opens the data key of a file for those whom the policy lets have
// it. aad is any FileAAD of the file; the key opens no other file. It fails
// like Open.
func (v *Vault) OpenDataKey(ctx context.Context, access Access, aad AAD, sealed Sealed) (*DataKey, error) {
	if err := v.admit(ctx, access, aad); err != nil {
		return nil, err
	}
	if aad.purpose.scope != ofCall {
		return nil, fmt.Errorf("opening a data key: %s is not a file", aad)
	}
	e, err := sealed.decode()
	if err != nil {
		return nil, fmt.Errorf("opening the data key of %s: %w", aad, err)
	}
	if len(e.payload) != 0 {
		return nil, fmt.Errorf("opening the data key of %s: %w", aad, damaged("it is not a data key alone"))
	}
	cipher, err := v.unwrap(ctx, e)
	if err != nil {
		return nil, fmt.Errorf("opening the data key of %s: %w", aad, err)
	}
	return &DataKey{sealed: Sealed{KeyID: e.keyID, Bytes: sealed.Bytes}, cipher: cipher, file: &aad}, nil
}

// Sealed is the wrapped data key, to be stored once per file. Vault.Rewrap
// takes it like any other.
func (k *DataKey) Sealed() Sealed { return k.sealed }

// Seal encrypts one chunk. It fails for an AAD that is not a file's.
func (k *DataKey) Seal(aad AAD, chunk []byte) ([]byte, error) {
	if err := k.covers(aad); err != nil {
		return nil, fmt.Errorf("sealing a chunk: %w", err)
	}
	b, err := k.cipher.Encrypt(chunk, aad.encoded)
	if err != nil {
		return nil, fmt.Errorf("sealing %s: %w", aad, err)
	}
	return b, nil
}

// Open decrypts one chunk. It fails with ErrDamaged if the chunk was altered,
// or is not the one that aad names.
func (k *DataKey) Open(aad AAD, chunk []byte) ([]byte, error) {
	if err := k.covers(aad); err != nil {
		return nil, fmt.Errorf("opening a chunk: %w", err)
	}
	b, err := k.cipher.Decrypt(chunk, aad.encoded)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", aad, damaged("altered, or another chunk"))
	}
	return b, nil
}

// covers refuses an AAD that the key was not opened for.
func (k *DataKey) covers(aad AAD) error {
	if !aad.valid() {
		return ErrUnbound
	}
	if aad.purpose.scope != ofCall {
		return fmt.Errorf("%s is not a file", aad)
	}
	if k.file == nil {
		return nil
	}
	want, got := k.file.fields(), aad.fields()
	if want[0] != got[0] || want[1] != got[1] {
		return &RefusedError{Reason: ForCall, Subject: aad.String(), Why: "the data key was opened for another file"}
	}
	return nil
}
