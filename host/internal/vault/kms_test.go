package vault

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"
)

const transitToken = "hvs.transit-token"

// transit stands in for the transit engine of HashiCorp Vault, mounted at
// /v1/transit: keys are made on first use.
type transit struct {
	*httptest.Server
	mu      sync.Mutex
	keys    map[string]tink.AEAD
	asked   map[string]int // by "encrypt name" and "decrypt name"
	failing int            // a status to answer all with
	hang    bool
}

func newTransit(t *testing.T) *transit {
	t.Helper()
	s := &transit{keys: map[string]tink.AEAD{}, asked: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /v1/transit/{op}/{name}", s.serve)
	s.Server = httptest.NewTLSServer(mux)
	t.Cleanup(s.Close)
	return s
}

func (s *transit) uri(name string) string {
	return hashicorpScheme + strings.TrimPrefix(s.URL, "https://") + "/transit/keys/" + name
}

// config reaches the stand-in with its own certificate as the only authority.
func (s *transit) config(uri string) KeysConfig {
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return KeysConfig{
		URI:            uri,
		HashiCorpTLS:   &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13},
		HashiCorpToken: func(context.Context) (Secret, error) { return SecretString(transitToken), nil },
	}
}

func (s *transit) count(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[what]
}

func (s *transit) fail(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing = status
}

func (s *transit) key(name string) (tink.AEAD, error) {
	if k := s.keys[name]; k != nil {
		return k, nil
	}
	raw := make([]byte, 32)
	copy(raw, name)
	k, err := subtle.NewAESGCM(raw)
	s.keys[name] = k
	return k, err
}

func (s *transit) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hang {
		s.mu.Unlock()
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that the client left
		<-r.Context().Done()
		s.mu.Lock()
		return
	}
	op, name := r.PathValue("op"), r.PathValue("name")
	s.asked[op+" "+name]++
	answer := func(status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v) // the client sees a cut answer
	}
	if r.Header.Get("X-Vault-Token") != transitToken {
		answer(http.StatusForbidden, map[string]any{"errors": []string{"permission denied"}})
		return
	}
	if s.failing != 0 {
		answer(s.failing, map[string]any{"errors": []string{"Vault is sealed"}})
		return
	}
	data, err := s.work(op, name, r)
	if err != nil {
		answer(http.StatusBadRequest, map[string]any{"errors": []string{err.Error()}})
		return
	}
	answer(http.StatusOK, map[string]any{"data": data})
}

