package host_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// boxView is a sandbox as its user sees it.
type boxView struct {
	ID        string `json:"sandbox_id"`
	State     string `json:"state"`
	Runtime   string `json:"runtime"`
	Isolation string `json:"isolation"`
	Preserved string `json:"preserved"`
	Problem   string `json:"problem"`
}

type runView struct {
	Operation string `json:"operation_id"`
	Running   bool   `json:"running"`
	Stdout    string `json:"stdout"`
	Stderr    string `json:"stderr"`
	ExitCode  int    `json:"exit_code"`
	Files     []string
}

// needSandboxes skips where this machine runs none.
func needSandboxes(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root runs sandboxes")
	}
	if _, err := exec.LookPath("runc"); err != nil {
		t.Skip("runc is not installed")
	}
}

// small is the input of a sandbox that takes little of this machine.
func small() map[string]any {
	return map[string]any{"memory_mb": 256, "disk_mb": 64, "cpus": 0.5}
}

// sandbox makes a sandbox that is destroyed with the test.
func (c client) sandbox() boxView {
	c.t.Helper()
	var b boxView
	c.must("PUT", "/v1/sandboxes/settings", map[string]any{"isolation": "container"}, nil)
	c.must("POST", "/v1/sandboxes", small(), &b)
	c.t.Cleanup(func() { _, _, _ = c.try(c.Token, "DELETE", "/v1/sandboxes/"+b.ID, nil) }) // the test may have ended its host
	return b
}

func (c client) run(b boxView, command string) runView {
	c.t.Helper()
	var out runView
	c.must("POST", "/v1/sandboxes/"+b.ID+"/exec", map[string]any{"command": command, "timeout": 120}, &out)
	return out
}

func TestSandboxLife(t *testing.T) {
	needSandboxes(t)
	s := start(t, config(t, dataDir(t), database(t)))
	b := s.sandbox()
	if b.State != "running" || b.Isolation != "container" {
		t.Fatalf("got %+v", b)
	}
	if out := s.run(b, "echo hello; echo oops >&2; exit 3"); out.Stdout != "hello\n" || out.Stderr != "oops\n" || out.ExitCode != 3 {
		t.Errorf("got %+v", out)
	}
	at := "/v1/sandboxes/" + b.ID
	var out runView
	s.must("POST", at+"/code", map[string]any{"language": "python", "code": "open('made.txt','w').write('kept'); print(6*7)"}, &out)
	if out.Stdout != "42\n" || len(out.Files) != 1 || out.Files[0] != "/workspace/made.txt" {
		t.Errorf("got %+v", out)
	}
	s.must("POST", at+"/pause", map[string]any{}, &b)
	var p problem
	if status := s.do("POST", at+"/exec", map[string]any{"command": "true"}, &p); status != 409 || p.Code != "conflict" {
		t.Errorf("work in a paused sandbox: %d %+v", status, p)
	}
	s.must("POST", at+"/resume", map[string]any{}, &b)
	if b.State != "running" || b.Preserved != "memory" {
		t.Errorf("got %+v", b)
	}
	var text struct{ Content string }
	s.must("POST", at+"/files/edit", map[string]any{"path": "made.txt", "old_string": "ep", "new_string": "p"}, nil)
	s.must("POST", at+"/files/read", map[string]any{"path": "made.txt"}, &text)
	if text.Content != "kpt" {
		t.Errorf("got %+v", text)
	}
	if status, raw, err := s.try(s.Token, "PUT", at+"/files?path=/workspace/raw", []byte("\x00\xff")); err != nil || status != 204 {
		t.Errorf("upload: %d %s %v", status, raw, err)
	}
	if status, raw, err := s.try(s.Token, "GET", at+"/files?path=/workspace/raw", nil); err != nil || status != 200 || string(raw) != "\x00\xff" {
		t.Errorf("download: %d %q %v", status, raw, err)
	}
	var stats struct{ Usage struct{ Cost float64 } }
	s.must("GET", at+"/stats", nil, &stats)
	if stats.Usage.Cost <= 0 {
		t.Errorf("it costs %+v", stats)
	}
	s.must("DELETE", at, nil, &b)
	if b.State != "destroyed" {
		t.Errorf("got %+v", b)
	}
	if status := s.do("POST", at+"/exec", map[string]any{"command": "true"}, nil); status != 404 {
		t.Errorf("work in a destroyed sandbox: %d", status)
	}
}

