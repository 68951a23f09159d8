package host_test

import (
	"net/http"
	"slices"
	"testing"
)

// An alert fires once for two hosts, is an event, is posted to Slack with its owner's account, and is over when its threshold is not met any more.
func TestAlert(t *testing.T) {
	t.Parallel()
	ca, cb := pair(t)
	a, b := start(t, ca), start(t, cb)
	b.Token = a.Token
	slack := newSlackDouble(t)
	i := a.connectSlack(slack)
	var made struct{ ID, State string }
	a.must("POST", "/v1/alerts", map[string]any{"name": "Errors", "metric": "errors", "window": "1h", "threshold": 2, "operation": "get_channel",
		"post": map[string]any{"integration": i.ID, "operation": "send_message", "input": map[string]any{"channel": "C1", "text": "{{alert}} {{state}} {{value}}"}}}, &made)
	slack.failReads(1000)
	for range 2 {
		a.do("POST", "/v1/calls", map[string]any{"integration": i.ID, "operation": "get_channel", "input": map[string]any{"channel": "C1"}}, nil)
	}
	types := func() []string {
		query(t, a.database, `UPDATE alerts SET due_at = now()`) // so that nobody waits for its turn
		var out struct {
			Items []struct{ Type, Subject string }
		}
		b.must("GET", "/v1/events?type=alert.*", nil, &out)
		var types []string
		for _, e := range out.Items {
			if e.Subject == made.ID {
				types = append(types, e.Type)
			}
		}
		return types
	}
	eventually(t, "the alert fires", func() bool { return slices.Equal(types(), []string{"alert.firing"}) })
	eventually(t, "it is posted", func() bool { return slack.count() > 0 })
	slack.mu.Lock()
	sent := slices.Clone(slack.sent)
	slack.mu.Unlock()
	if !slices.Equal(sent, []string{"Errors firing 2"}) {
		t.Errorf("posted was %q", sent)
	}
	query(t, a.database, `UPDATE usage_sums SET failed = 0`) // as if the hour were over
	eventually(t, "the alert is over", func() bool { return slices.Equal(types(), []string{"alert.resolved", "alert.firing"}) })
	eventually(t, "that is posted", func() bool { return slack.count() > 1 })
	if n := number(t, a.database, `SELECT count(*) FROM alert_posts`); n != 2 {
		t.Errorf("there are %d posts", n)
	}
	for _, bad := range []map[string]any{
		{"name": "x", "metric": "moon", "window": "1h", "threshold": 1}, {"name": "x", "metric": "calls", "window": "90m", "threshold": 1},
		{"name": "x", "metric": "calls", "window": "1h", "threshold": 0}, {"name": "x", "metric": "calls", "window": "1h", "threshold": 1, "post": map[string]any{"integration": i.ID, "operation": "x", "input": 1}},
	} {
		if status := a.do("POST", "/v1/alerts", bad, nil); status != http.StatusUnprocessableEntity {
			t.Errorf("%v answers %d", bad, status)
		}
	}
	var bob struct{ ID string }
	a.must("POST", "/v1/users", map[string]any{"name": "bob"}, &bob)
	var token struct{ Token string }
	a.must("POST", "/v1/tokens", map[string]any{"user": bob.ID, "name": "x"}, &token)
	for _, method := range []string{"GET", "DELETE"} {
		if status := a.as(token.Token, method, "/v1/alerts/"+made.ID, nil, nil); status != 404 {
			t.Errorf("another user's %s answers %d", method, status)
		}
	}
	a.must("DELETE", "/v1/alerts/"+made.ID, nil, nil)
}
