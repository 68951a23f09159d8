package main

import (
	"bytes"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
	"github.com/patchbay/patchbay/sdk/sdktest/cassette"
)

// recording is one call whose request must be the recorded one, and what comes of the recorded answer.
type recording struct {
	operation string
	input     given
	file      string
	// number of the exchange within the file; the first one is always the token's.
	number int
	// without and with are how this adapter departs from the recorded client on purpose: parameters that are not sent, and such
	// that are sent otherwise.
	without []string
	with    map[string]string
	// answer is a part of the output; kind is what the call fails with, and says what.
	answer string
	kind   sdk.Kind
	says   string
}

// recordings are exchanges of the PRAW client with the live service.
func recordings() []recording {
	limited := func(limit string) map[string]string { return map[string]string{"limit": limit} }
	return []recording{
		{operation: "get_me", input: given{}, file: "TestUserSubreddit.test_update", number: 1, answer: `"name":"test_user"`},
		{operation: "get_karma", input: given{}, file: "TestUser.test_karma", number: 1, answer: `{"sr":"AskReddit","comment_karma":-1,"link_karma":1}`},
		{operation: "list_posts", input: given{"subreddit": "r/askreddit", "sort": "top", "time": "all", "limit": 100}, file: "TestSubredditListings.test_top", number: 1, answer: `"subreddit":"AskReddit"`},
		{operation: "list_posts", input: given{"limit": 100, "full": true}, file: "TestFront.test_hot", number: 1, answer: `"next_cursor":"t3_`},
		{operation: "search_posts", input: given{"query": "praw oauth search", "subreddit": "all", "limit": 100}, file: "TestSubreddit.test_search", number: 1,
			without: []string{"syntax"}, with: map[string]string{"limit": "100", "restrict_sr": "true"}, answer: `"subreddit":"redditdev"`},
		{operation: "get_post", input: given{"id": "uflrmv"}, file: "TestModNotes.test_create_note__thing_fullname", number: 1, answer: `"name":"t3_uflrmv"`},
		{operation: "get_things", input: given{"names": []string{"t1_d1616q2"}}, file: "TestComment.test_delete", number: 2, answer: `"author":"[deleted]"`},
		{operation: "list_comments", input: given{"post_id": "t3_3hahrw", "limit": 500}, file: "TestCommentForest.test_replace__skip_all", number: 1, with: limited("500"), answer: `"depth":2`},
		{operation: "list_comments", input: given{"post_id": "57dw9a", "comment_id": "d8rzxi2", "limit": 500}, file: "TestCommentForest.test_replace__on_direct_comment", number: 3, with: limited("500"), answer: `"comments":[{`},
		{operation: "more_comments", input: given{"post_id": "3hahrw", "children": strings.Split("cu5tt8h,cu5v9yd,cu5twf5,cu5tkk4,cu5tead,cu5rxpy,cu5oufs,cu5tpek,cu5pbdh", ",")}, file: "TestMore.test_comments", number: 1, answer: `"name":"t1_cu5tead"`},
		{operation: "submit_post", input: given{"subreddit": "test_subreddit", "title": "Test Title", "kind": "crosspost", "crosspost_of": "t3_6vx01b", "nsfw": true, "spoiler": false}, file: "TestSubmission.test_crosspost__nsfw", number: 2,
			answer: `{"name":"t3_c27k7n","url":"https://www.reddit.com/r/test_subreddit/comments/c27k7n/test_title/"}`},
		{operation: "submit_post", input: given{"subreddit": "u_test_user", "title": "test", "kind": "self", "text": "test", "nsfw": false, "spoiler": false, "resubmit": true}, file: "TestDraft.test_submit", number: 3,
			without: []string{"draft_id", "validate_on_submit"}, answer: `"name":"t3_oubhoq"`},
		{operation: "submit_post", input: given{"subreddit": "test_subreddit", "title": "dfgfdgfdgdf", "kind": "link", "url": "https://www.google.com", "nsfw": false, "spoiler": false, "resubmit": true}, file: "TestSubreddit.test_submit__verify_invalid", number: 1,
			without: []string{"validate_on_submit"}, kind: sdk.InvalidInput, says: `You may not have "dfgfdgfdgdf" in your title.`},
		{operation: "comment", input: given{"parent": "t1_d1616q2", "text": "Comment reply"}, file: "TestComment.test_reply", number: 1, answer: `"name":"t1_d1680wu"`},
		{operation: "comment", input: given{"parent": "t3_ah19vv", "text": "TEST"}, file: "TestSubmission.test_reply__none", number: 1, answer: `{"things":[]}`},
		{operation: "vote", input: given{"name": "t1_d1680wu", "direction": 0}, file: "TestComment.test_clear_vote", number: 1, answer: `{}`},
		{operation: "vote", input: given{"name": "t3_4b536p", "direction": 1}, file: "TestSubmission.test_upvote", number: 1, answer: `{}`},
		{operation: "edit", input: given{"name": "t3_eippcc", "text": "rewtwert"}, file: "TestSubmission.test_edit_invalid", number: 1, without: []string{"validate_on_submit"}, kind: sdk.InvalidInput, says: "in your post body"},
		{operation: "delete", input: given{"name": "t1_d1616q2"}, file: "TestComment.test_delete", number: 1, answer: `{}`},
		{operation: "save_thing", input: given{"name": "t1_d1680wu", "category": "foo"}, file: "TestComment.test_save", number: 1, answer: `{}`},
		{operation: "unsave_thing", input: given{"name": "t1_d1680wu"}, file: "TestComment.test_unsave", number: 1, answer: `{}`},
		{operation: "subreddit_info", input: given{"subreddit": "PRAW_rrldkyrfln"}, file: "TestSubreddit.test_create", number: 2, answer: `"display_name":"PRAW_rrldkyrfln"`},
		{operation: "get_subreddit_rules", input: given{"subreddit": "test_subreddit"}, file: "TestRule.test_reorder_rules_no_reorder", number: 1, answer: `"short_name":"Test post 12"`},
		{operation: "popular_subreddits", input: given{"limit": 15}, file: "TestSubreddits.test_popular", number: 1, answer: `"subscribers":`},
		{operation: "my_subreddits", input: given{"as": "moderator", "limit": 100}, file: "TestUser.test_moderator_subreddits", number: 1, with: limited("100"), answer: `"user_is_moderator":true`},
		{operation: "list_flairs", input: given{"subreddit": "test_subreddit"}, file: "TestSubredditLinkFlairTemplates.test__iter", number: 1, answer: `"mod_only":true`},
		{operation: "get_user", input: given{"name": "u/PyAPITestUser3"}, file: "TestRedditor.test_fullname_init", number: 2, answer: `"name":"PyAPITestUser3"`},
		{operation: "user_history", input: given{"name": "spez", "sort": "new", "limit": 100}, file: "TestRedditorListings.test_overview__new", number: 1, answer: `"next_cursor":"t1_mzqqmaw"`},
		{operation: "user_history", input: given{"name": "spladug", "kind": "submitted", "sort": "top", "time": "all", "limit": 100}, file: "TestRedditorListings.test_submissions__top", number: 1, answer: `{"kind":"post","item":{`},
		{operation: "user_history", input: given{"name": "test_user", "kind": "saved", "limit": 100}, file: "TestRedditorListings.test_saved__in_read_only_mode", number: 1, kind: sdk.PermissionDenied},
		{operation: "list_messages", input: given{"limit": 100}, file: "TestInbox.test_all__with_limit", number: 1, with: limited("100"), answer: `"next_cursor":"t4_22u9cpc"`},
		{operation: "list_messages", input: given{"limit": 100, "cursor": "t4_22u9cpc"}, file: "TestInbox.test_all__with_limit", number: 2, with: limited("100"), answer: `"next_cursor":"t1_fx2fxp1"`},
		{operation: "list_messages", input: given{"box": "unread", "limit": 10}, file: "TestInbox.test_mark_read", number: 1, answer: `"next_cursor":"t1_mynkbup"`},
		{operation: "send_message", input: given{"to": "subreddit_stats", "subject": "PRAW test", "text": "This is a test from PRAW"}, file: "TestRedditor.test_message", number: 2, answer: `{}`},
		{operation: "mark_messages_read", input: given{"names": strings.Split("t1_mynkj7r,t1_mynkie0,t1_mynkhka,t1_mynkgp9,t1_mynkfvt,t1_mynkf38,t1_mynke9h,t1_mynkdft,t1_mynkcm3,t1_mynkbup", ",")}, file: "TestInbox.test_mark_read", number: 2, answer: `{}`},
	}
}

