package host_test

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/patchbay/patchbay/host"
)

// three answers the configurations of three hosts on one database, with the same key.
func three(t *testing.T) [3]host.Config {
	t.Helper()
	url := database(t)
	var out [3]host.Config
	for i := range out {
		out[i] = config(t, dataDir(t), url)
		out[i].Key = filepath.Join(filepath.Dir(out[0].Data), "keys.json")
	}
	return out
}

// limiter is a platform that refuses calls for a while now and then, and remembers who came all the same.
type limiter struct {
	mu sync.Mutex
	// until is when it takes calls again, known when every host knows it.
	until, known time.Time
	early        []time.Duration // how long before until a call came that somebody should have kept back
	arrived      []time.Time
}

// serve answers chat.postMessage: true where it refused.
func (l *limiter) serve(w http.ResponseWriter, _ int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.arrived = append(l.arrived, now)
	if now.After(l.until) {
		return false
	}
	if !l.known.IsZero() && now.After(l.known) {
		l.early = append(l.early, l.until.Sub(now))
	}
	left := int(l.until.Sub(now).Seconds()) + 1
	w.Header().Set("Retry-After", strconv.Itoa(left))
	http.Error(w, "", http.StatusTooManyRequests)
	return true
}

// One host is told to wait; 64 callers on three hosts then wait without asking the platform, or are refused at once where their time is shorter.
func TestAPauseHoldsOnEveryHost(t *testing.T) {
	t.Parallel()
	var hosts [3]*server
	for i, cfg := range three(t) {
		hosts[i] = start(t, cfg)
		hosts[i].Token = hosts[0].Token
	}
	slack := newSlackDouble(t)
	i := hosts[0].connectSlack(slack)
	eventually(t, "every host knows the settings", func() bool {
		for _, h := range hosts {
			if status := h.do("POST", "/v1/calls", message(i, "warm"), nil); status != 200 {
				return false
			}
		}
		return true
	})
	const pause = 5 * time.Second
	l := &limiter{until: time.Now().Add(pause)}
	slack.failWith(l.serve)
	short := message(i, "first")
	short["timeout"] = "1s"
	var p problem
	if status := hosts[0].do("POST", "/v1/calls", short, &p); status != 429 || p.Code != "rate_limited" {
		t.Fatalf("the call that met the limit answers %d %+v", status, p)
	}
	eventually(t, "the others know", func() bool {
		for _, h := range hosts[1:] {
			if !heldNow(t, h, i) && time.Now().Before(l.until) {
				return false
			}
		}
		return true
	})
	l.mu.Lock()
	l.known = time.Now()
	l.mu.Unlock()
	hurried(t, hosts, i, l)
	var wg sync.WaitGroup
	for n := range 64 {
		wg.Go(func() {
			h := hosts[n%len(hosts)]
			status, raw, err := h.try(h.Token, "POST", "/v1/calls", message(i, "patient"))
			if err != nil || status != 200 {
				t.Errorf("a patient caller is answered %d %s %v", status, raw, err)
			}
		})
	}
	wg.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.early) > 0 {
		t.Errorf("%d calls came while the platform was to be left alone", len(l.early))
	}
}

// heldNow says whether a host holds an integration, by a call with so little time that it is never sent while it does.
func heldNow(t *testing.T, h *server, i integrationView) bool {
	t.Helper()
	in := message(i, "probe")
	in["timeout"] = "1ms"
	status, raw, err := h.try(h.Token, "POST", "/v1/calls", in)
	if err != nil {
		t.Fatal(err)
	}
	var p problem
	_ = json.Unmarshal(raw, &p)
	return status == 429
}

// hurried sends callers whose time is over before the pause is: none waits for its end.
func hurried(t *testing.T, hosts [3]*server, i integrationView, l *limiter) {
	t.Helper()
	var wg sync.WaitGroup
	for n := range 64 {
		wg.Go(func() {
			h := hosts[n%len(hosts)]
			in := message(i, "hurried")
			in["timeout"] = "100ms"
			status, raw, err := h.try(h.Token, "POST", "/v1/calls", in)
			l.mu.Lock()
			over := time.Now().After(l.until)
			l.mu.Unlock()
			if err != nil || (status != 429 && !over) {
				t.Errorf("a hurried caller is answered %d %s %v", status, raw, err)
			}
		})
	}
	wg.Wait()
}

// A budget that the operator sets is kept by three hosts together: none of its calls is sent before its turn, and who cannot wait is told at once.
func TestABudgetIsKeptByAllHosts(t *testing.T) {
	t.Parallel()
	var hosts [3]*server
	for i, cfg := range three(t) {
		hosts[i] = start(t, cfg)
		hosts[i].Token = hosts[0].Token
	}
	slack := newSlackDouble(t)
	i := hosts[0].connectSlack(slack)
	const calls, period = 10, 2 * time.Second
	hosts[0].must("PUT", "/v1/platforms/slack/settings", map[string]any{"rate_limits": []map[string]any{{"calls": calls, "per_seconds": 2}}}, nil)
	l := &limiter{}
	slack.failWith(l.serve)
	began := time.Now()
	var wg sync.WaitGroup
	for n := range 33 {
		wg.Go(func() {
			h := hosts[n%len(hosts)]
			if status, raw, err := h.try(h.Token, "POST", "/v1/calls", message(i, "patient")); err != nil || status != 200 {
				t.Errorf("a patient caller is answered %d %s %v", status, raw, err)
			}
		})
	}
	wg.Wait()
	if len(l.arrived) != 33 {
		t.Fatalf("%d calls arrived", len(l.arrived))
	}
	for n, at := range l.arrived { // however late a call arrives, it was granted before
		if least := time.Duration(n/calls) * period; at.Sub(began) < least {
			t.Errorf("call %d arrived after %s, want %s or more", n+1, at.Sub(began), least)
		}
	}
	hosts[0].must("PUT", "/v1/platforms/slack/settings", map[string]any{"rate_limits": []map[string]any{{"calls": 1, "per_seconds": 3600}}}, nil)
	hosts[0].must("POST", "/v1/calls", message(i, "the one"), nil)
	for _, h := range hosts {
		var p problem
		if status := h.do("POST", "/v1/calls", message(i, "one more"), &p); status != 429 || p.Code != "rate_limited" {
			t.Errorf("a caller whose turn is in an hour is answered %d %+v", status, p)
		}
	}
}
