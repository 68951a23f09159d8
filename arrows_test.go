package patchbay_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/patchbay/patchbay/"

// outer are the arrows between the top folders: who may import whom. A folder may always import itself.
var outer = map[string][]string{
	"proto":   {},
	"sdk":     {"proto"},
	"plugins": {"sdk"},
	"host":    {"proto"},
	"cmd":     {"host", "sdk/sdktest"},
	// The benchmark drives the built host from outside.
	"scripts": {"host", "proto", "sdk"},
}

// rooms are the arrows within host/internal. store implements the interfaces that the rooms declare, so it may import any of them,
// and no room imports it. id makes names of records and stands below everything.
var rooms = map[string][]string{
	"id":          {},
	"vault":       {},
	"egress":      {},
	"audit":       {},
	"usage":       {},
	"alert":       {"id", "usage"},
	"identity":    {"id"},
	"cluster":     {"vault"},
	"catalog":     {"vault"},
	"file":        {"id", "vault"},
	"mount":       {"catalog"},
	"event":       {"audit", "id", "vault"},
	"integration": {"audit", "catalog", "id", "oauth", "vault"},
	"oauth":       {},
	"release":     {"catalog", "id"},
	"supervisor":  {"catalog", "egress", "release", "sandbox/box", "supervisor/confine"},
	"sandbox":     {"catalog", "id", "sandbox/box"},
	"sandbox/box": {},
	// The mechanism of confinement alone; who is confined and how far is the supervisor's.
	"supervisor/confine": {},
	"supervisor/doctor":  {"egress", "supervisor/confine", "supervisor/doctor/probe"},
	// A program that takes the place of an adapter.
	"supervisor/doctor/probe": {},
	"dispatch":                {"catalog", "file", "id", "integration", "usage", "vault"},
	"store/postgres":          {},
	"pool":                    {"audit", "catalog", "id", "integration"},
	"workflow":                {"audit", "catalog", "dispatch", "id", "integration", "pool", "vault"},
	"store": {"alert", "audit", "catalog", "cluster", "consent", "dispatch", "event", "file", "id", "identity", "integration", "mount", "oauth", "pool", "release",
		"sandbox", "store/postgres", "usage", "vault", "workflow"},
	"api": {"alert", "audit", "catalog", "cluster", "dispatch", "event", "file", "id", "identity", "integration", "mount", "pool", "release", "sandbox", "sandbox/box",
		"supervisor", "usage", "vault", "workflow"},
	"signin": {"id", "vault"},
	// The authorisation server for agents: its tokens are those of identity.
	"consent": {"id", "identity"},
	"web":     {"api", "catalog", "consent", "identity", "integration", "signin"},
	"mcp":     {"catalog", "dispatch", "file", "identity", "integration"},
	// The provider that tests sign in at.
	"oidctest": {},
}

// proto's generated types stop at these rooms; go-plugin at the supervisor's. The doctor's probe speaks to the egress as adapters do.
var protoImporters = []string{"supervisor", "egress", "supervisor/doctor/probe"}

func TestArrows(t *testing.T) {
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && file != "." || d.Name() == "testdata" || d.Name() == "bin" || d.Name() == "node_modules") {
			return fs.SkipDir
		}
		if strings.HasSuffix(file, ".go") && strings.Contains(file, "/") {
			checkFile(t, filepath.ToSlash(file))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkFile(t *testing.T, file string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Errorf("parsing %s: %v", file, err)
		return
	}
	for _, spec := range f.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Errorf("%s imports %s: %v", file, spec.Path.Value, err)
			continue
		}
		if problem := allowed(file, imported); problem != "" {
			t.Errorf("%s imports %s: %s", file, imported, problem)
		}
	}
}

// allowed answers what is wrong with a file's import, or "".
func allowed(file, imported string) string {
	from := path.Dir(file)
	room, inRoom := strings.CutPrefix(from, "host/internal/")
	if strings.HasPrefix(imported, "github.com/hashicorp/go-plugin") && strings.HasPrefix(file, "host/") && room != "supervisor" {
		return "only the supervisor speaks to go-plugin"
	}
	target, ours := strings.CutPrefix(imported, module)
	if !ours {
		return ""
	}
	top, targetTop := strings.SplitN(from, "/", 2)[0], strings.SplitN(target, "/", 2)[0]
	if top != targetTop {
		if top == "plugins" && targetTop == "proto" && strings.HasSuffix(file, "_test.go") {
			return "" // a test may speak to an adapter as a host does
		}
		if !slices.ContainsFunc(outer[top], func(a string) bool {
			return target == a || strings.HasPrefix(target, a+"/") || a == targetTop && !strings.Contains(a, "/")
		}) {
			return "no arrow leads from " + top + " to " + target
		}
		if targetTop == "proto" && inRoom && !slices.Contains(protoImporters, room) {
			return "the generated types stop at the supervisor and the egress"
		}
		return ""
	}
	if top == "plugins" && from != target && !strings.HasPrefix(target, strings.Join(strings.SplitN(from, "/", 3)[:2], "/")+"/") {
		return "adapters share sdk, not each other"
	}
	targetRoom, toRoom := strings.CutPrefix(target, "host/internal/")
	if !inRoom || !toRoom || room == targetRoom {
		return ""
	}
	arrows, known := rooms[room]
	if !known {
		return "the room " + room + " has no arrows yet: add it to this test"
	}
	if !slices.Contains(arrows, targetRoom) {
		return "no arrow leads from " + room + " to " + targetRoom
	}
	return ""
}

// TestArrowsRefuse shows that the check can fail.
func TestArrowsRefuse(t *testing.T) {
	for _, bad := range []struct{ file, imported string }{
		{"plugins/slack/main.go", module + "host"},
		{"plugins/slack/main.go", module + "plugins/openai"},
		{"plugins/slack/main.go", module + "proto/patchbay/adapter/v1"},
		{"sdk/call.go", module + "host"},
		{"host/internal/vault/vault.go", module + "host/internal/store"},
		{"host/internal/dispatch/run.go", module + "host/internal/supervisor"},
		{"host/internal/dispatch/run.go", "github.com/hashicorp/go-plugin"},
		{"host/internal/dispatch/run.go", module + "proto/patchbay/adapter/v1"},
		{"cmd/patchbay/main.go", module + "sdk/client"},
		{"proto/patchbay/adapter/v1/contract.go", module + "sdk"},
	} {
		if allowed(bad.file, bad.imported) == "" {
			t.Errorf("%s may import %s", bad.file, bad.imported)
		}
	}
}