// unrecorded are the operations that no recording has; requests_test.go tries them with doubles.
var unrecorded = []string{"search_subreddits", "subscribe", "unsubscribe"}

// exchanges reads a file of recorded traffic, with names in place of its placeholders.
func exchanges(t *testing.T, file string) []cassette.Interaction {
	t.Helper()
	data, err := os.ReadFile(sdktest.Fixture(t, "recordings/reddit-praw/tests/integration/cassettes/"+file+".json"))
	if err != nil {
		t.Fatal(err)
	}
	data = bytes.ReplaceAll(bytes.ReplaceAll(data, []byte("<TEST_SUBREDDIT>"), []byte("test_subreddit")), []byte("<USERNAME>"), []byte("test_user"))
	all, err := cassette.ParseJSON(data)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// expected answers a recorded exchange with the request that is to come: Python's True and False become what the documentation has.
func expected(t *testing.T, r recording) cassette.Interaction {
	t.Helper()
	one := exchanges(t, r.file)[r.number]
	form, err := url.ParseQuery(string(one.Body))
	if err != nil {
		t.Fatal(err)
	}
	query := one.URL.Query()
	for _, values := range []url.Values{form, query} {
		for name, list := range values {
			if low := strings.ToLower(list[0]); low == "true" || low == "false" {
				values.Set(name, low)
			}
		}
		for _, name := range r.without {
			values.Del(name)
		}
		for name, value := range r.with {
			if values.Has(name) {
				values.Set(name, value)
			}
		}
	}
	address := *one.URL
	address.RawQuery = query.Encode()
	one.URL, one.Body = &address, []byte(form.Encode())
	return one
}

// The recorded traffic is what the adapter sends, and what it makes of the answers.
func TestRecordings(t *testing.T) {
	h := sdktest.Start(t, adapter())
	tried := map[string]bool{}
	for _, r := range recordings() {
		tried[r.operation] = true
		t.Run(r.operation+" "+r.file, func(t *testing.T) {
			base := cassette.Play(t, expected(t, r))
			if r.kind != 0 {
				e := sdktest.Failure(t, h, request(base, r.operation, r.input))
				if e.Kind != r.kind || !strings.Contains(e.Message, r.says) {
					t.Errorf("got kind %d, %q", e.Kind, e.Message)
				}
				return
			}
			result, err := h.Execute(t.Context(), request(base, r.operation, r.input))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(result.Output), r.answer) {
				t.Errorf("want %s in the output %.3000s", r.answer, result.Output)
			}
		})
	}
	for _, op := range h.Platforms[0].GetOperations() {
		if !tried[op.GetName()] && !strings.Contains(strings.Join(unrecorded, " "), op.GetName()) {
			t.Errorf("%s is tried by nothing", op.GetName())
		}
	}
}

