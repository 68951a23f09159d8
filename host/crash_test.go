package host_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// rounds is how often a test kills; scripts/soak raises it.
func rounds(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv("PATCHBAY_TEST_ROUNDS"))
	if err != nil {
		return 3
	}
	return n
}

// load calls from several goroutines until the host is gone, and answers the ids of the calls that were answered.
func (c client) load(i integrationView, callers int, enough func(n int)) []string {
	var mu sync.Mutex
	var ids []string
	var wg sync.WaitGroup
	for n := range callers {
		wg.Go(func() {
			for k := 0; ; k++ {
				status, raw, err := c.try(c.Token, "POST", "/v1/calls", message(i, fmt.Sprintf("%d-%d", n, k)))
				if err != nil {
					return // the host is gone
				}
				var a answerView
				if status != 200 || json.Unmarshal(raw, &a) != nil {
					continue
				}
				mu.Lock()
				ids = append(ids, a.ID)
				count := len(ids)
				mu.Unlock()
				enough(count)
			}
		})
	}
	wg.Wait()
	return ids
}

// kill -9 of the host, its private database with it, loses no call that was answered, and leaves no process behind.
func TestKilledHostLosesNothingAnswered(t *testing.T) {
	t.Parallel()
	data := dataDir(t)
	cfg := config(t, data, "")
	slack := newSlackDouble(t)
	s := spawn(t, cfg)
	i := s.connectSlack(slack)
	var all []string
	for range rounds(t) {
		var once sync.Once
		victim := s
		all = append(all, s.load(i, 8, func(n int) {
			if n >= 40 {
				once.Do(func() { _ = victim.cmd.Process.Kill() })
			}
		})...)
		s.kill()
		s = spawn(t, cfg)
	}
	for _, id := range all {
		var call struct{ Kind string }
		if s.must("GET", "/v1/calls/"+id, nil, &call); call.Kind != "ok" {
			t.Errorf("call %s was answered and is recorded as %q", id, call.Kind)
		}
	}
	t.Logf("%d answered calls are all there after %d kills", len(all), rounds(t))
	var verified struct{ OK bool }
	if s.must("POST", "/v1/audit/verify", nil, &verified); !verified.OK {
		t.Error("the audit log does not verify")
	}
	s.kill()
	eventually(t, "no adapter and no database is left", func() bool { return len(processesOf(t, data)) == 0 })
}

// kill -9 of the private database under load: nothing answered is lost, what fails says so, and the database comes back by itself.
func TestKilledDatabaseLosesNothingAnswered(t *testing.T) {
	t.Parallel()
	data := dataDir(t)
	s := spawn(t, config(t, data, ""))
	slack := newSlackDouble(t)
	i := s.connectSlack(slack)
	for range rounds(t) {
		pid := postmaster(t, data)
		var ids []string
		send := func() bool {
			status, raw, err := s.try(s.Token, "POST", "/v1/calls", message(i, "x"))
			if err != nil {
				t.Fatal(err)
			}
			var a answerView
			if status == 200 && json.Unmarshal(raw, &a) == nil {
				ids = append(ids, a.ID)
				return true
			}
			if status != 503 {
				t.Errorf("a call answered %d: %s", status, raw)
			}
			return false
		}
		for n := range 20 {
			if n == 10 {
				if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
			}
			send()
		}
		eventually(t, "calls are answered again", send)
		for _, id := range ids {
			s.must("GET", "/v1/calls/"+id, nil, nil)
		}
	}
	var verified struct{ OK bool }
	if s.must("POST", "/v1/audit/verify", nil, &verified); !verified.OK {
		t.Error("the audit log does not verify")
	}
}

// postmaster answers the process id of the private database.
func postmaster(t *testing.T, data string) int {
	t.Helper()
	var pid int
	eventually(t, "the database runs", func() bool {
		raw, err := os.ReadFile(filepath.Join(data, "postgres", "postmaster.pid"))
		if err != nil {
			return false
		}
		first, _, _ := strings.Cut(string(raw), "\n")
		pid, err = strconv.Atoi(first)
		return err == nil && syscall.Kill(pid, 0) == nil
	})
	return pid
}

// processesOf answers the command lines of processes that have to do with a data folder.
func processesOf(t *testing.T, data string) []string {
	t.Helper()
	var out []string
	paths, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		dir := filepath.Dir(path)
		if dir == fmt.Sprintf("/proc/%d", os.Getpid()) {
			continue
		}
		env, _ := os.ReadFile(path)
		line, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		if strings.Contains(string(env), data) || strings.Contains(string(line), data) {
			out = append(out, string(line))
		}
	}
	return out
}

// A write whose fate is unknown is told so and never repeated; a read is repeated.
func TestRetriesByEffect(t *testing.T) {
	t.Parallel()
	s := start(t, config(t, dataDir(t), database(t)))
	slack := newSlackDouble(t)
	i := s.connectSlack(slack)
	slack.failWith(func(w http.ResponseWriter, _ int) bool { http.Error(w, "oops", 500); return true })
	var p problem
	if status := s.do("POST", "/v1/calls", message(i, "x"), &p); status != 502 || p.Code != "outcome_unknown" || slack.count() != 1 {
		t.Errorf("a write that met a 500 answers %d %+v after %d requests", status, p, slack.count())
	}
	slack.failWith(func(w http.ResponseWriter, _ int) bool {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = conn.Close()
		}
		return true
	})
	if s.do("POST", "/v1/calls", message(i, "x"), &p); p.Code != "outcome_unknown" || slack.count() != 2 {
		t.Errorf("a write whose connection broke answers %+v after %d requests", p, slack.count())
	}
	read := map[string]any{"integration": i.ID, "operation": "get_channel", "input": map[string]any{"channel": "C1"}}
	slack.failReads(2)
	var a answerView
	if s.must("POST", "/v1/calls", read, &a); a.Attempts != 3 {
		t.Errorf("a read that met two failures took %d attempts", a.Attempts)
	}
}

// Retry-After is honoured, remembered for the integration, and never waited for past the caller's deadline.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	s := start(t, config(t, dataDir(t), database(t)))
	slack := newSlackDouble(t)
	i := s.connectSlack(slack)
	slack.failWith(func(w http.ResponseWriter, n int) bool {
		if n > 1 {
			return false
		}
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(429)
		return true
	})
	var a answerView
	if s.must("POST", "/v1/calls", message(i, "x"), &a); a.Attempts != 2 {
		t.Errorf("a limited call took %d attempts", a.Attempts)
	}
	slack.failWith(func(w http.ResponseWriter, _ int) bool {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(429)
		return true
	})
	sent := slack.count()
	for range 3 {
		call := message(i, "x")
		call["timeout"] = "5s"
		var p problem
		if status := s.do("POST", "/v1/calls", call, &p); status != 429 || p.Code != "rate_limited" {
			t.Errorf("a call past its deadline answers %d %+v", status, p)
		}
	}
	if slack.count() != sent+1 {
		t.Errorf("%d requests were sent while the platform wanted none", slack.count()-sent-1)
	}
}
