package vault

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestSealedForm(t *testing.T) {
	payload := bytes.Repeat([]byte{7}, minPayload)
	s, err := envelope{keyID: "0a1b2c3d", wrapped: []byte{1, 2, 3}, payload: payload}.encode()
	if err != nil {
		t.Fatal(err)
	}
	want := append([]byte("\x01\x080a1b2c3d\x00\x03\x01\x02\x03"), payload...)
	if s.KeyID != "0a1b2c3d" || !bytes.Equal(s.Bytes, want) {
		t.Errorf("the form changed, and what is stored opens no more: %x", s.Bytes)
	}
}

func TestSealedEncodeRefuses(t *testing.T) {
	tests := map[string]envelope{
		"no key id":          {wrapped: []byte{1}},
		"a long key id":      {keyID: strings.Repeat("a", maxKeyID+1), wrapped: []byte{1}},
		"a key id with text": {keyID: "a\nb", wrapped: []byte{1}},
		"no wrapped key":     {keyID: "a"},
		"a long wrapped key": {keyID: "a", wrapped: make([]byte, 1<<16)},
	}
	for name, e := range tests {
		if _, err := e.encode(); err == nil {
			t.Errorf("%s was encoded", name)
		}
	}
}

func TestSealedDecodeRefuses(t *testing.T) {
	tests := map[string]string{
		"nothing": "", "a version alone": "\x01", "a newer version": "\x02\x01a\x00\x01x",
		"no key id": "\x01\x00\x00\x01x", "cut in the key id": "\x01\x08abc", "cut in the length": "\x01\x01a\x00",
		"no wrapped key": "\x01\x01a\x00\x00", "cut in the wrapped key": "\x01\x01a\x00\x05xyz",
		"control bytes in the key id": "\x01\x01\n\x00\x01x", "a stub of a payload": "\x01\x01a\x00\x01x" + strings.Repeat("p", minPayload-1),
	}
	for name, b := range tests {
		if _, err := (Sealed{Bytes: []byte(b)}).decode(); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzSealedDecode(f *testing.F) {
	f.Add("", []byte{})
	f.Add("a", []byte("\x01\x01a\x00\x01x"))
	f.Add("", []byte("\x01\x01a\x00\x01x"+strings.Repeat("p", minPayload)))
	f.Add("kms-0a1b", []byte("\x01\xff\xff\xff\xff"))
	h := startedHost(f, Config{})
	sealed := mustSeal(f, h.Vault, credential, plain)
	f.Add(sealed.KeyID, sealed.Bytes)
	f.Fuzz(func(t *testing.T, keyID string, b []byte) {
		s := Sealed{KeyID: keyID, Bytes: b}
		e, err := s.decode()
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatalf("an error of another kind: %v", err)
			}
		} else if again, err := e.encode(); err != nil || !bytes.Equal(again.Bytes, b) {
			t.Fatalf("decoded and encoded bytes differ: %v", err)
		}
		got, err := h.Open(t.Context(), byOwner, credential, s)
		if err == nil && (got.RevealString() != plain || !bytes.Equal(b, sealed.Bytes)) {
			t.Fatal("foreign bytes opened")
		}
	})
}
