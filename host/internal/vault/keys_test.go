package vault

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"golang.org/x/sys/unix"
)

// newKeyFile makes a key file and returns its path.
func newKeyFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sub", "keys.json")
	mustOpenKeys(t, KeysConfig{URI: path, Create: true})
	return path
}

func mustOpenKeys(t *testing.T, cfg KeysConfig) *Keys {
	t.Helper()
	k, err := OpenKeys(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() }) // nothing is left to do about it
	return k
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestKeyFileIsMadeOnce(t *testing.T) {
	path := newKeyFile(t)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("made with mode %v, %v", info.Mode(), err)
	}
	dir, err := os.Stat(filepath.Dir(path))
	if err != nil || dir.Mode().Perm() != 0o700 {
		t.Errorf("its directory has mode %v, %v", dir.Mode(), err)
	}
	first, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	k := mustOpenKeys(t, KeysConfig{URI: "file://" + path, Create: true})
	second, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("opening again changed the file: %v", err)
	}
	if ids := k.IDs(); len(ids) != 1 || len(ids[0]) != 8 || !validKeyID(ids[0]) {
		t.Errorf("it holds %q", ids)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "keys.json" && e.Name() != "keys.json.lock" {
			t.Errorf("%s was left behind", e.Name())
		}
	}
}

func TestKeyFileIsMadeOnceByManyAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	ids := make([]string, 8)
	var wait sync.WaitGroup
	for i := range ids {
		wait.Go(func() {
			k, err := OpenKeys(context.Background(), KeysConfig{URI: path, Create: true})
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = strings.Join(k.IDs(), ",")
		})
	}
	wait.Wait()
	if slices.Sort(ids); ids[0] == "" || ids[0] != ids[len(ids)-1] {
		t.Errorf("several keys were made: %q", ids)
	}
}

// writeKeyset writes a keyset of a template's keys, with id disabled.
func writeKeyset(t *testing.T, path string, change func(*keyset.Manager)) {
	t.Helper()
	manager := keyset.NewManager()
	id, err := manager.Add(aead.AES256GCMKeyTemplate())
	if err != nil {
		t.Fatal(err)
	}
	if err := manager.SetPrimary(id); err != nil {
		t.Fatal(err)
	}
	change(manager)
	handle, err := manager.Handle()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&b)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestKeyFileErrorsSayWhatToDo(t *testing.T) {
	tests := []struct {
		name    string
		spoil   func(t *testing.T, path string) error
		problem string
		advice  string
	}{
		{"missing", func(_ *testing.T, p string) error { return os.Remove(p) }, "does not exist", "put back the file"},
		{"readable by the group", func(_ *testing.T, p string) error { return os.Chmod(p, 0o640) }, "mode 0640", "chmod 600 "},
		{"readable by all", func(_ *testing.T, p string) error { return os.Chmod(p, 0o604) }, "mode 0604", "chmod 600 "},
		{"writable by others", func(_ *testing.T, p string) error { return os.Chmod(p, 0o602) }, "mode 0602", "chmod 600 "},
		{"empty", func(_ *testing.T, p string) error { return os.Truncate(p, 0) }, "damaged", "from a backup"},
		{"cut short", func(_ *testing.T, p string) error { return os.Truncate(p, 100) }, "damaged", "from a backup"},
		{"text", func(_ *testing.T, p string) error { return os.WriteFile(p, []byte("hello"), 0o600) }, "damaged", "from a backup"},
		{"no keys", func(_ *testing.T, p string) error {
			return os.WriteFile(p, []byte(`{"primaryKeyId":1,"key":[]}`), 0o600)
		}, "damaged", "from a backup"},
		{"huge", func(_ *testing.T, p string) error { return os.Truncate(p, maxKeyFile+1) }, "too large", "from a backup"},
		{"a directory", func(_ *testing.T, p string) error { return errors.Join(os.Remove(p), os.Mkdir(p, 0o700)) }, "not a regular file", "PATCHBAY_KEY"},
		{"a pipe", func(_ *testing.T, p string) error { return errors.Join(os.Remove(p), unix.Mkfifo(p, 0o600)) }, "not a regular file", "PATCHBAY_KEY"},
		{"weaker keys", func(t *testing.T, p string) error {
			writeKeyset(t, p, func(m *keyset.Manager) { _, _ = m.Add(aead.AES128GCMKeyTemplate()) })
			return nil
		}, "not AES-256-GCM", "a file that the host made"},
		{"keys of another kind", func(t *testing.T, p string) error {
			writeKeyset(t, p, func(m *keyset.Manager) { _, _ = m.Add(aead.AES256CTRHMACSHA256KeyTemplate()) })
			return nil
		}, "not AES-256-GCM", "a file that the host made"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := newKeyFile(t)
			if err := test.spoil(t, path); err != nil {
				t.Fatal(err)
			}
			_, err := OpenKeys(t.Context(), KeysConfig{URI: path})
			problem := new(KeyFileError)
			if !errors.As(err, &problem) || problem.Path != path {
				t.Fatalf("got %v", err)
			}
			if !strings.Contains(problem.Problem, test.problem) || !strings.Contains(err.Error(), test.advice) {
				t.Errorf("got %q, want %q and %q", err, test.problem, test.advice)
			}
		})
	}
}