// work is the engine itself, by its published API.
func (s *transit) work(op, name string, r *http.Request) (map[string]string, error) {
	var in struct {
		Plaintext      []byte `json:"plaintext"`
		Ciphertext     string `json:"ciphertext"`
		AssociatedData []byte `json:"associated_data"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, err
	}
	k, err := s.key(name)
	if err != nil {
		return nil, err
	}
	if op == "encrypt" {
		b, err := k.Encrypt(in.Plaintext, in.AssociatedData)
		return map[string]string{"ciphertext": "vault:v1:" + base64.StdEncoding.EncodeToString(b)}, err
	}
	b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(in.Ciphertext, "vault:v1:"))
	if err != nil {
		return nil, errors.New("invalid ciphertext")
	}
	b, err = k.Decrypt(b, in.AssociatedData)
	if err != nil {
		return nil, errors.New("cipher: message authentication failed")
	}
	return map[string]string{"plaintext": base64.StdEncoding.EncodeToString(b)}, nil
}

func TestKeyInHashiCorpVault(t *testing.T) {
	s := newTransit(t)
	store := newMemStore("a")
	h := hostOf(t, store, "a", Config{}, mustOpenKeys(t, s.config(s.uri("one"))))
	if err := h.rotation.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	id := kmsKeyID(s.uri("one"))
	sealed := mustSeal(t, h.Vault, credential, plain)
	if sealed.KeyID != id || !strings.HasPrefix(id, "kms-") || !validKeyID(id) {
		t.Errorf("sealed with key %s, want %s", sealed.KeyID, id)
	}
	before := s.count("decrypt one")
	for range 5 {
		wantOpen(t, h.Vault, credential, sealed, plain)
	}
	if got := s.count("decrypt one") - before; got != 1 {
		t.Errorf("the service was asked %d times for one row", got)
	}
	if h.keys.File() != "" {
		t.Error("a key file is named where there is none")
	}
	if _, err := h.rotation.Rotate(t.Context()); err == nil || !strings.Contains(err.Error(), "add its URI to PATCHBAY_KEY") {
		t.Errorf("rotating without another key: %v", err)
	}
}

func TestKMSRotatesToAnAddedURI(t *testing.T) {
	s := newTransit(t)
	store := newMemStore("a")
	old := hostOf(t, store, "a", Config{}, mustOpenKeys(t, s.config(s.uri("one"))))
	if err := old.rotation.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	sealed := mustSeal(t, old.Vault, credential, plain)
	store.put("row", sealed)

	h := hostOf(t, store, "a", Config{}, mustOpenKeys(t, s.config(s.uri("one")+", "+s.uri("two"))))
	if err := h.rotation.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	rotated, err := h.rotation.Rotate(t.Context())
	if err != nil || rotated.State != KeyPrimary || rotated.KeyID != kmsKeyID(s.uri("two")) {
		t.Fatalf("rotated to %+v, %v", rotated, err)
	}
	if report, err := runRewrap(t, h); err != nil || report.Rewrapped != 1 {
		t.Fatalf("rewrapped %+v, %v", report, err)
	}
	if err := h.rotation.Retire(t.Context(), kmsKeyID(s.uri("one"))); err != nil {
		t.Fatal(err)
	}
	alone := hostOf(t, store, "a", Config{}, mustOpenKeys(t, s.config(s.uri("two"))))
	if err := alone.rotation.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantOpen(t, alone.Vault, credential, store.get("row"), plain)
}

func TestMoveFromKeyFileToKMS(t *testing.T) {
	s := newTransit(t)
	store := newMemStore("a")
	h := testHost(t, store, "a", Config{})
	if err := h.rotation.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	store.put("row", mustSeal(t, h.Vault, credential, plain))
	both := hostOf(t, store, "a", Config{}, mustOpenKeys(t, s.config(h.path+","+s.uri("one"))))
	if err := both.rotation.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rotated, err := both.rotation.Rotate(t.Context()); err != nil || rotated.KeyID != kmsKeyID(s.uri("one")) || rotated.Copied() {
		t.Fatalf("rotated to %+v, %v", rotated, err)
	}
	if _, err := runRewrap(t, both); err != nil {
		t.Fatal(err)
	}
	_, err := OpenKeys(t.Context(), KeysConfig{URI: filepath.Join(t.TempDir(), "none.json")})
	if err == nil {
		t.Fatal("a missing file was opened")
	}
	wantOpen(t, both.Vault, credential, store.get("row"), plain)

	fileAlone := hostOf(t, store, "a", Config{}, mustOpenKeys(t, KeysConfig{URI: h.path}))
	err = fileAlone.rotation.Start(t.Context())
	if !errors.Is(err, ErrNoKey) || !strings.Contains(err.Error(), "add "+s.uri("one")+" to PATCHBAY_KEY") {
		t.Errorf("a host without the service's key: %v", err)
	}
}

func TestKMSRefusals(t *testing.T) {
	s := newTransit(t)
	h := hostOf(t, newMemStore("a"), "a", Config{CacheSize: -1}, mustOpenKeys(t, s.config(s.uri("one"))))
	if err := h.rotation.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	sealed := mustSeal(t, h.Vault, credential, plain)
	e, err := sealed.decode()
	if err != nil {
		t.Fatal(err)
	}
	for i := range e.wrapped {
		altered := Sealed{Bytes: append([]byte(nil), sealed.Bytes...)}
		altered.Bytes[len(altered.Bytes)-len(e.payload)-len(e.wrapped)+i] ^= 4
		if got, err := h.Open(t.Context(), byOwner, credential, altered); err == nil || !got.IsZero() {
			t.Fatalf("byte %d of the wrapped key altered: it opens", i)
		}
	}
	if _, err := h.Open(t.Context(), byOwner, CredentialAAD("usr_1", "int_1", 2), sealed); !errors.Is(err, ErrDamaged) {
		t.Errorf("moved: %v", err)
	}
	stripped, err := envelope{keyID: e.keyID, wrapped: e.wrapped}.encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.OpenDataKey(t.Context(), byOwner, FileAAD("c", "f", 0), stripped); err == nil {
		t.Error("the service unwraps a credential's key as a file's: the AAD does not reach it")
	}
}

func TestKMSFailures(t *testing.T) {
	s := newTransit(t)
	h := hostOf(t, newMemStore("a"), "a", Config{CacheSize: -1}, mustOpenKeys(t, s.config(s.uri("one"))))
	if err := h.rotation.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	sealed := mustSeal(t, h.Vault, credential, plain)
	s.fail(http.StatusServiceUnavailable)
	_, err := h.Open(t.Context(), byOwner, credential, sealed)
	service := new(KeyServiceError)
	if !errors.Is(err, ErrKeyService) || !errors.As(err, &service) || service.URI != s.uri("one") {
		t.Errorf("a sealed service: %v", err)
	}
	if strings.Contains(err.Error(), transitToken) {
		t.Error("the error shows the token")
	}
	if _, err := h.Seal(t.Context(), credential, SecretString(plain)); !errors.Is(err, ErrKeyService) {
		t.Errorf("sealing: %v", err)
	}
	other := hostOf(t, h.rotation.cfg.Store.(*memStore), "b", Config{}, mustOpenKeys(t, s.config(s.uri("one"))))
	if err := other.rotation.Start(t.Context()); !errors.Is(err, ErrKeyService) {
		t.Errorf("starting: %v", err)
	}
	s.fail(0)
	wantOpen(t, h.Vault, credential, sealed, plain) // it recovers by itself

	s.mu.Lock()
	s.hang = true
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := h.Open(ctx, byOwner, credential, sealed); !errors.Is(err, ErrKeyService) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a service that hangs: %v", err)
	}
}

func TestKMSTokenAndTrust(t *testing.T) {
	s := newTransit(t)
	cfg := s.config(s.uri("one"))
	token := "hvs.wrong"
	cfg.HashiCorpToken = func(context.Context) (Secret, error) { return SecretString(token), nil }
	h := hostOf(t, newMemStore("a"), "a", Config{}, mustOpenKeys(t, cfg))
	if err := h.rotation.Start(t.Context()); !errors.Is(err, ErrKeyService) || strings.Contains(err.Error(), token) {
		t.Errorf("a wrong token: %v", err)
	}
	token = transitToken // renewed, without a restart
	if err := h.rotation.Start(t.Context()); err != nil {
		t.Errorf("a renewed token: %v", err)
	}
	cfg = s.config(s.uri("one"))
	cfg.HashiCorpTLS = nil
	h = hostOf(t, newMemStore("a"), "a", Config{}, mustOpenKeys(t, cfg))
	unknown := new(tls.CertificateVerificationError)
	if err := h.rotation.Start(t.Context()); !errors.As(err, &unknown) {
		t.Errorf("a certificate of nobody's: %v", err)
	}
	if s.count("encrypt one") != 2 {
		t.Errorf("the service was asked %d times", s.count("encrypt one"))
	}
}

// TestKMSTokenFollowsNoRedirect sends the client elsewhere: the token must not
// go along.
func TestKMSTokenFollowsNoRedirect(t *testing.T) {
	var stolen []string
	thief := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		stolen = append(stolen, r.Header.Get("X-Vault-Token"))
	}))
	defer thief.Close()
	s := httptest.NewTLSServer(http.RedirectHandler(thief.URL+"/v1/transit/encrypt/one", http.StatusTemporaryRedirect))
	defer s.Close()
	cfg := (&transit{Server: s}).config(hashicorpScheme + strings.TrimPrefix(s.URL, "https://") + "/transit/keys/one")
	h := hostOf(t, newMemStore("a"), "a", Config{}, mustOpenKeys(t, cfg))
	if err := h.rotation.Start(t.Context()); !errors.Is(err, ErrKeyService) {
		t.Errorf("got %v", err)
	}
	if len(stolen) != 0 {
		t.Errorf("the redirect was followed with %q", stolen)
	}
}

// awsService stands in for the two operations of AWS KMS.
func awsService(w http.ResponseWriter, r *http.Request) {
	var in struct {
		KeyID             string `json:"KeyId"`
		Plaintext         []byte
		CiphertextBlob    []byte
		EncryptionContext map[string]string
	}
	k, err := subtle.NewAESGCM(make([]byte, 32))
	if err = errors.Join(err, json.NewDecoder(r.Body).Decode(&in)); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	bound, _ := json.Marshal(in.EncryptionContext) // a map of strings
	out := map[string]any{"KeyId": in.KeyID}
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".Encrypt") {
		out["CiphertextBlob"], err = k.Encrypt(in.Plaintext, bound)
	} else {
		out["Plaintext"], err = k.Decrypt(in.CiphertextBlob, bound)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		out = map[string]any{"__type": "InvalidCiphertextException"}
	}
	_ = json.NewEncoder(w).Encode(out) // the client sees a cut answer
}

func TestKeyInAWS(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(awsService))
	defer s.Close()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_KMS": s.URL, "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	uri := "aws-kms://arn:aws:kms:eu-central-1:000000000000:key/11111111-2222-3333-4444-555555555555"
	h := hostOf(t, newMemStore("a"), "a", Config{}, mustOpenKeys(t, KeysConfig{URI: uri}))
	if err := h.rotation.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	sealed := mustSeal(t, h.Vault, credential, plain)
	wantOpen(t, h.Vault, credential, sealed, plain)
	e, err := sealed.decode()
	if err != nil {
		t.Fatal(err)
	}
	stripped, err := envelope{keyID: e.keyID, wrapped: e.wrapped}.encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.OpenDataKey(t.Context(), byOwner, FileAAD("c", "f", 0), stripped); !errors.Is(err, ErrKeyService) {
		t.Errorf("the AAD does not reach the service: %v", err)
	}
}

func TestKeyInGoogleCloudIsPrepared(t *testing.T) {
	file := filepath.Join(t.TempDir(), "credentials.json")
	content := `{"type":"authorized_user","client_id":"c","client_secret":"s","refresh_token":"r"}`
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", file)
	uri := "gcp-kms://projects/p/locations/l/keyRings/r/cryptoKeys/k"
	k := mustOpenKeys(t, KeysConfig{URI: uri})
	if ids := k.IDs(); len(ids) != 1 || ids[0] != kmsKeyID(uri) {
		t.Errorf("it holds %q", ids)
	}
}
