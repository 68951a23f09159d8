package postgres

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestDataSurvivesARestart(t *testing.T) {
	t.Parallel()
	kinds := map[string]string{"machine": machineBin(t)}
	if builtBundle(t) != nil {
		kinds["bundle"] = bundleBin(t)
	}
	for name, bin := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := Config{DataDir: openTemp(t), Bin: bin}
			first := start(t, cfg)
			pool := connect(t, first.URL())
			run(t, pool, "CREATE TABLE kept (id int PRIMARY KEY, name text)")
			run(t, pool, "INSERT INTO kept VALUES (1, 'Ünïcode')")
			if err := first.Close(); err != nil {
				t.Fatalf("closing with a connection open: %v", err)
			}
			if !gone(t, cfg.DataDir, dbUID(t)) {
				t.Error("a process stayed after Close")
			}
			if _, err := os.Stat(first.socket); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the socket directory stayed after Close: %v", err)
			}

			second := start(t, cfg)
			var lower string
			if err := connect(t, second.URL()).QueryRow(t.Context(), "SELECT lower(name) FROM kept WHERE id = 1").Scan(&lower); err != nil {
				t.Fatal(err)
			}
			if lower != "ünïcode" {
				t.Errorf("lower answers %q: the locale does not know the letters", lower)
			}
			if first.URL() != second.URL() {
				t.Error("the URL changed")
			}
		})
	}
}

func TestServerIsPrivate(t *testing.T) {
	t.Parallel()
	cfg := Config{DataDir: openTemp(t), Bin: machineBin(t)}
	server := start(t, cfg)
	uid := dbUID(t)
	files := layout{cfg.DataDir}
	for path, want := range map[string]struct {
		mode os.FileMode
		uid  int
	}{
		files.cluster():  {os.ModeDir | 0o700, uid},
		files.run():      {os.ModeDir | 0o700, uid},
		files.password(): {0o600, os.Geteuid()},
		files.lock():     {0o600, os.Geteuid()},
	} {
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		if owner := int(info.Sys().(*syscall.Stat_t).Uid); info.Mode() != want.mode || owner != want.uid {
			t.Errorf("%s is %s of uid %d, want %s of %d", path, info.Mode(), owner, want.mode, want.uid)
		}
	}

	pool := connect(t, server.URL())
	for query, want := range map[string]string{
		"SELECT current_setting('listen_addresses')":                           "",
		"SELECT current_setting('data_checksums')":                             "on",
		"SELECT current_setting('server_encoding')":                            "UTF8",
		"SELECT rolsuper::text FROM pg_roles WHERE rolname = current_user":     "false",
		"SELECT current_setting('jit')":                                        "off",
		"SELECT current_setting('commit_delay')":                               "0",
		"SELECT has_function_privilege('pg_read_file(text)', 'execute')::text": "false",
	} {
		var got string
		if err := pool.QueryRow(t.Context(), query).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", query, got, err, want)
		}
	}

	location, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	for name, user := range map[string]*url.Userinfo{
		"wrong password": url.UserPassword(role, "guess"),
		"superuser":      url.User("postgres"),
	} {
		other := *location
		other.User = user
		conn, err := pgx.Connect(t.Context(), other.String())
		if err == nil {
			_ = conn.Close(t.Context()) // the test has failed
			t.Errorf("%s: let in", name)
		}
	}
}

func TestPasswordIsNowhereElse(t *testing.T) {
	t.Parallel()
	cfg := Config{DataDir: openTemp(t), Bin: machineBin(t)}
	server := start(t, cfg)
	password, err := os.ReadFile(layout{cfg.DataDir}.password())
	if err != nil {
		t.Fatal(err)
	}
	if !hexDigest.Match(password) {
		t.Fatalf("the password is %d bytes of another form", len(password))
	}
	for _, part := range []string{"cmdline", "environ"} {
		text, err := os.ReadFile(filepath.Join("/proc", itoa(server.PID()), part))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), string(password)) {
			t.Errorf("the password is in the server's %s", part)
		}
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(cfg.DataDir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || path == (layout{cfg.DataDir}).password() {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), string(password)) {
			t.Errorf("the password is in %s", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSecondHostIsRefused(t *testing.T) {
	t.Parallel()
	cfg := Config{DataDir: openTemp(t), Bin: machineBin(t)}
	first := start(t, cfg)
	_, err := Start(t.Context(), cfg)
	wantError(t, err, "process "+itoa(os.Getpid()), cfg.DataDir)
	if !errors.Is(err, ErrInUse) {
		t.Errorf("not ErrInUse: %v", err)
	}
	run(t, connect(t, first.URL()), "SELECT 1") // and the first is none the worse
}

func TestCancelledStartLeavesNothing(t *testing.T) {
	t.Parallel()
	cfg := Config{DataDir: openTemp(t), Bin: machineBin(t)}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Start(ctx, cfg); !errors.Is(err, context.Canceled) {
		t.Fatalf("Start answers %v", err)
	}
	entries, err := os.ReadDir(cfg.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.Name() != "postgres.lock" {
			t.Errorf("%s was left", entry.Name())
		}
	}
	start(t, cfg)
}

func TestLongPathsAndCommas(t *testing.T) {
	t.Parallel()
	for name, sub := range map[string]string{
		"long":  strings.Repeat("a-long-name/", 9),
		"comma": "a,b",
		"odd":   "it's + an \"odd\" & 100% path",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtimeDir := openTemp(t)
			data := filepath.Join(openTemp(t), sub)
			// made here, and open: the sweeping mask of the test's user must not matter
			if err := os.MkdirAll(data, 0o755); err != nil {
				t.Fatal(err)
			}
			cfg := Config{DataDir: data, Bin: machineBin(t), RuntimeDir: runtimeDir}
			h := startHost(t, cfg, nil)
			if h.Error != "" {
				t.Fatal(h.Error)
			}
			run(t, connect(t, h.URL), "CREATE TABLE here (id int)")
			h.kill(t) // leaves its socket directory

			server := start(t, cfg)
			run(t, connect(t, server.URL()), "SELECT * FROM here")
			if name == "odd" {
				if server.socket != (layout{data}).run() {
					t.Errorf("the socket is in %s", server.socket)
				}
				return
			}
			if len(server.socket)+len("/.s.PGSQL.5432") >= 100 || filepath.Dir(server.socket) != runtimeDir {
				t.Errorf("the socket is in %s", server.socket)
			}
			if entries, err := os.ReadDir(runtimeDir); err != nil || len(entries) != 1 {
				t.Errorf("%d socket directories, want the live one alone: %v", len(entries), err)
			}
			if err := server.Close(); err != nil {
				t.Fatal(err)
			}
			if entries, err := os.ReadDir(runtimeDir); err != nil || len(entries) != 0 {
				t.Errorf("%d socket directories after Close: %v", len(entries), err)
			}
		})
	}
}