// TestSandboxCalls runs the operations as calls of the platform, as workflows and agents do.
func TestSandboxCalls(t *testing.T) {
	needSandboxes(t)
	s := start(t, config(t, dataDir(t), database(t)))
	s.must("PUT", "/v1/sandboxes/settings", map[string]any{"isolation": "container"}, nil)
	var i integrationView
	s.must("POST", "/v1/integrations", map[string]any{"platform": "sandbox", "label": "boxes", "auth_method": "none", "credential": map[string]string{}}, &i)
	call := func(operation string, in map[string]any) map[string]any {
		t.Helper()
		var a answerView
		s.must("POST", "/v1/calls", map[string]any{"integration": i.ID, "operation": operation, "input": in, "timeout": "60s"}, &a)
		return a.Output
	}
	id, _ := call("create", small())["sandbox_id"].(string)
	defer call("destroy", map[string]any{"sandbox_id": id})
	if out := call("run_command", map[string]any{"sandbox_id": id, "command": "cat", "stdin": "typed"}); out["stdout"] != "typed" {
		t.Errorf("got %v", out)
	}
	out := call("run_command", map[string]any{"sandbox_id": id, "command": "echo begun; sleep 1000", "background": true})
	call("send_signal", map[string]any{"sandbox_id": id, "operation_id": out["operation_id"], "signal": 15})
	out = call("get_output", map[string]any{"sandbox_id": id, "operation_id": out["operation_id"], "wait": true})
	if out["stdout"] != "begun\n" || out["exit_code"] != float64(128+15) {
		t.Errorf("got %v", out)
	}
}

func TestSandboxBelongsToItsUser(t *testing.T) {
	needSandboxes(t)
	s := start(t, config(t, dataDir(t), database(t)))
	b := s.sandbox()
	var user, token struct{ ID, Token string }
	s.must("POST", "/v1/users", map[string]any{"name": "ann"}, &user)
	s.must("POST", "/v1/tokens", map[string]any{"user": user.ID, "name": "t", "scopes": []string{"calls"}, "expires_in": "1h"}, &token)
	at := "/v1/sandboxes/" + b.ID
	for _, r := range []struct {
		method, path string
		in           any
	}{{"GET", at, nil}, {"DELETE", at, nil}, {"POST", at + "/pause", map[string]any{}}, {"POST", at + "/exec", map[string]any{"command": "id"}}, {"GET", at + "/stats", nil},
		{"GET", at + "/files?path=/etc/passwd", nil}, {"POST", at + "/files/read", map[string]any{"path": "/etc/passwd"}}} {
		if status := s.as(token.Token, r.method, r.path, r.in, nil); status != 404 {
			t.Errorf("%s %s of another user's sandbox: %d", r.method, r.path, status)
		}
	}
	if status := s.as(token.Token, "PUT", "/v1/sandboxes/settings", map[string]any{"isolation": "container"}, nil); status != 403 {
		t.Errorf("a user changes the settings: %d", status)
	}
	// Quotas.
	s.must("PUT", "/v1/sandboxes/settings", map[string]any{"max_per_user": 1}, nil)
	var p problem
	if status := s.do("POST", "/v1/sandboxes", small(), &p); status != 409 || !strings.Contains(p.Detail, "Destroy one first") {
		t.Errorf("one more than the quota: %d %+v", status, p)
	}
	s.must("PUT", "/v1/sandboxes/settings", map[string]any{"max_per_user": 5, "max_memory_mb_per_user": 300}, nil)
	if status := s.do("POST", "/v1/sandboxes", small(), &p); status != 409 {
		t.Errorf("more memory than the quota: %d %+v", status, p)
	}
}

// adapterPID answers the process of the sandbox adapter.
func (c client) adapterPID() int {
	c.t.Helper()
	var out struct {
		Items []struct {
			Name  string
			Hosts []struct{ PID int }
		}
	}
	c.must("GET", "/v1/adapters", nil, &out)
	for _, a := range out.Items {
		if a.Name == "sandbox" && len(a.Hosts) > 0 {
			return a.Hosts[0].PID
		}
	}
	return 0
}

