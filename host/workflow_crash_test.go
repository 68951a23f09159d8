package host_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/patchbay/patchbay/host"
)

// killRounds is how often hosts are killed under a workflow; scripts/soak raises it.
func killRounds() int {
	if n, err := strconv.Atoi(os.Getenv("PATCHBAY_TEST_ROUNDS")); err == nil {
		return n
	}
	return 5
}

// wide is a workflow of many messages beside each other, chains behind them, and one node that waits for all.
func wide(width, depth int) (document string, nodes int) {
	var b strings.Builder
	b.WriteString("nodes:\n")
	for w := range width {
		fmt.Fprintf(&b, "  w%d: {integration: slack, operation: send_message, input: {channel: C1, text: \"${{ input.run }} %d\"}}\n", w, w)
		before := fmt.Sprintf("nodes.w%[1]d.output == null ? \"\" : nodes.w%[1]d.output.ts", w) // null: taken as done, of unknown fate
		for d := range depth {
			fmt.Fprintf(&b, "  c%d_%d: {value: '${{ %s }}'}\n", w, d, before)
			before = fmt.Sprintf("nodes.c%d_%d.output", w, d)
		}
		nodes += 1 + depth
	}
	b.WriteString("  all:\n    value:\n")
	for w := range width {
		fmt.Fprintf(&b, "      - ${{ nodes.c%d_%d.output }}\n", w, depth-1)
	}
	b.WriteString("output: ${{ nodes.all.output.size() }}\n")
	return b.String(), nodes + 1
}

// A thousand nodes, a hundred beside each other, on three hosts that share them.
func TestWorkflowOfAThousandNodes(t *testing.T) {
	t.Parallel()
	ca, cb := pair(t)
	cc := config(t, dataDir(t), ca.DatabaseURL)
	cc.Key = ca.Key
	a := start(t, ca)
	slack := newSlackDouble(t)
	a.connectSlack(slack)
	document, nodes := wide(100, 9)
	a.apply("wide", document)
	narrow, _ := wide(100, 1)
	a.apply("narrow", narrow)
	start(t, cb)
	start(t, cc)
	r := a.ended(a.launch("wide", map[string]any{"run": "x"}))
	if r.State != "succeeded" || len(r.Nodes) != nodes || string(r.Output) != "100" {
		t.Fatalf("the run %s with %d nodes, output %s, %s", r.State, len(r.Nodes), r.Output, r.Error)
	}
	sent := slack.messages()
	slices.Sort(sent)
	if len(sent) != 100 || len(slices.Compact(sent)) != 100 {
		t.Errorf("%d messages were sent", len(sent))
	}
	// All hosts take part, if not in this run then in the next ones.
	shared := 0
	eventually(t, "three hosts share the work", func() bool {
		shared++
		a.ended(a.launch("narrow", map[string]any{"run": fmt.Sprint("y", shared)}))
		return query(t, ca.DatabaseURL, "SELECT DISTINCT host_id FROM calls WHERE workflow IS NOT NULL") == 3
	})
}

// Hosts are killed at random moments while runs are under way. Every run comes to a right end, and no message is sent twice: one whose
// fate is unknown waits for a person.
func TestWorkflowsOutliveKilledHosts(t *testing.T) {
	t.Parallel()
	ca, cb := pair(t)
	a := start(t, ca)
	slack := newSlackDouble(t)
	a.connectSlack(slack)
	document, _ := wide(40, 3)
	a.apply("wide", document)
	for round := range killRounds() {
		surviveKill(t, a, cb, slack, round)
	}
}

func surviveKill(t *testing.T, a *server, victim host.Config, slack *slackDouble, round int) {
	t.Helper()
	b := spawn(t, victim)
	runs := []string{a.launch("wide", map[string]any{"run": fmt.Sprintf("%d/a", round)}), a.launch("wide", map[string]any{"run": fmt.Sprintf("%d/b", round)})}
	before := slack.count()
	at := before + 1 + rand.IntN(60)
	moment := time.After(10 * time.Second) // the runs may be over before: then this round kills an idle host
	for killed := false; !killed; {
		select {
		case <-moment:
			killed = true
		default:
			killed = slack.count() >= at
		}
	}
	b.kill()
	for _, run := range runs {
		r := a.ended(run)
		for r.State == "waiting" {
			for name, n := range r.Nodes {
				if n.State == "waiting" {
					if n.Code != "outcome_unknown" {
						t.Fatalf("node %s waits: %+v", name, n)
					}
					a.must("POST", "/v1/runs/"+run+"/approve", map[string]any{"node": name, "decision": "accept"}, nil)
				}
			}
			r = a.ended(run)
		}
		if r.State != "succeeded" || string(r.Output) != "40" {
			t.Fatalf("round %d: the run %s: %s %s", round, r.State, r.ErrorNode, r.Error)
		}
		for name, n := range r.Nodes {
			if n.State != "succeeded" || n.Attempt != 1 {
				t.Errorf("round %d: node %s is %+v", round, name, n)
			}
		}
	}
	sent := map[string]int{}
	for _, text := range slack.messages() {
		if sent[text]++; sent[text] > 1 {
			t.Errorf("round %d: %q was sent %d times", round, text, sent[text])
		}
	}
}
