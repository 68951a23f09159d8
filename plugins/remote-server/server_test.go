package main

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

// server is an sshd, with the adapter beside it.
type server struct {
	*sdktest.SSHServer
	harness *sdktest.Harness
	// fields are a good credential. A test that changes them clones them.
	fields map[string]string
}

func newServer(t *testing.T, config ...string) *server {
	t.Helper()
	s := &server{SSHServer: sdktest.SSHD(t, config...), harness: sdktest.Start(t, adapter())}
	s.fields = map[string]string{"host": s.Host, "port": strconv.Itoa(s.Port), "username": s.User,
		"private_key": s.PrivateKey, "host_key": s.HostKey}
	return s
}

// with answers a good credential with some fields changed, given as names and values in turn.
func (s *server) with(pairs ...string) map[string]string {
	fields := maps.Clone(s.fields)
	for i := 0; i+1 < len(pairs); i += 2 {
		fields[pairs[i]] = pairs[i+1]
	}
	return fields
}

func request(operation string, input any, fields map[string]string) sdktest.Request {
	return sdktest.Request{Platform: "remote-server", Operation: operation, Input: input, Method: sdk.MethodCustom, Fields: fields}
}

// call runs an operation that must succeed.
func call[Out any](t *testing.T, s *server, operation string, input any) Out {
	t.Helper()
	result, err := s.harness.Execute(t.Context(), request(operation, input, s.fields))
	if err != nil {
		t.Fatalf("%s: %v", operation, err)
	}
	return decode[Out](t, result.Output)
}

func decode[Out any](t *testing.T, raw json.RawMessage) Out {
	t.Helper()
	var out Out
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatalf("decoding an output: %v", err)
	}
	return out
}

// fails runs an operation that must fail with a kind, and answers the error.
func fails(t *testing.T, s *server, kind sdk.Kind, operation string, input any) *sdk.Error {
	t.Helper()
	_, err := s.harness.Execute(t.Context(), request(operation, input, s.fields))
	return wantKind(t, err, kind)
}

func wantKind(t *testing.T, err error, kind sdk.Kind) *sdk.Error {
	t.Helper()
	var e *sdk.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an error of kind %d", err, kind)
	}
	if e.Kind != kind {
		t.Fatalf("got kind %d (%s), want %d", e.Kind, e.Message, kind)
	}
	return e
}

// holdsNone fails where a text holds a secret.
func holdsNone(t *testing.T, text string, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			t.Errorf("%q holds a secret", text)
		}
	}
}

func writeLocal(t *testing.T, content []byte, names ...string) string {
	t.Helper()
	path := filepath.Join(names...)
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func readLocal(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// alive says whether a process of this machine has a word in its command line.
func alive(t *testing.T, word string) bool {
	t.Helper()
	out, err := exec.Command("pgrep", "-f", "--", word).Output()
	var none *exec.ExitError
	if errors.As(err, &none) && none.ExitCode() == 1 {
		return false
	}
	if err != nil {
		t.Fatalf("asking for processes: %v", err)
	}
	return len(out) > 0
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}