// longCommand is a command that takes long enough for something to be killed meanwhile, and what it says.
const longCommand = `for i in $(seq 1 60); do echo step $i; sleep 0.05; done`

func wantSteps() string {
	var b strings.Builder
	for i := range 60 {
		fmt.Fprintf(&b, "step %d\n", i+1)
	}
	return b.String()
}

// TestSandboxOutlivesItsAdapter kills the adapter while a command runs: the command goes on, and its output is complete.
func TestSandboxOutlivesItsAdapter(t *testing.T) {
	needSandboxes(t)
	s := start(t, config(t, dataDir(t), database(t)))
	b := s.sandbox()
	var out runView
	var running sync.WaitGroup
	running.Go(func() {
		_, raw, err := s.try(s.Token, "POST", "/v1/sandboxes/"+b.ID+"/exec", map[string]any{"command": "touch begun; " + longCommand, "timeout": 120})
		if err == nil {
			err = unmarshal(raw, &out)
		}
		if err != nil {
			t.Error(err)
		}
	})
	eventually(t, "the command runs", func() bool { return s.run(b, "[ -e begun ]").ExitCode == 0 })
	pid := s.adapterPID()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	running.Wait()
	if out.Stdout != wantSteps() || out.ExitCode != 0 {
		t.Errorf("after the adapter was killed: %+v", out)
	}
	if again := s.adapterPID(); again == pid {
		t.Errorf("the adapter was not killed: %d", again)
	}
}

// TestSandboxOutlivesItsHost kills the whole host while a command runs.
func TestSandboxOutlivesItsHost(t *testing.T) {
	needSandboxes(t)
	cfg := config(t, dataDir(t), database(t))
	first := spawn(t, cfg)
	b := first.sandbox()
	var out runView
	first.must("POST", "/v1/sandboxes/"+b.ID+"/exec", map[string]any{"command": "touch begun; " + longCommand, "background": true}, &out)
	first.kill()
	second := start(t, cfg)
	second.must("POST", "/v1/sandboxes/"+b.ID+"/output", map[string]any{"operation_id": out.Operation, "wait": true}, &out)
	if out.Stdout != wantSteps() || out.ExitCode != 0 || out.Running {
		t.Errorf("after the host was killed: %+v", out)
	}
	second.must("DELETE", "/v1/sandboxes/"+b.ID, nil, nil)
}

// TestSandboxInACluster uses a sandbox by a host that does not have it.
func TestSandboxInACluster(t *testing.T) {
	needSandboxes(t)
	url := database(t)
	cfg := config(t, dataDir(t), url)
	one := start(t, cfg)
	other := config(t, dataDir(t), url)
	other.Key = cfg.Data + "/keys.json"
	two := start(t, other)
	b := one.sandbox()
	at := "/v1/sandboxes/" + b.ID
	if out := two.run(b, "echo by another host; exit 4"); out.Stdout != "by another host\n" || out.ExitCode != 4 {
		t.Errorf("got %+v", out)
	}
	if status, _, err := two.try(two.Token, "PUT", at+"/files?path=/workspace/raw", []byte("over two hosts")); err != nil || status != 204 {
		t.Errorf("upload: %d %v", status, err)
	}
	if status, raw, err := two.try(two.Token, "GET", at+"/files?path=/workspace/raw", nil); err != nil || status != 200 || string(raw) != "over two hosts" {
		t.Errorf("download: %d %q %v", status, raw, err)
	}
	two.must("POST", at+"/pause", map[string]any{}, &b)
	if one.must("GET", at, nil, &b); b.State != "paused" {
		t.Errorf("got %+v", b)
	}
	two.must("POST", at+"/resume", map[string]any{}, &b)
	if err := one.stop(); err != nil {
		t.Fatal(err)
	}
	var p problem
	if status := two.do("POST", at+"/exec", map[string]any{"command": "true"}, &p); status != http.StatusServiceUnavailable {
		t.Errorf("work in a sandbox whose machine is away: %d %+v", status, p)
	}
	if two.must("GET", at, nil, &b); b.State != "running" {
		t.Errorf("a sandbox whose machine is away is taken for gone: %+v", b)
	}
	back := start(t, cfg)
	eventually(t, "its machine is back", func() bool { return two.do("DELETE", at, nil, nil) == 200 })
	_ = back
}
