package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sdktest"
)

// described stands before a mock server of Slack's own API description. It keeps what that finds wrong with a request, and passes
// the token on a second time: the description wants it as a parameter too, which Slack documents as another place for the same.
type described struct {
	*httptest.Server
	mu         sync.Mutex
	requests   []string
	violations []string
}

func newDescribed(t *testing.T) *described {
	t.Helper()
	mock, err := url.Parse(sdktest.Peer(t, sdktest.Tool(t, "prism"), "mock", "--port", "{port}", sdktest.Fixture(t, "specs/slack.json")))
	if err != nil {
		t.Fatal(err)
	}
	parameters := parametersOf(t)
	d := &described{}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(mock)
			if token, ok := strings.CutPrefix(r.In.Header.Get("Authorization"), "Bearer "); ok {
				r.Out.Header.Set("token", token)
				r.Out.URL.RawQuery = strings.TrimPrefix(r.In.URL.RawQuery+"&token="+url.QueryEscape(token), "&")
			}
		},
		ModifyResponse: func(resp *http.Response) error {
			d.note(ofRequest(t, resp.Header.Get("sl-violations")))
			d.mu.Lock()
			defer d.mu.Unlock()
			d.requests = append(d.requests, resp.Request.Method+" "+resp.Request.URL.Path)
			return nil
		},
	}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.note(unknownArgs(t, r, parameters))
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(d.Close)
	return d
}

func (d *described) note(violations []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.violations = append(d.violations, violations...)
}

// younger are the arguments that Slack's documentation has and the description, which is of 2022, has not.
var younger = []string{"/chat.postMessage metadata", "/chat.postMessage markdown_text", "/chat.update metadata", "/chat.scheduleMessage metadata",
	"/conversations.create team_id"}

// parametersOf reads the names of every method's parameters: the mock server lets those pass that it does not know.
func parametersOf(t *testing.T) map[string][]string {
	document, err := os.ReadFile(sdktest.Fixture(t, "specs/slack.json"))
	if err != nil {
		t.Fatal(err)
	}
	var spec struct {
		Paths map[string]map[string]struct {
			Parameters []struct{ Name string }
		}
	}
	if err := json.Unmarshal(document, &spec); err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for path, methods := range spec.Paths {
		for _, method := range methods {
			for _, p := range method.Parameters {
				out[path] = append(out[path], p.Name)
			}
		}
	}
	return out
}

// unknownArgs answers which arguments of a request its method does not have.
func unknownArgs(t *testing.T, r *http.Request, parameters map[string][]string) (out []string) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Errorf("reading a request: %v", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, err := url.ParseQuery(string(body))
	if err != nil {
		t.Errorf("a request's form: %v", err)
	}
	for _, args := range []url.Values{form, r.URL.Query()} {
		for name := range args {
			if argument := r.URL.Path + " " + name; !slices.Contains(parameters[r.URL.Path], name) && !slices.Contains(younger, argument) {
				out = append(out, "unknown: "+argument)
			}
		}
	}
	return out
}

// ofRequest answers what is wrong with a request. Of its own examples the description also says what is wrong with them; that is not ours.
func ofRequest(t *testing.T, header string) (out []string) {
	if header == "" {
		return nil
	}
	var all []struct {
		Location []string `json:"location"`
		Message  string   `json:"message"`
	}
	if err := json.Unmarshal([]byte(header), &all); err != nil {
		t.Errorf("reading the peer's violations: %v", err)
	}
	for _, v := range all {
		if len(v.Location) == 0 || v.Location[0] != "response" {
			out = append(out, strings.Join(v.Location, "/")+": "+v.Message)
		}
	}
	return out
}

// take answers and forgets what has come.
func (d *described) take() (requests, violations []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	requests, violations = d.requests, d.violations
	d.requests, d.violations = nil, nil
	return requests, violations
}

// undescribed are the operations whose methods the description does not have; files_test.go and methods_test.go try them.
var undescribed = []string{"upload_file", "download_file", "add_bookmark", "edit_bookmark", "remove_bookmark", "list_bookmarks"}

