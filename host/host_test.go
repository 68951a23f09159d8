package host_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/patchbay/patchbay/host"
)

// adaptersOnce builds the adapters that the tests use.
var adapters = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "patchbay-adapters-")
	if err != nil {
		return "", err
	}
	for _, name := range []string{"slack", "remote-server"} {
		out, err := exec.Command("go", "build", "-o", filepath.Join(dir, name), "../plugins/"+name).CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("building %s: %w\n%s", name, err, out)
		}
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := adapters(); err == nil {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// server is a host under test with its client.
type server struct {
	t     *testing.T
	URL   string
	Data  string
	Token string
	Log   *lockedBuffer
	stop  func() error
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// start runs a host on a data folder until the test ends or stop is called.
func start(t *testing.T, data string) *server {
	t.Helper()
	dir, err := adapters()
	if err != nil {
		t.Fatal(err)
	}
	log := &lockedBuffer{}
	h, err := host.Open(t.Context(), host.Config{Data: data, Listen: "127.0.0.1:0", Adapters: dir, Version: "0.0.0-test",
		Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatalf("opening the host: %v\n%s", err, log)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	stop := sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("running the host: %v", err)
		}
		if t.Failed() {
			t.Logf("the host's log:\n%s", log)
		}
	})
	token, err := os.ReadFile(filepath.Join(data, "operator.token"))
	if err != nil {
		t.Fatal(err)
	}
	return &server{t: t, URL: h.URL(), Data: data, Token: strings.TrimSpace(string(token)), Log: log, stop: stop}
}

// do sends a request and decodes the answer into out; it answers the status.
func (s *server) do(token, method, path string, in, out any) int {
	s.t.Helper()
	var body io.Reader
	if in != nil {
		encoded, err := json.Marshal(in)
		if err != nil {
			s.t.Fatal(err)
		}
		body = bytes.NewReader(encoded)
	}
	req, err := http.NewRequest(method, s.URL+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }() // read below
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if out != nil && len(raw) > 0 {
		if err := json.Unmarshal(raw, out); err != nil {
			s.t.Fatalf("%s %s answered %d %s: %v", method, path, resp.StatusCode, raw, err)
		}
	}
	return resp.StatusCode
}

func dataDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pb-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "data")
}

type problem struct {
	Code, Detail string
	Call         string
	Errors       []struct{ Pointer, Detail string }
}

type integrationView struct {
	ID, Label, Status string
	Account           struct{ ID, Name string }
}

func TestSlackOverREST(t *testing.T) {
	s := start(t, dataDir(t))
	slack := newSlackDouble(t)
	if code := s.do(s.Token, "PUT", "/v1/platforms/slack/settings", map[string]any{"base_url": slack.URL + "/api", "allow_private_network": true}, nil); code != 200 {
		t.Fatalf("settings: %d", code)
	}
	var i integrationView
	if code := s.do(s.Token, "POST", "/v1/integrations", map[string]any{"platform": "slack", "label": "Team", "auth_method": "bearer",
		"credential": map[string]string{"token": slackToken}}, &i); code != 201 || i.Status != "active" {
		t.Fatalf("create: %d %+v", code, i)
	}
	var answer struct {
		ID     string
		Output struct{ TS, Channel string }
	}
	begin := time.Now()
	if code := s.do(s.Token, "POST", "/v1/calls", map[string]any{"integration": i.ID, "operation": "send_message",
		"input": map[string]any{"channel": "C1", "text": "hello"}}, &answer); code != 200 || answer.Output.Channel != "C1" {
		t.Fatalf("call: %d %+v", code, answer)
	}
	t.Logf("a call took %s", time.Since(begin))
}

const slackToken = "xoxb-planted-secret-1234567890"

