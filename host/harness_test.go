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
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay/patchbay/host"
	"github.com/patchbay/patchbay/host/internal/store/postgres"
)

// hostVariable makes this test binary a host: its value is a host.Config as JSON. Tests kill such hosts.
const hostVariable = "PATCHBAY_TEST_HOST"

func TestMain(m *testing.M) {
	host.Shim()
	if config := os.Getenv(hostVariable); config != "" {
		os.Exit(runHost(config))
	}
	code := m.Run()
	if dir, err := adapters(); err == nil {
		_ = os.RemoveAll(dir)
	}
	stopDatabase()
	os.Exit(code)
}

// runHost is a host of its own process.
func runHost(config string) int {
	var cfg host.Config
	if err := json.Unmarshal([]byte(config), &cfg); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	cfg.Logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
	h, err := host.Open(context.Background(), cfg)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("ready", h.URL())
	if err := h.Run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// adapters builds the adapters that the tests use.
var adapters = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "patchbay-adapters-")
	if err != nil {
		return "", err
	}
	for name, source := range map[string]string{"slack": "../plugins/slack", "remote-server": "../plugins/remote-server", "openapi": "../plugins/openapi",
		"sandbox": "../plugins/sandbox", "fixture": "./testdata/fixture"} {
		build := exec.Command("go", "build", "-o", filepath.Join(dir, name), source)
		build.Env = append(os.Environ(), "CGO_ENABLED=0") // a confined program loads no libraries
		if out, err := build.CombinedOutput(); err != nil {
			return "", fmt.Errorf("building %s: %w\n%s", name, err, out)
		}
	}
	return dir, nil
})

// databaseServer is one PostgreSQL for all tests that need no private one.
var databaseServer = sync.OnceValues(func() (*postgres.Server, error) {
	dir, err := os.MkdirTemp("", "pb-db-")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		return nil, err
	}
	databaseDir = dir
	return postgres.Start(context.Background(), postgres.Config{DataDir: dir})
})

var databaseDir string

func stopDatabase() {
	if databaseDir == "" {
		return
	}
	if s, err := databaseServer(); err == nil {
		_ = s.Close()
	}
	_ = os.RemoveAll(databaseDir)
}

// databases counts the databases of the tests.
var databases atomic.Int64

// database makes an empty database and answers its URL.
func database(t *testing.T) string {
	t.Helper()
	s, err := databaseServer()
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("t%d", databases.Add(1))
	query(t, s.URL(), "CREATE DATABASE "+name)
	cfg, err := pgx.ParseConfig(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	return strings.Replace(s.URL(), "/"+cfg.Database+"?", "/"+name+"?", 1)
}

// query runs one statement on a database, as someone could who has stolen its password.
func query(t *testing.T, url, sql string, args ...any) int64 {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	tag, err := conn.Exec(t.Context(), sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return tag.RowsAffected()
}

// client talks to a host.
type client struct {
	t     *testing.T
	URL   string
	Token string
	Data  string
}

// server is a host in this process.
type server struct {
	client
	database string
	log      *lockedBuffer
	stop     func() error
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

// config is one that suits tests: a private database where url is empty.
func config(t *testing.T, data, url string) host.Config {
	t.Helper()
	dir, err := adapters()
	if err != nil {
		t.Fatal(err)
	}
	return host.Config{Data: data, DatabaseURL: url, Listen: "127.0.0.1:0", Adapters: dir, Version: "0.0.0-test"}
}

// start runs a host in this process until the test ends or stop is called.
func start(t *testing.T, cfg host.Config) *server {
	t.Helper()
	log := &lockedBuffer{}
	cfg.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	h, err := host.Open(t.Context(), cfg)
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
			t.Logf("the log of host %s:\n%s", h.URL(), log)
		}
	})
	return &server{client: newClient(t, h.URL(), cfg.Data), database: cfg.DatabaseURL, log: log, stop: stop}
}

func newClient(t *testing.T, url, data string) client {
	t.Helper()
	token, err := os.ReadFile(filepath.Join(data, "operator.token"))
	if err != nil {
		t.Fatal(err)
	}
	return client{t: t, URL: url, Data: data, Token: strings.TrimSpace(string(token))}
}

// spawned is a host of its own process.
type spawned struct {
	client
	database string
	cmd      *exec.Cmd
	log      *lockedBuffer
}

