package main

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

// secret is planted as the token: it may appear in the Authorization header and nowhere else.
const secret = "ntn_planted-secret-7f3a"

type given = map[string]any

// request is a call with the planted token of an internal integration.
func request(base, operation string, input any) sdktest.Request {
	return sdktest.Request{Platform: "notion", Operation: operation, Input: input, Method: sdk.MethodBearer,
		Fields: map[string]string{"token": secret}, BaseURL: base}
}

// bySignIn is a call with an access token.
func bySignIn(base, operation string, input any) sdktest.Request {
	r := request(base, operation, input)
	r.Method, r.Fields = sdk.MethodOAuth2, map[string]string{"access_token": secret}
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
	p := sdktest.Start(t, adapter()).Platforms[0]
	if err := xml.Unmarshal(p.GetIcon(), new(struct{})); err != nil {
		t.Errorf("the icon is not XML: %v", err)
	}
	o := p.GetAuthMethods()[0].GetOauth2()
	equal(t, "client", []string{o.GetClientAuthentication(), o.GetTokenRequestFormat()}, []string{"basic", "json"})
	equal(t, "parameters", o.GetAuthorizeParameters(), map[string]string{"owner": "user"})
	field := p.GetAuthMethods()[1].GetFields()[0]
	if p.GetAuthMethods()[1].GetType() != "bearer" || field.GetName() != "token" || !field.GetSecret() || !field.GetRequired() {
		t.Errorf("the token's field is %v", field)
	}
}

// The README lists every operation with its effect.
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
		if effect := strings.ToLower(strings.TrimPrefix(op.GetEffect().String(), "EFFECT_")); !strings.HasPrefix(rows[op.GetName()], effect+" | ") {
			t.Errorf("%s: want the effect %s, got %q", op.GetName(), effect, rows[op.GetName()])
		}
	}
}
