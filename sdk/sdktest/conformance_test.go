package sdktest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

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
	broken := build(t, "./testdata/broken")
	for mode, check := range map[string]string{
		"silent":      "starts and greets over gRPC with mutual TLS",
		"unstable":    "describes itself the same way twice, and cheaply",
		"no-effect":   "declares a valid manifest",
		"dies":        "answers wrong input with a kind, and lives on",
		"no-kind":     "answers wrong input with a kind, and lives on",
		"no-test":     "answers a bad credential with a kind",
		"chatty":      "writes nothing to standard output but its greeting",
		"leaky":       "writes no credential to its log",
		"orphan":      "ends with its parent",
		"conformable": "",
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			report, err := sdktest.Conformance(t.Context(), sdktest.Options{Binary: broken, Env: []string{"BROKEN=" + mode}})
			if err != nil {
				t.Fatal(err)
			}
			var failed []string
			for _, c := range report.Checks {
				if c.Outcome == sdktest.Fail {
					failed = append(failed, c.Name)
					t.Logf("%s: %s", c.Name, c.Reason)
				}
			}
			if check == "" && len(failed) > 0 || check != "" && (len(failed) == 0 || failed[0] != check) {
				t.Errorf("the checks that failed are %q, want %q first", failed, check)
			}
		})
	}
}
