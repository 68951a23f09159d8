package main

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay/patchbay/sdk"
)

// failing answers a platform's error and runs a call against it.
func failing(t *testing.T, platform string, status int, header map[string]string, body string) *sdk.Error {
	t.Helper()
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for name, value := range header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body)) // a client that has gone says so itself
	})
	_, err := start(t).Execute(t.Context(), request(platform, "chat_completion", base, given{"model": "m", "messages": hello}))
	var failed *sdk.Error
	if !errors.As(err, &failed) {
		t.Fatalf("got %v, want a failure", err)
	}
	if strings.Contains(failed.Error()+failed.PlatformCode, secret) {
		t.Errorf("the error holds the key: %v", failed)
	}
	return failed
}

func TestFailures(t *testing.T) {
	const quota = `{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}`
	const limited = `{"error":{"message":"Rate limit reached for gpt-4o","type":"requests","param":null,"code":"rate_limit_exceeded"}}`
	for name, c := range map[string]struct {
		platform string
		status   int
		header   map[string]string
		body     string
		kind     sdk.Kind
		code     string
		after    time.Duration
		says     string
	}{
		"no quota is no rate limit":      {"openai", 429, map[string]string{"Retry-After": "1"}, quota, sdk.PermissionDenied, "insufficient_quota", 0, "exceeded your current quota"},
		"no quota by status 401":         {"perplexity", 401, nil, `{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":401}}`, sdk.PermissionDenied, "insufficient_quota", 0, "quota"},
		"billing limit":                  {"openai", 400, nil, `{"error":{"message":"Billing hard limit has been reached","code":"billing_hard_limit_reached"}}`, sdk.PermissionDenied, "billing_hard_limit_reached", 0, "Billing"},
		"rate limit, Retry-After":        {"openai", 429, map[string]string{"Retry-After": "20"}, limited, sdk.RateLimited, "rate_limit_exceeded", 20 * time.Second, "Rate limit reached"},
		"rate limit, retry-after-ms":     {"openai", 429, map[string]string{"Retry-After-Ms": "1500", "Retry-After": "2"}, limited, sdk.RateLimited, "rate_limit_exceeded", 1500 * time.Millisecond, ""},
		"rate limit, exhausted requests": {"groq", 429, map[string]string{"X-Ratelimit-Remaining-Requests": "0", "X-Ratelimit-Reset-Requests": "2m59.56s", "X-Ratelimit-Remaining-Tokens": "10", "X-Ratelimit-Reset-Tokens": "7.66s"}, limited, sdk.RateLimited, "rate_limit_exceeded", 2*time.Minute + 59560*time.Millisecond, ""},
		"rate limit, tokens":             {"groq", 429, map[string]string{"X-Ratelimit-Reset-Requests": "2m", "X-Ratelimit-Reset-Tokens": "7.66s"}, limited, sdk.RateLimited, "rate_limit_exceeded", 7660 * time.Millisecond, ""},
		"rate limit without a body":      {"deepinfra", 429, map[string]string{"Retry-After": "3"}, ``, sdk.RateLimited, "", 3 * time.Second, "429"},
		"a request that is too large":    {"groq", 413, nil, `{"error":{"message":"Request too large for model on tokens per minute","type":"tokens","code":"rate_limit_exceeded"}}`, sdk.InvalidInput, "rate_limit_exceeded", 0, "too large"},
		"provider's rate limit":          {"openrouter", 429, nil, `{"error":{"code":429,"message":"Provider returned error","metadata":{"provider_name":"Google","raw":"temporarily rate-limited upstream","headers":{"Retry-After":4}}}}`, sdk.RateLimited, "", 4 * time.Second, "Google"},
		"no credits":                     {"openrouter", 402, nil, `{"error":{"code":402,"message":"Insufficient credits"}}`, sdk.PermissionDenied, "", 0, "Insufficient credits"},
		"flagged":                        {"openrouter", 403, nil, `{"error":{"code":403,"message":"Input was flagged"}}`, sdk.PermissionDenied, "", 0, "flagged"},
		"slow model":                     {"openrouter", 408, nil, `{"error":{"code":408,"message":"Request timed out"}}`, sdk.Timeout, "", 0, "timed out"},
		"a failure behind status 200":    {"openrouter", 200, nil, `{"error":{"code":502,"message":"Upstream failed"}}`, sdk.PlatformError, "", 0, "Upstream failed"},
		"a choice that failed":           {"openrouter", 200, nil, `{"id":"g","choices":[{"finish_reason":"error","error":{"code":429,"message":"slow down"},"message":{"content":""}}]}`, sdk.RateLimited, "", 0, "slow down"},
		"a dead key":                     {"openai", 401, nil, `{"error":{"message":"Incorrect API key provided: ` + secret + `.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`, sdk.AuthRevoked, "invalid_api_key", 0, "refuses the API key"},
		"a dead key by status 403":       {"novita", 403, nil, `{"code":403,"reason":"INVALID_API_KEY","message":"invalid key ` + secret + `","metadata":{}}`, sdk.AuthRevoked, "INVALID_API_KEY", 0, "refuses the API key"},
		"a dead key without a body":      {"perplexity", 401, map[string]string{"Content-Type": "text/html"}, `<html>401 Authorization Required</html>`, sdk.AuthRevoked, "", 0, "refuses the API key"},
		"missing scopes":                 {"openai", 401, nil, `{"error":{"message":"You have insufficient permissions for this operation. Missing scopes: api.model.read, model.request. Check your role.","type":"invalid_request_error"}}`, sdk.PermissionDenied, "invalid_request_error", 0, "insufficient permissions"},
		"balance":                        {"novita", 400, nil, `{"code":400,"reason":"BILLING_BALANCE_NOT_ENOUGH","message":"balance not enough"}`, sdk.PermissionDenied, "BILLING_BALANCE_NOT_ENOUGH", 0, "balance"},
		"a parameter":                    {"openai", 400, nil, `{"error":{"message":"Invalid role","type":"invalid_request_error","param":"messages[0].role","code":"invalid_value"}}`, sdk.InvalidInput, "invalid_value", 0, "Invalid role"},
		"FastAPI's list":                 {"deepinfra", 422, nil, `{"detail":[{"loc":["body","messages",0,"role"],"msg":"value is not valid","type":"x"}]}`, sdk.InvalidInput, "", 0, "not valid"},
		"FastAPI's text":                 {"deepinfra", 404, nil, `{"detail":"Not Found"}`, sdk.NotFound, "", 0, "Not Found"},
		"FastAPI's object":               {"deepinfra", 402, nil, `{"detail":{"error":"inference prohibited, please enter a payment method"}}`, sdk.PermissionDenied, "", 0, "payment method"},
		"no such model":                  {"openai", 404, nil, `{"error":{"message":"The model does not exist","type":"invalid_request_error","code":"model_not_found"}}`, sdk.NotFound, "model_not_found", 0, "does not exist"},
		"no capacity":                    {"groq", 498, nil, `{"error":{"message":"Flex tier capacity exceeded"}}`, sdk.PlatformUnavailable, "", 0, "capacity"},
		"overloaded":                     {"openai", 503, map[string]string{"Retry-After": "5"}, `{"error":{"message":"The engine is overloaded","type":"server_error"}}`, sdk.PlatformUnavailable, "server_error", 5 * time.Second, "overloaded"},
		"a proxy's page":                 {"openai", 502, map[string]string{"Content-Type": "text/html"}, `<html>Bad gateway ` + secret + `</html>`, sdk.PlatformError, "", 0, "502"},
		"an error that is a text":        {"openai", 500, nil, `{"error":"out of memory at https://cdn.example/x.png?sig=SIGNED with Bearer ` + secret + `"}`, sdk.PlatformError, "", 0, "out of memory at https://cdn.example/x.png with [key]"},
		"a key quoted elsewhere":         {"openai", 400, nil, `{"error":{"message":"bad header x` + secret + `y","code":"` + secret + `","param":"` + secret + `"}}`, sdk.InvalidInput, "[key]", 0, "bad header"},
	} {
		t.Run(name, func(t *testing.T) {
			failed := failing(t, c.platform, c.status, c.header, c.body)
			if failed.Kind != c.kind || failed.PlatformCode != c.code || failed.RetryAfter.Round(time.Millisecond) != c.after || !strings.Contains(failed.Message, c.says) {
				t.Errorf("got kind %d, code %q, after %s, %q; want kind %d, code %q, after %s, ...%s...", failed.Kind, failed.PlatformCode, failed.RetryAfter, failed.Message, c.kind, c.code, c.after, c.says)
			}
			for _, v := range failed.Violations {
				if strings.Contains(v.Pointer+v.Detail, secret) {
					t.Errorf("a violation holds the key: %v", v)
				}
			}
		})
	}
}

