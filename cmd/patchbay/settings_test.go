package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// parse parses a command line as run does.
func parse(t *testing.T, args ...string) (grammar, error) {
	t.Helper()
	var g grammar
	c := &console{in: strings.NewReader(""), out: &bytes.Buffer{}, err: &bytes.Buffer{}}
	parser, err := newParser(&g, c)
	if err != nil {
		t.Fatal(err)
	}
	_, err = parser.Parse(args)
	return g, err
}

// inFolder makes an empty working directory with a settings file, and clears the environment of settings.
func inFolder(t *testing.T, file string) {
	t.Helper()
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "PATCHBAY_") {
			t.Setenv(name, "")
			_ = os.Unsetenv(name) // put back by Setenv's cleanup
		}
	}
	t.Chdir(t.TempDir())
	if file != "" {
		if err := os.WriteFile(settingsFile, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Flags stand over the environment, the environment over the file, the file over the default.
func TestPrecedence(t *testing.T) {
	const file = "listen: file:1\nidle_after: 3m\ndatabase-url: postgres://file\ndata: from-file\n"
	tests := []struct {
		name, file string
		env        map[string]string
		args       []string
		want       map[string]string
	}{
		{name: "defaults", want: map[string]string{"listen": "127.0.0.1:7450", "idle": "10m0s", "db": "", "data": ""}},
		{name: "file over default", file: file, want: map[string]string{"listen": "file:1", "idle": "3m0s", "db": "postgres://file", "data": "from-file"}},
		{name: "environment over file", file: file,
			env:  map[string]string{"PATCHBAY_LISTEN": "env:1", "PATCHBAY_IDLE_AFTER": "4m", "PATCHBAY_DATABASE_URL": "postgres://env", "PATCHBAY_DATA": "from-env"},
			want: map[string]string{"listen": "env:1", "idle": "4m0s", "db": "postgres://env", "data": "from-env"}},
		{name: "flag over environment and file", file: file, env: map[string]string{"PATCHBAY_LISTEN": "env:1", "PATCHBAY_IDLE_AFTER": "4m", "PATCHBAY_DATA": "from-env"},
			args: []string{"--listen", "flag:1", "--idle-after=5m", "--data", "from-flag"},
			want: map[string]string{"listen": "flag:1", "idle": "5m0s", "db": "postgres://file", "data": "from-flag"}},
		{name: "flag over file", file: file, args: []string{"--listen=flag:1"},
			want: map[string]string{"listen": "flag:1", "idle": "3m0s", "db": "postgres://file", "data": "from-file"}},
		{name: "an empty variable is none", file: "listen: file:1\n", env: map[string]string{"PATCHBAY_LISTEN": "", "PATCHBAY_IDLE_AFTER": ""},
			want: map[string]string{"listen": "file:1", "idle": "10m0s", "db": "", "data": ""}},
		{name: "an empty setting is none", file: "listen:\n", want: map[string]string{"listen": "127.0.0.1:7450", "idle": "10m0s", "db": "", "data": ""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inFolder(t, tt.file)
			for name, value := range tt.env {
				t.Setenv(name, value)
			}
			g, err := parse(t, append([]string{"serve"}, tt.args...)...)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{"listen": g.Serve.Listen, "idle": g.Serve.IdleAfter.String(), "db": g.Serve.DatabaseURL, "data": g.Data}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A file in the working directory says nothing of where the other commands send a token; one that is named may say where the data is.
func TestSettingsLeaveTheConnectionAlone(t *testing.T) {
	inFolder(t, "data: here\n")
	g, err := parse(t, "platforms")
	if err != nil || g.Data != "" || g.fileData != "here" {
		t.Errorf("found in the folder: data %q, from the file %q: %v", g.Data, g.fileData, err)
	}
	for _, args := range [][]string{{"platforms", "--config", settingsFile}, {"--config=" + settingsFile, "platforms"}} {
		if g, err = parse(t, args...); err != nil || g.Data != "here" || g.fileData != "" {
			t.Errorf("%v: data %q, from the file %q: %v", args, g.Data, g.fileData, err)
		}
	}
	t.Setenv("PATCHBAY_CONFIG", settingsFile)
	if g, err = parse(t, "platforms"); err != nil || g.Data != "here" {
		t.Errorf("named by the environment: data %q: %v", g.Data, err)
	}
}

func TestSettingsRefused(t *testing.T) {
	tests := []struct{ name, file, want string }{
		{"a mistyped name", "lisen: 1.2.3.4:5\n", "lisen is not a setting"},
		{"where a token goes", "url: https://evil.example\n", "url is not a setting"},
		{"a token", "token: planted\n", "token is not a setting"},
		{"a list", "listen: [a, b]\n", "listen must be one value"},
		{"no map", "planted\n", "must be YAML"},
		{"a bad value", "idle-after: soon\n", "duration"},
		{"twice", "idle-after: 1m\nidle_after: 2m\n", "twice"},
		{"no choice", "log-level: loud\n", "must be one of"},
		{"broken", "database-url: \"planted\n", "must be YAML"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inFolder(t, tt.file)
			_, err := parse(t, "serve")
			if err == nil || !strings.Contains(err.Error(), tt.want) || exitCode(err) != exitUsage {
				t.Errorf("exit code %d, error %v, want %q", exitCode(err), err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "planted") {
				t.Errorf("the error quotes a value: %v", err)
			}
		})
	}
	t.Run("a missing file that was named", func(t *testing.T) {
		inFolder(t, "")
		if _, err := parse(t, "serve", "--config", "nowhere.yaml"); err == nil {
			t.Error("it was passed over")
		}
	})
	t.Run("a file that others may write", func(t *testing.T) {
		inFolder(t, "listen: 1.2.3.4:5\n")
		if err := os.Chmod(settingsFile, 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := parse(t, "serve"); err == nil || !strings.Contains(err.Error(), "not yours alone") {
			t.Errorf("error %v", err)
		}
		if g, err := parse(t, "serve", "--config", settingsFile); err != nil || g.Serve.Listen != "1.2.3.4:5" {
			t.Errorf("named: listen %q: %v", g.Serve.Listen, err)
		}
	})
}

// What serve hands to the host.
func TestServeConfig(t *testing.T) {
	inFolder(t, "")
	t.Setenv("HOME", "/home/ann")
	g, err := parse(t, "serve", "--key", "~/keys.json", "--idle-after", "90s", "--adapters", "/opt/adapters", "--tls-cert=c", "--tls-key=k")
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := g.Serve.config(&g.connection, &console{err: &bytes.Buffer{}})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Data != "/home/ann/.patchbay" || cfg.Key != "/home/ann/keys.json" || cfg.Adapters != "/opt/adapters" || cfg.IdleAfter != 90*time.Second ||
		cfg.TLSCert != "c" || cfg.TLSKey != "k" || cfg.Logger == nil || cfg.Version == "" {
		t.Errorf("config %+v", cfg)
	}
	g, err = parse(t, "serve")
	if err != nil {
		t.Fatal(err)
	}
	if cfg, err = g.Serve.config(&g.connection, &console{err: &bytes.Buffer{}}); err != nil || !strings.HasSuffix(cfg.Adapters, "/adapters") {
		t.Errorf("adapters %q: %v", cfg.Adapters, err)
	}
}

func FuzzSettings(f *testing.F) {
	f.Add([]byte("listen: 127.0.0.1:1\ndata: x\n"))
	f.Add([]byte("a: [1]\n"))
	f.Add([]byte("a: &a\n  b: *a\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		values, err := parseSettings(raw)
		if err == nil && values == nil {
			t.Error("neither values nor an error")
		}
	})
}
