package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

func TestFailures(t *testing.T) {
	start(t).Refuse(t, request("send_message", "", given{"chat_id": 5, "text": "Hello"}), map[string]sdktest.Refusal{
		"bad markup":             {Status: 400, Body: `{"ok":false,"error_code":400,"description":"Bad Request: can't parse entities: Character '.' is reserved"}`, Kind: sdk.InvalidInput, Says: "reserved"},
		"no such chat":           {Status: 400, Body: `{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}`, Kind: sdk.NotFound, Says: "chat not found"},
		"no rights":              {Status: 400, Body: `{"ok":false,"error_code":400,"description":"Bad Request: not enough rights to send text messages to the chat"}`, Kind: sdk.PermissionDenied, Says: "rights"},
		"an admin's":             {Status: 400, Body: `{"ok":false,"error_code":400,"description":"Bad Request: CHAT_ADMIN_REQUIRED"}`, Kind: sdk.PermissionDenied},
		"too old":                {Status: 400, Body: `{"ok":false,"error_code":400,"description":"Bad Request: query is too old and response timeout expired or query ID is invalid"}`, Kind: sdk.Conflict, Says: "too old"},
		"a supergroup":           {Status: 400, Body: `{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-1001234567890123}}`, Kind: sdk.InvalidInput, Says: "-1001234567890123"},
		"a dead token":           {Status: 401, Body: `{"ok":false,"error_code":401,"description":"Unauthorized"}`, Kind: sdk.AuthRevoked, Says: "@BotFather"},
		"no token at all":        {Status: 404, Body: `{"ok":false,"error_code":404,"description":"Not Found"}`, Kind: sdk.AuthRevoked, Says: "@BotFather"},
		"a page that is nowhere": {Status: 404, Body: `<html>`, Kind: sdk.NotFound, Says: "404"},
		"blocked":                {Status: 403, Body: `{"ok":false,"error_code":403,"description":"Forbidden: bot was blocked by the user"}`, Kind: sdk.PermissionDenied, Says: "blocked"},
		"two that ask":           {Status: 409, Body: `{"ok":false,"error_code":409,"description":"Conflict: terminated by other getUpdates request"}`, Kind: sdk.Conflict, Says: "terminated"},
		"too large":              {Status: 413, Body: `{"ok":false,"error_code":413,"description":"Request Entity Too Large"}`, Kind: sdk.InvalidInput, Says: "Too Large"},
		"too many":               {Status: 429, Body: `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 35","parameters":{"retry_after":35}}`, Kind: sdk.RateLimited, Says: "retry after", After: 35 * time.Second},
		"too many for ever":      {Status: 429, Body: `{"ok":false,"error_code":429,"description":"x","parameters":{"retry_after":1e300}}`, Kind: sdk.RateLimited, After: 24 * time.Hour},
		"too many with 200":      {Status: 200, Body: `{"ok":false,"error_code":429,"description":"x","parameters":{"retry_after":2}}`, Kind: sdk.RateLimited, After: 2 * time.Second},
		"its own trouble":        {Status: 500, Body: `{"ok":false,"error_code":500,"description":"Internal Server Error: restart"}`, Kind: sdk.PlatformError, Says: "restart"},
		"a proxy's":              {Status: 502, Body: `{"ok":false,"error_code":502,"description":"Bad Gateway"}`, Kind: sdk.PlatformError, Says: "Bad Gateway"},
		"no code":                {Status: 200, Body: `{"ok":false}`, Kind: sdk.PlatformError},
		"no result":              {Status: 200, Body: `{"ok":true}`, Kind: sdk.PlatformError, Says: "not one of Telegram's"},
		"another result":         {Status: 200, Body: `{"ok":true,"result":[1]}`, Kind: sdk.PlatformError, Says: "shape"},
	})
}

// An edit that changes nothing is refused by Telegram, and no failure here: a repetition gives the same result.
func TestEditsThatChangeNothing(t *testing.T) {
	answer := `{"ok":false,"error_code":400,"description":"Bad Request: message is not modified: specified new message content and reply markup are exactly the same"}`
	base := sdktest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if strings.Contains(answer, `"ok":false`) {
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = w.Write([]byte(answer))
	})
	for _, want := range []edited{{}, {Changed: true}, {Changed: true, Message: sdk.Object{"message_id": json.RawMessage("5")}}} {
		for operation, in := range map[string]given{"edit_message_text": {"chat_id": 5, "message_id": 5, "text": "a"}, "edit_message_media": {"chat_id": 5, "message_id": 5, "media": given{"type": "photo", "media": "id"}}} {
			result, err := start(t).Execute(t.Context(), request(operation, base, in))
			var got edited
			if err != nil || json.Unmarshal(result.Output, &got) != nil || got.Changed != want.Changed || string(got.Message["message_id"]) != string(want.Message["message_id"]) {
				t.Errorf("%s: got %s, %v, want %v", operation, result.Output, err, want)
			}
		}
		if answer = `{"ok":true,"result":true}`; want.Changed {
			answer = `{"ok":true,"result":{"message_id":5}}`
		}
	}
}

func FuzzExplain(f *testing.F) {
	f.Add(400, []byte(`{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}`))
	f.Add(429, []byte(`{"ok":false,"parameters":{"retry_after":1e300,"migrate_to_chat_id":1}}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		e := explain(status, http.Header{}, body)
		if e != nil && (e.Kind < sdk.AuthExpired || e.Message == "" || strings.ContainsAny(e.Message, "\x00\n") || e.RetryAfter < 0 || e.RetryAfter > 24*time.Hour) {
			t.Errorf("%d %q: %+v", status, body, e)
		}
	})
}
