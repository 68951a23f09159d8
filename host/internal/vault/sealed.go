package vault

import (
	"encoding/binary"
	"fmt"
)

// Sealed is a secret as a row stores it. KeyID, the key-encryption key that
// wraps the data key, is repeated inside Bytes; it stands outside too so that a
// column and an index can hold it. Bytes is self-contained and versioned:
//
//	+------+--------+--------+---------+------------------+---------------------------+
//	| 0x01 | u8 len | key id | u16 len | wrapped data key | payload                   |
//	+------+--------+--------+---------+------------------+---------------------------+
//	                                                      | nonce 12 | text | tag 16  |
//
// The data key (32 bytes) is wrapped under a constant AAD, so that rewrapping
// needs no knowledge of the row; the payload is encrypted under the row's full
// AAD. A data key that stands alone (DataKey.Sealed) has an empty payload and
// is wrapped under another constant, so that neither passes for the other.
type Sealed struct {
	KeyID string
	Bytes []byte
}

const (
	sealedVersion = 1
	maxKeyID      = 64
	dataKeySize   = 32
	minPayload    = 12 + 16 // nonce and tag
)

// envelope is a Sealed taken apart. Its slices alias the bytes it came from.
type envelope struct {
	keyID   string
	wrapped []byte
	payload []byte
}

// encode puts an envelope together.
func (e envelope) encode() (Sealed, error) {
	if !validKeyID(e.keyID) {
		return Sealed{}, fmt.Errorf("encoding sealed bytes: key id of %d bytes", len(e.keyID))
	}
	if len(e.wrapped) == 0 || len(e.wrapped) > 1<<16-1 {
		return Sealed{}, fmt.Errorf("encoding sealed bytes: wrapped key of %d bytes", len(e.wrapped))
	}
	b := make([]byte, 0, 4+len(e.keyID)+len(e.wrapped)+len(e.payload))
	b = append(b, sealedVersion, byte(len(e.keyID)))
	b = append(b, e.keyID...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(e.wrapped)))
	b = append(b, e.wrapped...)
	b = append(b, e.payload...)
	return Sealed{KeyID: e.keyID, Bytes: b}, nil
}

// decode takes stored bytes apart. It fails with ErrDamaged unless every field
// is whole and the column agrees with the bytes; an empty KeyID is taken from
// the bytes.
func (s Sealed) decode() (envelope, error) {
	b := s.Bytes
	if len(b) < 2 {
		return envelope{}, damaged("%d bytes are too few", len(b))
	}
	if b[0] != sealedVersion {
		return envelope{}, damaged("form %d is unknown; was it written by a newer version?", b[0])
	}
	n := int(b[1])
	b = b[2:]
	if len(b) < n+2 {
		return envelope{}, damaged("cut short in the key id")
	}
	keyID := string(b[:n])
	w := int(binary.BigEndian.Uint16(b[n:]))
	b = b[n+2:]
	switch {
	case !validKeyID(keyID):
		return envelope{}, damaged("the key id is malformed")
	case s.KeyID != "" && s.KeyID != keyID:
		return envelope{}, damaged("the row names key %q, its bytes another", s.KeyID)
	case w == 0 || len(b) < w:
		return envelope{}, damaged("cut short in the wrapped key")
	}
	e := envelope{keyID: keyID, wrapped: b[:w:w], payload: b[w:]}
	if len(e.payload) != 0 && len(e.payload) < minPayload {
		return envelope{}, damaged("cut short in the payload")
	}
	return e, nil
}

// The constants under which data keys are wrapped: one that comes with its
// payload, and one that stands alone.
var (
	dataKeyAAD = encodeParts("data-key")
	fileKeyAAD = encodeParts("file-key")
)

// wrapAAD is the constant under which the envelope's data key is wrapped.
func (e envelope) wrapAAD() []byte {
	if len(e.payload) == 0 {
		return fileKeyAAD
	}
	return dataKeyAAD
}

// validKeyID bounds a key id to short printable ASCII, so that one can stand in
// an error or a log line whatever was stored.
func validKeyID(id string) bool {
	if id == "" || len(id) > maxKeyID {
		return false
	}
	for i := range len(id) {
		c := id[i]
		ok := c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-'
		if !ok {
			return false
		}
	}
	return true
}
