package supervisor

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/egress"
)

// hostVariable makes the test binary a host over the folder of adapters that it names.
const hostVariable = "PATCHBAY_SUPERVISOR_TEST_HOST"

// hostMain runs one call, prints a line and lives until it is killed.
func hostMain(home string) {
	logger := slog.New(slog.DiscardHandler)
	cat := catalog.New(catalog.Config{})
	s, err := Open(context.Background(), Config{Dir: filepath.Join(home, "adapters"), RunDir: filepath.Join(home, "r"), Catalog: cat,
		Manifests: &memory{}, Gate: egress.New(egress.Config{}), Logger: logger})
	if err == nil {
		p, _, _ := cat.Platform("one")
		_, err = s.Run(context.Background(), catalog.Request{Platform: p, Operation: p.Operation("echo"), Input: []byte("{}"),
			Credential: catalog.NewCredential("none", nil)}, &sink{})
	}
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
	fmt.Println(s.Status()[0].PID)
	select {}
}

// kill -9 of the host ends its adapters too: no orphan keeps a credential or a connection.
func TestKilledHostLeavesNoOrphan(t *testing.T) {
	r := newRig(t, "one")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	home, err := os.MkdirTemp("", "pb") // short, for the path of the socket
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(home) }()
	for _, name := range []string{"adapters", "state"} {
		if err := os.Symlink(filepath.Join(filepath.Dir(r.dir), name), filepath.Join(home, name)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), hostVariable+"="+home)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n') // an error leaves what is no number
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || !alive(pid) {
		_ = cmd.Process.Kill()
		t.Fatalf("the host says %q", line)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed is what it should be
	eventually(t, "the adapter has ended", func() bool { return !alive(pid) })
}