type describedCall struct {
	operation string
	input     any
	requests  string
	answer    string // a part of the output
}

func describedCalls() []describedCall {
	const ts = "1503435956.000247"
	type in = map[string]any
	message, channel := in{"channel": "C1H9RESGL", "ts": ts}, in{"channel": "C1H9RESGL"}
	block := []in{{"type": "section", "text": in{"type": "mrkdwn", "text": "*hi*"}}}
	return []describedCall{
		{"send_message", in{"channel": "C1H9RESGL", "text": "hi", "blocks": block, "thread_ts": ts, "reply_broadcast": true, "unfurl_links": false,
			"unfurl_media": false, "metadata": in{"event_type": "deploy", "event_payload": in{"id": 12345678901234567}}}, "POST /chat.postMessage", `"ts":"1503435956.000247"`},
		{"send_dm", in{"users": []string{"U1", "U2"}, "text": "hi"}, "POST /conversations.open POST /chat.postMessage", `"channel":"C1H9RESGL"`},
		{"post_ephemeral", in{"channel": "C1", "user": "U1", "text": "hi", "thread_ts": ts}, "POST /chat.postEphemeral", `"message_ts"`},
		{"update_message", in{"channel": "C1", "ts": ts, "text": "hi", "blocks": block}, "POST /chat.update", `"ts"`},
		{"delete_message", message, "POST /chat.delete", `"channel":"C`},
		{"get_permalink", message, "GET /chat.getPermalink", `"permalink":"https://`},
		{"schedule_message", in{"channel": "C1", "text": "hi", "post_at": 1999999999, "thread_ts": ts, "unfurl_links": true}, "POST /chat.scheduleMessage",
			`"scheduled_message_id":"Q1298393284","post_at":1562180400`},
		{"list_scheduled_messages", in{"channel": "C1", "oldest": 1, "latest": 2, "limit": 3, "cursor": "dXNlcg=="}, "GET /chat.scheduledMessages.list",
			`"id":"1298393284","channel":"C1H9RESGL","post_at":1551991428`},
		{"cancel_scheduled_message", in{"channel": "C1", "scheduled_message_id": "Q1"}, "POST /chat.deleteScheduledMessage", `{}`},
		{"list_channels", in{"types": []string{"public_channel", "private_channel"}, "exclude_archived": true, "limit": 20, "cursor": "dXNlcg=="},
			"GET /conversations.list", `"name":"general"`},
		{"list_my_channels", in{"user": "U1", "types": []string{"im"}, "limit": 5}, "GET /users.conversations", `"channels":[{`},
		{"get_channel", channel, "GET /conversations.info", `"channel":{`},
		{"create_channel", in{"name": "endeavor", "is_private": true}, "POST /conversations.create", `"name":"endeavor"`},
		{"archive_channel", channel, "POST /conversations.archive", `"changed":true`},
		{"unarchive_channel", channel, "POST /conversations.unarchive", `"changed":true`},
		{"rename_channel", in{"channel": "C1", "name": "other"}, "POST /conversations.rename", `"channel":{`},
		{"set_topic", in{"channel": "C1", "topic": "A topic"}, "POST /conversations.setTopic", `{}`},
		{"set_purpose", in{"channel": "C1", "purpose": ""}, "POST /conversations.setPurpose", `{}`},
		{"join_channel", channel, "POST /conversations.join", `"changed":false`}, // the description's example was in already
		{"leave_channel", channel, "POST /conversations.leave", `"changed":`},
		{"invite_to_channel", in{"channel": "C1", "users": []string{"U1", "U2"}}, "POST /conversations.invite", `"changed":true`},
		{"kick_from_channel", in{"channel": "C1", "user": "U1"}, "POST /conversations.kick", `{}`},
		{"list_members", in{"channel": "C1", "limit": 2}, "GET /conversations.members", `"members":["`},
		{"channel_history", in{"channel": "C1", "oldest": "1512085950", "latest": ts, "inclusive": true, "limit": 10}, "GET /conversations.history",
			`"has_more":true,"next_cursor":"bmV4dF90czoxNTEyMDg1ODYxMDAwNTQz"`},
		{"thread_replies", in{"channel": "C1", "ts": ts, "limit": 10}, "GET /conversations.replies", `"messages":[{`},
		{"list_users", in{"limit": 2}, "GET /users.list", `"users":[{`},
		{"get_user", in{"user": "U1"}, "GET /users.info", `"name":"spengler"`},
		{"lookup_user_by_email", in{"email": "spengler@ghostbusters.example.com"}, "GET /users.lookupByEmail", `"user":{`},
		{"get_team", in{}, "GET /team.info", `"name":"My Team"`},
		{"set_status", in{"status_text": "riding a train", "status_emoji": ":train:", "status_expiration": 1999999999}, "POST /users.profile.set", `"status_text":`},
		{"add_reaction", in{"channel": "C1", "ts": ts, "name": ":thumbsup:"}, "POST /reactions.add", `"changed":true`},
		{"remove_reaction", in{"channel": "C1", "ts": ts, "name": "thumbsup"}, "POST /reactions.remove", `"changed":true`},
		{"get_reactions", message, "GET /reactions.get", `"reactions":[`},
		{"add_pin", message, "POST /pins.add", `"changed":true`},
		{"remove_pin", message, "POST /pins.remove", `"changed":true`},
		{"list_pins", channel, "GET /pins.list", `"items":[{`},
		{"list_files", in{"channel": "C1", "user": "U1", "types": []string{"images", "pdfs"}, "ts_from": 1, "ts_to": 2, "cursor": "2", "limit": 3},
			"GET /files.list", `"files":[{`},
		{"get_file", in{"file": "F0S43PZDF"}, "GET /files.info", `"name":"tedair.gif"`},
		{"delete_file", in{"file": "F1"}, "POST /files.delete", `{}`},
		{"search_messages", in{"query": "pickleface", "sort": "timestamp", "sort_dir": "asc", "highlight": true, "limit": 5, "cursor": "2"},
			"GET /search.messages", `"matches":[{`},
	}
}

