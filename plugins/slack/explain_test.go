package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

func TestRefusals(t *testing.T) {
	hello := map[string]any{"channel": "C1", "text": "hi"}
	tests := map[string]struct {
		operation string
		input     any
		method    string // bearer when empty
		status    int    // 200 when 0
		header    map[string]string
		body      string
		kind      sdk.Kind
		says      string
		check     func(*testing.T, *sdk.Error)
	}{
		"invalid_auth":         {body: `{"ok":false,"error":"invalid_auth"}`, kind: sdk.AuthRevoked, says: "Connect the account again"},
		"invalid_auth, OAuth":  {method: sdk.MethodOAuth2, body: `{"ok":false,"error":"invalid_auth"}`, kind: sdk.AuthExpired, says: "invalid_auth"},
		"token_revoked":        {method: sdk.MethodOAuth2, body: `{"ok":false,"error":"token_revoked"}`, kind: sdk.AuthRevoked, says: "Install the app again"},
		"token_expired":        {method: sdk.MethodOAuth2, body: `{"ok":false,"error":"token_expired"}`, kind: sdk.AuthExpired, says: "expired"},
		"account_inactive":     {body: `{"ok":false,"error":"account_inactive"}`, kind: sdk.AuthRevoked, says: "was deleted"},
		"channel_not_found":    {body: `{"ok":false,"error":"channel_not_found"}`, kind: sdk.NotFound, says: "list_channels"},
		"not_in_channel":       {body: `{"ok":false,"error":"not_in_channel"}`, kind: sdk.PermissionDenied, says: "join_channel"},
		"is_archived":          {body: `{"ok":false,"error":"is_archived"}`, kind: sdk.Conflict, says: "unarchive_channel"},
		"ratelimited in a 200": {body: `{"ok":false,"error":"ratelimited"}`, kind: sdk.RateLimited, says: "Wait"},
		"white space first":    {body: " \n{ \"ok\" : false, \"error\":\"name_taken\" }", kind: sdk.Conflict, says: "another name"},
		"not labelled as JSON": {header: map[string]string{"Content-Type": "text/html"}, body: `{"ok":false,"error":"channel_not_found"}`, kind: sdk.NotFound, says: "channel_not_found"},
		"young code":           {body: `{"ok":false,"error":"canvas_not_found"}`, kind: sdk.NotFound, says: "canvas_not_found"},
		"unheard-of code":      {body: `{"ok":false,"error":"sunspots"}`, kind: sdk.PlatformError, says: "sunspots"},
		"unheard-of, with 403": {status: 403, body: `{"ok":false,"error":"sunspots"}`, kind: sdk.PermissionDenied, says: "sunspots"},
		"no code":              {body: `{"ok":false}`, kind: sdk.PlatformError, says: "base URL"},
		"not of Slack":         {body: `{"hello":"world"}`, kind: sdk.PlatformError, says: "base URL"},
		"no JSON":              {header: map[string]string{"Content-Type": "text/html"}, body: "<html>planted</html>", kind: sdk.PlatformError, says: "base URL"},
		"empty":                {body: "", kind: sdk.PlatformError, says: "base URL"},
		"wrong shape":          {body: `{"ok":true,"channel":["planted"]}`, kind: sdk.PlatformError, says: "shape"},
		"code is a secret":     {body: `{"ok":false,"error":"token ` + secret + ` is bad"}`, kind: sdk.PlatformError, says: "base URL"},
		"code is a token":      {body: `{"ok":false,"error":"` + secret + `"}`, kind: sdk.PlatformError, says: "base URL"},
		"503":                  {status: 503, header: map[string]string{"Retry-After": "3"}, body: "planted", kind: sdk.PlatformUnavailable, says: "503"},
		"404 page":             {status: 404, body: "<html>planted</html>", kind: sdk.NotFound, says: "404"},
		"failed while writing": {body: `{"ok":false,"error":"fatal_error"}`, kind: sdk.OutcomeUnknown, says: "may have been done"},
		"failed while reading": {operation: "get_user", input: map[string]any{"user": "U1"}, body: `{"ok":false,"error":"fatal_error"}`, kind: sdk.PlatformError, says: "fatal_error"},
		"missing_scope": {body: `{"ok":false,"error":"missing_scope","needed":"chat:write, chat:write.public,` + secret + `","provided":"identify"}`,
			kind: sdk.PermissionDenied, says: "Needed: chat:write, chat:write.public.", check: func(t *testing.T, e *sdk.Error) {
				equal(t, "missing scopes", e.MissingScopes, []string{"chat:write", "chat:write.public"})
			}},
		"429": {status: 429, header: map[string]string{"Retry-After": "30", "X-Slack-Req-Id": "req1"}, body: `{"ok":false,"error":"ratelimited"}`,
			kind: sdk.RateLimited, says: "too many calls", check: func(t *testing.T, e *sdk.Error) {
				equal(t, "wait", e.RetryAfter, 30*time.Second)
				equal(t, "status", e.PlatformStatus, 429)
				equal(t, "request id", e.PlatformRequestID, "req1")
			}},
		"429 without JSON": {status: 429, header: map[string]string{"Retry-After": "7"}, body: "slow down", kind: sdk.RateLimited, says: "429",
			check: func(t *testing.T, e *sdk.Error) { equal(t, "wait", e.RetryAfter, 7*time.Second) }},
		"invalid_blocks": {body: `{"ok":false,"error":"invalid_blocks","response_metadata":{"messages":["[ERROR] must be less than 3001 characters [json-pointer:/blocks/0/text/text]",` +
			`"[WARN] not an error","[ERROR] unexpected ` + secret + `"]}}`, kind: sdk.InvalidInput, says: "/blocks/0/text/text must be less than 3001 characters.",
			check: func(t *testing.T, e *sdk.Error) {
				equal(t, "violations", e.Violations, []sdk.Violation{{Pointer: "/blocks/0/text/text", Detail: "must be less than 3001 characters"}, {Detail: "unexpected ..."}})
			}},
	}
	h := sdktest.Start(t, adapter())
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			slack := newDouble(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				for k, v := range test.header {
					w.Header().Set(k, v)
				}
				if test.status != 0 {
					w.WriteHeader(test.status)
				}
				_, _ = io.WriteString(w, test.body) // the test sees when it does not arrive
			})
			r := request(slack.URL, "send_message", hello)
			if test.operation != "" {
				r.Operation, r.Input = test.operation, test.input
			}
			if test.method != "" {
				r.Method, r.Fields = test.method, map[string]string{"access_token": secret}
			}
			e := failure(t, h, r)
			equal(t, "kind", e.Kind, test.kind)
			if !strings.Contains(e.Message, test.says) {
				t.Errorf("want %q in %q", test.says, e.Message)
			}
			if test.check != nil {
				test.check(t, e)
			}
		})
	}
}

