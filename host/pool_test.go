package host_test

import (
	"fmt"
	"net/http"
	"testing"
)

// connectAnother connects one more account at a double.
func (c client) connectAnother(label string) integrationView {
	c.t.Helper()
	var i integrationView
	c.must("POST", "/v1/integrations", map[string]any{"platform": "slack", "label": label, "credential": map[string]string{"token": slackToken}}, &i)
	return i
}

type poolState struct {
	ID, Platform string
	Stats        []struct {
		Integration   string
		Calls, Errors int64
	}
}

// A pool uses its members in turn, passes over those that cannot serve, and tells what each did.
func TestPool(t *testing.T) {
	t.Parallel()
	s := start(t, config(t, dataDir(t), database(t)))
	slack := newSlackDouble(t)
	one := s.connectSlack(slack)
	two, three := s.connectAnother("Two"), s.connectAnother("Three")
	s.must("POST", "/v1/pools", map[string]any{"name": "team", "members": []string{one.ID, two.ID, three.ID}}, nil)
	say := func(pool string, n int) map[string]any {
		return map[string]any{"pool": pool, "operation": "send_message", "input": map[string]any{"channel": "C1", "text": fmt.Sprint(n)}}
	}
	stats := func(pool string) (out []int64) {
		var p poolState
		s.must("GET", "/v1/pools/"+pool, nil, &p)
		for _, m := range p.Stats {
			out = append(out, m.Calls)
		}
		return out
	}
	for n := range 6 {
		s.must("POST", "/v1/calls", say("team", n), nil)
	}
	if got := fmt.Sprint(stats("team")); got != "[2 2 2]" {
		t.Errorf("round-robin gives %s", got)
	}
	s.must("POST", "/v1/integrations/"+two.ID+"/deactivate", nil, nil)
	for n := range 6 {
		s.must("POST", "/v1/calls", say("team", n), nil)
	}
	if got := stats("team"); got[1] != 2 || got[0]+got[2] != 10 {
		t.Errorf("with an inactive member it gives %v", got)
	}
	s.must("POST", "/v1/pools", map[string]any{"name": "spare", "strategy": "failover", "members": []string{two.ID, one.ID, three.ID}}, nil)
	for n := range 3 {
		s.must("POST", "/v1/calls", say("spare", n), nil)
	}
	if got := fmt.Sprint(stats("spare")); got != "[0 3 0]" {
		t.Errorf("failover gives %s", got)
	}
	// A member that is limited passes the call on, and is passed over while it is held.
	before := slack.count()
	slack.failWith(func(w http.ResponseWriter, n int) bool {
		if n == before+1 {
			w.Header().Set("Retry-After", "600")
			w.WriteHeader(http.StatusTooManyRequests)
		}
		return n == before+1
	})
	key := header{"Idempotency-Key", "pool-1"}
	var first, second answerView
	s.must("POST", "/v1/calls", say("spare", 10), &first, key)
	s.must("POST", "/v1/calls", say("spare", 10), &second, key)
	s.must("POST", "/v1/calls", say("spare", 11), nil)
	if got := fmt.Sprint(stats("spare")); got != "[0 4 2]" || slack.count() != before+3 || first.ID != second.ID {
		t.Errorf("after a limit: %s, %d messages, %s and %s", got, slack.count()-before, first.ID, second.ID)
	}
	// A write that may have had its effect is not sent with another member.
	before = slack.count()
	slack.failWith(func(w http.ResponseWriter, n int) bool {
		http.Error(w, "broken", http.StatusInternalServerError)
		return true
	})
	var p problem
	if s.do("POST", "/v1/calls", say("team", 12), &p); p.Code != "outcome_unknown" || slack.count() != before+1 {
		t.Errorf("a write of unknown fate: %+v after %d messages", p, slack.count()-before)
	}
}

// Pools are of one platform, of their user's own integrations, and another's is as missing as none.
func TestPoolsAreTheirOwners(t *testing.T) {
	t.Parallel()
	s := start(t, config(t, dataDir(t), database(t)))
	slack := newSlackDouble(t)
	one := s.connectSlack(slack)
	var p poolState
	s.must("POST", "/v1/pools", map[string]any{"name": "mine", "members": []string{one.ID}}, &p)
	for name, bad := range map[string]map[string]any{
		"none": {"name": "a", "members": []string{}}, "twice": {"name": "a", "members": []string{one.ID, one.ID}}, "a name": {"name": "A B", "members": []string{one.ID}},
	} {
		if status := s.do("POST", "/v1/pools", bad, nil); status != 422 {
			t.Errorf("%s answers %d", name, status)
		}
	}
	if status := s.do("POST", "/v1/pools", map[string]any{"name": "mine", "members": []string{one.ID}}, nil); status != 409 {
		t.Errorf("a second one of a name answers %d", status)
	}
	var bob struct{ ID string }
	s.must("POST", "/v1/users", map[string]any{"name": "bob"}, &bob)
	var token struct{ Token string }
	s.must("POST", "/v1/tokens", map[string]any{"user": bob.ID, "name": "x"}, &token)
	if status := s.as(token.Token, "POST", "/v1/pools", map[string]any{"name": "theirs", "members": []string{one.ID}}, nil); status != 422 {
		t.Errorf("another's integration answers %d", status)
	}
	for _, ref := range []string{p.ID, "mine"} {
		for _, method := range []string{"GET", "DELETE", "PATCH"} {
			var in any
			if method == "PATCH" {
				in = map[string]any{"name": "x"}
			}
			if status := s.as(token.Token, method, "/v1/pools/"+ref, in, nil); status != 404 {
				t.Errorf("%s of another's answers %d", method, status)
			}
		}
		var pr problem
		if s.as(token.Token, "POST", "/v1/calls", map[string]any{"pool": ref, "operation": "send_message"}, &pr); pr.Code != "pool_not_found" {
			t.Errorf("a call with another's pool answers %+v", pr)
		}
	}
}
