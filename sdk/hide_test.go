package sdk

import (
	"errors"
	"strings"
	"testing"
)

func TestHide(t *testing.T) {
	const key, password = "key/with+odd=signs", "pass"
	call := &Call{platform: &Platform{Auth: []AuthMethod{{Type: MethodCustom, Fields: []Field{{Name: "host"}, {Name: "key", Secret: true}, {Name: "password", Secret: true}}}}},
		Credential: NewCredential(MethodCustom, map[string]string{"host": "example.com", "key": key, "password": password, "undeclared": "also-secret"})}
	e := &Error{Kind: InvalidInput, Message: "example.com refused " + key + " at https://x/?k=key%2Fwith%2Bodd%3Dsigns", PlatformCode: key,
		PlatformRequestID: "also-secret", Violations: []Violation{{Pointer: "/" + key, Detail: key}}, MissingScopes: []string{key}}
	var out *Error
	if !errors.As(call.hide(e), &out) {
		t.Fatal("the error is no *Error any more")
	}
	for _, s := range []string{out.Message, out.PlatformCode, out.PlatformRequestID, out.Violations[0].Pointer, out.Violations[0].Detail, out.MissingScopes[0]} {
		if strings.Contains(s, key) || strings.Contains(s, "%2Bodd") || strings.Contains(s, "also-secret") {
			t.Errorf("%q holds a secret", s)
		}
	}
	if !strings.Contains(out.Message, "example.com refused") {
		t.Errorf("%q lost what is public", out.Message)
	}
	if e.PlatformCode != key {
		t.Error("the original was changed")
	}
}
