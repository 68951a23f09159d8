package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/sdk/sdktest"
)

// checkout is this repository, as --replace takes it.
func checkout(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// goIn runs go in a folder, without a network.
func goIn(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOPROXY=off", "GOWORK=off", "GOFLAGS=-mod=readonly")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// A new adapter is formatted, builds with what is on this machine, passes its own tests and keeps the contract.
func TestNewAdapterKeepsTheContract(t *testing.T) {
	replace := checkout(t)
	t.Chdir(t.TempDir())
	var out, notes bytes.Buffer
	begin := adapterNewCmd{Name: "my-crm-2", Replace: replace}
	if err := begin.Run(t.Context(), &console{out: &out, err: &notes}); err != nil {
		t.Fatalf("%v\n%s", err, notes.String())
	}
	if notes.Len() != 0 || strings.Contains(out.String(), "tidy") {
		t.Errorf("it is not complete: %s%s", out.String(), notes.String())
	}
	if unformatted, err := exec.Command("gofmt", "-l", "my-crm-2").CombinedOutput(); err != nil || len(unformatted) != 0 {
		t.Errorf("gofmt says %q, %v", unformatted, err)
	}
	goIn(t, "my-crm-2", "vet", "./...")
	goIn(t, "my-crm-2", "test", "./...")
	goIn(t, "my-crm-2", "build", "-ldflags", "-X main.version=1.2.3", "-o", "my-crm-2", ".")
	report, err := sdktest.Conformance(t.Context(), sdktest.Options{Binary: "my-crm-2/my-crm-2"})
	if err != nil {
		t.Fatal(err)
	}
	if !report.Passed() || report.Adapter != "my-crm-2" || report.Version != "1.2.3" {
		t.Errorf("conformance says %+v", report)
	}
}

// Without a checkout at hand the module is required at this program's version.
func TestNewAdapterWithoutACheckout(t *testing.T) {
	t.Chdir(t.TempDir())
	var out, notes bytes.Buffer
	begin := adapterNewCmd{Name: "names", Module: "forge.example/ann/names"}
	if err := begin.Run(t.Context(), &console{out: &out, err: &notes}); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile("names/go.mod")
	if want := "module forge.example/ann/names\n\ngo 1.26.0\n\nrequire github.com/patchbay/patchbay v" + version + "\n"; err != nil || string(raw) != want {
		t.Errorf("go.mod is %q, %v", raw, err)
	}
	if !strings.Contains(out.String(), "go mod tidy") || !strings.Contains(notes.String(), "--replace") {
		t.Errorf("it says %q and %q", out.String(), notes.String())
	}
}

// A checkout around the working folder is found; an empty folder with another module's go.mod is none.
func TestCheckoutAround(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	inner := filepath.Join(root, "a", "b")
	if err := os.MkdirAll(inner, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Chdir(inner)
	for module, want := range map[string]string{"example.com/other": "", sdkModule: root} {
		if err := os.WriteFile(filepath.Join(root, "go.mod"), []byte("module "+module+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := checkoutAround(); got != want {
			t.Errorf("in a folder of %s the checkout is %q, want %q", module, got, want)
		}
	}
}

// What is refused is said with what to do, and nothing is written or overwritten.
func TestNewAdapterRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("taken", []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		cmd adapterNewCmd
		say string
	}{
		"empty":       {adapterNewCmd{Name: ""}, "begin with a small letter"},
		"capital":     {adapterNewCmd{Name: "Names"}, "begin with a small letter"},
		"digit first": {adapterNewCmd{Name: "1names"}, "begin with a small letter"},
		"up":          {adapterNewCmd{Name: "../names"}, "begin with a small letter"},
		"underscore":  {adapterNewCmd{Name: "my_names"}, "small letters, digits and hyphens"},
		"template":    {adapterNewCmd{Name: "a\"}}"}, "small letters, digits and hyphens"},
		"long":        {adapterNewCmd{Name: "a" + strings.Repeat("b", 63)}, "63 at most"},
		"taken":       {adapterNewCmd{Name: "taken"}, "choose another name"},
		"module":      {adapterNewCmd{Name: "names", Module: "no path\n"}, "--module"},
		"no checkout": {adapterNewCmd{Name: "names", Replace: "."}, "is no checkout"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.cmd.Run(t.Context(), &console{out: &bytes.Buffer{}, err: &bytes.Buffer{}})
			if err == nil || exitCode(err) != exitUsage || !strings.Contains(err.Error(), c.say) {
				t.Errorf("it says %v", err)
			}
		})
	}
	entries, err := os.ReadDir(".")
	if raw, _ := os.ReadFile("taken"); err != nil || len(entries) != 1 || string(raw) != "mine" {
		t.Errorf("the folder holds %v, %q: %v", entries, raw, err)
	}
}
