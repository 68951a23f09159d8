package vault

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
)

func TestDataKeySealsAFile(t *testing.T) {
	h := startedHost(t, Config{})
	key, err := h.NewDataKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const last = 3
	aadOf := func(chunk int) AAD {
		if chunk == last {
			return LastFileAAD("call_1", "f", chunk)
		}
		return FileAAD("call_1", "f", chunk)
	}
	var chunks [][]byte
	for i := range last + 1 {
		b, err := key.Seal(aadOf(i), fmt.Appendf(nil, "chunk %d %s", i, plain))
		if err != nil {
			t.Fatal(err)
		}
		chunks = append(chunks, b)
	}
	opened, err := h.OpenDataKey(t.Context(), byOwner, FileAAD("call_1", "f", 0), key.Sealed())
	if err != nil {
		t.Fatal(err)
	}
	for i, sealed := range chunks {
		for j := range chunks {
			b, err := opened.Open(aadOf(j), sealed)
			if i == j && (err != nil || string(b) != fmt.Sprintf("chunk %d %s", i, plain)) {
				t.Errorf("chunk %d does not open: %v", i, err)
			}
			if i != j && !errors.Is(err, ErrDamaged) {
				t.Errorf("chunk %d opens in the place of %d: %v", i, j, err)
			}
		}
	}
	if _, err := opened.Open(LastFileAAD("call_1", "f", 2), chunks[2]); !errors.Is(err, ErrDamaged) {
		t.Errorf("a file cut short passes for whole: %v", err)
	}
	altered := bytes.Clone(chunks[0])
	altered[len(altered)-1] ^= 1
	if _, err := opened.Open(aadOf(0), altered); !errors.Is(err, ErrDamaged) {
		t.Errorf("an altered chunk: %v", err)
	}
}

func TestDataKeyOpensOnlyItsFile(t *testing.T) {
	h := startedHost(t, Config{})
	key, err := h.NewDataKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other := FileAAD("call_1", "g", 0)
	chunk, err := key.Seal(other, []byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	opened, err := h.OpenDataKey(t.Context(), byOwner, FileAAD("call_1", "f", 0), key.Sealed())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := opened.Open(other, chunk); !errors.Is(err, ErrRefused) {
		t.Errorf("another file: %v", err)
	}
	if _, err := opened.Seal(other, chunk); !errors.Is(err, ErrRefused) {
		t.Errorf("sealing another file: %v", err)
	}
	for _, aad := range []AAD{{}, credential, ClusterAAD("ca")} {
		if _, err := key.Seal(aad, chunk); err == nil {
			t.Errorf("%s was sealed as a chunk", aad)
		}
		if _, err := key.Open(aad, chunk); err == nil {
			t.Errorf("%s was opened as a chunk", aad)
		}
	}
}

// TestDataKeyAndSecretDoNotMix moves wrapped keys between the two uses: a
// credential's must not become a file's, whose door is another.
func TestDataKeyAndSecretDoNotMix(t *testing.T) {
	h := startedHost(t, Config{})
	sealed := mustSeal(t, h.Vault, credential, plain)
	e, err := sealed.decode()
	if err != nil {
		t.Fatal(err)
	}
	file := FileAAD("call_1", "f", 0)
	stripped, err := envelope{keyID: e.keyID, wrapped: e.wrapped}.encode()
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]Sealed{"whole": sealed, "stripped": stripped} {
		if _, err := h.OpenDataKey(t.Context(), byOwner, file, s); !errors.Is(err, ErrDamaged) {
			t.Errorf("a credential's key, %s, opens as a file's: %v", name, err)
		}
	}
	key, err := h.NewDataKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Open(t.Context(), byOwner, credential, key.Sealed()); !errors.Is(err, ErrDamaged) {
		t.Errorf("a file's key opens as a secret: %v", err)
	}
	own := Access{Reason: ForHost}
	if _, err := h.OpenDataKey(t.Context(), own, ClusterAAD("ca"), key.Sealed()); err == nil {
		t.Error("a data key was opened for something that is no file")
	}
}

func TestDataKeySurvivesRewrap(t *testing.T) {
	h := startedHost(t, Config{})
	key, err := h.NewDataKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	file := FileAAD("call_1", "f", 0)
	chunk, err := key.Seal(file, []byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.rotation.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	moved, err := h.Rewrap(t.Context(), key.Sealed())
	if err != nil || moved.KeyID == key.Sealed().KeyID {
		t.Fatalf("not rewrapped: %v", err)
	}
	opened, err := h.OpenDataKey(t.Context(), byOwner, file, moved)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := opened.Open(file, chunk); err != nil || string(b) != plain {
		t.Errorf("a chunk no longer opens: %v", err)
	}
}