func TestFailureDetails(t *testing.T) {
	failed := failing(t, "openai", 400, nil, `{"error":{"message":"Invalid role","param":"messages[0].role"}}`)
	if want := []sdk.Violation{{Pointer: "/messages/0/role", Detail: "Invalid role"}}; !cmp.Equal(want, failed.Violations) {
		t.Error(cmp.Diff(want, failed.Violations))
	}
	failed = failing(t, "deepinfra", 422, nil, `{"detail":[{"loc":["body","messages",0],"msg":"a"},{"loc":["query","v/1"],"msg":"b"}]}`)
	if want := []sdk.Violation{{Pointer: "/messages/0", Detail: "a"}, {Pointer: "/query/v~11", Detail: "b"}}; !cmp.Equal(want, failed.Violations) {
		t.Error(cmp.Diff(want, failed.Violations))
	}
	failed = failing(t, "openai", 403, nil, `{"error":{"message":"Missing scopes: api.model.read, model.request. Check."}}`)
	if want := []string{"api.model.read", "model.request"}; !cmp.Equal(want, failed.MissingScopes) {
		t.Error(cmp.Diff(want, failed.MissingScopes))
	}
	failed = failing(t, "openai", 400, nil, `{"error":{"message":"`+strings.Repeat("x", 60000)+`"}}`)
	if len(failed.Message) > 2*maxReason {
		t.Errorf("a message of %d bytes is passed on", len(failed.Message))
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	for name, c := range map[string]struct {
		header map[string]string
		want   time.Duration
	}{
		"none":                   {nil, 0},
		"Unix time":              {map[string]string{"X-Ratelimit-Reset": "1700000030"}, 30 * time.Second},
		"Unix milliseconds":      {map[string]string{"X-Ratelimit-Reset": "1700000012500"}, 12500 * time.Millisecond},
		"a time past":            {map[string]string{"X-Ratelimit-Reset": "1600000000"}, 0},
		"milliseconds":           {map[string]string{"X-Ratelimit-Reset-Requests": "17ms"}, 17 * time.Millisecond},
		"seconds":                {map[string]string{"X-Ratelimit-Reset-Tokens": "8"}, 8 * time.Second},
		"too long":               {map[string]string{"X-Ratelimit-Reset-Tokens": "9999h"}, maxWait},
		"no number":              {map[string]string{"X-Ratelimit-Reset-Tokens": "soon", "Retry-After-Ms": "NaN"}, 0},
		"infinite":               {map[string]string{"Retry-After-Ms": "Inf"}, maxWait},
		"both exhausted":         {map[string]string{"X-Ratelimit-Remaining-Requests": "0", "X-Ratelimit-Reset-Requests": "1s", "X-Ratelimit-Remaining-Tokens": "0", "X-Ratelimit-Reset-Tokens": "6m0s"}, 6 * time.Minute},
		"the header has its say": {map[string]string{"Retry-After": "2", "X-Ratelimit-Reset-Tokens": "1m"}, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.Header{}
			for key, value := range c.header {
				h.Set(key, value)
			}
			if got := retryAfter(h, now).Round(time.Millisecond); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// TestRedirectsDoNotCarryTheKey fails when a platform can send the key to another host.
func TestRedirectsDoNotCarryTheKey(t *testing.T) {
	var asked atomic.Bool
	elsewhere := serve(t, func(http.ResponseWriter, *http.Request) { asked.Store(true) })
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere, http.StatusTemporaryRedirect)
	})
	for _, platform := range []string{"openai", "openrouter", "groq"} {
		_, err := start(t).Execute(t.Context(), request(platform, "chat_completion", base, given{"model": "m", "messages": hello}))
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: got %v, want a failure without the key", platform, err)
		}
		if asked.Load() {
			t.Errorf("%s: the other host was asked in the clear", platform)
		}
	}
}