// Every operation that Slack's own description has a method for sends what it asks for: parameters, their types, and the token.
func TestAgainstDescription(t *testing.T) {
	peer := newDescribed(t)
	h := sdktest.Start(t, adapter())
	tried := map[string]bool{}
	for _, name := range undescribed {
		tried[name] = true
	}
	for _, test := range describedCalls() {
		tried[test.operation] = true
		t.Run(test.operation, func(t *testing.T) {
			result, err := h.Execute(t.Context(), request(peer.URL, test.operation, test.input))
			requests, violations := peer.take()
			if err != nil {
				t.Fatalf("%v (violations: %s)", err, violations)
			}
			equal(t, "violations", violations, []string(nil))
			equal(t, "requests", strings.Join(requests, " "), test.requests)
			if !strings.Contains(string(result.Output), test.answer) {
				t.Errorf("want %s in the output %s", test.answer, result.Output)
			}
		})
	}
	for _, op := range h.Platforms[0].GetOperations() {
		if !tried[op.GetName()] {
			t.Errorf("%s is tried by nothing", op.GetName())
		}
	}

	t.Run("verify", func(t *testing.T) {
		account, err := h.Verify(t.Context(), request(peer.URL, "", nil))
		if _, violations := peer.take(); err != nil || violations != nil {
			t.Fatalf("%v %s", err, violations)
		}
		equal(t, "account", account, sdk.Account{ID: "W12345678", Name: "grace (Subarachnoid Workspace)"})
	})
	t.Run("the peer objects", func(t *testing.T) { // to a missing token, missing, mistyped and unknown arguments
		resp, err := http.PostForm(peer.URL+"/chat.postEphemeral", url.Values{"channel": {"C1"}, "link_names": {"perhaps"}, "colour": {"red"}})
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close() // its headers counted
		_, violations := peer.take()
		for _, want := range []string{"unknown: /chat.postEphemeral colour", "security", "'token'", "'user'", "link_names"} {
			if !strings.Contains(strings.Join(violations, "\n"), want) {
				t.Errorf("want an objection to %s, got %q", want, violations)
			}
		}
	})
}
