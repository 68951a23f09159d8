package main

import (
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
		header map[string]string
		body   string
		kind   sdk.Kind
		says   string
		after  time.Duration
	}{
		"invalid":             {400, nil, `{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens: too large"},"request_id":"req_1"}`, sdk.InvalidInput, "max_tokens: too large", 0},
		"no credit":           {400, nil, `{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the API."}}`, sdk.PermissionDenied, "credit", 0},
		"billing":             {402, nil, `{"type":"error","error":{"type":"billing_error","message":"Pay."}}`, sdk.PermissionDenied, "Pay", 0},
		"a dead key":          {401, nil, `{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key ` + secret + `"}}`, sdk.AuthRevoked, "Make a new one", 0},
		"forbidden":           {403, nil, `{"type":"error","error":{"type":"permission_error","message":"no"}}`, sdk.PermissionDenied, "no", 0},
		"no such model":       {404, nil, `{"type":"error","error":{"type":"not_found_error","message":"model: x"}}`, sdk.NotFound, "model: x", 0},
		"too large":           {413, nil, `{"type":"error","error":{"type":"request_too_large","message":"too large"}}`, sdk.InvalidInput, "too large", 0},
		"rate limit":          {429, map[string]string{"Retry-After": "7"}, `{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}`, sdk.RateLimited, "slow down", 7 * time.Second},
		"its own trouble":     {500, nil, `{"type":"error","error":{"type":"api_error","message":"oops ` + secret + `"}}`, sdk.PlatformError, "oops", 0},
		"timeout":             {504, nil, `{"type":"error","error":{"type":"timeout_error","message":"slow"}}`, sdk.Timeout, "slow", 0},
		"overloaded":          {529, map[string]string{"Retry-After": "3"}, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`, sdk.PlatformUnavailable, "Overloaded", 3 * time.Second},
		"overloaded, no body": {529, nil, ``, sdk.PlatformUnavailable, "529", 0},
		"another type":        {409, nil, `{"type":"error","error":{"type":"brand_new_error","message":""}}`, sdk.Conflict, "brand_new_error", 0},
		"a proxy's page":      {502, nil, `<html>` + secret, sdk.PlatformError, "502", 0},
	} {
		t.Run(name, func(t *testing.T) {
			base := sdktest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
				for name, value := range c.header {
					w.Header().Set(name, value)
				}
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body)) // a client that has gone says so itself
			})
			r := request("create_message", base, given{"model": "m", "max_tokens": 1, "messages": hello})
			_, err := h.Execute(t.Context(), r)
			var failed *sdk.Error
			if !errors.As(err, &failed) || failed.Kind != c.kind || failed.RetryAfter != c.after || failed.PlatformStatus != c.status || !strings.Contains(failed.Message, c.says) {
				t.Errorf("got %+v, want kind %d after %s, ...%s...", failed, c.kind, c.after, c.says)
			}
			sdktest.Discreet(t, r, err)
		})
	}
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
