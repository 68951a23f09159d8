package main

import (
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
		for _, m := range p.GetAuthMethods() {
			if m.GetType() != sdk.MethodOAuth2 {
				continue
			}
			sdktest.Equal(t, p.GetId()+": parameters", m.GetOauth2().GetAuthorizeParameters(), map[string]string{"access_type": "offline", "prompt": "consent", "include_granted_scopes": "true"})
		}
	}
	h.Declared(t, []string{"web_search"}, nil)
	sdktest.Equal(t, "platforms", strings.Join(ids, " "), "gmail google-sheets google-drive google-calendar google youtube")
}

// Who granted a wider scope may do what the narrower one is for, and nothing else.
func TestWiderScopes(t *testing.T) {
	h := sdktest.Start(t, adapter())
	tests := []struct {
		platform, operation, granted string
		want                         bool
	}{
		{"gmail", "get_message", "gmail.modify", true},
		{"gmail", "get_message", "gmail.labels", false},
		{"gmail", "send_email", "gmail.readonly", false},
		{"gmail", "reply", "gmail.modify", true},
		{"gmail", "reply", "gmail.compose", false},
		{"gmail", "modify_labels", "gmail.readonly", false},
		{"google-drive", "get_file", "drive.file", true},
		{"google-drive", "list_shared_drives", "drive.file", false},
		{"google-drive", "upload_file", "drive.readonly", false},
		{"google-sheets", "append_rows", "spreadsheets.readonly", false},
		{"google-calendar", "list_events", "calendar", true},
		{"google", "list_tasks", "tasks", true},
		{"google", "search_other_contacts", "contacts", false},
		{"youtube", "search", "youtube.force-ssl", true},
		{"youtube", "add_comment", "youtube.readonly", false},
	}
	for _, test := range tests {
		granted, may := scope(test.granted)[0], true
		for _, set := range sdktest.ScopesOf(h.Operation(test.platform, test.operation)) {
			may = may && slices.Contains(set, granted)
		}
		if may != test.want {
			t.Errorf("%s.%s with %s: got %v, want %v", test.platform, test.operation, test.granted, may, test.want)
		}
	}
}

// The README lists every operation with its effect and scopes.
func TestReadmeListsOperations(t *testing.T) {
	sdktest.Start(t, adapter()).Readme(t, sdktest.ReadmeRows{Scopes: true, Cut: scopePrefix})
}
