package sdktest

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
	"github.com/patchbay/patchbay/sdk"
)

// Serve answers every request by one function until the test ends, and answers the server's address.
func Serve(t testing.TB, f http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return server.URL
}

// Equal fails the test where two values differ, and shows how.
func Equal(t testing.TB, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// Failure runs a call that must fail with an error of the adapter. No part of that may hold a value of the credential, the address
// of the test server, or "planted", which stands in other secrets of a test.
func Failure(t testing.TB, h *Harness, r Request) *sdk.Error {
	t.Helper()
	_, err := h.Execute(t.Context(), r)
	var e *sdk.Error
	if !errors.As(err, &e) {
		t.Fatalf("want an error of the adapter, got %v", err)
	}
	all, marshalErr := json.Marshal(e)
	if marshalErr != nil {
		t.Fatal(marshalErr)
	}
	forbidden := []string{"planted", "127.0.0.1"}
	for _, value := range r.Fields {
		forbidden = append(forbidden, value)
	}
	for _, secret := range forbidden {
		if strings.Contains(string(all), secret) {
			t.Errorf("the error holds a secret or an address: %s", all)
		}
	}
	return e
}

// ReadmeLists fails the test unless the README.md in the working folder has one row for each operation, which begins with its name, its effect and, with scopes,
// the scopes that it declares, each after what cut cuts off. The rows of several platforms stand under headings "### platform".
func ReadmeLists(t testing.TB, platforms []*adapterv1.Platform, scopes bool, cut string) {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	section, rows, count := "", map[string]string{}, 0
	for line := range strings.Lines(string(readme)) {
		if name, ok := strings.CutPrefix(line, "### "); ok && len(platforms) > 1 {
			section = strings.TrimSpace(name) + "."
		}
		if name, rest, ok := strings.Cut(strings.TrimPrefix(line, "| `"), "` | "); ok && strings.HasPrefix(line, "| `") {
			rows[section+name] = rest
		}
	}
	for _, p := range platforms {
		for _, op := range p.GetOperations() {
			count++
			name, want := op.GetName(), strings.ToLower(strings.TrimPrefix(op.GetEffect().String(), "EFFECT_"))+" | "
			if len(platforms) > 1 {
				name = p.GetId() + "." + name
			}
			if scopes && len(op.GetScopes()) > 0 {
				want += "`" + strings.ReplaceAll(strings.Join(op.GetScopes(), "`, `"), cut, "") + "`"
			}
			if !strings.HasPrefix(rows[name], want) {
				t.Errorf("%s: want a row that begins with %q, got %q", name, want, rows[name])
			}
		}
	}
	if len(rows) != count {
		t.Errorf("the README has %d rows for %d operations", len(rows), count)
	}
}
