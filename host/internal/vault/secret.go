package vault

import (
	"encoding"
	"errors"
	"fmt"
	"log/slog"
)

// redacted stands for a secret wherever one would be printed.
const redacted = "[secret]"

// errSecretEncoded refuses the encoders that would need to read a secret back.
var errSecretEncoded = errors.New("a secret cannot be encoded")

// Secret holds plaintext that must not leave by accident: it prints, marshals
// and logs as "[secret]", and gob and other binary encoders refuse it. The only
// ways out are Reveal and RevealString, which are easy to search for.
//
// The bytes sit behind a pointer to a function, not to a slice: printers that
// walk unexported fields by reflection (fmt inside another struct, a dumper in
// a debugger's helper) find the address of code and stop there.
//
// Copies of a Secret share the bytes, so Wipe on one empties all. The zero
// value is empty. Reading concurrently is safe; Wipe must not race with reads.
type Secret struct {
	p *hidden
}

// hidden yields the secret's own bytes, not a copy.
type hidden func() []byte

var (
	_ fmt.Formatter          = Secret{}
	_ fmt.GoStringer         = Secret{}
	_ encoding.TextMarshaler = Secret{}
	_ slog.LogValuer         = Secret{}
)

// NewSecret makes a Secret of a copy of b; the caller may clear b afterwards.
func NewSecret(b []byte) Secret {
	return adopt(append([]byte(nil), b...))
}

// SecretString makes a Secret of a string. The string itself cannot be wiped.
func SecretString(s string) Secret {
	return adopt([]byte(s))
}

// adopt makes a Secret that owns b.
func adopt(b []byte) Secret {
	if len(b) == 0 {
		return Secret{}
	}
	get := hidden(func() []byte { return b })
	return Secret{p: &get}
}

// bytes are the secret's own bytes, nil when empty or wiped.
func (s Secret) bytes() []byte {
	if s.p == nil || *s.p == nil {
		return nil
	}
	return (*s.p)()
}

// Reveal is a copy of the plaintext, for the caller to use and clear; nil when
// the secret is empty.
func (s Secret) Reveal() []byte {
	return append([]byte(nil), s.bytes()...)
}

// RevealString is the plaintext as a string, which cannot be cleared.
func (s Secret) RevealString() string {
	return string(s.bytes())
}

// Len is the number of bytes of plaintext.
func (s Secret) Len() int {
	return len(s.bytes())
}

// IsZero says that there is no plaintext: never set, set to nothing, or wiped.
func (s Secret) IsZero() bool {
	return s.Len() == 0
}

// Wipe clears the plaintext in memory; this and all copies become empty.
func (s Secret) Wipe() {
	b := s.bytes()
	if b == nil {
		return
	}
	clear(b)
	*s.p = nil
}

// Format prints "[secret]" for every verb and flag.
func (s Secret) Format(f fmt.State, _ rune) {
	_, _ = f.Write([]byte(redacted)) // fmt has nowhere to report a failed write
}

// String is "[secret]".
func (s Secret) String() string { return redacted }

// GoString is "[secret]".
func (s Secret) GoString() string { return redacted }

// MarshalText is "[secret]"; JSON, XML and YAML come here.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalBinary refuses.
func (s Secret) MarshalBinary() ([]byte, error) { return nil, errSecretEncoded }

// GobEncode refuses.
func (s Secret) GobEncode() ([]byte, error) { return nil, errSecretEncoded }

// LogValue is "[secret]".
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
