package postgres

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestForeignDirectoriesAreLeftAlone(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		files map[string]string
		is    error
		says  []string
	}{
		"other major": {map[string]string{"PG_VERSION": "12\n", "base": "x"}, ErrOtherVersion, []string{`"12"`, "left alone", "PATCHBAY_POSTGRES_BIN"}},
		"old form":    {map[string]string{"PG_VERSION": "9.6\n"}, ErrOtherVersion, []string{`"9.6"`}},
		"no cluster":  {map[string]string{"holiday.jpg": "x"}, os.ErrNotExist, []string{"not a PostgreSQL data directory"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := Config{DataDir: openTemp(t), Bin: machineBin(t)}
			dir := layout{cfg.DataDir}.cluster()
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			for file, text := range tc.files {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err := Start(t.Context(), cfg)
			wantError(t, err, append(tc.says, dir)...)
			if !errors.Is(err, tc.is) {
				t.Errorf("the error is not %v: %v", tc.is, err)
			}
			entries, err := os.ReadDir(dir)
			if err != nil || len(entries) != len(tc.files) {
				t.Errorf("the directory has %d entries now, %v", len(entries), err)
			}
			for file, text := range tc.files {
				if now, err := os.ReadFile(filepath.Join(dir, file)); err != nil || string(now) != text {
					t.Errorf("%s was changed: %q, %v", file, now, err)
				}
			}
		})
	}
}

func TestLostPasswordIsReplaced(t *testing.T) {
	t.Parallel()
	cfg := Config{DataDir: openTemp(t), Bin: machineBin(t)}
	path := layout{cfg.DataDir}.password()
	first := start(t, cfg)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("damaged"), 0o644); err != nil {
		t.Fatal(err)
	}
	second := start(t, cfg)
	run(t, connect(t, second.URL()), "SELECT 1")
	if first.URL() == second.URL() {
		t.Error("the password is the same")
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("the password file: %v, %v", info.Mode(), err)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}

	if err := os.WriteFile(path, []byte(newPassword()), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), cfg)
	wantError(t, err, path, "remove the file")
}

func TestInterruptedFirstStartIsSwept(t *testing.T) {
	t.Parallel()
	cfg := Config{DataDir: openTemp(t), Bin: machineBin(t)}
	leftover := filepath.Join(cfg.DataDir, unfinished+"1")
	if err := os.Mkdir(leftover, 0o700); err != nil {
		t.Fatal(err)
	}
	start(t, cfg)
	if _, err := os.Stat(leftover); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the leftover stayed: %v", err)
	}
}

func TestOtherOwnerIsNamed(t *testing.T) {
	t.Parallel()
	needRoot(t)
	cfg := Config{DataDir: openTemp(t), Bin: machineBin(t)}
	dir := layout{cfg.DataDir}.cluster()
	server := start(t, cfg)
	major := itoa(server.Binaries().Major)
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), cfg)
	wantError(t, err, dir, "belongs to uid "+itoa(nobody), "chown -R")
	if text, err := os.ReadFile(filepath.Join(dir, "PG_VERSION")); err != nil || string(text) != major+"\n" {
		t.Errorf("PG_VERSION: %q, %v", text, err)
	}
}

const nobody = 65534

// needRoot skips what only root can set up.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can change to another user")
	}
}

func TestRootsClosedDirectoryIsNamed(t *testing.T) {
	t.Parallel()
	needRoot(t)
	closed := filepath.Join(openTemp(t), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, cfg := range map[string]Config{
		"data":       {DataDir: filepath.Join(closed, "deep", "data"), Bin: machineBin(t)},
		"data alone": {DataDir: closed, Bin: machineBin(t)},
		"binaries":   {DataDir: openTemp(t), Bin: closedBin(t, closed)},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Start(t.Context(), cfg)
			wantError(t, err, "patchbay-db cannot pass "+closed+" ", "chmod o+x '"+closed+"'")
			if !errors.Is(err, ErrUnreachable) {
				t.Errorf("not ErrUnreachable: %v", err)
			}
			if info, err := os.Stat(closed); err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("the directory is %v now, %v", info.Mode(), err)
			}
		})
	}
}

// closedBin makes a directory with programs below one that root alone can pass.
func closedBin(t *testing.T, closed string) string {
	t.Helper()
	dir := filepath.Join(closed, "bin")
	writePrograms(t, dir, "postgres (PostgreSQL) 18.4")
	return dir
}

// As an ordinary user everything works without another account.
func TestOrdinaryUser(t *testing.T) {
	t.Parallel()
	needRoot(t)
	data := filepath.Join(openTemp(t), "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(data, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	attr := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	cfg := Config{DataDir: data, Bin: machineBin(t)}
	h := startHost(t, cfg, attr)
	if h.Error != "" {
		t.Fatal(h.Error)
	}
	run(t, connect(t, h.URL), "CREATE TABLE kept (id int)")
	h.kill(t)
	eventually(t, "all processes leave", func() bool { return gone(t, data, nobody) })

	h = startHost(t, cfg, attr)
	if h.Error != "" {
		t.Fatal(h.Error)
	}
	run(t, connect(t, h.URL), "SELECT * FROM kept")
	h.stop(t)
	if !gone(t, data, nobody) {
		t.Error("a process stayed after Close")
	}
}
