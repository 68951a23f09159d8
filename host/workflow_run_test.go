package host_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A node that needs approval shows what it would send, sends nothing before, and sends that after.
func TestWorkflowApproval(t *testing.T) {
	t.Parallel()
	s := start(t, config(t, dataDir(t), database(t)))
	slack := newSlackDouble(t)
	s.connectSlack(slack)
	s.apply("ask", `
nodes:
  say:
    integration: slack
    operation: send_message
    approval: true
    input: {channel: C1, text: "${{ input.text }}"}
  after: {value: "${{ nodes.say.output.ts }}"}
`)
	approved, rejected := s.launch("ask", map[string]any{"text": "yes"}), s.launch("ask", map[string]any{"text": "no"})
	for _, run := range []string{approved, rejected} {
		if r := s.ended(run); r.State != "waiting" || r.Nodes["say"].WaitsFor != "approval" || !strings.Contains(string(r.Nodes["say"].Input), `"text":`) {
			t.Fatalf("before the approval: %+v", r)
		}
	}
	if n := slack.count(); n != 0 {
		t.Fatalf("%d messages were sent before the approval", n)
	}
	s.must("POST", "/v1/runs/"+approved+"/approve", map[string]any{"node": "say"}, nil)
	s.must("POST", "/v1/runs/"+rejected+"/approve", map[string]any{"node": "say", "decision": "reject"}, nil)
	if status := s.do("POST", "/v1/runs/"+approved+"/approve", map[string]any{"node": "say"}, nil); status != 409 {
		t.Errorf("a second approval answers %d", status)
	}
	if r := s.ended(approved); r.State != "succeeded" {
		t.Errorf("the approved run is %+v", r)
	}
	if r := s.ended(rejected); r.State != "failed" || r.Nodes["say"].Code != "rejected" || r.Nodes["after"].State != "cancelled" {
		t.Errorf("the rejected run is %+v", r)
	}
	if got := slack.messages(); len(got) != 1 || got[0] != "yes" {
		t.Errorf("Slack was sent %q", got)
	}
}

// Conditions, items, errors that do not matter, a workflow within another, a wait: all in one.
func TestWorkflowShapes(t *testing.T) {
	t.Parallel()
	s := start(t, config(t, dataDir(t), database(t)))
	slack := newSlackDouble(t)
	s.connectSlack(slack)
	s.apply("double", "nodes: {a: {value: '${{ input.n * 2 }}'}}\noutput: {n: '${{ nodes.a.output }}'}")
	s.apply("shapes", `
nodes:
  list: {value: [1, 2, 3, 4, 5]}
  each:
    for_each: ${{ nodes.list.output }}
    parallel: 2
    workflow: double
    input: {n: "${{ item }}"}
  never: {when: input.no, value: 1}
  behind: {needs: never, value: 2}
  instead: {when: nodes.never.state == 'skipped', value: "${{ nodes.never.output == null }}"}
  broken: {on_error: continue, value: "${{ input.nothing }}"}
  pause: {wait: 10ms}
  last:
    needs: [pause, instead]
    value:
      sum: ${{ nodes.each.output.map(x, x.n) }}
      error: ${{ nodes.broken.error.code }}
      text: "n=${{ nodes.list.output.size() }} ${{ nodes.list.output }}"
output: ${{ nodes.last.output }}
`)
	r := s.ended(s.launch("shapes", map[string]any{"no": false}))
	if r.State != "succeeded" || string(r.Output) != `{"error":"mapping_failed","sum":[2,4,6,8,10],"text":"n=5 [1,2,3,4,5]"}` {
		t.Fatalf("the run is %s %s: %s, nodes %+v", r.State, r.Error, r.Output, r.Nodes)
	}
	for name, state := range map[string]string{"never": "skipped", "behind": "skipped", "instead": "succeeded", "broken": "failed"} {
		if got := r.Nodes[name].State; got != state {
			t.Errorf("%s is %s, not %s", name, got, state)
		}
	}
}

