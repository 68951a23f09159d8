package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/tink-crypto/tink-go/v2/aead/aesgcm"
	"github.com/tink-crypto/tink-go/v2/insecuresecretdataaccess"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// host is one host of a cluster in a test.
type host struct {
	*Vault
	keys     *Keys
	rotation *Rotation
	path     string
}

// testHost opens a host with a key file of its own, and starts nothing.
func testHost(t testing.TB, store *memStore, name string, cfg Config) *host {
	t.Helper()
	path := filepath.Join(t.TempDir(), name+".json")
	keys, err := OpenKeys(t.Context(), KeysConfig{URI: path, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	return hostOf(t, store, name, cfg, keys)
}

func hostOf(t testing.TB, store *memStore, name string, cfg Config, keys *Keys) *host {
	t.Helper()
	t.Cleanup(func() { _ = keys.Close() }) // nothing is left to do about it
	cfg.Keys = keys
	v, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewRotation(RotationConfig{Vault: v, Keys: keys, Store: store, Host: name, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return &host{v, keys, r, keys.File()}
}

// startedHost is a host alone on a new database.
func startedHost(t testing.TB, cfg Config) *host {
	t.Helper()
	h := testHost(t, newMemStore("a"), "a", cfg)
	if err := h.rotation.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return h
}

var (
	credential = CredentialAAD("usr_1", "int_1", 1)
	byOwner    = Access{Actor: "usr_1", Owner: "usr_1", Reason: ForCall}
)

func mustSeal(t testing.TB, v *Vault, aad AAD, text string) Sealed {
	t.Helper()
	s, err := v.Seal(t.Context(), aad, SecretString(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// wantOpen fails unless the bytes open to text.
func wantOpen(t testing.TB, v *Vault, aad AAD, s Sealed, text string) {
	t.Helper()
	got, err := v.Open(context.Background(), byOwner, aad, s)
	if err != nil {
		t.Fatal(err)
	}
	if got.RevealString() != text {
		t.Fatal("another secret came out")
	}
}

func TestSealAndOpen(t *testing.T) {
	h := startedHost(t, Config{})
	one, two := mustSeal(t, h.Vault, credential, plain), mustSeal(t, h.Vault, credential, plain)
	wantOpen(t, h.Vault, credential, one, plain)
	wantOpen(t, h.Vault, credential, one, plain) // from the cache
	wantOpen(t, h.Vault, credential, Sealed{Bytes: one.Bytes}, plain)
	if one.KeyID != h.keys.IDs()[0] {
		t.Errorf("sealed with key %s, want %s", one.KeyID, h.keys.IDs()[0])
	}
	if leaks(string(one.Bytes)) != "" {
		t.Error("sealed bytes show the secret")
	}
	e1, err1 := one.decode()
	e2, err2 := two.decode()
	if err1 != nil || err2 != nil || bytes.Equal(e1.wrapped, e2.wrapped) || bytes.Equal(e1.payload, e2.payload) {
		t.Errorf("two seals of one secret share bytes (%v, %v)", err1, err2)
	}
}

func TestSealRefusesWhatItCannotBind(t *testing.T) {
	h := startedHost(t, Config{})
	if _, err := h.Seal(t.Context(), AAD{}, SecretString(plain)); !errors.Is(err, ErrUnbound) {
		t.Errorf("a zero AAD: %v", err)
	}
	if _, err := h.Seal(t.Context(), CredentialAAD("", "int_1", 1), SecretString(plain)); !errors.Is(err, ErrUnbound) {
		t.Errorf("no user: %v", err)
	}
	if _, err := h.Seal(t.Context(), credential, Secret{}); !errors.Is(err, ErrEmpty) {
		t.Errorf("an empty secret: %v", err)
	}
	idle := testHost(t, newMemStore(), "idle", Config{})
	if _, err := idle.Seal(t.Context(), credential, SecretString(plain)); !errors.Is(err, ErrNotStarted) {
		t.Errorf("not started: %v", err)
	}
	if _, err := New(Config{}); err == nil {
		t.Error("a vault without keys was made")
	}
}

func TestOpenRefusesEveryAlteredBit(t *testing.T) {
	h := startedHost(t, Config{})
	sealed := mustSeal(t, h.Vault, credential, plain)
	wantOpen(t, h.Vault, credential, sealed, plain) // its data key is cached
	for i := range sealed.Bytes {
		for bit := range 8 {
			altered := bytes.Clone(sealed.Bytes)
			altered[i] ^= 1 << bit
			for _, keyID := range []string{"", sealed.KeyID} {
				_, err := h.Open(t.Context(), byOwner, credential, Sealed{KeyID: keyID, Bytes: altered})
				if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNoKey) {
					t.Fatalf("byte %d bit %d altered: %v", i, bit, err)
				}
			}
		}
	}
	for n := range sealed.Bytes {
		_, err := h.Open(t.Context(), byOwner, credential, Sealed{KeyID: sealed.KeyID, Bytes: sealed.Bytes[:n]})
		if !errors.Is(err, ErrDamaged) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
	longer := Sealed{KeyID: sealed.KeyID, Bytes: append(bytes.Clone(sealed.Bytes), 0)}
	if _, err := h.Open(t.Context(), byOwner, credential, longer); !errors.Is(err, ErrDamaged) {
		t.Errorf("a byte longer: %v", err)
	}
	other := Sealed{KeyID: "0badc0de", Bytes: sealed.Bytes}
	if _, err := h.Open(t.Context(), byOwner, credential, other); !errors.Is(err, ErrDamaged) {
		t.Errorf("a row that names another key than its bytes: %v", err)
	}
}

func TestOpenRefusesMovedBytes(t *testing.T) {
	h := startedHost(t, Config{Auditor: &journal{}})
	operator := Access{Actor: "usr_op", Reason: ForAdministration} // sees all, so only the binding stands
	places := map[string]AAD{
		"here":                credential,
		"another user":        CredentialAAD("usr_2", "int_1", 1),
		"another integration": CredentialAAD("usr_1", "int_2", 1),
		"another version":     CredentialAAD("usr_1", "int_1", 2),
		"an answer":           AnswerAAD("usr_1", "int_1"),
		"settings":            SettingsAAD("slack", "client_secret"),
		"other settings":      SettingsAAD("slack", "signing_secret"),
		"cluster":             ClusterAAD("ca"),
		"signing key":         SigningKeyAAD("ca"),
		"a file":              FileAAD("usr_1", "int_1", 1),
		"the end of a file":   LastFileAAD("usr_1", "int_1", 1),
	}
	for from, aad := range places {
		sealed := mustSeal(t, h.Vault, aad, plain)
		for to, other := range places {
			_, err := h.Open(t.Context(), operator, other, sealed)
			if from == to && err != nil {
				t.Errorf("%s does not open in place: %v", from, err)
			}
			if from != to && !errors.Is(err, ErrDamaged) {
				t.Errorf("moved from %s to %s: %v", from, to, err)
			}
		}
	}
}

func TestOpenRefusesGraftedParts(t *testing.T) {
	h := startedHost(t, Config{})
	mine := mustSeal(t, h.Vault, credential, plain)
	theirs := mustSeal(t, h.Vault, CredentialAAD("usr_2", "int_2", 1), "theirs")
	a, _ := mine.decode()
	b, _ := theirs.decode()
	grafts := map[string]envelope{
		"another's payload":     {a.keyID, a.wrapped, b.payload},
		"another's data key":    {a.keyID, b.wrapped, a.payload},
		"another's whole":       b,
		"no payload":            {a.keyID, a.wrapped, nil},
		"a key unknown":         {"0badc0de", a.wrapped, a.payload},
		"text for a data key":   {a.keyID, []byte("not wrapped by anyone"), a.payload},
		"the payload as a key":  {a.keyID, a.payload, a.payload},
		"check value as a key":  {a.keyID, h.rotation.records[a.keyID].Check, a.payload},
		"data key as a payload": {a.keyID, a.wrapped, a.wrapped},
	}
	for name, e := range grafts {
		s, err := e.encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Open(t.Context(), byOwner, credential, s); !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNoKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOpenNamesAMissingKey(t *testing.T) {
	h, stranger := startedHost(t, Config{}), startedHost(t, Config{})
	_, err := h.Open(t.Context(), byOwner, credential, mustSeal(t, stranger.Vault, credential, plain))
	missing := new(MissingKeyError)
	if !errors.As(err, &missing) || missing.KeyID != stranger.keys.IDs()[0] || missing.Location != h.path {
		t.Errorf("got %v", err)
	}
}

// countingKEK counts what a key is asked.
type countingKEK struct {
	tink.AEADWithContext
	wraps, unwraps int
}

func (c *countingKEK) EncryptWithContext(ctx context.Context, p, a []byte) ([]byte, error) {
	c.wraps++
	return c.AEADWithContext.EncryptWithContext(ctx, p, a)
}

func (c *countingKEK) DecryptWithContext(ctx context.Context, p, a []byte) ([]byte, error) {
	c.unwraps++
	return c.AEADWithContext.DecryptWithContext(ctx, p, a)
}

// counted puts a counter in front of the host's only key.
func counted(h *host) *countingKEK {
	c := &countingKEK{AEADWithContext: h.keys.keks[0].aead}
	h.keys.keks[0].aead = c
	return c
}

func TestCacheAsksTheKeyOncePerRow(t *testing.T) {
	h := startedHost(t, Config{CacheSize: 2})
	key := counted(h)
	var rows []Sealed
	for i := range 3 {
		rows = append(rows, mustSeal(t, h.Vault, credential, fmt.Sprint("row ", i)))
	}
	asked := func(row, want int) {
		t.Helper()
		before := key.unwraps
		wantOpen(t, h.Vault, credential, rows[row], fmt.Sprint("row ", row))
		if got := key.unwraps - before; got != want {
			t.Errorf("opening row %d asked the key %d times, want %d", row, got, want)
		}
	}
	asked(0, 1)
	asked(1, 1)
	asked(0, 0)
	asked(2, 1) // row 1 is the one used least recently: it goes
	asked(0, 0)
	asked(1, 1)
	if n := h.cache.recent.Len(); n != 2 || len(h.cache.entries) != 2 {
		t.Errorf("the cache holds %d of 2", n)
	}
	h.Close()
	if len(h.cache.entries) != 0 {
		t.Error("Close left data keys in the cache")
	}
	asked(0, 1)
}

func TestCacheLetsGoOnEviction(t *testing.T) {
	h := startedHost(t, Config{CacheSize: 1})
	wantOpen(t, h.Vault, credential, mustSeal(t, h.Vault, credential, "one"), "one")
	entry := h.cache.recent.Front().Value.(*dataKeyEntry)
	if entry.cipher == nil {
		t.Fatal("nothing was cached")
	}
	wantOpen(t, h.Vault, credential, mustSeal(t, h.Vault, credential, "two"), "two")
	if entry.cipher != nil {
		t.Error("an evicted entry still holds its cipher")
	}
	none := startedHost(t, Config{CacheSize: -1})
	wantOpen(t, none.Vault, credential, mustSeal(t, none.Vault, credential, "one"), "one")
	if len(none.cache.entries) != 0 {
		t.Error("a cache of none holds something")
	}
}

// keepingKEK keeps the slice that it is given to wrap and the one it gives
// back, to see whether the vault clears them.
type keepingKEK struct {
	tink.AEADWithContext
	in, out []byte
}

func (k *keepingKEK) EncryptWithContext(ctx context.Context, p, a []byte) ([]byte, error) {
	k.in = p
	return k.AEADWithContext.EncryptWithContext(ctx, p, a)
}

func (k *keepingKEK) DecryptWithContext(ctx context.Context, p, a []byte) ([]byte, error) {
	var err error
	k.out, err = k.AEADWithContext.DecryptWithContext(ctx, p, a)
	return k.out, err
}

func TestRawDataKeysAreWiped(t *testing.T) {
	h := startedHost(t, Config{})
	keep := &keepingKEK{AEADWithContext: h.keys.keks[0].aead}
	h.keys.keks[0].aead = keep
	wantOpen(t, h.Vault, credential, mustSeal(t, h.Vault, credential, plain), plain)
	zero := make([]byte, dataKeySize)
	if !bytes.Equal(keep.in, zero) {
		t.Error("Seal left the raw data key in memory")
	}
	if !bytes.Equal(keep.out, zero) {
		t.Error("Open left the raw data key in memory")
	}
}

func TestNothingOfTheVaultPrintsKeys(t *testing.T) {
	h := startedHost(t, Config{})
	raw, err := h.NewDataKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantOpen(t, h.Vault, credential, mustSeal(t, h.Vault, credential, plain), plain)
	material := secretBytes(h.keys.keks[0].material)
	for _, thing := range []any{h.Vault, h.keys, h.rotation, raw, h.keys.keks[0]} {
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
			out := fmt.Sprintf(format, thing)
			for _, form := range []string{string(material), fmt.Sprintf("%x", material), fmt.Sprint(material)} {
				if bytes.Contains([]byte(out), []byte(form)) {
					t.Errorf("%s of %T shows a key", format, thing)
				}
			}
		}
	}
}

// secretBytes are the raw bytes of a key in a file.
func secretBytes(key *aesgcm.Key) []byte {
	return key.KeyBytes().Data(insecuresecretdataaccess.Token{})
}

// hookedKEK calls hook once, at the wrap after so many.
type hookedKEK struct {
	tink.AEADWithContext
	after int
	hook  func()
}

func (k *hookedKEK) EncryptWithContext(ctx context.Context, p, a []byte) ([]byte, error) {
	if k.after--; k.after == 0 {
		k.hook()
	}
	return k.AEADWithContext.EncryptWithContext(ctx, p, a)
}
