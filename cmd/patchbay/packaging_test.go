package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// packaged answers the unit with the program of this test in the place of the installed one, and what systemd says of it.
func packaged(t *testing.T, change func(unit string) string) string {
	t.Helper()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skipf("there is no systemd-analyze to check the unit with: %v", err)
	}
	raw, err := os.ReadFile("packaging/patchbay.service")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "patchbay.service")
	if err := os.WriteFile(file, []byte(change(strings.ReplaceAll(string(raw), "/opt/patchbay/bin/patchbay", program))), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("systemd-analyze", "verify", "--man=no", file).CombinedOutput()
	var said []string
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "patchbay") { // the machine's other units are not ours
			said = append(said, line)
		}
	}
	if err != nil {
		said = append(said, err.Error())
	}
	return strings.Join(said, "")
}

// systemd understands every line of the unit; one that it does not is noticed.
func TestUnit(t *testing.T) {
	if said := packaged(t, func(unit string) string { return unit }); said != "" {
		t.Errorf("systemd says: %s", said)
	}
	if said := packaged(t, func(unit string) string { return strings.Replace(unit, "KillMode=", "KilMode=", 1) }); !strings.Contains(said, "KilMode") {
		t.Errorf("a line that systemd does not know passes: %s", said)
	}
}

// The variables that the packaging sets are some of serve's, and the files that it takes are where a build leaves them.
func TestPackagingNamesWhatThereIs(t *testing.T) {
	known := map[string]bool{"PATCHBAY_DATA": true} // of every command
	serve := reflect.TypeFor[serveCmd]()
	for i := range serve.NumField() {
		known[serve.Field(i).Tag.Get("env")] = true
	}
	for _, file := range []string{"packaging/patchbay.service", "packaging/Dockerfile"} {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		names := regexp.MustCompile(`PATCHBAY_[A-Z]+(_[A-Z]+)*\b`).FindAllString(string(raw), -1)
		for _, name := range names {
			if !known[name] {
				t.Errorf("%s sets %s, which serve does not read", file, name)
			}
		}
		if len(names) == 0 {
			t.Errorf("%s sets nothing: the test looks at nothing", file)
		}
	}
	raw, err := os.ReadFile("../../scripts/build")
	if err != nil {
		t.Fatal(err)
	}
	for _, made := range []string{"-o bin/patchbay", `-o "bin/adapters/`} {
		if !strings.Contains(string(raw), made) {
			t.Errorf("scripts/build does not make %s any more", made)
		}
	}
}
