package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

func TestFailures(t *testing.T) {
	start(t).Refuse(t, request("generate_content", "", given{"model": "m", "contents": hello}), map[string]sdktest.Refusal{
		"invalid":        {Status: 400, Body: `{"error":{"code":400,"message":"Unknown name x","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"contents[0].parts","description":"no"}]}]}}`, Kind: sdk.InvalidInput, Says: "Unknown name", Violations: []sdk.Violation{{Pointer: "/contents/0/parts", Detail: "no"}}},
		"a dead key":     {Status: 400, Body: `{"error":{"code":400,"message":"API key not valid: ` + secret + `","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}`, Kind: sdk.AuthRevoked, Says: "API_KEY_INVALID"},
		"no key":         {Status: 401, Body: `{"error":{"code":401,"message":"x","status":"UNAUTHENTICATED"}}`, Kind: sdk.AuthRevoked, Says: "Make a new one"},
		"a blocked key":  {Status: 403, Body: `{"error":{"code":403,"message":"Requests are blocked","status":"PERMISSION_DENIED","details":[{"reason":"API_KEY_SERVICE_BLOCKED"}]}}`, Kind: sdk.PermissionDenied, Says: "blocked"},
		"no such model":  {Status: 404, Body: `{"error":{"code":404,"message":"models/x is not found","status":"NOT_FOUND"}}`, Kind: sdk.NotFound, Says: "not found"},
		"a precondition": {Status: 400, Body: `{"error":{"code":400,"message":"User location is not supported","status":"FAILED_PRECONDITION"}}`, Kind: sdk.Conflict, Says: "location"},
		"too many":       {Status: 429, Body: `{"error":{"code":429,"message":"quota","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.5s"}]}}`, Kind: sdk.RateLimited, Says: "quota", After: 34500 * time.Millisecond},
		"far too many":   {Status: 429, Body: `{"error":{"code":429,"message":"quota","status":"RESOURCE_EXHAUSTED","details":[{"retryDelay":"999999h"}]}}`, Kind: sdk.RateLimited, After: 24 * time.Hour},
		"an odd delay":   {Status: 429, Body: `{"error":{"code":429,"message":"quota","status":"RESOURCE_EXHAUSTED","details":[{"retryDelay":"-5s"}]}}`, Kind: sdk.RateLimited},
		"overloaded":     {Status: 503, Body: `{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}`, Kind: sdk.PlatformUnavailable, Says: "overloaded"},
		"slow":           {Status: 504, Body: `{"error":{"code":504,"message":"deadline","status":"DEADLINE_EXCEEDED"}}`, Kind: sdk.Timeout, Says: "deadline"},
		"internal":       {Status: 500, Body: `{"error":{"code":500,"message":"","status":"INTERNAL"}}`, Kind: sdk.PlatformError, Says: "INTERNAL"},
		"another status": {Status: 409, Body: `{"error":{"code":409,"message":"x","status":"BRAND_NEW"}}`, Kind: sdk.Conflict, Says: "x"},
		"a page":         {Status: 502, Body: `<html>` + secret, Kind: sdk.PlatformError, Says: "502"},
	})
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
