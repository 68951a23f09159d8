package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

const onePost = `{"kind":"Listing","data":{"after":null,"children":[{"kind":"t3","data":{"name":"t3_15bfi0","title":"T","ups":12345678901234567}}]}}`

// The operations that no recording has, by Reddit's documentation.
func TestUnrecorded(t *testing.T) {
	h := sdktest.Start(t, adapter())
	for _, test := range []struct {
		operation            string
		input                given
		answer, sent, output string
	}{
		{"get_post", given{"id": "15bfi0", "full": true}, onePost, "GET /api/info/?id=t3_15bfi0&raw_json=1 ", `{"post":{"name":"t3_15bfi0","title":"T","ups":12345678901234567}}`},
		{"get_post", given{"id": "t3_15bfi0"}, onePost, "GET /api/info/?id=t3_15bfi0&raw_json=1 ", `{"post":{"name":"t3_15bfi0","title":"T"}}`},
		{"search_subreddits", given{"query": "go", "limit": 5, "cursor": "t5_1"}, `{"kind":"Listing","data":{"after":"t5_2","children":[{"kind":"t5","data":{"display_name":"golang"}}]}}`,
			"GET /subreddits/search?after=t5_1&limit=5&q=go&raw_json=1 ", `{"subreddits":[{"display_name":"golang"}],"next_cursor":"t5_2"}`},
		{"subscribe", given{"subreddits": []string{"golang", "rust"}}, `{}`, "POST /api/subscribe?raw_json=1 action=sub&api_type=json&skip_initial_defaults=true&sr_name=golang%2Crust", `{}`},
		{"unsubscribe", given{"subreddits": []string{"golang"}}, `{}`, "POST /api/subscribe?raw_json=1 action=unsub&api_type=json&sr_name=golang", `{}`},
		{"my_subreddits", given{}, `{"kind":"Listing","data":{"children":[]}}`, "GET /subreddits/mine/subscriber/?limit=25&raw_json=1 ", `{"subreddits":[]}`},
	} {
		t.Run(test.operation, func(t *testing.T) {
			var sent, agent, authorization string
			base := sdktest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body) // a cut body shows in the comparison
				sent, agent, authorization = r.Method+" "+r.URL.RequestURI()+" "+string(body), r.UserAgent(), r.Header.Get("Authorization")
				_, _ = io.WriteString(w, test.answer) // the test sees when it does not arrive
			})
			result, err := h.Execute(t.Context(), request(base, test.operation, test.input))
			if err != nil {
				t.Fatal(err)
			}
			sdktest.Equal(t, "request", sent, test.sent)
			sdktest.Equal(t, "output", string(result.Output), test.output)
			sdktest.Equal(t, "headers", []string{agent, authorization}, []string{oauth().OAuth2.UserAgent, "Bearer " + secret})
		})
	}
}

// Refusals become kinds, with Reddit's own words.
func TestRefusals(t *testing.T) {
	type header = map[string]string
	tests := map[string]struct {
		status  int
		header  header
		body    string
		kind    sdk.Kind
		says    string
		code    string
		pointer string
		wait    time.Duration
	}{
		"too often, in a form": {200, nil, `{"json":{"ratelimit":12.5,"errors":[["RATELIMIT","Take a break for 9 minutes before trying again.","ratelimit"]]}}`, sdk.RateLimited, "9 minutes", "RATELIMIT", "", 12500 * time.Millisecond},
		"too often, in words":  {200, nil, `{"json":{"errors":[["RATELIMIT","Take a break for 9 minutes before trying again.","ratelimit"]]}}`, sdk.RateLimited, "9 minutes", "RATELIMIT", "", 9 * time.Minute},
		"no such subreddit":    {200, nil, `{"json":{"errors":[["SUBREDDIT_NOEXIST","that subreddit doesn't exist","sr"]]}}`, sdk.NotFound, "that subreddit doesn't exist.", "SUBREDDIT_NOEXIST", "", 0},
		"not allowed":          {200, nil, `{"json":{"errors":[["SUBREDDIT_NOTALLOWED","you aren't allowed to post there.","sr"]]}}`, sdk.PermissionDenied, "post there", "SUBREDDIT_NOTALLOWED", "", 0},
		"posted before":        {200, nil, `{"json":{"errors":[["ALREADY_SUB","that link has already been submitted","url"]]}}`, sdk.Conflict, "resubmit", "ALREADY_SUB", "", 0},
		"locked":               {200, nil, `{"json":{"errors":[["THREAD_LOCKED","Comments are locked.","parent"]]}}`, sdk.Conflict, "locked", "THREAD_LOCKED", "", 0},
		"an unknown code":      {200, nil, `{"json":{"errors":[["BRAND_NEW","something about it","sr"]]}}`, sdk.InvalidInput, "something about it.", "BRAND_NEW", "/subreddit", 0},
		"a code that is none":  {200, nil, `{"json":{"errors":[[7,null,null]]}}`, sdk.InvalidInput, "unknown code", "an unknown code", "", 0},
		"a validation":         {400, nil, `{"fields":["body"],"explanation":"Too short","reason":"SUBMIT_VALIDATION_BODY_BELOW_MIN_LENGTH"}`, sdk.InvalidInput, "Too short.", "SUBMIT_VALIDATION_BODY_BELOW_MIN_LENGTH", "/text", 0},
		"private":              {403, nil, `{"reason":"private","message":"Forbidden","error":403}`, sdk.PermissionDenied, "private", "private", "", 0},
		"a scope":              {403, header{"WWW-Authenticate": `Bearer realm="reddit", error="insufficient_scope"`}, `{"message":"Forbidden","error":403}`, sdk.PermissionDenied, "scope", "", "", 0},
		"banned subreddit":     {404, nil, `{"reason":"banned","message":"Not Found","error":404}`, sdk.PermissionDenied, "banned", "banned", "", 0},
		"expired":              {401, nil, `{"message":"Unauthorized","error":401}`, sdk.AuthExpired, "401", "", "", 0},
		"the allowance":        {429, header{"X-Ratelimit-Reset": "77"}, `{"message":"Too Many Requests","error":429}`, sdk.RateLimited, "no more calls", "", "", 77 * time.Second},
		"HTML":                 {502, nil, `<html>`, sdk.PlatformError, "502", "", "", 0},
		"not there":            {404, nil, `{"message":"Not Found","error":404}`, sdk.NotFound, "404", "", "", 0},
		"a list":               {400, nil, `[]`, sdk.InvalidInput, "400", "", "", 0},
	}
	h := sdktest.Start(t, adapter())
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			base := sdktest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json; charset=UTF-8")
				for name, value := range test.header {
					w.Header().Set(name, value)
				}
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body) // the test sees when it does not arrive
			})
			e := sdktest.Failure(t, h, request(base, "comment", given{"parent": "t3_1", "text": "hi"}))
			if e.Kind != test.kind || !strings.Contains(e.Message, test.says) || e.PlatformCode != test.code && test.code != "an unknown code" || e.RetryAfter != test.wait {
				t.Errorf("got kind %d, code %q, wait %s, %q", e.Kind, e.PlatformCode, e.RetryAfter, e.Message)
			}
			if test.pointer != "" && (len(e.Violations) != 1 || e.Violations[0].Pointer != test.pointer) {
				t.Errorf("got violations %v", e.Violations)
			}
		})
	}
}

