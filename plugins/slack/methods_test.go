package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

// Posting a message is one request, unless its link is asked for.
func TestSendMessageIsOneRequest(t *testing.T) {
	slack := newDouble(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/chat.getPermalink" {
			answering(`{"ok":true,"channel":"C1","permalink":"https://x.slack.com/archives/C1/p1"}`)(w, r)
			return
		}
		answering(`{"ok":true,"channel":"C1","ts":"1.000001","message":{"text":"hi","n":12345678901234567}}`)(w, r)
	})
	h := sdktest.Start(t, adapter())
	input := map[string]any{"channel": "#general", "text": "hi", "unfurl_links": false, "metadata": map[string]any{"event_type": "e", "event_payload": map[string]any{"n": 12345678901234567}},
		"blocks": []any{map[string]any{"type": "divider"}}}
	result, err := h.Execute(t.Context(), request(slack.URL, "send_message", input))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "output", string(result.Output), `{"channel":"C1","ts":"1.000001","message":{"text":"hi","n":12345678901234567}}`)
	got := slack.got()
	equal(t, "requests", len(got), 1)
	equal(t, "authorization", got[0].Authorization, "Bearer "+secret)
	equal(t, "arguments", got[0].Args, map[string]string{"channel": "#general", "text": "hi", "unfurl_links": "false", "blocks": `[{"type":"divider"}]`,
		"metadata": `{"event_type":"e","event_payload":{"n":12345678901234567}}`})

	input["include_permalink"] = true
	result, err = h.Execute(t.Context(), request(slack.URL, "send_message", input))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "permalink", decode(t, result.Output)["permalink"], any("https://x.slack.com/archives/C1/p1"))
	equal(t, "requests", len(slack.got()), 3)
}

// A message that was posted is a success although its link cannot be had: a caller who took it for a failure would post it twice.
func TestPermalinkFailureDoesNotFailTheMessage(t *testing.T) {
	slack := newDouble(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/chat.getPermalink" {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		answering(`{"ok":true,"channel":"C1","ts":"1.000001"}`)(w, r)
	})
	h := sdktest.Start(t, adapter())
	result, err := h.Execute(t.Context(), request(slack.URL, "send_message", map[string]any{"channel": "C1", "text": "hi", "include_permalink": true}))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "output", string(result.Output), `{"channel":"C1","ts":"1.000001"}`)
}

// What is certainly wrong costs no request.
func TestRefusedBeforeSending(t *testing.T) {
	type in = map[string]any
	tests := map[string]struct {
		operation string
		input     in
		pointer   string
	}{
		"no content":          {"send_message", in{"channel": "C1"}, "/text"},
		"no content, dm":      {"send_dm", in{"users": []string{"U1"}}, "/text"},
		"markdown and text":   {"update_message", in{"channel": "C1", "ts": "1.1", "text": "a", "markdown_text": "b"}, "/markdown_text"},
		"nothing to edit":     {"edit_bookmark", in{"channel": "C1", "bookmark_id": "Bk1"}, "/title"},
		"thread, no channel":  {"upload_file", in{"thread_ts": "1.1"}, "/channel"},
		"no file":             {"upload_file", in{"channel": "C1"}, ""},
		"no content to post":  {"schedule_message", in{"channel": "C1", "post_at": 1}, "/text"},
		"nothing to whisper":  {"post_ephemeral", in{"channel": "C1", "user": "U1"}, "/text"},
		"cursor out of range": {"search_messages", in{"query": "x", "cursor": "99999999999999999999"}, "/cursor"},
	}
	h := sdktest.Start(t, adapter())
	slack := newDouble(t, answering(`{"ok":true}`))
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := request(slack.URL, test.operation, test.input)
			r.AnyInput = true // as from a host that checks nothing
			e := failure(t, h, r)
			if e.Kind != sdk.InvalidInput || len(e.Violations) != 1 || e.Violations[0].Pointer != test.pointer {
				t.Errorf("want a violation at %q, got %v %v", test.pointer, e.Kind, e.Violations)
			}
		})
	}
	equal(t, "requests", len(slack.got()), 0)
}

// Pages are alike everywhere: cursor in, next_cursor out, none on the last.
func TestPaging(t *testing.T) {
	type in = map[string]any
	tests := map[string]struct {
		operation string
		input     in
		answer    string
		sent      map[string]string
		next      any
	}{
		"first":          {"list_users", in{}, `{"ok":true,"members":[],"response_metadata":{"next_cursor":"dXNlcg=="}}`, map[string]string{"limit": "100"}, "dXNlcg=="},
		"further":        {"list_users", in{"cursor": "dXNlcg==", "limit": 7}, `{"ok":true,"members":[]}`, map[string]string{"limit": "7", "cursor": "dXNlcg=="}, nil},
		"last":           {"list_members", in{"channel": "C1"}, `{"ok":true,"members":["U1"],"response_metadata":{"next_cursor":""}}`, map[string]string{"channel": "C1", "limit": "100"}, nil},
		"no list at all": {"channel_history", in{"channel": "C1"}, `{"ok":true}`, map[string]string{"channel": "C1", "limit": "100"}, nil},
		"numbered":       {"list_files", in{}, `{"ok":true,"files":[],"paging":{"total":41,"page":1,"pages":3}}`, map[string]string{"count": "20", "page": "1"}, "2"},
		"numbered, last": {"search_messages", in{"query": "x", "cursor": "3"}, `{"ok":true,"messages":{"matches":[],"total":41,"paging":{"total":41,"page":3,"pages":3}}}`,
			map[string]string{"query": "x", "count": "20", "page": "3"}, nil},
	}
	h := sdktest.Start(t, adapter())
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			slack := newDouble(t, answering(test.answer))
			result, err := h.Execute(t.Context(), request(slack.URL, test.operation, test.input))
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "arguments", slack.got()[0].Args, test.sent)
			out := decode(t, result.Output)
			equal(t, "next_cursor", out["next_cursor"], test.next)
			for _, key := range []string{"users", "members", "messages", "files", "matches"} {
				if value, ok := out[key]; ok && value == nil {
					t.Errorf("%s is null", key)
				}
			}
		})
	}
}

