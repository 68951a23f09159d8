package postgres

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestAssertDurable(t *testing.T) {
	t.Parallel()
	server := start(t, Config{DataDir: openTemp(t), Bin: machineBin(t)})
	pool := connect(t, server.URL())
	if err := AssertDurable(t.Context(), pool); err != nil {
		t.Errorf("the private server: %v", err)
	}
	conn, err := pgx.Connect(t.Context(), server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }() // nothing hangs on it
	for value, safe := range map[string]bool{"on": true, "remote_apply": true, "remote_write": true, "local": false, "off": false} {
		if _, err := conn.Exec(t.Context(), "SET synchronous_commit = "+value); err != nil {
			t.Fatal(err)
		}
		err := AssertDurable(t.Context(), conn)
		if safe && err != nil || !safe && !errors.Is(err, ErrNotDurable) {
			t.Errorf("synchronous_commit %s: %v", value, err)
		}
	}
	run(t, pool, "ALTER ROLE patchbay SET synchronous_commit = off")
	wantError(t, AssertDurable(t.Context(), connect(t, server.URL())), "synchronous_commit is off")
}

// A server whose files switch durability off keeps it all the same.
func TestFilesCannotWeakenTheServer(t *testing.T) {
	t.Parallel()
	cfg := Config{DataDir: openTemp(t), Bin: machineBin(t)}
	server := start(t, cfg)
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	c := server.cluster
	if err := c.alone(t.Context(), c.files.cluster(), "ALTER SYSTEM SET fsync = off\nALTER SYSTEM SET full_page_writes = off\n"+
		"ALTER SYSTEM SET synchronous_commit = off\nALTER SYSTEM SET listen_addresses = '*'\n"); err != nil {
		t.Fatal(err)
	}
	pool := connect(t, start(t, cfg).URL())
	if err := AssertDurable(t.Context(), pool); err != nil {
		t.Error(err)
	}
	var listen string
	if err := pool.QueryRow(t.Context(), "SELECT current_setting('listen_addresses')").Scan(&listen); err != nil || listen != "" {
		t.Errorf("it listens on %q, %v", listen, err)
	}
}

// What a statement holds stays out of the host's log.
func TestLogHoldsNoValues(t *testing.T) {
	t.Parallel()
	var said strings.Builder
	words := &serverLog{log: slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	server := start(t, Config{DataDir: openTemp(t), Bin: machineBin(t)})
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	server.cfg.Log = words.log
	again, err := Start(t.Context(), server.cfg)
	if err != nil {
		t.Fatal(err)
	}
	pool := connect(t, again.URL())
	run(t, pool, "CREATE TABLE t (name text UNIQUE)")
	run(t, pool, "INSERT INTO t VALUES ('hunter2')")
	for _, sql := range []string{"INSERT INTO t VALUES ('hunter2')", "SELECT 'hunter2'::int", "hunter2", "SELECT set_config('application_name', 'hunter2', false), 1/0",
		"DO $$ BEGIN RAISE WARNING 'hunter2'; END $$", "DO $$ BEGIN RAISE EXCEPTION 'hunter2'; END $$"} {
		_, _ = pool.Exec(t.Context(), sql) // each is to fail or to warn
	}
	pool.Close()
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(said.String(), "hunter2") {
		t.Errorf("a value is in the log:\n%s", said.String())
	}
	if !strings.Contains(said.String(), "postgres: LOG:") {
		t.Error("nothing of the server is in the log: the test sees nothing")
	}
}

func TestServerLogCutsAndRemembers(t *testing.T) {
	t.Parallel()
	var said strings.Builder
	l := &serverLog{log: slog.New(slog.NewTextHandler(&said, nil))}
	for _, part := range []string{"FATAL:  a", "b\n\nLOG:  quiet\n", strings.Repeat("x", 3*maxLine), "\nPANIC:  \xff\n", "unfinished"} {
		if n, err := l.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatalf("Write: %d, %v", n, err)
		}
	}
	words := l.lastWords()
	if want := "it said: FATAL:  ab; LOG:  quiet; " + strings.Repeat("x", maxLine) + "; PANIC:  ?"; words != want {
		t.Errorf("it remembers %q", words)
	}
	for part, want := range map[string]bool{"level=WARN msg=\"postgres: FATAL:  ab\"": true, "level=ERROR msg=\"postgres: PANIC:": true, "quiet": false} {
		if strings.Contains(said.String(), part) != want {
			t.Errorf("%q in the log: want %v", part, want)
		}
	}
}
