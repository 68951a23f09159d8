package sdk_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

// secret is planted wherever an error could pick it up.
const secret = "sk-planted-secret-1"

// patience is how long a test waits for what must happen; only a failing test waits so long.
const patience = 30 * time.Second

// TestMain makes the certificate of test servers one of those that this process trusts.
func TestMain(m *testing.M) {
	server := httptest.NewTLSServer(nil)
	server.Close()
	dir, err := os.MkdirTemp("", "sdk")
	if err == nil {
		file := filepath.Join(dir, "roots.pem")
		err = os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600)
		err = errors.Join(err, os.Setenv("SSL_CERT_FILE", file), os.Setenv("SSL_CERT_DIR", dir))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// operation is the body of an operation in these tests.
type operation func(ctx context.Context, call *sdk.Call) (json.RawMessage, error)

// platform is one with the operation "run".
func platform(f operation) sdk.Platform {
	run := sdk.Func(func(ctx context.Context, call *sdk.Call, _ sdk.None) (json.RawMessage, error) {
		out, err := f(ctx, call)
		if out == nil {
			out = json.RawMessage("null")
		}
		return out, err
	})
	return sdk.Platform{ID: "test", Name: "Test", Description: "Is tested.", Category: sdk.Tools, Auth: []sdk.AuthMethod{sdk.APIKey("")},
		Operations: []sdk.Operation{{Name: "run", Description: "Runs.", Effect: sdk.Write, Run: run, GivesFiles: true, TakesFiles: true, Streaming: true}}}
}

func adapter(p sdk.Platform) sdk.Adapter {
	return sdk.Adapter{Name: "test", Version: "1.0.0", Platforms: []sdk.Platform{p}}
}

// attempt runs an operation against the address of a platform.
func attempt(t *testing.T, base string, p sdk.Platform) (sdktest.Result, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return sdktest.Start(t, adapter(p)).Execute(ctx, request(base))
}

func request(base string) sdktest.Request {
	return sdktest.Request{Platform: "test", Operation: "run", Input: sdk.None{}, Method: sdk.MethodAPIKey,
		Fields: map[string]string{"api_key": secret}, BaseURL: base}
}

// do is an operation of one request whose answer must be JSON.
func do(r sdk.Request) operation {
	return func(ctx context.Context, call *sdk.Call) (out json.RawMessage, err error) {
		return out, call.Do(ctx, r, &out)
	}
}

// wantKind checks an error's kind, and that it holds nothing that it must not.
func wantKind(t *testing.T, err error, kind sdk.Kind) *sdk.Error {
	t.Helper()
	var e *sdk.Error
	if !errors.As(err, &e) {
		t.Fatalf("the error is %v", err)
	}
	if e.Kind != kind {
		t.Errorf("the kind is %d, want %d: %+v", e.Kind, kind, *e)
	}
	if text := fmt.Sprintf("%+v", *e); strings.Contains(text, secret) || strings.Contains(text, "127.0.0.1") || strings.Contains(text, "/in/the/path") {
		t.Errorf("the error holds a secret or an address: %s", text)
	}
	return e
}

// server serves until the test ends.
func server(t *testing.T, f http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewTLSServer(f)
	t.Cleanup(s.Close)
	return s
}

func plainServer(t *testing.T, f http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	return s
}

// service answers an adapter without gRPC between, for what a harness does not offer.
func service(t *testing.T, p sdk.Platform) adapterv1.AdapterServiceServer {
	t.Helper()
	s, err := sdk.NewServer(adapter(p))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func executeRequest(base string, change func(*adapterv1.CallContext)) *adapterv1.ExecuteRequest {
	c := &adapterv1.CallContext{CallId: "call_1", Platform: "test", Settings: &adapterv1.Settings{BaseUrl: base},
		Credential: &adapterv1.Credential{AuthMethod: "api_key", Fields: map[string]string{"api_key": secret}}}
	if change != nil {
		change(c)
	}
	return &adapterv1.ExecuteRequest{Call: c, Operation: "run", Input: []byte("{}")}
}
