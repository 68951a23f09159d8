package main

import (
	"testing"

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

func TestManifest(t *testing.T) {
	h := sdktest.Start(t, adapter())
	h.Declared(t, nil, nil)
	p := h.Platforms[0]
	o := p.GetAuthMethods()[0].GetOauth2()
	sdktest.Equal(t, "client", []string{o.GetClientAuthentication(), o.GetTokenRequestFormat()}, []string{"basic", "json"})
	sdktest.Equal(t, "parameters", o.GetAuthorizeParameters(), map[string]string{"owner": "user"})
	field := p.GetAuthMethods()[1].GetFields()[0]
	if p.GetAuthMethods()[1].GetType() != "bearer" || field.GetName() != "token" || !field.GetSecret() || !field.GetRequired() {
		t.Errorf("the token's field is %v", field)
	}
}

// The README lists every operation with its effect.
func TestReadmeListsOperations(t *testing.T) {
	sdktest.Start(t, adapter()).Readme(t, sdktest.ReadmeRows{})
}
