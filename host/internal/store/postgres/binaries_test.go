package postgres

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// writePrograms makes a directory with an initdb and a postgres that answers --version with said.
func writePrograms(t *testing.T, dir, said string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"initdb", "postgres"} {
		script := fmt.Sprintf("#!/bin/sh\necho '%s'\n", said)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// finderIn is a finder whose machine is the directory dir: its PATH and its distribution's places.
func finderIn(t *testing.T, dir string) *finder {
	t.Helper()
	cfg, err := Config{DataDir: openTemp(t), Path: "relative:" + filepath.Join(dir, "path")}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	who, err := findAccount(t.Context(), cfg.User)
	if err != nil {
		t.Fatal(err)
	}
	return &finder{cfg: cfg, account: who, places: []string{filepath.Join(dir, "dist", "*", "bin")},
		bundle: func() (*bundle, error) { return nil, errors.New("none built") }}
}

func TestFindOrder(t *testing.T) {
	t.Parallel()
	dir := openTemp(t)
	for sub, version := range map[string]string{"own": "14.2", "path": "15.1", "dist/9.6/bin": "9.6.24", "dist/16/bin": "16.9 (Debian 16.9)", "dist/17/bin": "17beta2", "old": "13.1"} {
		writePrograms(t, filepath.Join(dir, sub), "postgres (PostgreSQL) "+version)
	}
	writePrograms(t, filepath.Join(dir, "liar"), "mysqld 8")
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	own := func(sub string) func(*finder) { return func(f *finder) { f.cfg.Bin = filepath.Join(dir, sub) } }
	none := func(f *finder) { f.cfg.Path = "" }
	for name, tc := range map[string]struct {
		change func(*finder)
		want   Binaries
		says   []string
	}{
		"named":               {own("own"), Binaries{filepath.Join(dir, "own"), "14.2", 14, "PATCHBAY_POSTGRES_BIN"}, nil},
		"path before places":  {func(*finder) {}, Binaries{filepath.Join(dir, "path"), "15.1", 15, "machine"}, nil},
		"newest place first":  {none, Binaries{filepath.Join(dir, "dist/17/bin"), "17beta2", 17, "machine"}, nil},
		"named is empty":      {own("empty"), Binaries{}, []string{"PATCHBAY_POSTGRES_BIN=" + dir + "/empty", "initdb"}},
		"named is relative":   {func(f *finder) { f.cfg.Bin = "bin" }, Binaries{}, []string{"not absolute"}},
		"named is too old":    {own("old"), Binaries{}, []string{"13.1 is too old"}},
		"named is no server":  {own("liar"), Binaries{}, []string{"mysqld"}},
		"nothing to be found": {func(f *finder) { f.cfg.Path, f.places = "", nil }, Binaries{}, []string{"none built", "PATH", "PATCHBAY_DATABASE_URL"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := finderIn(t, dir)
			tc.change(f)
			got, err := f.find(t.Context())
			if tc.says != nil {
				wantError(t, err, tc.says...)
				if !errors.Is(err, ErrNoBinaries) {
					t.Errorf("not ErrNoBinaries: %v", err)
				}
				return
			}
			if err != nil || got != tc.want {
				t.Errorf("found %+v, %v; want %+v", got, err, tc.want)
			}
		})
	}
}

func TestFindUnpacksTheBundle(t *testing.T) {
	t.Parallel()
	dir := openTemp(t)
	writePrograms(t, filepath.Join(dir, "path"), "postgres (PostgreSQL) 15.1")
	f := finderIn(t, dir)
	f.bundle = func() (*bundle, error) { return testBundle(t, "postgres (PostgreSQL) 18.4"), nil }
	got, err := f.find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := filepath.Join(f.cfg.DataDir, "postgres-bin", testBundle(t, "postgres (PostgreSQL) 18.4").SHA256, "bin")
	if got != (Binaries{want, "18.4", 18, "bundle"}) {
		t.Errorf("found %+v", got)
	}

	f.bundle = func() (*bundle, error) { return testBundle(t, "broken"), nil }
	_, err = f.find(t.Context())
	wantError(t, err, "bundle", "PATCHBAY_POSTGRES_BIN") // not passed over for the one on the PATH
}

func FuzzParseVersion(f *testing.F) {
	for _, seed := range []string{"postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", "postgres (PostgreSQL) 18beta1", "postgres (PostgreSQL) 99999999999999999999", "", "mysqld"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, said string) {
		version, major, err := parseVersion(said)
		if err == nil && (!strings.Contains(said, version) || major < 0 || major > 9999) {
			t.Errorf("%q is version %q, major %d", said, version, major)
		}
	})
}