// A run that failed goes on from the node that failed; what succeeded is not run again.
func TestWorkflowRetry(t *testing.T) {
	t.Parallel()
	s := start(t, config(t, dataDir(t), database(t)))
	slack := newSlackDouble(t)
	i := s.connectSlack(slack)
	s.apply("two", `
nodes:
  first: {integration: slack, operation: send_message, input: {channel: C1, text: first}}
  second: {needs: first, integration: slack, operation: send_message, input: {channel: C1, text: second}}
  each:
    needs: second
    for_each: [1, 2, 3]
    parallel: 1
    integration: slack
    operation: send_message
    input: {channel: C1, text: "item ${{ item }}"}
`)
	slack.failWith(func(w http.ResponseWriter, n int) bool {
		if n != 2 && n != 5 {
			return false
		}
		answer(w, map[string]any{"ok": false, "error": "channel_not_found"})
		return true
	})
	run := s.launch("two", nil)
	if r := s.ended(run); r.State != "failed" || r.ErrorNode != "second" || r.Nodes["first"].State != "succeeded" || r.Nodes["each"].State != "cancelled" {
		t.Fatalf("the run is %+v", r)
	}
	s.must("POST", "/v1/runs/"+run+"/retry", nil, nil)
	if r := s.ended(run); r.State != "failed" || r.ErrorNode != "each" {
		t.Fatalf("the second time it is %+v", r)
	}
	s.must("POST", "/v1/runs/"+run+"/retry", nil, nil)
	if r := s.ended(run); r.State != "succeeded" || r.Nodes["second"].Attempt != 2 {
		t.Fatalf("the third time it is %+v", r)
	}
	if got, want := strings.Join(slack.messages(), ","), "first,second,second,item 1,item 2,item 2,item 3"; got != want {
		t.Errorf("Slack was sent %s, not %s", got, want)
	}
	// An integration that is switched off fails a run with its own code.
	s.must("POST", "/v1/integrations/"+i.ID+"/deactivate", nil, nil)
	if r := s.ended(s.launch("two", nil)); r.State != "failed" || r.Code != "integration_inactive" {
		t.Errorf("with an inactive integration: %+v", r)
	}
}

// A write whose fate is unknown waits for a person and is not repeated.
func TestWorkflowUnknownFate(t *testing.T) {
	t.Parallel()
	s := start(t, config(t, dataDir(t), database(t)))
	slack := newSlackDouble(t)
	s.connectSlack(slack)
	slack.failWith(func(w http.ResponseWriter, n int) bool {
		if n == 1 {
			http.Error(w, "broken", http.StatusInternalServerError)
		}
		return n == 1
	})
	s.apply("once", "nodes:\n  a: {integration: slack, operation: send_message, retries: 5, input: {channel: C1, text: x}}\n  b: {needs: a, value: 1}\n")
	run := s.launch("once", nil)
	if r := s.ended(run); r.State != "waiting" || r.Nodes["a"].Code != "outcome_unknown" || r.Nodes["a"].WaitsFor != "unknown" || slack.count() != 1 {
		t.Fatalf("after %d messages: %+v", slack.count(), r)
	}
	s.must("POST", "/v1/runs/"+run+"/approve", map[string]any{"node": "a", "decision": "accept"}, nil)
	if r := s.ended(run); r.State != "succeeded" || slack.count() != 1 {
		t.Errorf("after %d messages: %+v", slack.count(), r)
	}
}

// Cancelling ends a run: what runs is told, what has not begun never does.
func TestWorkflowCancel(t *testing.T) {
	t.Parallel()
	s := start(t, config(t, dataDir(t), database(t)))
	slack := newSlackDouble(t)
	s.connectSlack(slack)
	arrived, never := make(chan struct{}), make(chan struct{})
	slack.failWith(func(_ http.ResponseWriter, n int) bool {
		if n == 1 {
			close(arrived)
		}
		<-never
		return true
	})
	t.Cleanup(func() { close(never) })
	s.apply("slow", "nodes:\n  a: {integration: slack, operation: send_message, input: {channel: C1, text: x}}\n  b: {needs: a, value: 1}\n")
	run := s.launch("slow", nil)
	<-arrived
	s.must("POST", "/v1/runs/"+run+"/cancel", nil, nil)
	if r := s.ended(run); r.State != "cancelled" || r.Nodes["a"].Code != "outcome_unknown" || r.Nodes["b"].State != "cancelled" {
		t.Errorf("the run is %+v", r)
	}
	if status := s.do("POST", "/v1/runs/"+run+"/cancel", nil, nil); status != 409 {
		t.Errorf("cancelling it twice answers %d", status)
	}
	var p problem
	if status := s.do("POST", "/v1/runs/"+run+"/retry", nil, &p); status != 409 || !strings.Contains(p.Detail, "not known") {
		t.Errorf("retrying a write of unknown fate answers %d %s", status, p.Detail)
	}
}