// A refusal that quotes the token does not pass it on.
func TestRefusalHidesToken(t *testing.T) {
	base := sdktest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"json":{"errors":[["BAD","you sent `+secret+`","text"]]}}`)
	})
	if e := sdktest.Failure(t, sdktest.Start(t, adapter()), request(base, "comment", given{"parent": "t3_1", "text": "hi"})); !strings.Contains(e.Message, "[secret]") {
		t.Errorf("got %q", e.Message)
	}
}

// A subreddit that does not exist is redirected to a search; what that finds, or does not, is not taken for posts.
func TestUnknownSubreddit(t *testing.T) {
	base := sdktest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/r/") {
			http.Redirect(w, r, "/subreddits/search?q=nope", http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, `{"kind":"Listing","data":{"children":[]}}`)
	})
	e := sdktest.Failure(t, sdktest.Start(t, adapter()), request(base, "list_posts", given{"subreddit": "nope"}))
	if e.Kind != sdk.NotFound {
		t.Errorf("got kind %d, %q", e.Kind, e.Message)
	}
}

// A redirect that leads elsewhere takes no token along.
func TestRedirectElsewhere(t *testing.T) {
	var got string
	stranger := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Get("Authorization") }))
	t.Cleanup(stranger.Close)
	base := sdktest.Serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, stranger.URL, http.StatusFound) })
	sdktest.Failure(t, sdktest.Start(t, adapter()), request(base, "get_me", given{}))
	sdktest.Equal(t, "authorization", got, "")
}

// What is certainly wrong costs no request.
func TestRefusedBeforeSending(t *testing.T) {
	h := sdktest.Start(t, adapter())
	for pointer, input := range map[string]given{
		"/url":          {"subreddit": "a1", "title": "t", "kind": "link"},
		"/crosspost_of": {"subreddit": "a1", "title": "t", "kind": "crosspost"},
		"/text":         {"subreddit": "a1", "title": "t", "kind": "link", "url": "https://example.com", "text": "x"},
	} {
		e := sdktest.Failure(t, h, request("http://127.0.0.1:1", "submit_post", input))
		if e.Kind != sdk.InvalidInput || len(e.Violations) != 1 || e.Violations[0].Pointer != pointer {
			t.Errorf("want a violation at %s, got %v", pointer, e)
		}
	}
}

// Broken answers end in the right kind.
func TestBrokenAnswers(t *testing.T) {
	h := sdktest.Start(t, adapter())
	for operation, input := range map[string]given{"list_posts": {}, "list_comments": {"post_id": "1"}, "more_comments": {"post_id": "1", "children": []string{"a"}}, "get_me": {}} {
		for _, body := range []string{`{"kind":"Listing","data":{"children":[{"kind":"t3","data":7}]}}`, `[{"data":{"children":[{"kind":"t3","data":[]}]}},{}]`, `{"json":{"data":{"things":[{"kind":"more","data":[]}]}}}`, `{"name":1`, ``} {
			base := sdktest.Serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
			if _, err := h.Execute(t.Context(), request(base, operation, input)); err != nil && sdk.KindOf(err) != sdk.PlatformError && sdk.KindOf(err) != sdk.NotFound {
				t.Errorf("%s with %s: got %v", operation, body, err)
			}
		}
	}
}

func FuzzExplain(f *testing.F) {
	f.Add(200, []byte(`{"json":{"errors":[["RATELIMIT","Take a break for 9 minutes","ratelimit"]]}}`))
	f.Add(403, []byte(`{"reason":"private"}`))
	f.Fuzz(func(_ *testing.T, status int, body []byte) {
		_ = explain(status, http.Header{}, body) // it must not panic
	})
}
