package main

import (
	"slices"
	"testing"

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

func TestManifest(t *testing.T) {
	h := sdktest.Start(t, adapter())
	h.Declared(t, nil, nil)
	p := h.Platforms[0]
	o := p.GetAuthMethods()[0].GetOauth2()
	if !slices.Contains(o.GetScopes(), "offline_access") || o.GetNoPkce() {
		t.Error("without offline_access there is no refresh token; PKCE is taken")
	}
}

// The README lists every operation with its effect and scopes.
func TestReadmeListsOperations(t *testing.T) {
	sdktest.Start(t, adapter()).Readme(t, sdktest.ReadmeRows{Scopes: true})
}
