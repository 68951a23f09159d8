package main

import (
	"crypto/tls"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"patchbay": main, "spared": spared})
}

// TestScripts runs the program as its users do, against a fake host. In the scripts, `sent` looks for a pattern in what the host was sent.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setup,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"sent": func(ts *testscript.TestScript, neg bool, args []string) {
				host := ts.Value(hostKey{}).(*fake)
				if len(args) != 1 {
					ts.Fatalf("usage: sent PATTERN")
				}
				if found := regexp.MustCompile(args[0]).MatchString(host.seen()); found == neg {
					ts.Fatalf("the host was sent:\n%s", host.seen())
				}
			},
			"code": exitsWith,
		},
	})
}

// hostKey is under what a script keeps its fake host.
type hostKey struct{}

// setup starts the hosts that a script speaks to, and gives it a home of its own.
func setup(env *testscript.Env) error {
	host := &fake{}
	env.Values[hostKey{}] = host
	plain, secure, old, other := httptest.NewServer(host), httptest.NewTLSServer(host), httptest.NewUnstartedServer(host), elsewhere()
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS12}
	old.StartTLS()
	closed := httptest.NewServer(host)
	closed.Close()
	env.Defer(func() {
		for _, s := range []*httptest.Server{plain, secure, old, other} {
			s.Close()
		}
	})
	home := filepath.Join(env.WorkDir, "home")
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	if err := os.WriteFile(filepath.Join(env.WorkDir, "ca.pem"), ca, 0o600); err != nil {
		return err
	}
	for name, value := range map[string]string{"HOME": home, "XDG_CONFIG_HOME": "", "HOST": plain.URL, "TLSHOST": secure.URL, "OLDHOST": old.URL,
		"OTHER": other.URL, "CLOSED": closed.URL, "TOKEN": goodToken, "PATCHBAY_URL": plain.URL, "PATCHBAY_TOKEN": goodToken, "TZ": "UTC"} {
		env.Setenv(name, value)
	}
	return os.MkdirAll(home, 0o700)
}

// exitsWith runs a command that must end with an exit code: code N command...
func exitsWith(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N command...")
	}
	ts.Check(ts.Exec("sh", append([]string{"-c", `want=$1; shift; "$@"; got=$?; test $got -eq $want || { echo "exit code $got, not $want" >&2; exit 1; }`, "sh"}, args...)...))
}
