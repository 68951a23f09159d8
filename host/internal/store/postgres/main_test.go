package postgres

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// asHost makes the test binary a host of its own: it starts a server as the variable says, prints what a test needs to
// know, and closes it when its standard input ends.
const asHost = "PATCHBAY_TEST_POSTGRES_HOST"

// report is what such a host prints.
type report struct {
	URL      string
	PID      int
	Restarts int
	Error    string
}

func TestMain(m *testing.M) {
	if text := os.Getenv(asHost); text != "" {
		os.Exit(runHost(text))
	}
	os.Exit(runTests(m))
}

// runTests first makes a copy of the test binary that every user can run: before the tests, for a file that is being
// written cannot be run, and neither can one that a fork of a test beside inherited.
func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("/tmp", "pbpg")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	defer func() { _ = errors.Join(os.RemoveAll(dir), os.RemoveAll(bundled.dir)) }() // temporary directories
	self, err := os.ReadFile("/proc/self/exe")
	hostBinary = filepath.Join(dir, "host.test")
	if err := errors.Join(err, os.Chmod(dir, 0o711), os.WriteFile(hostBinary, self, 0o755)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	return m.Run()
}

// hostBinary is the copy.
var hostBinary string

func runHost(text string) int {
	var cfg Config
	if err := json.Unmarshal([]byte(text), &cfg); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	cfg.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	server, err := Start(context.Background(), cfg)
	if err != nil {
		return tell(report{Error: err.Error()})
	}
	if code := tell(report{URL: server.URL(), PID: server.PID()}); code != 0 {
		return code
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := server.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func tell(r report) int {
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		return 2
	}
	return 0
}

// host is a test binary that runs as a host.
type host struct {
	report
	cmd   *exec.Cmd
	stdin io.Closer
}

// startHost runs one and waits for its report; a test ends it by kill or by stop.
func startHost(t *testing.T, cfg Config, attr *syscall.SysProcAttr) *host {
	t.Helper()
	cfg.Log = nil
	text, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	h := &host{cmd: exec.Command(hostBinary)}
	h.cmd.Env = append(os.Environ(), asHost+"="+string(text))
	h.cmd.SysProcAttr = attr
	h.cmd.Stderr = t.Output()
	stdout, err := h.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if h.stdin, err = h.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.cmd.Process.Kill() })
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		t.Fatalf("the host ended without a report: %v", err)
	}
	if err := json.Unmarshal(line, &h.report); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *host) kill(t *testing.T) {
	t.Helper()
	if err := h.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = h.cmd.Wait() // "signal: killed"
}

func (h *host) stop(t *testing.T) {
	t.Helper()
	if err := h.stdin.Close(); err != nil {
		t.Fatal(err)
	}
	if err := h.cmd.Wait(); err != nil {
		t.Fatalf("the host stopped with %v", err)
	}
}

// openTemp is a short directory that every account can pass.
func openTemp(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "pbpg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("removing the test's directory: %v", err)
		}
	})
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}

// machineBin is the machine's own PostgreSQL.
func machineBin(t *testing.T) string {
	t.Helper()
	dirs := newFinder(Config{Path: os.Getenv("PATH")}, account{}).machine()
	if len(dirs) == 0 {
		return bundleBin(t)
	}
	return dirs[0]
}

var bundled struct {
	once sync.Once
	dir  string
	bin  string
	err  error
}

// bundleBin is the bundle that scripts/postgres-bundle built, unpacked once.
func bundleBin(t *testing.T) string {
	t.Helper()
	bundled.once.Do(func() {
		if bundled.dir, bundled.err = os.MkdirTemp("/tmp", "pbpg"); bundled.err != nil {
			return
		}
		if bundled.err = os.Chmod(bundled.dir, 0o755); bundled.err != nil {
			return
		}
		b := builtBundle(t)
		if b == nil {
			bundled.err = os.ErrNotExist
			return
		}
		bundled.bin, bundled.err = b.unpackedUnder(bundled.dir)
	})
	if bundled.err != nil {
		t.Fatalf("no PostgreSQL to test with (install postgresql or run scripts/postgres-bundle): %v", bundled.err)
	}
	return bundled.bin
}

// builtBundle reads the bundle from the source tree, nil when none was built.
func builtBundle(t *testing.T) *bundle {
	t.Helper()
	text, err := os.ReadFile("bundle/manifest.json")
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	archive, err := os.ReadFile("bundle/postgres.tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	b, err := readBundle(string(archive), string(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// start starts a server that the test closes.
func start(t *testing.T, cfg Config) *Server {
	t.Helper()
	cfg.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	server, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Errorf("closing the server: %v", err)
		}
	})
	return server
}

// connect opens a pool that the test closes.
func connect(t *testing.T, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func run(t *testing.T, pool *pgxpool.Pool, sql string, args ...any) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// eventually waits for a state that must come; the limit is only there to end a failing test.
func eventually(t *testing.T, what string, reached func() bool) {
	t.Helper()
	limit := time.Now().Add(30 * time.Second)
	for !reached() {
		if time.Now().After(limit) {
			t.Fatalf("%s: not reached", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// gone says whether no process works in the cluster any more.
func gone(t *testing.T, dataDir string, uid int) bool {
	t.Helper()
	pids, err := leftovers(layout{dataDir}.cluster(), account{uid: uid})
	if err != nil {
		t.Fatal(err)
	}
	return len(pids) == 0
}

// dbUID is the uid that runs the test's databases.
func dbUID(t *testing.T) int {
	t.Helper()
	who, err := findAccount(t.Context(), "patchbay-db")
	if err != nil {
		t.Fatal(err)
	}
	return who.uid
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
}