// Every code that Slack's description lists for a method that the adapter calls has its own row in the table.
func TestEveryListedCodeIsKnown(t *testing.T) {
	document, err := os.ReadFile(sdktest.Fixture(t, "specs/slack.json"))
	if err != nil {
		t.Fatal(err)
	}
	var spec struct {
		Paths map[string]map[string]struct {
			Responses map[string]struct {
				Schema struct {
					Properties struct {
						Error struct{ Enum []string }
					}
				}
			}
		}
	}
	if err := json.Unmarshal(document, &spec); err != nil {
		t.Fatal(err)
	}
	methods := []string{"/auth.test", "/files.upload"}
	for _, call := range describedCalls() {
		for _, r := range strings.Fields(call.requests) {
			if strings.HasPrefix(r, "/") {
				methods = append(methods, r)
			}
		}
	}
	var known []string
	for _, row := range reasons {
		known = append(known, strings.Fields(row.codes)...)
	}
	codes := 0
	for _, path := range methods {
		for _, method := range spec.Paths[path] {
			for _, code := range method.Responses["default"].Schema.Properties.Error.Enum {
				codes++
				if !slices.Contains(known, code) {
					t.Errorf("%s may answer %s, which the table lacks", path, code)
				}
			}
		}
	}
	if codes < 500 {
		t.Errorf("only %d codes were found: the description is not what it was", codes)
	}
	for i, code := range known {
		if slices.Contains(known[:i], code) {
			t.Errorf("%s stands twice in the table", code)
		}
		if !codePattern.MatchString(code) {
			t.Errorf("%s can never be met", code)
		}
	}
}

