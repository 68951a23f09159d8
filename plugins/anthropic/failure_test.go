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
	start(t).Refuse(t, request("create_message", "", given{"model": "m", "max_tokens": 1, "messages": hello}), map[string]sdktest.Refusal{
		"invalid":             {Status: 400, Body: `{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens: too large"},"request_id":"req_1"}`, Kind: sdk.InvalidInput, Says: "max_tokens: too large"},
		"no credit":           {Status: 400, Body: `{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the API."}}`, Kind: sdk.PermissionDenied, Says: "credit"},
		"billing":             {Status: 402, Body: `{"type":"error","error":{"type":"billing_error","message":"Pay."}}`, Kind: sdk.PermissionDenied, Says: "Pay"},
		"a dead key":          {Status: 401, Body: `{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key ` + secret + `"}}`, Kind: sdk.AuthRevoked, Says: "Make a new one"},
		"forbidden":           {Status: 403, Body: `{"type":"error","error":{"type":"permission_error","message":"no"}}`, Kind: sdk.PermissionDenied, Says: "no"},
		"no such model":       {Status: 404, Body: `{"type":"error","error":{"type":"not_found_error","message":"model: x"}}`, Kind: sdk.NotFound, Says: "model: x"},
		"too large":           {Status: 413, Body: `{"type":"error","error":{"type":"request_too_large","message":"too large"}}`, Kind: sdk.InvalidInput, Says: "too large"},
		"rate limit":          {Status: 429, Header: map[string]string{"Retry-After": "7"}, Body: `{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}`, Kind: sdk.RateLimited, Says: "slow down", After: 7 * time.Second},
		"its own trouble":     {Status: 500, Body: `{"type":"error","error":{"type":"api_error","message":"oops ` + secret + `"}}`, Kind: sdk.PlatformError, Says: "oops"},
		"timeout":             {Status: 504, Body: `{"type":"error","error":{"type":"timeout_error","message":"slow"}}`, Kind: sdk.Timeout, Says: "slow"},
		"overloaded":          {Status: 529, Header: map[string]string{"Retry-After": "3"}, Body: `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`, Kind: sdk.PlatformUnavailable, Says: "Overloaded", After: 3 * time.Second},
		"overloaded, no body": {Status: 529, Kind: sdk.PlatformUnavailable, Says: "529"},
		"another type":        {Status: 409, Body: `{"type":"error","error":{"type":"brand_new_error","message":""}}`, Kind: sdk.Conflict, Says: "brand_new_error"},
		"a proxy's page":      {Status: 502, Body: `<html>` + secret, Kind: sdk.PlatformError, Says: "502"},
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	h := http.Header{"Anthropic-Ratelimit-Requests-Remaining": {"10"}, "Anthropic-Ratelimit-Requests-Reset": {"2026-01-02T04:00:00Z"},
		"Anthropic-Ratelimit-Input-Tokens-Remaining": {"0"}, "Anthropic-Ratelimit-Input-Tokens-Reset": {"2026-01-02T03:04:35Z"},
		"Anthropic-Ratelimit-Tokens-Remaining": {"0"}, "Anthropic-Ratelimit-Tokens-Reset": {"soon"}}
	if got := retryAfter(h, now); got != 30*time.Second {
		t.Errorf("got %s", got)
	}
	h.Set("Retry-After", "2")
	if got := retryAfter(h, now); got != 2*time.Second {
		t.Errorf("got %s", got)
	}
	h = http.Header{"Anthropic-Ratelimit-Tokens-Remaining": {"0"}, "Anthropic-Ratelimit-Tokens-Reset": {"2999-01-02T03:04:35Z"}}
	if got := retryAfter(h, now); got != 24*time.Hour {
		t.Errorf("got %s", got)
	}
}

func FuzzExplain(f *testing.F) {
	f.Add(400, []byte(`{"type":"error","error":{"type":"invalid_request_error","message":"a"}}`))
	f.Add(529, []byte(`{"error":{"type":"x"}}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if e := explain(status, http.Header{}, body); e != nil && (e.Kind < sdk.AuthExpired || e.Message == "" || strings.ContainsAny(e.Message, "\x00\n")) {
			t.Errorf("%d %q: %+v", status, body, e)
		}
	})
}