func TestKeyFileErrorsQuoteNoKey(t *testing.T) {
	path := newKeyFile(t)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	value := string(b[bytes.Index(b, []byte(`"value"`))+9:][:40])
	for name, broken := range map[string][]byte{
		"cut": b[:len(b)-20], "a field renamed": bytes.Replace(b, []byte(`"status"`), []byte(`"sttus"`), 1),
		"the value unquoted": bytes.Replace(b, []byte(`"value"`), []byte(`"value":"`+value+`",x`), 1),
	} {
		if err := os.WriteFile(path, broken, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := OpenKeys(t.Context(), KeysConfig{URI: path})
		if err == nil || strings.Contains(err.Error(), value[5:20]) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKeyFileSkipsDisabledKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	var disabled uint32
	writeKeyset(t, path, func(m *keyset.Manager) {
		disabled, _ = m.Add(aead.AES256GCMKeyTemplate())
		if err := m.Disable(disabled); err != nil {
			t.Fatal(err)
		}
	})
	if ids := mustOpenKeys(t, KeysConfig{URI: path}).IDs(); len(ids) != 1 || ids[0] == fileKeyID(disabled) {
		t.Errorf("it holds %q, of which %08x is disabled", ids, disabled)
	}
}

func TestOpenKeysRefusesOddURIs(t *testing.T) {
	path := newKeyFile(t)
	token := func(context.Context) (Secret, error) { return SecretString("t"), nil }
	tests := map[string]string{
		"":                                "names no key",
		path + ",":                        "names no key",
		"file://":                         "names no key",
		"vault://host/key":                "only file, aws-kms, gcp-kms and hcvault",
		path + "," + path:                 "only one key file",
		"aws-kms://key":                   "region",
		"hcvault://host/transit/name":     "hcvault://HOST:PORT/MOUNT/keys/NAME",
		"hcvault:///transit/keys/name":    "hcvault://HOST:PORT/MOUNT/keys/NAME",
		"hcvault://u:pw@h/t/keys/n":       "password",
		"hcvault://h/t/keys/n?x=1":        "hcvault://HOST:PORT/MOUNT/keys/NAME",
		"hcvault://h/t/k,hcvault://h/t/k": "hcvault://HOST:PORT/MOUNT/keys/NAME",
		"hcvault://h/t/keys/n,hcvault://h/t/keys/n": "named twice",
	}
	for uri, want := range tests {
		k, err := OpenKeys(t.Context(), KeysConfig{URI: uri, HashiCorpToken: token})
		if k != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", uri, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "pw@") {
			t.Errorf("%q: the error quotes the password", uri)
		}
	}
	if _, err := OpenKeys(t.Context(), KeysConfig{URI: "hcvault://h/t/keys/n"}); err == nil || !strings.Contains(err.Error(), "token") {
		t.Errorf("without a token: %v", err)
	}
}

func TestAddKeepsWhatOthersAdded(t *testing.T) {
	path := newKeyFile(t)
	a, b := mustOpenKeys(t, KeysConfig{URI: path}), mustOpenKeys(t, KeysConfig{URI: path})
	var wait sync.WaitGroup
	for _, k := range []*Keys{a, b, a, b} {
		wait.Go(func() {
			if _, err := k.Add(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	for _, k := range []*Keys{a, b} {
		if err := k.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := k.IDs(); len(got) != 5 {
			t.Errorf("keys %q, want 5", got)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	fresh := mustOpenKeys(t, KeysConfig{URI: path})
	if !slices.Equal(fresh.IDs(), mustOpenKeys(t, KeysConfig{URI: path}).IDs()) || len(fresh.IDs()) != 5 {
		t.Error("a restart sees other keys")
	}
}

func TestAddFailsWhileLocked(t *testing.T) {
	path := newKeyFile(t)
	k := mustOpenKeys(t, KeysConfig{URI: path})
	lock, err := os.OpenFile(path+".lock", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := k.Add(ctx); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "another process") {
		t.Errorf("got %v", err)
	}
}

func TestReloadTakesUpACopiedFile(t *testing.T) {
	path := newKeyFile(t)
	other := filepath.Join(t.TempDir(), "keys.json")
	copyFile(t, path, other)
	k, there := mustOpenKeys(t, KeysConfig{URI: path}), mustOpenKeys(t, KeysConfig{URI: other})
	added, err := there.Add(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	copyFile(t, other, path)
	if err := k.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if k.get(added) == nil || !slices.Equal(k.IDs(), there.IDs()) {
		t.Errorf("after the copy: %q, want %q", k.IDs(), there.IDs())
	}
}

func TestReloadNeverDropsKeys(t *testing.T) {
	path := newKeyFile(t)
	k := mustOpenKeys(t, KeysConfig{URI: path})
	id := k.IDs()[0]
	damage := map[string]func() error{
		"gone":        func() error { return os.Remove(path) },
		"half copied": func() error { return os.WriteFile(path, []byte(`{"primaryKeyId":`), 0o600) },
		"opened up":   func() error { return os.Chmod(path, 0o644) },
	}
	for name, do := range damage {
		kept, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := do(); err != nil {
			t.Fatal(err)
		}
		problem := new(KeyFileError)
		if err := k.Reload(t.Context()); !errors.As(err, &problem) {
			t.Errorf("%s: %v", name, err)
		}
		if k.get(id) == nil {
			t.Fatalf("%s: the key was dropped", name)
		}
		if err := errors.Join(os.WriteFile(path, kept, 0o600), os.Chmod(path, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	copyFile(t, newKeyFile(t), path) // a whole file of other keys
	if err := k.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if k.get(id) == nil || !slices.Equal(k.lost(), []string{id}) || slices.Contains(k.IDs(), id) {
		t.Errorf("lost %q, held %q", k.lost(), k.IDs())
	}
}

func TestReloadRefusesOtherMaterialUnderAnID(t *testing.T) {
	path := newKeyFile(t)
	k := mustOpenKeys(t, KeysConfig{URI: path})
	before := k.keks[0]
	forge(t, newKeyFile(t), path, k.IDs()[0])
	wrong := new(WrongKeyError)
	if err := k.Reload(t.Context()); !errors.As(err, &wrong) || wrong.KeyID != before.id {
		t.Errorf("got %v", err)
	}
	if k.get(before.id) != before {
		t.Error("the key was replaced")
	}
}

// forge copies a key file and gives its key another id.
func forge(t *testing.T, from, to, id string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	handle, err := keyFile{path: from}.parse(b)
	if err != nil {
		t.Fatal(err)
	}
	set := insecurecleartextkeyset.KeysetMaterial(handle)
	number := parseKeyID(t, id)
	set.PrimaryKeyId, set.Key[0].KeyId = number, number
	var out bytes.Buffer
	if err := insecurecleartextkeyset.Write(insecurecleartextkeyset.KeysetHandle(set), keyset.NewJSONWriter(&out)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

func FuzzKeyFile(f *testing.F) {
	f.Add([]byte(`{"primaryKeyId":1,"key":[]}`))
	f.Add([]byte(`{"primaryKeyId":1,"key":[{"keyData":{"typeUrl":"type.googleapis.com/google.crypto.tink.AesGcmKey","value":"GiB=","keyMaterialType":"SYMMETRIC"},"status":"ENABLED","keyId":1,"outputPrefixType":"TINK"}]}`))
	f.Add([]byte(`{"primaryKeyId":2026,"key":[{"keyData":{"typeUrl":"type.googleapis.com/google.crypto.tink.AesGcmKey","value":"GiAAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHw==","keyMaterialType":"SYMMETRIC"},"status":"ENABLED","keyId":2026,"outputPrefixType":"TINK"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		file := keyFile{path: "keys.json"}
		handle, err := file.parse(b)
		if err != nil {
			return
		}
		keys, err := file.keys(handle)
		if err != nil {
			return
		}
		for _, k := range keys {
			wrapped, err := k.wrap(t.Context(), make([]byte, dataKeySize), dataKeyAAD)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := k.unwrap(t.Context(), wrapped, fileKeyAAD); !errors.Is(err, ErrDamaged) {
				t.Fatal("a key of the file binds nothing")
			}
		}
	})
}

func parseKeyID(t *testing.T, id string) uint32 {
	t.Helper()
	n, err := strconv.ParseUint(id, 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(n)
}

// TestReadersSeeWholeFilesOnly reads while another host process writes.
func TestReadersSeeWholeFilesOnly(t *testing.T) {
	path := newKeyFile(t)
	writer, reader := mustOpenKeys(t, KeysConfig{URI: path}), mustOpenKeys(t, KeysConfig{URI: path})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 20 {
			if _, err := writer.Add(context.Background()); err != nil {
				t.Error(err)
			}
		}
	}()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		if err := reader.Reload(t.Context()); err != nil {
			t.Error(err)
			break
		}
	}
	<-done
	if !slices.Equal(reader.IDs(), writer.IDs()) || len(reader.IDs()) != 21 {
		t.Errorf("%d keys read, %d written", len(reader.IDs()), len(writer.IDs()))
	}
}
