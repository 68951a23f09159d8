package main

import (
	"encoding/xml"
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
	sdktest.Start(t, adapter()).Readme(t, sdktest.ReadmeRows{Scopes: true})
}
