package main

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

// secret is planted as the access token: it may appear in the Authorization header and nowhere else.
const secret = "planted-access-token-7f3a"

type given = map[string]any

// request is a call with the planted token.
func request(base, operation string, input any) sdktest.Request {
	return sdktest.Request{Platform: "outlook", Operation: operation, Input: input, Method: sdk.MethodOAuth2,
		Fields: map[string]string{"access_token": secret}, BaseURL: base}
}

// failure runs a call that must fail, and asserts that its error holds no secret.
func failure(t *testing.T, h *sdktest.Harness, r sdktest.Request) *sdk.Error {
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
	if strings.Contains(string(all), "planted") || strings.Contains(string(all), "127.0.0.1") {
		t.Errorf("the error holds a secret or an address: %s", all)
	}
	return e
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// serve answers every request by one function.
func serve(t *testing.T, f http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return server.URL
}

func TestManifest(t *testing.T) {
	p := sdktest.Start(t, adapter()).Platforms[0]
	if err := xml.Unmarshal(p.GetIcon(), new(struct{})); err != nil {
		t.Errorf("the icon is not XML: %v", err)
	}
	o := p.GetAuthMethods()[0].GetOauth2()
	if !slices.Contains(o.GetScopes(), "offline_access") || o.GetNoPkce() {
		t.Error("without offline_access there is no refresh token; PKCE is taken")
	}
	for _, op := range p.GetOperations() {
		if len(op.GetScopes()) == 0 {
			t.Errorf("%s declares no scope", op.GetName())
		}
		for _, scope := range op.GetScopes() {
			if !slices.Contains(o.GetScopes(), scope) {
				t.Errorf("%s needs %s, which is never asked for", op.GetName(), scope)
			}
		}
	}
}

// The README lists every operation with its effect and scopes.
func TestReadmeListsOperations(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(readme)) {
		if name, rest, ok := strings.Cut(strings.TrimPrefix(line, "| `"), "` | "); ok && strings.HasPrefix(line, "| `") {
			rows[name] = rest
		}
	}
	operations := sdktest.Start(t, adapter()).Platforms[0].GetOperations()
	equal(t, "rows", len(rows), len(operations))
	for _, op := range operations {
		effect := strings.ToLower(strings.TrimPrefix(op.GetEffect().String(), "EFFECT_"))
		if want := effect + " | `" + strings.Join(op.GetScopes(), "`, `") + "`"; !strings.HasPrefix(rows[op.GetName()], want) {
			t.Errorf("%s: want %q, got %q", op.GetName(), want, rows[op.GetName()])
		}
	}
}
