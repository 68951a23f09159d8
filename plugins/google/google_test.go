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

// secret is planted as the token or key: it may appear in the header for it and nowhere else.
const secret = "ya29.planted-secret-7f3a"

type given = map[string]any

// request is a call with the planted token.
func request(platform, base, operation string, input any) sdktest.Request {
	return sdktest.Request{Platform: platform, Operation: operation, Input: input, Method: sdk.MethodOAuth2,
		Fields: map[string]string{"access_token": secret}, BaseURL: base}
}

// byKey is a call with the planted key.
func byKey(platform, base, operation string, input any) sdktest.Request {
	r := request(platform, base, operation, input)
	r.Method, r.Fields = sdk.MethodAPIKey, map[string]string{"api_key": secret, "cx": "cx1"}
	return r
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
	h := sdktest.Start(t, adapter())
	var ids []string
	for _, p := range h.Platforms {
		ids = append(ids, p.GetId())
		if err := xml.Unmarshal(p.GetIcon(), new(struct{})); err != nil {
			t.Errorf("%s: the icon is not XML: %v", p.GetId(), err)
		}
		for _, m := range p.GetAuthMethods() {
			if m.GetType() != sdk.MethodOAuth2 {
				continue
			}
			equal(t, p.GetId()+": parameters", m.GetOauth2().GetAuthorizeParameters(), map[string]string{"access_type": "offline", "prompt": "consent", "include_granted_scopes": "true"})
			for _, op := range p.GetOperations() {
				for _, scope := range op.GetScopes() {
					if !slices.Contains(m.GetOauth2().GetScopes(), scope) {
						t.Errorf("%s.%s needs %s, which is never asked for", p.GetId(), op.GetName(), scope)
					}
				}
				if len(op.GetScopes()) == 0 && op.GetName() != "web_search" {
					t.Errorf("%s.%s declares no scope", p.GetId(), op.GetName())
				}
			}
		}
	}
	equal(t, "platforms", strings.Join(ids, " "), "gmail google-sheets google-drive google-calendar google youtube")
}

// The README lists every operation with its effect.
func TestReadmeListsOperations(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	section, rows := "", map[string]string{}
	for line := range strings.Lines(string(readme)) {
		if name, ok := strings.CutPrefix(line, "### "); ok {
			section = strings.TrimSpace(name)
		}
		if name, rest, ok := strings.Cut(strings.TrimPrefix(line, "| `"), "` | "); ok && strings.HasPrefix(line, "| `") {
			rows[section+"."+name] = rest
		}
	}
	count := 0
	for _, p := range sdktest.Start(t, adapter()).Platforms {
		for _, op := range p.GetOperations() {
			count++
			effect := strings.ToLower(strings.TrimPrefix(op.GetEffect().String(), "EFFECT_"))
			var short []string
			for _, scope := range op.GetScopes() {
				short = append(short, "`"+strings.TrimPrefix(scope, scopePrefix)+"`")
			}
			if want := effect + " | " + strings.Join(short, ", "); !strings.HasPrefix(rows[p.GetId()+"."+op.GetName()], want) {
				t.Errorf("%s.%s: want %q, got %q", p.GetId(), op.GetName(), want, rows[p.GetId()+"."+op.GetName()])
			}
		}
	}
	equal(t, "rows", len(rows), count)
}