// What is so already is no failure of operations that may be repeated.
func TestRepeating(t *testing.T) {
	message := map[string]any{"channel": "C1", "ts": "1.000001"}
	reaction := map[string]any{"channel": "C1", "ts": "1.000001", "name": "tada"}
	channel := map[string]any{"channel": "C1"}
	tests := []struct {
		operation string
		input     any
		answer    string
		kind      sdk.Kind // 0: an answer with changed false
	}{
		{"add_reaction", reaction, `{"ok":false,"error":"already_reacted"}`, 0},
		{"remove_reaction", reaction, `{"ok":false,"error":"no_reaction"}`, 0},
		{"add_pin", message, `{"ok":false,"error":"already_pinned"}`, 0},
		{"remove_pin", message, `{"ok":false,"error":"no_pin"}`, 0},
		{"archive_channel", channel, `{"ok":false,"error":"already_archived"}`, 0},
		{"unarchive_channel", channel, `{"ok":false,"error":"not_archived"}`, 0},
		{"join_channel", channel, `{"ok":true,"channel":{"id":"C1"},"warning":"already_in_channel"}`, 0},
		{"leave_channel", channel, `{"ok":true,"not_in_channel":true}`, 0},
		{"invite_to_channel", map[string]any{"channel": "C1", "users": []string{"U1"}}, `{"ok":false,"error":"already_in_channel"}`, 0},
		{"invite_to_channel", map[string]any{"channel": "C1", "users": []string{"U1", "U2"}}, `{"ok":false,"error":"already_in_channel"}`, sdk.Conflict},
		{"add_reaction", reaction, `{"ok":false,"error":"message_not_found"}`, sdk.NotFound},
		{"archive_channel", channel, `{"ok":false,"error":"not_archived"}`, sdk.Conflict},
	}
	h := sdktest.Start(t, adapter())
	for _, test := range tests {
		t.Run(fmt.Sprint(test.operation, " ", test.kind), func(t *testing.T) {
			slack := newDouble(t, answering(test.answer))
			r := request(slack.URL, test.operation, test.input)
			if test.kind != 0 {
				equal(t, "kind", failure(t, h, r).Kind, test.kind)
				return
			}
			result, err := h.Execute(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "output", string(result.Output), `{"changed":false}`)
		})
	}
}

func FuzzExplain(f *testing.F) {
	f.Add(200, []byte(`{"ok":false,"error":"missing_scope","needed":"chat:write"}`))
	f.Add(200, []byte(`{"ok":true}`))
	f.Add(200, []byte(`{"ok":false,"error":"xoxb-1"}`))
	f.Add(200, []byte(`{"ok":false,"error":"missing_scope","needed":"xoxb-1"}`))
	f.Add(429, []byte(`{"ok":false,"error":"invalid_blocks","response_metadata":{"messages":["[ERROR] x [json-pointer:/a]","[ERROR] \u00e9\u0000 xoxb-1"]}}`))
	f.Add(500, []byte(`<html>`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		e := explain(status, nil, body)
		if e == nil {
			return
		}
		if e.Kind < sdk.AuthExpired || e.Kind > sdk.AdapterBug {
			t.Errorf("no kind: %d", e.Kind)
		}
		if !utf8.ValidString(e.Message) || len(e.Message) > 4<<10 || strings.ContainsAny(e.Message, "\x00\n\r") || strings.Contains(e.Message, "xoxb-") {
			t.Errorf("the message lets foreign bytes through: %q", e.Message)
		}
	})
}