// A signed message starts one run, however often it comes; others start none.
func TestWorkflowWebhook(t *testing.T) {
	t.Parallel()
	s := start(t, config(t, dataDir(t), database(t)))
	s.apply("hooked", "nodes: {a: {value: '${{ input.n }}'}}\noutput: ${{ nodes.a.output }}")
	var hook struct{ URL, Secret string }
	s.must("POST", "/v1/workflows/hooked/webhook", nil, &hook)
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(hook.Secret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	path := strings.TrimPrefix(hook.URL, s.URL)
	send := func(path, id string, at time.Time, key []byte, body string) (int, string) {
		stamp := strconv.FormatInt(at.Unix(), 10)
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + stamp + "." + body))
		var out struct{ ID string }
		status := s.as("", "POST", path, []byte(body), &out, header{"webhook-id", id}, header{"webhook-timestamp", stamp},
			header{"webhook-signature", "v1,AAAA v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))})
		return status, out.ID
	}
	status, run := send(path, "msg-1", time.Now(), key, `{"n":7}`)
	if status != 202 {
		t.Fatalf("a signed message answers %d", status)
	}
	if r := s.ended(run); string(r.Output) != "7" {
		t.Errorf("the run is %+v", r)
	}
	if status, again := send(path, "msg-1", time.Now(), key, `{"n":7}`); status != 202 || again != run {
		t.Errorf("the message again answers %d %s, not %s", status, again, run)
	}
	for name, bad := range map[string]struct {
		path, id string
		at       time.Time
		key      []byte
	}{
		"an old one": {path, "msg-2", time.Now().Add(-10 * time.Minute), key}, "one of tomorrow": {path, "msg-3", time.Now().Add(24 * time.Hour), key},
		"a forged one": {path, "msg-4", time.Now(), []byte("guess")}, "one to nobody": {path + "x", "msg-5", time.Now(), key},
		"one without an id": {path, "", time.Now(), key},
	} {
		if status, _ := send(bad.path, bad.id, bad.at, bad.key, `{"n":1}`); status != 401 {
			t.Errorf("%s answers %d", name, status)
		}
	}
	s.must("POST", "/v1/workflows/hooked/disable", nil, nil)
	if status, _ := send(path, "msg-6", time.Now(), key, `{"n":1}`); status != 409 {
		t.Errorf("a disabled workflow answers %d", status)
	}
	var runs struct{ Items []struct{ ID string } }
	if s.must("GET", "/v1/runs", nil, &runs); len(runs.Items) != 1 {
		t.Errorf("there are %d runs", len(runs.Items))
	}
}

// The stream of a run tells of its nodes and ends with it; a workflow that is not enabled runs for a test alone.
func TestWorkflowEvents(t *testing.T) {
	t.Parallel()
	s := start(t, config(t, dataDir(t), database(t)))
	s.must("PUT", "/v1/workflows/quick", map[string]any{"nodes": map[string]any{"a": map[string]any{"value": 1}, "b": map[string]any{"value": "${{ nodes.a.output }}"}}}, nil)
	if status := s.do("POST", "/v1/workflows/quick/runs", map[string]any{"input": map[string]any{}}, nil); status != 409 {
		t.Errorf("a workflow that is not enabled answers %d", status)
	}
	var run struct{ ID string }
	s.must("POST", "/v1/workflows/quick/runs", map[string]any{"test": true}, &run)
	_, raw, err := s.try(s.Token, "GET", "/v1/runs/"+run.ID+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"event: node\ndata: {\"node\":\"a\"", "\"state\":\"succeeded\"", "event: run\n"} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("the stream lacks %q: %s", want, raw)
		}
	}
	eventually(t, "the event of the run's end", func() bool {
		var events struct {
			Items []struct {
				Subject string
				Data    json.RawMessage
			}
		}
		s.must("GET", "/v1/events?type=run.finished", nil, &events)
		return len(events.Items) == 1 && events.Items[0].Subject == run.ID
	})
}