// spawn runs a host as a process of its own until the test ends or kill is called.
func spawn(t *testing.T, cfg host.Config) *spawned {
	t.Helper()
	encoded, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), hostVariable+"="+string(encoded))
	log := &lockedBuffer{}
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &spawned{cmd: cmd, log: log, database: cfg.DatabaseURL}
	t.Cleanup(s.kill)
	line := make([]byte, 200)
	n, _ := out.Read(line)
	url, ok := strings.CutPrefix(strings.TrimSpace(string(line[:n])), "ready ")
	if !ok {
		t.Fatalf("the host did not start: %s", log)
	}
	s.client = newClient(t, url, cfg.Data)
	return s
}

// kill ends the process as kill -9 does. It may be called more than once.
func (s *spawned) kill() {
	if s.cmd.ProcessState == nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	}
}

// header is added to a request.
type header struct{ name, value string }

// try sends a request and answers the status and the body, or the error of the connection.
func (c client) try(token, method, path string, in any, headers ...header) (int, []byte, error) {
	var body io.Reader
	switch v := in.(type) {
	case nil:
	case []byte:
		body = bytes.NewReader(v)
	default:
		encoded, err := json.Marshal(v)
		if err != nil {
			return 0, nil, err
		}
		body = bytes.NewReader(encoded)
	}
	req, err := http.NewRequest(method, c.URL+path, body)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for _, h := range headers {
		req.Header.Set(h.name, h.value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	return resp.StatusCode, raw, err
}

// do sends a request with the operator's token, decodes the answer into out, and answers the status.
func (c client) do(method, path string, in, out any, headers ...header) int {
	c.t.Helper()
	return c.as(c.Token, method, path, in, out, headers...)
}

// as is do with another token.
func (c client) as(token, method, path string, in, out any, headers ...header) int {
	c.t.Helper()
	status, raw, err := c.try(token, method, path, in, headers...)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	if out != nil && len(raw) > 0 {
		if err := json.Unmarshal(raw, out); err != nil {
			c.t.Fatalf("%s %s answered %d %s: %v", method, path, status, raw, err)
		}
	}
	return status
}

// must is do for requests that have to succeed.
func (c client) must(method, path string, in, out any, headers ...header) {
	c.t.Helper()
	var raw json.RawMessage
	if status := c.do(method, path, in, &raw, headers...); status >= 300 {
		c.t.Fatalf("%s %s answered %d: %s", method, path, status, raw)
	}
	if out != nil {
		if err := json.Unmarshal(raw, out); err != nil {
			c.t.Fatalf("%s %s: %v in %s", method, path, err, raw)
		}
	}
}

type problem struct {
	Code, Detail string
	Call         string
	RequestID    string `json:"request_id"`
	Errors       []struct{ Pointer, Detail string }
}

type integrationView struct {
	ID, Label, Status string
	Account           struct{ ID, Name string }
	Fields            map[string]string
}

type answerView struct {
	ID       string
	Attempts int
	Output   map[string]any
	Files    []struct{ ID, Name, URL string }
}

// connectSlack points Slack at a double and connects an account there.
func (c client) connectSlack(slack *slackDouble) integrationView {
	c.t.Helper()
	c.must("PUT", "/v1/platforms/slack/settings", map[string]any{"base_url": slack.URL + "/api", "allow_private_network": true}, nil)
	var i integrationView
	c.must("POST", "/v1/integrations", map[string]any{"platform": "slack", "label": "Team", "auth_method": "bearer",
		"credential": map[string]string{"token": slackToken}}, &i)
	return i
}

// message is a call of send_message.
func message(i integrationView, text string) map[string]any {
	return map[string]any{"integration": i.ID, "operation": "send_message", "input": map[string]any{"channel": "C1", "text": text}}
}

// dataDir answers a folder for a host that the database's own user can pass.
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

// eventually waits until f is true; the test's own time limit ends it.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for ctx := t.Context(); !f(); {
		select {
		case <-ctx.Done():
			t.Fatalf("%s did not become true", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// tryOpen opens a host that is expected not to start.
func tryOpen(t *testing.T, cfg host.Config) error {
	t.Helper()
	cfg.Logger = slog.New(slog.DiscardHandler)
	h, err := host.Open(t.Context(), cfg)
	if err == nil {
		h.Close()
	}
	return err
}

// unmarshal decodes JSON, for goroutines, which must not end a test.
func unmarshal(raw []byte, out any) error {
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("%w in %s", err, raw)
	}
	return nil
}
