package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

// secret is planted as the token: it may appear in the Authorization header and nowhere else.
const secret = "xoxb-planted-secret-7f3a"

// seen is one request that a double of Slack got.
type seen struct {
	Method, Path, Authorization string
	Args                        map[string]string
	Body                        []byte
}

// double stands in for Slack: it answers what answer says and keeps the requests.
type double struct {
	*httptest.Server
	mu       sync.Mutex
	requests []seen
}

func newDouble(t *testing.T, answer http.HandlerFunc) *double {
	t.Helper()
	d := &double{}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the sender gave up, and so does the double
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		one := seen{Method: r.Method, Path: r.URL.Path, Authorization: r.Header.Get("Authorization"), Body: body, Args: map[string]string{}}
		for name, values := range r.URL.Query() {
			one.Args[name] = values[0]
		}
		if r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" {
			_ = r.ParseForm() // a malformed form shows as missing arguments
			for name, values := range r.PostForm {
				one.Args[name] = values[0]
			}
		}
		d.mu.Lock()
		d.requests = append(d.requests, one)
		d.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(d.Close)
	return d
}

func (d *double) got() []seen {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.requests)
}

// answering answers every request with a JSON body.
func answering(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = io.WriteString(w, body) // the test sees when it does not arrive
	}
}

// request is a call with the planted token against a base URL.
func request(base, operation string, input any) sdktest.Request {
	return sdktest.Request{Platform: "slack", Operation: operation, Input: input, Method: sdk.MethodBearer,
		Fields: map[string]string{"token": secret}, BaseURL: base}
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
	p := h.Platforms[0]
	var names []string
	for _, op := range p.GetOperations() {
		names = append(names, op.GetName())
	}
	equal(t, "operations", names, []string{"send_message", "send_dm", "post_ephemeral", "update_message", "delete_message", "get_permalink",
		"schedule_message", "list_scheduled_messages", "cancel_scheduled_message", "list_channels", "list_my_channels", "get_channel", "create_channel",
		"archive_channel", "unarchive_channel", "rename_channel", "set_topic", "set_purpose", "join_channel", "leave_channel", "invite_to_channel",
		"kick_from_channel", "list_members", "channel_history", "thread_replies", "list_users", "get_user", "lookup_user_by_email", "get_team",
		"set_status", "add_reaction", "remove_reaction", "get_reactions", "add_pin", "remove_pin", "list_pins", "add_bookmark", "edit_bookmark",
		"remove_bookmark", "list_bookmarks", "upload_file", "list_files", "get_file", "download_file", "delete_file", "search_messages"})
	equal(t, "hosts", append([]string{p.GetBaseUrl()}, p.GetHosts()...), []string{"https://slack.com/api", "files.slack.com"})
	if err := xml.Unmarshal(p.GetIcon(), new(struct{})); err != nil {
		t.Errorf("the icon is not XML: %v", err)
	}

	oauth, bearer := p.GetAuthMethods()[0], p.GetAuthMethods()[1]
	equal(t, "bearer fields", []string{bearer.GetType(), bearer.GetFields()[0].GetName()}, []string{"bearer", "token"})
	if !bearer.GetFields()[0].GetSecret() || !bearer.GetFields()[0].GetRequired() {
		t.Error("the token must be secret and required")
	}
	o := oauth.GetOauth2()
	if o.GetScopeSeparator() != "," || o.GetErrorPointer() != "/error" || !slices.Contains(o.GetScopes(), "chat:write") {
		t.Errorf("the OAuth2 declaration lacks Slack's quirks: %v", o)
	}
	for _, op := range p.GetOperations() {
		for _, scope := range op.GetScopes() {
			if user := []string{"search:read", "users.profile:write"}; !slices.Contains(o.GetScopes(), scope) && !slices.Contains(user, scope) {
				t.Errorf("%s needs %s, which is never asked for", op.GetName(), scope)
			}
		}
	}
}

// What a limit, a page and an enumeration allow is in the schemas, where callers see it.
func TestSchemasRefuse(t *testing.T) {
	h := sdktest.Start(t, adapter())
	tests := map[string]struct {
		operation string
		input     any
	}{
		"no channel":     {"send_message", map[string]any{"text": "hi"}},
		"unknown field":  {"send_message", map[string]any{"channel": "C1", "text": "hi", "base_url": "http://127.0.0.1"}},
		"too many":       {"channel_history", map[string]any{"channel": "C1", "limit": 1000}},
		"no such type":   {"list_channels", map[string]any{"types": []string{"secret_channel"}}},
		"ts is no ts":    {"delete_message", map[string]any{"channel": "C1", "ts": "yesterday"}},
		"block no block": {"send_message", map[string]any{"channel": "C1", "blocks": []any{"text"}}},
		"javascript":     {"add_bookmark", map[string]any{"channel": "C1", "title": "x", "link": "javascript:alert(1)"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := h.Execute(t.Context(), request("http://127.0.0.1:1", test.operation, test.input))
			if err == nil || !strings.Contains(err.Error(), "does not fit its schema") {
				t.Errorf("want a refusal by the schema, got %v", err)
			}
		})
	}
}

// The README lists every operation with its effect and the scopes that it declares.
func TestReadmeListsOperations(t *testing.T) {
	sdktest.Start(t, adapter()).Readme(t, sdktest.ReadmeRows{Scopes: true})
}
