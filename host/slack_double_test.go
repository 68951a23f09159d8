package host_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// slackDouble stands for Slack's Web API where no recording can: it counts, and fails on demand.
type slackDouble struct {
	*httptest.Server
	mu   sync.Mutex
	sent []string
	// fail, when set, answers a chat.postMessage instead; it reports whether it did.
	fail func(w http.ResponseWriter, n int) bool
	// badReads is how many reads of a channel fail from now on.
	badReads int
}

func newSlackDouble(t *testing.T) *slackDouble {
	d := &slackDouble{}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/auth.test", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+slackToken {
			answer(w, map[string]any{"ok": false, "error": "invalid_auth"})
			return
		}
		answer(w, map[string]any{"ok": true, "team": "Team", "team_id": "T1", "user": "bot", "user_id": "U1", "url": "https://team.slack.com/"})
	})
	mux.HandleFunc("/api/chat.postMessage", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		d.mu.Lock()
		d.sent = append(d.sent, r.Form.Get("text"))
		n, fail := len(d.sent), d.fail
		d.mu.Unlock()
		if fail != nil && fail(w, n) {
			return
		}
		answer(w, map[string]any{"ok": true, "channel": r.Form.Get("channel"), "ts": "1.2", "message": map[string]any{"text": r.Form.Get("text"), "ts": "1.2"}})
	})
	mux.HandleFunc("/api/conversations.info", func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		d.badReads--
		bad := d.badReads >= 0
		d.mu.Unlock()
		if bad {
			http.Error(w, "busy", http.StatusServiceUnavailable)
			return
		}
		answer(w, map[string]any{"ok": true, "channel": map[string]any{"id": r.FormValue("channel"), "name": "general"}})
	})
	d.Server = httptest.NewServer(mux)
	t.Cleanup(d.Close)
	return d
}

func (d *slackDouble) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.sent)
}

func (d *slackDouble) failWith(f func(w http.ResponseWriter, n int) bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = f
}

func (d *slackDouble) failReads(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.badReads = n
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// slackToken is planted: it must show up nowhere but at the double.
const slackToken = "xoxb-planted-secret-1234567890"
