package main

import (
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
)

// shellBlocks answers the blocks of a page that are marked as shell, in order.
func shellBlocks(page string) (blocks []string) {
	for _, rest := range strings.Split(page, "\n```sh\n")[1:] {
		block, _, _ := strings.Cut(rest, "\n```")
		blocks = append(blocks, block)
	}
	return blocks
}

// clone makes a folder that is to a shell what a clone with a running host is: the SDK's sources, bin, and .patchbay.
func (h *liveHost) clone(t *testing.T) string {
	t.Helper()
	root, dir := checkout(t), t.TempDir()
	for _, folder := range []string{"sdk", "proto"} {
		if err := os.CopyFS(filepath.Join(dir, folder), os.DirFS(filepath.Join(root, folder))); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"go.mod", "go.sum"} {
		raw, err := os.ReadFile(filepath.Join(root, file))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, file), raw, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	bin, err := filepath.Abs(h.bin)
	if err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"bin": bin, ".patchbay": h.data} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// The guide for authors works when it is pasted: from nothing to two signed releases in a registry, installed in a running host from there.
func TestAuthorGuide(t *testing.T) {
	for _, tool := range []string{"bash", "python3"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the guide needs %s: %v", tool, err)
		}
	}
	page, err := os.ReadFile("../../host/docs/authors.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := shellBlocks(string(page))
	if len(blocks) < 8 {
		t.Fatalf("the guide has %d blocks", len(blocks))
	}
	h := serveHost(t)
	packs := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer packs.Close()

	temporary, err := os.MkdirTemp("", "pb-guide-")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(temporary) }()
	if err := os.Chmod(temporary, 0o711); err != nil { // an adapter's own user passes it
		t.Fatal(err)
	}
	// Each command is shown before it runs, so that a failure says where. What runs beside the shell ends with it.
	script := "set -euo pipefail\ntrap 'cat ../*.log || true; kill $(jobs -p) 2>/dev/null || true' EXIT\nset -x\n" + strings.Join(blocks, "\n")
	cmd := exec.CommandContext(t.Context(), "bash", "-c", script)
	cmd.Dir = h.clone(t)
	cmd.Env = append(os.Environ(), "registry="+strings.TrimPrefix(packs.URL, "http://"), "DOCKER_CONFIG="+t.TempDir(), "TMPDIR="+temporary,
		"GOPROXY=off", "GOWORK=off", "PATCHBAY_URL=", "PATCHBAY_TOKEN=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("the guide ends with %v:\n%s", err, out)
	}
	if n := strings.Count(string(out), `"Anne"`); n < 3 {
		t.Errorf("%d calls were answered, want three or four:\n%s", n, out)
	}
	if got := h.serves(t, "names"); got.Version != "1.1.0" || got.Trust != "signed" || got.Publisher != "ann" {
		t.Errorf("the host runs %+v", got)
	}
	if events := h.mustCLI("adapter", "events", "names"); !strings.Contains(events, "canary") {
		t.Errorf("there was no canary: %s", events)
	}
	h.mustCLI("audit", "verify")
}
