package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

// secret is planted as the access token: it may appear in the Authorization header and nowhere else.
const secret = "planted-access-token-7f3a"

type given = map[string]any

// request is a call with the planted token.
func request(base, operation string, input any) sdktest.Request {
	return sdktest.Request{Platform: "reddit", Operation: operation, Input: input, Method: sdk.MethodOAuth2,
		Fields: map[string]string{"access_token": secret}, BaseURL: base}
}

// decode reads a call's output.
func decode(t *testing.T, output json.RawMessage) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal(output, &out); err != nil {
		t.Fatalf("the output is not an object: %v", err)
	}
	return out
}

func TestManifest(t *testing.T) {
	h := sdktest.Start(t, adapter())
	h.Declared(t, nil, []string{"save", "flair", "privatemessages"})
	p := h.Platforms[0]
	o := p.GetAuthMethods()[0].GetOauth2()
	sdktest.Equal(t, "scopes", strings.Join(o.GetScopes(), " "), "identity read submit vote mysubreddits subscribe history edit")
	sdktest.Equal(t, "parameters", o.GetAuthorizeParameters(), map[string]string{"duration": "permanent"})
	sdktest.Equal(t, "client", o.GetClientAuthentication(), "basic")
	if !strings.Contains(o.GetUserAgent(), version) {
		t.Errorf("the User-Agent %q does not name the version", o.GetUserAgent())
	}
}

// The README lists every operation with its effect and scopes.
func TestReadmeListsOperations(t *testing.T) {
	sdktest.Start(t, adapter()).Readme(t, sdktest.ReadmeRows{Scopes: true})
}
