package sdktest

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// peerStart is how long a peer may take until it answers: reading a large API description takes some of them half a minute.
const peerStart = 2 * time.Minute

// Fixture answers the path of a file or folder below the folder that the environment variable PATCHBAY_FIXTURES names, which holds
// specs/ and recordings/. The test is skipped where the variable is not set, and fails where the file is not there.
func Fixture(t testing.TB, name string) string {
	t.Helper()
	return below(t, "PATCHBAY_FIXTURES", name)
}

// Tool answers the path of a command of an npm package, below the folder that the environment variable PATCHBAY_TEST_TOOLS names.
// The test is skipped where the variable is not set, and fails where the command is not there.
func Tool(t testing.TB, name string) string {
	t.Helper()
	return below(t, "PATCHBAY_TEST_TOOLS", filepath.Join("node_modules", ".bin", name))
}

// Program answers the path of a program that the Go toolchain installed, below the same folder. The test is skipped where the variable is
// not set, and fails where the program is not there.
func Program(t testing.TB, name string) string {
	t.Helper()
	return below(t, "PATCHBAY_TEST_TOOLS", filepath.Join("bin", name))
}

func below(t testing.TB, variable, name string) string {
	t.Helper()
	folder := os.Getenv(variable)
	if folder == "" {
		t.Skipf("%s is not set: %s is not to be had", variable, name)
	}
	path := filepath.Join(folder, filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("looking for %s in the folder that %s names: %v", name, variable, err)
	}
	return path
}

// Peer starts a command that stands in for a platform and stops it when the test ends. "{port}" in its arguments becomes a free
// port of the loopback interface. It answers the peer's address, such as "http://127.0.0.1:40123", once that answers HTTP.
func Peer(t testing.TB, command string, args ...string) string {
	t.Helper()
	var err error
	for range peerTries { // any other program may take a free port first
		var address string
		if address, err = startPeer(t, command, args); err == nil {
			return address
		}
	}
	t.Fatalf("waiting for %s: %v", filepath.Base(command), err)
	return ""
}

// peerTries bounds how often a start is repeated.
const peerTries = 5

// startPeer starts a peer on a free port, or says why it did not come up.
func startPeer(t testing.TB, command string, args []string) (string, error) {
	t.Helper()
	port := freePort(t)
	filled := make([]string, len(args))
	for i, arg := range args {
		filled[i] = strings.ReplaceAll(arg, "{port}", strconv.Itoa(port))
	}
	output := &tail{}
	cmd := exec.Command(command, filled...)
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that its own children end with it
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting %s: %v", filepath.Base(command), err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	address := fmt.Sprintf("http://127.0.0.1:%d", port)
	err := answers(address, ended)
	stop := func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // it may have ended by itself
	if err != nil {
		stop()
		return "", fmt.Errorf("%w\n%s", err, output)
	}
	t.Cleanup(func() {
		stop()
		<-ended
	})
	return address, nil
}

func freePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("looking for a free port: %v", err)
	}
	defer func() { _ = listener.Close() }() // only its number is wanted
	return listener.Addr().(*net.TCPAddr).Port
}

// answers waits until an address answers HTTP with any status.
func answers(address string, ended <-chan error) error {
	client := &http.Client{Timeout: 5 * time.Second}
	deadline := time.After(peerStart)
	for {
		if resp, err := client.Get(address); err == nil {
			return resp.Body.Close()
		}
		select {
		case err := <-ended:
			return fmt.Errorf("it ended before it answered: %w", err)
		case <-deadline:
			return fmt.Errorf("it did not answer within %s", peerStart)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// tail keeps the end of what a peer prints, to show it when the peer does not start.
type tail struct {
	mu   sync.Mutex
	last []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = append(t.last, p...)
	if extra := len(t.last) - 16<<10; extra > 0 {
		t.last = bytes.Clone(t.last[extra:])
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.last)
}
