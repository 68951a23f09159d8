package sdktest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/sdk"
)

// Failure runs a call that must fail with an error of the adapter, which must be [Discreet], and answers that error.
func Failure(t testing.TB, h *Harness, r Request) *sdk.Error {
	t.Helper()
	_, err := h.Execute(t.Context(), r)
	var e *sdk.Error
	if !errors.As(err, &e) {
		t.Fatalf("want an error of the adapter, got %v", err)
	}
	Discreet(t, r, err)
	return e
}

// Discreet fails where any part of an error holds a value of the credential, the address of the test server, or "planted", which stands in other
// secrets of a test. The field "endpoint" is no secret: where it is one's own server, a failure may name it.
func Discreet(t testing.TB, r Request, err error) {
	t.Helper()
	for _, complaint := range indiscreet(r, err) {
		t.Error(complaint)
	}
}

// indiscreet answers what an error tells that it must not.
func indiscreet(r Request, err error) (all []string) {
	if err == nil {
		return nil
	}
	text := err.Error()
	var failed *sdk.Error
	if errors.As(err, &failed) {
		encoded, encodingErr := json.Marshal(failed) // what %+v shows as a pointer, it follows
		if encodingErr != nil {
			return []string{"encoding the error: " + encodingErr.Error()}
		}
		text += fmt.Sprintf("\n%+v\n%s", *failed, encoded)
	}
	forbidden := map[string]string{"a planted secret": "planted", "an address of this machine": "127.0.0.1", "the server's address": strings.TrimPrefix(r.BaseURL, "http://")}
	for name, value := range r.Fields {
		if name != "endpoint" {
			forbidden["the credential's "+name] = value
		}
	}
	for what, secret := range forbidden {
		if secret != "" && strings.Contains(text, secret) {
			all = append(all, "the error holds "+what+": "+text)
		}
	}
	return all
}
