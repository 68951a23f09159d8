package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/semver"
)

// shell is `patchbay adapter dev` in a process of its own, as its user sees it.
type shell struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines chan string
	told  []string
}

// develop starts it in a folder.
func (h *liveHost) develop(dir string) *shell {
	h.t.Helper()
	cmd := exec.Command(filepath.Join(h.bin, "patchbay"), "adapter", "dev", dir)
	cmd.Env = append(os.Environ(), "PATCHBAY_DATA="+h.data, "PATCHBAY_URL=", "PATCHBAY_TOKEN=")
	from, to := io.Pipe()
	cmd.Stdout, cmd.Stderr = to, to
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	s := &shell{t: h.t, cmd: cmd, lines: make(chan string, 1000)}
	go func() {
		defer close(s.lines)
		for lines := bufio.NewScanner(from); lines.Scan(); {
			s.lines <- lines.Text()
		}
	}()
	h.t.Cleanup(func() {
		_ = cmd.Process.Kill() // ended already where all went well
		_ = to.Close()
	})
	return s
}

// until reads on to a line that holds want, and answers it.
func (s *shell) until(want string) string {
	s.t.Helper()
	for line := range s.lines {
		s.told = append(s.told, line)
		if strings.Contains(line, want) {
			return line
		}
	}
	s.t.Fatalf("it never said %q:\n%s", want, strings.Join(s.told, "\n"))
	return ""
}

// edit replaces a text in a file.
func edit(t *testing.T, path, old, text string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(raw, []byte(old)) {
		t.Fatalf("%s does not hold %q", path, old)
	}
	if err := os.WriteFile(path, bytes.ReplaceAll(raw, []byte(old), []byte(text)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Each saved change serves in a real host, under a higher version; what does not build, or what the host refuses, leaves what served; ctrl-C too.
func TestAdapterDev(t *testing.T) {
	replace, h := checkout(t), serveHost(t)
	t.Chdir(t.TempDir())
	begin := adapterNewCmd{Name: "names", Replace: replace}
	if err := begin.Run(t.Context(), &console{out: io.Discard, err: io.Discard}); err != nil {
		t.Fatal(err)
	}
	s := h.develop("names")
	first := versionIn(t, s.until("is in service"))
	if got := h.serves(t, "names"); got.Version != first || got.Trust != "unsigned" || !strings.Contains(got.Confinement, "seccomp") {
		t.Errorf("the host runs %+v, not %s", got, first)
	}

	source := filepath.Join("names", "main.go")
	edit(t, source, "func search(", "func search[")
	s.until("does not build")
	s.until("main.go:")
	s.until(first + " goes on serving")
	edit(t, source, "func search[", "func search(")
	edit(t, source, "Searches Names", "Finds Names")
	second := versionIn(t, s.until("is in service"))
	if semver.Compare("v"+second, "v"+first) <= 0 {
		t.Errorf("%s came after %s", second, first)
	}
	if out := h.mustCLI("platforms", "names", "search"); !strings.Contains(out, "Finds Names") {
		t.Errorf("the host shows %s", out)
	}

	edit(t, source, `ID: "names"`, `ID: "slack"`) // an id that another adapter serves
	s.until("slack")
	s.until(second + " goes on serving")

	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	s.until(second + " stays in service")
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("it ended with %v:\n%s", err, strings.Join(s.told, "\n"))
	}
	if got := h.serves(t, "names"); got.Version != second {
		t.Errorf("the host runs %s, not %s", got.Version, second)
	}
}

// serves answers how the one host runs an adapter.
func (h *liveHost) serves(t *testing.T, adapter string) adapterHost {
	t.Helper()
	var all list[adapterView]
	if err := json.Unmarshal([]byte(h.mustCLI("adapter", "list", "--json")), &all); err != nil {
		t.Fatal(err)
	}
	for _, a := range all.Items {
		if a.Name == adapter && len(a.Hosts) == 1 {
			return a.Hosts[0]
		}
	}
	t.Fatalf("the host has no adapter %s", adapter)
	return adapterHost{}
}

// versionIn answers the version in "names 0.0.0-dev.1 is in service on the host."
func versionIn(t *testing.T, line string) string {
	t.Helper()
	words := strings.Fields(line)
	if len(words) < 2 || !semver.IsValid("v"+words[1]) {
		t.Fatalf("there is no version in %q", line)
	}
	return words[1]
}

// An adapter that the kernel does not hold is marked, and one that it holds is not.
func TestUnconfinedIsMarked(t *testing.T) {
	for confinement, want := range map[string]string{
		"landlock 6, seccomp, sealed binary, own uid":          "",
		"landlock 6, seccomp; may read /usr/lib":               "",
		"seccomp, sealed binary; missing: landlock of Linux 5": "landlock of Linux 5",
		"none": "can do there what the host's user can",
		"":     "can do there what the host's user can",
		"privileged: containers (seccomp without the rules)": "privileged",
	} {
		got := adapterHost{Confinement: confinement}.unconfined()
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%q is marked %q, want %q", confinement, got, want)
		}
	}
}

// A folder's state is told by what a program is built from, and by nothing else.
func TestFingerprint(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string, mode os.FileMode) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("main.go", "package main", 0o600)
	for _, c := range []struct {
		name, content string
		mode          os.FileMode
		counts        bool
	}{
		{"main.go", "package main // changed", 0o600, true},
		{"main.go", "package main // changed", 0o600, false},
		{"inner/more.go", "package inner", 0o600, true},
		{"icon.svg", "<svg/>", 0o600, true},
		{"main_test.go", "package main", 0o600, false},
		{"testdata/answer.json", "{}", 0o600, false},
		{".git/index", "x", 0o600, false},
		{".main.go.swp", "x", 0o600, false},
		{"names", "a program", 0o700, false},
		{"names-1.0.0.pack", "a pack", 0o600, false},
	} {
		before, err := fingerprint(dir)
		if err != nil {
			t.Fatal(err)
		}
		write(c.name, c.content, c.mode)
		after, err := fingerprint(dir)
		if err != nil || (before != after) != c.counts {
			t.Errorf("%s changes it: %t, want %t; %v", c.name, before != after, c.counts, err)
		}
	}
	if _, err := fingerprint(filepath.Join(dir, "gone")); err == nil {
		t.Error("a folder that is not there has a fingerprint")
	}
}