// bookmarkCalls are tried with a double: Slack's description is older than its bookmarks. What stands in the place of the answer is
// what must be sent.
func bookmarkCalls() []describedCall {
	type in = map[string]any
	return []describedCall{
		{"add_bookmark", in{"channel": "C1", "title": "Docs", "link": "https://example.com", "emoji": ":book:"}, "POST /bookmarks.add",
			"channel_id=C1 emoji=:book: link=https://example.com title=Docs type=link"},
		{"edit_bookmark", in{"channel": "C1", "bookmark_id": "Bk1", "title": "More"}, "POST /bookmarks.edit", "bookmark_id=Bk1 channel_id=C1 title=More"},
		{"remove_bookmark", in{"channel": "C1", "bookmark_id": "Bk1"}, "POST /bookmarks.remove", "bookmark_id=Bk1 channel_id=C1"},
		{"list_bookmarks", in{"channel": "C1"}, "POST /bookmarks.list", "channel_id=C1"},
	}
}

func TestBookmarks(t *testing.T) {
	h := sdktest.Start(t, adapter())
	for _, call := range bookmarkCalls() {
		t.Run(call.operation, func(t *testing.T) {
			slack := newDouble(t, answering(`{"ok":true,"bookmark":{"id":"Bk1"},"bookmarks":[{"id":"Bk1"}]}`))
			result, err := h.Execute(t.Context(), request(slack.URL, call.operation, call.input))
			if err != nil {
				t.Fatal(err)
			}
			got := slack.got()[0]
			equal(t, "request", got.Method+" "+got.Path, call.requests)
			want := map[string]string{}
			for pair := range strings.FieldsSeq(call.answer) {
				name, value, _ := strings.Cut(pair, "=")
				want[name] = value
			}
			equal(t, "arguments", got.Args, want)
			if call.operation != "remove_bookmark" && !strings.Contains(string(result.Output), `"id":"Bk1"`) {
				t.Errorf("the output is %s", result.Output)
			}
		})
	}
}

func TestVerify(t *testing.T) {
	tests := map[string]struct {
		scopes, body string
		want         sdk.Account
		kind         sdk.Kind
	}{
		"bot": {"chat:write, channels:read", `{"ok":true,"user":"helper","user_id":"U1","team":"Acme","bot_id":"B1"}`,
			sdk.Account{ID: "U1", Name: "helper (Acme)", Scopes: []string{"chat:write", "channels:read"}}, 0},
		"says nothing of scopes": {"", `{"ok":true,"user":"helper","user_id":"U1","team":"Acme"}`, sdk.Account{ID: "U1", Name: "helper (Acme)"}, 0},
		"scopes of old":          {"identify,bot", `{"ok":true,"user":"helper","user_id":"U1","team":"Acme"}`, sdk.Account{ID: "U1", Name: "helper (Acme)"}, 0},
		"refused":                {"", `{"ok":false,"error":"invalid_auth"}`, sdk.Account{}, sdk.AuthRevoked},
		"nobody":                 {"", `{"ok":true}`, sdk.Account{}, sdk.PlatformError},
		"not of Slack":           {"", `[]`, sdk.Account{}, sdk.PlatformError},
	}
	h := sdktest.Start(t, adapter())
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			slack := newDouble(t, func(w http.ResponseWriter, r *http.Request) {
				if test.scopes != "" {
					w.Header().Set("X-OAuth-Scopes", test.scopes)
				}
				answering(test.body)(w, r)
			})
			account, err := h.Verify(t.Context(), request(slack.URL, "", nil))
			if test.kind != 0 {
				equal(t, "kind", sdk.KindOf(err), test.kind)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "account", account, test.want)
			equal(t, "request", slack.got()[0].Path, "/auth.test")
		})
	}
}

// A redirect to another host leads nowhere, and gets no token.
func TestRedirectElsewhere(t *testing.T) {
	stranger := newDouble(t, answering(`{"ok":true,"user":{}}`))
	slack := newDouble(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, stranger.URL+r.URL.Path, http.StatusFound)
	})
	h := sdktest.Start(t, adapter())
	failure(t, h, request(slack.URL, "get_user", map[string]any{"user": "U1"}))
	for _, r := range stranger.got() {
		t.Errorf("%s %s came to the stranger with %q", r.Method, r.Path, r.Authorization)
	}
}

// A peer that is not there is an error without an address, and says that nothing was sent.
func TestUnreachable(t *testing.T) {
	dead := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "") }))
	dead.Close()
	h := sdktest.Start(t, adapter())
	e := failure(t, h, request(dead.URL, "send_message", map[string]any{"channel": "C1", "text": "hi"}))
	if e.Kind != sdk.PlatformUnavailable || !e.NotSent {
		t.Errorf("want platform_unavailable, not sent, got %d %v", e.Kind, e.NotSent)
	}
}
