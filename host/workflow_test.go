package host_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

type runNode struct {
	State, Code, Error, Call string
	WaitsFor                 string `json:"waits_for"`
	Attempt                  int
	Items                    *int
	Input, Output            json.RawMessage
}

type runState struct {
	ID, State, Code, Error string
	ErrorNode              string `json:"error_node"`
	Output                 json.RawMessage
	Nodes                  map[string]runNode
}

// apply stores a workflow and enables it.
func (c client) apply(name, document string) {
	c.t.Helper()
	c.must("PUT", "/v1/workflows/"+name, []byte(document), nil)
	c.must("POST", "/v1/workflows/"+name+"/enable", nil, nil)
}

// launch starts a run and answers its id.
func (c client) launch(name string, input any) string {
	c.t.Helper()
	var run struct{ ID string }
	c.must("POST", "/v1/workflows/"+name+"/runs", map[string]any{"input": input}, &run)
	return run.ID
}

// ended waits until a run has ended, or waits for something. It asks seldom, for a run may be large.
func (c client) ended(run string) runState {
	c.t.Helper()
	for {
		var r runState
		if c.must("GET", "/v1/runs/"+run, nil, &r); r.State != "running" {
			return r
		}
		select {
		case <-c.t.Context().Done():
			c.t.Fatalf("the run %s did not end", run)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (d *slackDouble) messages() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.sent)
}

// Two nodes: what the first gives is the input of the second, with its type, and the run's output.
func TestWorkflowOfTwoNodes(t *testing.T) {
	t.Parallel()
	cfg := config(t, dataDir(t), database(t))
	s := start(t, cfg)
	slack := newSlackDouble(t)
	i := s.connectSlack(slack)
	s.apply("greet", fmt.Sprintf(`
nodes:
  look:
    integration: %s
    operation: get_channel
    input: {channel: "${{ input.channel }}"}
  say:
    integration: slack/Team
    operation: send_message
    input:
      channel: ${{ nodes.look.output.channel.id }}
      text: "hello ${{ nodes.look.output.channel.name }}, ${{ input.n + 1 }}"
output:
  ts: ${{ nodes.say.output.ts }}
  n: ${{ input.n }}
`, i.ID))
	r := s.ended(s.launch("greet", map[string]any{"channel": "C7", "n": 41}))
	if r.State != "succeeded" || string(r.Output) != `{"n":41,"ts":"1.2"}` {
		t.Fatalf("the run is %+v", r)
	}
	if got := slack.messages(); len(got) != 1 || got[0] != "hello general, 42" {
		t.Errorf("Slack was sent %q", got)
	}
	var call struct{ Workflow, Run string }
	if s.must("GET", "/v1/calls/"+r.Nodes["say"].Call, nil, &call); call.Workflow != "greet" || call.Run != r.ID {
		t.Errorf("the call belongs to %+v", call)
	}
	// A host that starts later knows the run.
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	again := start(t, cfg)
	if r = again.ended(r.ID); r.State != "succeeded" || string(r.Output) != `{"n":41,"ts":"1.2"}` {
		t.Errorf("after a restart the run is %+v", r)
	}
}

// What is wrong with a document is told with its line.
func TestWorkflowIsCheckedWhenApplied(t *testing.T) {
	t.Parallel()
	s := start(t, config(t, dataDir(t), database(t)))
	i := s.connectSlack(newSlackDouble(t))
	say := "    integration: " + i.ID + "\n    operation: send_message\n"
	for _, bad := range []struct{ name, document, line, word string }{
		{"no such integration", "nodes:\n  a:\n    integration: int_00000000000000000000000000\n    operation: send_message\n", "line 3", "no integration"},
		{"no such operation", "nodes:\n  a:\n    integration: " + i.ID + "\n    operation: nonsense\n", "line 3", "no operation"},
		{"a missing node", "nodes:\n  a:\n" + say + "    input:\n      channel: C1\n      text: ${{ nodes.b.output.x }}\n", "line 7", "no such node"},
		{"a cycle", "nodes:\n  a:\n    value: ${{ nodes.b.output }}\n  b:\n    value: ${{ nodes.a.output }}\n", "line", "circle"},
		{"a missing field", "nodes:\n  a:\n" + say + "    input:\n      text: x\n", "line 6", "channel"},
		{"a wrong type", "nodes:\n  a:\n" + say + "    input:\n      channel: C1\n      text: 7\n", "line 7", "string"},
		{"a wrong type of an expression", "nodes:\n  a:\n" + say + "    input:\n      channel: C1\n      text: ${{ size(input.list) }}\n", "line 7", "integer"},
		{"a broken expression", "nodes:\n  a:\n    value: ${{ 1 + }}\n", "line 3", "Syntax"},
		{"an unknown field", "nodes:\n  a:\n    value: 1\n    colour: red\n", "line 4", "colour"},
		{"an approval of nothing", "nodes:\n  a:\n    value: 1\n    approval: true\n", "line 3", "approval"},
		{"broken YAML", "nodes:\n  a: [\n", "line", ""},
		{"an alias", "nodes:\n  a: &x\n    value: 1\n  b: *x\n", "line 4", ""},
		{"nothing", "# nothing\n", "line 1", "empty"},
		{"a bad schedule", "schedules:\n  - cron: never\n    timezone: Europe/Berlin\nnodes:\n  a: {value: 1}\n", "line 2", "cron"},
		{"a bad zone", "schedules:\n  - cron: 0 9 * * *\n    timezone: Mars/Olympus\nnodes:\n  a: {value: 1}\n", "line 2", "time zone"},
	} {
		var p problem
		status := s.do("PUT", "/v1/workflows/bad", []byte(bad.document), &p)
		if status != 422 || !strings.Contains(p.Detail, bad.line) || !strings.Contains(p.Detail, bad.word) {
			t.Errorf("%s: %d %s", bad.name, status, p.Detail)
		}
	}
	if status := s.do("GET", "/v1/workflows/bad", nil, nil); status != 404 {
		t.Errorf("a bad workflow was stored: %d", status)
	}
}

// A workflow's bounds hold: a bomb, a long list, a mapping that fails, an output that is too large.
func TestWorkflowBounds(t *testing.T) {
	t.Parallel()
	s := start(t, config(t, dataDir(t), database(t)))
	list := "[0,1,2,3,4,5,6,7,8,9]"
	for name, bad := range map[string]struct{ document, code string }{
		"bomb":    {"nodes: {a: {value: '${{ " + list + ".map(a, " + list + ".map(b, " + list + ".map(c, " + list + ".map(d, " + list + ".map(e, " + list + ".map(f, 1)))))) }}'}}", "mapping_failed"},
		"doubled": {"nodes: {a: {value: \"${{ [[1]]" + strings.Repeat(".map(x, x + x)", 60) + " }}\"}}", "too_large"},
		"text":    {"nodes: {a: {value: \"${{ ['aaaaaaaaaa']" + strings.Repeat(".map(x, x + x)", 60) + " }}\"}}", "mapping_failed"},
		"million": {"nodes: {a: {for_each: '${{ input.list }}', value: '${{ item }}'}}", "too_large"},
		"missing": {"nodes: {a: {value: '${{ input.nothing }}'}}", "mapping_failed"},
	} {
		s.apply(name, bad.document)
		input := map[string]any{}
		if name == "million" {
			input["list"] = make([]int, 400_000)
		}
		r := s.ended(s.launch(name, input))
		if r.State != "failed" || r.Nodes["a"].Code != bad.code || r.Nodes["a"].Error == "" {
			t.Errorf("%s: %s, %+v", name, r.State, r.Nodes["a"])
		}
	}
}

// Another user's workflows and runs are as missing as none.
func TestWorkflowsAreTheirOwners(t *testing.T) {
	t.Parallel()
	s := start(t, config(t, dataDir(t), database(t)))
	s.apply("mine", "nodes: {a: {value: 1}}")
	run := s.launch("mine", nil)
	s.ended(run)
	var bob struct{ ID string }
	s.must("POST", "/v1/users", map[string]any{"name": "bob"}, &bob)
	var token struct{ Token string }
	s.must("POST", "/v1/tokens", map[string]any{"user": bob.ID, "name": "x"}, &token)
	for _, r := range []struct{ method, path string }{
		{"GET", "/v1/workflows/mine"}, {"DELETE", "/v1/workflows/mine"}, {"POST", "/v1/workflows/mine/enable"}, {"POST", "/v1/workflows/mine/runs"},
		{"GET", "/v1/workflows/mine/export"}, {"POST", "/v1/workflows/mine/webhook"}, {"DELETE", "/v1/workflows/mine/webhook"}, {"GET", "/v1/runs/" + run},
		{"POST", "/v1/runs/" + run + "/cancel"}, {"POST", "/v1/runs/" + run + "/retry"}, {"GET", "/v1/runs/" + run + "/nodes/a/items"},
		{"GET", "/v1/runs/" + run + "/events"},
	} {
		theirs, raw, err := s.try(token.Token, r.method, r.path, nil)
		none, want, err2 := s.try(token.Token, r.method, strings.NewReplacer("mine", "none", run, "run_00000000000000000000000000").Replace(r.path), nil)
		if err != nil || err2 != nil || theirs != http.StatusNotFound || none != theirs || without(raw) != without(want) {
			t.Errorf("%s %s answers %d %s, a missing one %d %s", r.method, r.path, theirs, raw, none, want)
		}
	}
	status, raw, _ := s.try(token.Token, "POST", "/v1/runs/"+run+"/approve", map[string]any{"node": "a"})
	if status != 404 {
		t.Errorf("approving another's answers %d %s", status, raw)
	}
}

// without is a problem without what differs between two requests.
func without(raw []byte) string {
	var p problem
	_ = json.Unmarshal(raw, &p) // then both are empty
	return p.Code + p.Detail
}
