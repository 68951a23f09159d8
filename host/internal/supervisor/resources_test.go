package supervisor

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// groupTree is a folder that looks like control groups, with a process in one of them.
func groupTree(t *testing.T, controllers string, given bool) (root, own, table string) {
	t.Helper()
	root = t.TempDir()
	own = filepath.Join(root, "system.slice", "patchbay.service")
	table = filepath.Join(root, "table")
	err := errors.Join(os.MkdirAll(own, 0o755), os.WriteFile(table, []byte("1:name=systemd:/x\n0::/system.slice/patchbay.service\n"), 0o600),
		os.WriteFile(filepath.Join(own, "cgroup.procs"), nil, 0o600), os.WriteFile(filepath.Join(own, "cgroup.controllers"), []byte(controllers), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	if given {
		if err := unix.Setxattr(own, "user.delegate", []byte("1"), 0); err != nil {
			t.Skipf("the file system of the temporary folder keeps no attributes: %v", err)
		}
	}
	return root, own, table
}

// A group that was given to the host is divided: the host in one part, each launch in another, with its bounds.
func TestControlGroups(t *testing.T) {
	root, own, table := groupTree(t, "cpu io memory\n", true)
	g, err := openGroups(Resources{MemoryBytes: 100 << 20, CgroupRoot: root}.withDefaults(), table)
	if err != nil {
		t.Fatal(err)
	}
	content := func(path ...string) string {
		raw, err := os.ReadFile(filepath.Join(append([]string{own}, path...)...))
		if err != nil {
			t.Error(err)
		}
		return string(raw)
	}
	if got := content("patchbay-host", "cgroup.procs"); got != strconv.Itoa(os.Getpid()) {
		t.Errorf("the host's part holds %q", got)
	}
	if got := content("cgroup.subtree_control"); got != "+memory +cpu" {
		t.Errorf("it is divided by %q", got)
	}
	for _, want := range []string{"adapter-one-1", "adapter-one-2"} {
		f, err := g.open("one")
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Base(f.Name()) != want || content(want, "memory.max") != strconv.Itoa(200<<20) || content(want, "cpu.weight") != "50" {
			t.Errorf("%s: memory %s, weight %s", f.Name(), content(want, "memory.max"), content(want, "cpu.weight"))
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

// What was not given to the host, or cannot bound, is left as it is, and adapters run without.
func TestNoControlGroups(t *testing.T) {
	for what, c := range map[string]struct {
		controllers string
		given       bool
		why         string
	}{
		"not given":     {"cpu memory", false, "Delegate"},
		"no memory":     {"cpu io memory_recursiveprot", true, "controller memory"},
		"no controller": {"", true, "controller memory"},
	} {
		root, own, table := groupTree(t, c.controllers, c.given)
		g, err := openGroups(Resources{CgroupRoot: root}.withDefaults(), table)
		if err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v", what, err)
		}
		if entries, err := os.ReadDir(own); err != nil || len(entries) != 2 {
			t.Errorf("%s: something was changed: %v, %v", what, entries, err)
		}
		if f, err := g.open("one"); f != nil || err != nil {
			t.Errorf("%s: a group is made: %v", what, err)
		}
	}
	if _, err := openGroups(Resources{}.withDefaults(), "/nonexistent"); err == nil {
		t.Error("a table that is not there is read")
	}
}
