package host_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A client is generated from the host's own OpenAPI document, compiled strictly with a program that uses it, and run.
func TestGeneratedTypeScriptClient(t *testing.T) {
	t.Parallel()
	modules := filepath.Join(os.Getenv("PATCHBAY_TEST_TOOLS"), "node_modules")
	for _, needed := range []string{"openapi-typescript", "openapi-fetch", "typescript", "@types/node"} {
		if _, err := os.Stat(filepath.Join(modules, needed)); err != nil {
			t.Skipf("%s is not installed: scripts/tools test does it, and scripts/test sets PATCHBAY_TEST_TOOLS", needed)
		}
	}
	s := start(t, config(t, dataDir(t), database(t)))
	slack := newSlackDouble(t)
	i := s.connectSlack(slack)
	dir := t.TempDir()
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
		return string(out)
	}
	for _, file := range []string{"client.ts", "tsconfig.json"} {
		raw, err := os.ReadFile(filepath.Join("testdata/typescript", file))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	_, document, err := s.try("", "GET", "/openapi.json", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "openapi.json"), document, 0o600); err != nil {
		t.Fatal(err)
	}
	run(filepath.Join(modules, ".bin/openapi-typescript"), "openapi.json", "-o", "patchbay.ts")
	run(filepath.Join(modules, ".bin/tsc"), "-p", ".")
	if out := run("node", "out/client.js", s.URL, s.Token, i.ID); !strings.Contains(out, "all is well") {
		t.Errorf("the program says %s", out)
	}
	if slack.count() != 1 {
		t.Errorf("%d messages were sent", slack.count())
	}
}