// A schedule starts runs while its workflow is enabled.
func TestWorkflowSchedule(t *testing.T) {
	t.Parallel()
	cfg := config(t, dataDir(t), database(t))
	s := start(t, cfg)
	s.apply("nightly", "schedules:\n  - {cron: 0 3 * * *, timezone: Europe/Berlin, input: {n: 5}}\nnodes: {a: {value: '${{ input.n }}'}}\noutput: ${{ nodes.a.output }}")
	if n := query(t, cfg.DatabaseURL, "UPDATE workflow_schedules SET next_at = now() - interval '1 second' WHERE next_at > now()"); n != 1 {
		t.Fatalf("%d schedules are due in the future", n)
	}
	var runs struct {
		Items []struct{ ID, Trigger string }
	}
	eventually(t, "a run of the schedule", func() bool {
		s.must("GET", "/v1/runs?workflow=nightly", nil, &runs)
		return len(runs.Items) == 1
	})
	if r := s.ended(runs.Items[0].ID); string(r.Output) != "5" || runs.Items[0].Trigger != "schedule" {
		t.Errorf("the run is %+v", r)
	}
	if n := query(t, cfg.DatabaseURL, "SELECT 1 FROM workflow_schedules WHERE next_at > now()"); n != 1 {
		t.Error("the schedule is not due again")
	}
	s.must("POST", "/v1/workflows/nightly/disable", nil, nil)
	if n := query(t, cfg.DatabaseURL, "SELECT 1 FROM workflow_schedules WHERE next_at IS NULL"); n != 1 {
		t.Error("a disabled workflow's schedule is still due")
	}
}

// An export names no id; whoever imports it runs it with their own account.
func TestWorkflowExport(t *testing.T) {
	t.Parallel()
	s := start(t, config(t, dataDir(t), database(t)))
	slack := newSlackDouble(t)
	i := s.connectSlack(slack)
	s.apply("share", fmt.Sprintf("# kept\nnodes:\n  a: {integration: %s, operation: send_message, input: {channel: C1, text: x}}\n", i.ID))
	s.must("POST", "/v1/workflows/share/webhook", nil, nil)
	var out struct{ Document string }
	s.must("GET", "/v1/workflows/share/export", nil, &out)
	if strings.Contains(out.Document, i.ID) || !strings.Contains(out.Document, "slack/Team") || !strings.Contains(out.Document, "# kept") || strings.Contains(out.Document, "whsec") {
		t.Fatalf("the export is %s", out.Document)
	}
	var bob struct{ ID string }
	s.must("POST", "/v1/users", map[string]any{"name": "bob"}, &bob)
	var token struct{ Token string }
	s.must("POST", "/v1/tokens", map[string]any{"user": bob.ID, "name": "x"}, &token)
	b := s.client
	b.Token = token.Token
	if status := b.do("POST", "/v1/workflows/import", map[string]any{"name": "mine", "document": out.Document}, nil); status != 422 {
		t.Errorf("without an account an import answers %d", status)
	}
	if status := b.do("PUT", "/v1/workflows/stolen", []byte("nodes:\n  a: {integration: "+i.ID+", operation: send_message, input: {channel: C1, text: x}}\n"), nil); status != 422 {
		t.Errorf("another's integration answers %d", status)
	}
	var own integrationView
	b.must("POST", "/v1/integrations", map[string]any{"platform": "slack", "label": "Other", "credential": map[string]string{"token": slackToken}}, &own)
	var made struct{ Bindings map[string]string }
	b.must("POST", "/v1/workflows/import", map[string]any{"name": "mine", "document": out.Document}, &made)
	if made.Bindings["slack/Team"] != own.ID {
		t.Errorf("the import is bound to %v", made.Bindings)
	}
}