func FuzzReadFailure(f *testing.F) {
	for _, seed := range []string{`{"error":{"message":"a","code":429,"metadata":{"headers":{"Retry-After":4}}}}`, `{"error":"x"}`, `{"code":400,"reason":"R","message":"m"}`,
		`{"detail":[{"loc":["body",0],"msg":"m"}]}`, `{"detail":{"error":"e"}}`, `[]`, `{"error":{"code":1e99}}`, `{"error":{"param":"a[0].b"}}`} {
		f.Add(400, []byte(seed))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		e := (wire{name: "X"}).explain(status, http.Header{}, body)
		if e == nil {
			return
		}
		if e.Kind < sdk.AuthExpired || e.Kind > sdk.AdapterBug || e.Message == "" || strings.ContainsAny(e.Message+e.PlatformCode, "\x00\n\r") || len([]rune(e.Message)) > 3*maxReason {
			t.Errorf("%d %q: %+v", status, body, e)
		}
	})
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("1", "2m59.56s", "0")
	f.Add("", "1700000012500", "x")
	f.Add("-1", "NaN", "Inf")
	f.Fuzz(func(t *testing.T, after, reset, ms string) {
		h := http.Header{"Retry-After": {after}, "X-Ratelimit-Reset-Tokens": {reset}, "X-Ratelimit-Reset": {reset}, "Retry-After-Ms": {ms}}
		if got := retryAfter(h, time.Unix(1_700_000_000, 0)); got < 0 || got > maxWait {
			t.Errorf("got %s", got)
		}
	})
}
