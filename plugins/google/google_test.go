package main

import (
	"encoding/xml"
	"slices"
	"strings"
	"testing"

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
			sdktest.Equal(t, p.GetId()+": parameters", m.GetOauth2().GetAuthorizeParameters(), map[string]string{"access_type": "offline", "prompt": "consent", "include_granted_scopes": "true"})
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
	sdktest.Equal(t, "platforms", strings.Join(ids, " "), "gmail google-sheets google-drive google-calendar google youtube")
}

// The README lists every operation with its effect and scopes.
func TestReadmeListsOperations(t *testing.T) {
	sdktest.Start(t, adapter()).Readme(t, sdktest.ReadmeRows{Scopes: true, Cut: scopePrefix})
}
