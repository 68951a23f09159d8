package sdktest_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/patchbay/patchbay/sdk/sdktest"
)

// build builds a program of this module.
func build(t *testing.T, pkg string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), filepath.Base(pkg))
	cmd := exec.Command("go", "build", "-o", path, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", pkg, err, out)
	}
	return path
}

func TestBuiltAdaptersConform(t *testing.T) {
	for _, name := range []string{"slack", "openai", "remote-server"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sdktest.TestBinary(t, build(t, "../../plugins/"+name))
		})
	}
}

// Each broken adapter is found by the check that is there for it.
func TestBrokenAdaptersAreFound(t *testing.T) {
	const (
		starts   = "starts and greets over gRPC with mutual TLS"
		manifest = "declares a valid manifest"
		input    = "answers wrong input with a kind, and lives on"
		streams  = "answers streams with a result or a kind"
		bad      = "answers a bad credential with a kind"
	)
	broken := build(t, "./testdata/broken")
	for mode, check := range map[string]string{
		"silent":               starts,
		"mute":                 starts,
		"exits":                starts,
		"plaintext":            starts,
		"tcp":                  starts,
		"open":                 "answers nobody but the host that started it",
		"unstable":             "describes itself the same way twice, and cheaply",
		"no-effect":            manifest,
		"remote-ref":           manifest,
		"no-schema":            manifest,
		"odd-name":             manifest,
		"twice":                manifest,
		"any-host":             manifest,
		"plain-base":           manifest,
		"other-platform":       manifest,
		"odd-field":            manifest,
		"odd-method":           manifest,
		"changing-schema":      manifest,
		"takes-anything":       "refuses an unknown platform and an unknown operation with a kind",
		"dies":                 input,
		"no-kind":              input,
		"no-test":              bad,
		"quotes":               bad,
		"no-stream":            streams,
		"endless-stream":       streams,
		"patient":              bad, // it takes a minute for what must take seconds
		"deaf":                 "gives a call up at its deadline",
		"dies-of-size":         "takes an 8 MiB message or refuses it, and lives on",
		"dies-of-cancellation": "lives on after a call was cancelled",
		"single":               "runs twice side by side",
		"chatty":               "writes nothing to standard output but its greeting",
		"raw-chatty":           "writes nothing to standard output but its greeting",
		"leaky":                "writes no credential to its log",
		"stubborn":             "ends within two seconds when it is asked to",
		"orphan":               "ends with its parent",
		"conformable":          "",
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			report, err := sdktest.Conformance(t.Context(), sdktest.Options{Binary: broken, Logf: t.Logf, StartTimeout: start(mode),
				Env: []string{"BROKEN=" + mode, "BROKEN_LOCK=" + filepath.Join(t.TempDir(), "lock")}})
			if err != nil {
				t.Fatal(err)
			}
			failed := ""
			for _, c := range report.Checks {
				if c.Outcome == sdktest.Fail {
					failed = c.Name
					break
				}
			}
			if failed != check || report.Passed() != (check == "") {
				t.Errorf("the first check that failed is %q, want %q", failed, check)
			}
		})
	}
}

// start is how long a start may take: little where none will come.
func start(mode string) time.Duration {
	if mode == "mute" {
		return time.Second
	}
	return time.Minute
}

func TestConformanceOfNothing(t *testing.T) {
	if _, err := sdktest.Conformance(t.Context(), sdktest.Options{Binary: filepath.Join(t.TempDir(), "none")}); err == nil {
		t.Error("a missing binary is checked")
	}
	report, err := sdktest.Conformance(t.Context(), sdktest.Options{Binary: t.TempDir()})
	if err != nil || report.Passed() || len(report.Checks) != 1 || report.Checks[0].Reason == "" {
		t.Errorf("a folder: %+v, %v", report, err)
	}
}

// The report is for programs too.
func TestReportIsJSON(t *testing.T) {
	raw, err := json.Marshal(sdktest.Report{Adapter: "a", Version: "1.0.0", Checks: []sdktest.Check{{Name: "n", Outcome: sdktest.Skip, Reason: "r"}, {Name: "m", Outcome: sdktest.Pass}}})
	want := `{"adapter":"a","version":"1.0.0","checks":[{"name":"n","outcome":"skip","reason":"r"},{"name":"m","outcome":"pass"}]}`
	if err != nil || string(raw) != want {
		t.Errorf("%s, %v", raw, err)
	}
}
