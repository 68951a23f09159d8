package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

func TestFailures(t *testing.T) {
	h := start(t)
	for name, c := range map[string]struct {
		status int
		body   string
		kind   sdk.Kind
		says   string
		after  time.Duration
	}{
		"bad markup":             {400, `{"ok":false,"error_code":400,"description":"Bad Request: can't parse entities: Character '.' is reserved"}`, sdk.InvalidInput, "reserved", 0},
		"no such chat":           {400, `{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}`, sdk.NotFound, "chat not found", 0},
		"no rights":              {400, `{"ok":false,"error_code":400,"description":"Bad Request: not enough rights to send text messages to the chat"}`, sdk.PermissionDenied, "rights", 0},
		"an admin's":             {400, `{"ok":false,"error_code":400,"description":"Bad Request: CHAT_ADMIN_REQUIRED"}`, sdk.PermissionDenied, "", 0},
		"too old":                {400, `{"ok":false,"error_code":400,"description":"Bad Request: query is too old and response timeout expired or query ID is invalid"}`, sdk.Conflict, "too old", 0},
		"a supergroup":           {400, `{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-1001234567890123}}`, sdk.InvalidInput, "-1001234567890123", 0},
		"a dead token":           {401, `{"ok":false,"error_code":401,"description":"Unauthorized"}`, sdk.AuthRevoked, "@BotFather", 0},
		"no token at all":        {404, `{"ok":false,"error_code":404,"description":"Not Found"}`, sdk.AuthRevoked, "@BotFather", 0},
		"a page that is nowhere": {404, `<html>`, sdk.NotFound, "404", 0},
		"blocked":                {403, `{"ok":false,"error_code":403,"description":"Forbidden: bot was blocked by the user"}`, sdk.PermissionDenied, "blocked", 0},
		"two that ask":           {409, `{"ok":false,"error_code":409,"description":"Conflict: terminated by other getUpdates request"}`, sdk.Conflict, "terminated", 0},
		"too large":              {413, `{"ok":false,"error_code":413,"description":"Request Entity Too Large"}`, sdk.InvalidInput, "Too Large", 0},
		"too many":               {429, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 35","parameters":{"retry_after":35}}`, sdk.RateLimited, "retry after", 35 * time.Second},
		"too many for ever":      {429, `{"ok":false,"error_code":429,"description":"x","parameters":{"retry_after":1e300}}`, sdk.RateLimited, "", 24 * time.Hour},
		"too many with 200":      {200, `{"ok":false,"error_code":429,"description":"x","parameters":{"retry_after":2}}`, sdk.RateLimited, "", 2 * time.Second},
		"its own trouble":        {500, `{"ok":false,"error_code":500,"description":"Internal Server Error: restart"}`, sdk.PlatformError, "restart", 0},
		"a proxy's":              {502, `{"ok":false,"error_code":502,"description":"Bad Gateway"}`, sdk.PlatformError, "Bad Gateway", 0},
		"no code":                {200, `{"ok":false}`, sdk.PlatformError, "", 0},
		"no result":              {200, `{"ok":true}`, sdk.PlatformError, "not one of Telegram's", 0},
		"another result":         {200, `{"ok":true,"result":[1]}`, sdk.PlatformError, "shape", 0},
	} {
		t.Run(name, func(t *testing.T) {
			base := sdktest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body)) // a client that has gone says so itself
			})
			r := request("send_message", base, given{"chat_id": 5, "text": "Hello"})
			_, err := h.Execute(t.Context(), r)
			var failed *sdk.Error
			if !errors.As(err, &failed) || failed.Kind != c.kind || failed.RetryAfter != c.after || !strings.Contains(failed.Message, c.says) {
				t.Errorf("got %+v, want kind %d after %s, ...%s...", failed, c.kind, c.after, c.says)
			}
			sdktest.Discreet(t, r, err)
		})
	}
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
