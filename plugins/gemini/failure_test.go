package main

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
		"invalid":        {400, `{"error":{"code":400,"message":"Unknown name x","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"contents[0].parts","description":"no"}]}]}}`, sdk.InvalidInput, "Unknown name", 0},
		"a dead key":     {400, `{"error":{"code":400,"message":"API key not valid: ` + secret + `","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}`, sdk.AuthRevoked, "API_KEY_INVALID", 0},
		"no key":         {401, `{"error":{"code":401,"message":"x","status":"UNAUTHENTICATED"}}`, sdk.AuthRevoked, "Make a new one", 0},
		"a blocked key":  {403, `{"error":{"code":403,"message":"Requests are blocked","status":"PERMISSION_DENIED","details":[{"reason":"API_KEY_SERVICE_BLOCKED"}]}}`, sdk.PermissionDenied, "blocked", 0},
		"no such model":  {404, `{"error":{"code":404,"message":"models/x is not found","status":"NOT_FOUND"}}`, sdk.NotFound, "not found", 0},
		"a precondition": {400, `{"error":{"code":400,"message":"User location is not supported","status":"FAILED_PRECONDITION"}}`, sdk.Conflict, "location", 0},
		"too many":       {429, `{"error":{"code":429,"message":"quota","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.5s"}]}}`, sdk.RateLimited, "quota", 34500 * time.Millisecond},
		"far too many":   {429, `{"error":{"code":429,"message":"quota","status":"RESOURCE_EXHAUSTED","details":[{"retryDelay":"999999h"}]}}`, sdk.RateLimited, "", 24 * time.Hour},
		"an odd delay":   {429, `{"error":{"code":429,"message":"quota","status":"RESOURCE_EXHAUSTED","details":[{"retryDelay":"-5s"}]}}`, sdk.RateLimited, "", 0},
		"overloaded":     {503, `{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}`, sdk.PlatformUnavailable, "overloaded", 0},
		"slow":           {504, `{"error":{"code":504,"message":"deadline","status":"DEADLINE_EXCEEDED"}}`, sdk.Timeout, "deadline", 0},
		"internal":       {500, `{"error":{"code":500,"message":"","status":"INTERNAL"}}`, sdk.PlatformError, "INTERNAL", 0},
		"another status": {409, `{"error":{"code":409,"message":"x","status":"BRAND_NEW"}}`, sdk.Conflict, "x", 0},
		"a page":         {502, `<html>` + secret, sdk.PlatformError, "502", 0},
	} {
		t.Run(name, func(t *testing.T) {
			base := sdktest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body)) // a client that has gone says so itself
			})
			r := request("generate_content", base, given{"model": "m", "contents": hello})
			_, err := h.Execute(t.Context(), r)
			var failed *sdk.Error
			if !errors.As(err, &failed) || failed.Kind != c.kind || failed.RetryAfter != c.after || !strings.Contains(failed.Message, c.says) {
				t.Errorf("got %+v, want kind %d after %s, ...%s...", failed, c.kind, c.after, c.says)
			}
			if want := []sdk.Violation{{Pointer: "/contents/0/parts", Detail: "no"}}; name == "invalid" && !cmp.Equal(want, failed.Violations) {
				t.Error(cmp.Diff(want, failed.Violations))
			}
			sdktest.Discreet(t, r, err)
		})
	}
}

func FuzzExplain(f *testing.F) {
	f.Add(400, []byte(`{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT","details":[{"reason":"R","fieldViolations":[{"field":"a[0].b"}]}]}}`))
	f.Add(429, []byte(`{"error":{"status":"RESOURCE_EXHAUSTED","details":[{"retryDelay":"1e9s"}]}}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		e := explain(status, http.Header{}, body)
		if e != nil && (e.Kind < sdk.AuthExpired || e.Message == "" || strings.ContainsAny(e.Message, "\x00\n") || e.RetryAfter < 0 || e.RetryAfter > 24*time.Hour) {
			t.Errorf("%d %q: %+v", status, body, e)
		}
	})
}