func TestVerify(t *testing.T) {
	h := sdktest.Start(t, adapter())
	account, err := h.Verify(t.Context(), request(cassette.Play(t, expected(t, recording{file: "TestUserSubreddit.test_update", number: 1})), "", nil))
	if err != nil || account.Name != "u/test_user" || !strings.HasPrefix(account.ID, "t2_") {
		t.Errorf("got %v, %v", account, err)
	}
	_, err = h.Verify(t.Context(), request(cassette.Play(t, expected(t, recording{file: "TestAuthImplicit.test_implicit__with_invalid_token", number: 0})), "", nil))
	if sdk.KindOf(err) != sdk.AuthExpired {
		t.Errorf("got %v, want that the token has expired", err)
	}
}

// What is declared of the OAuth2 flow is what the recorded client does: Basic, a form, and an answer as RFC 6749 has it.
func TestTokenCall(t *testing.T) {
	call := exchanges(t, "TestAuthWeb.test_authorize")[0]
	o := oauth().OAuth2
	sdktest.Equal(t, "address", call.URL.String(), o.TokenURL)
	sdktest.Equal(t, "method", call.Method, http.MethodPost)
	if !strings.HasPrefix(call.Header.Get("Authorization"), "Basic ") || o.ClientAuthentication != "basic" {
		t.Error("the client does not authenticate by Basic")
	}
	form, err := url.ParseQuery(string(call.Body))
	if err != nil || form.Get("grant_type") != "authorization_code" || !form.Has("redirect_uri") || form.Has("client_secret") {
		t.Errorf("the form is %v, %v", form, err)
	}
	answer := decode(t, call.Answer)
	if answer["refresh_token"] == nil || answer["expires_in"] != 3600.0 || answer["scope"] != "submit" {
		t.Errorf("the answer is %v", answer)
	}
}
