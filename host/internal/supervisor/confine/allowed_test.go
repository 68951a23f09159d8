package confine

import (
	"bufio"
	"crypto/sha256"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestAllowed(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"own-file"}, "allowed: mine"},
		{[]string{"threads"}, "allowed: done"},
		{[]string{"arguments", "a b", ""}, "allowed: probe|a b|"},
		{[]string{"environment"}, "allowed: HOME TMPDIR"},
		{[]string{"descriptors"}, "allowed: 0 1 2"},
	} {
		if got := newProgram(t, c.args...).run(t); got != c.want {
			t.Errorf("%v: %q, want %q", c.args, got, c.want)
		}
	}
}

func TestAllowedDescriptorsAreThosePassed(t *testing.T) {
	stray, err := unix.Open("/dev/null", unix.O_RDONLY, 0) // not close-on-exec, as a careless library leaves it
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(stray) }()
	p := newProgram(t, "descriptors")
	p.files = []*os.File{passedConnection(t, false)}
	if got := p.run(t); got != "allowed: 0 1 2 3" {
		t.Errorf("the program has %q", got)
	}
}

func TestAllowedIdentity(t *testing.T) {
	uid, gid, groups := 54321, 54321, 0
	if os.Geteuid() != 0 {
		uid, gid = os.Getuid(), os.Getgid()
		list, err := os.Getgroups()
		if err != nil {
			t.Fatal(err)
		}
		groups = len(list) // only root can leave them
	}
	got := newProgram(t, "identity").run(t)
	want := fmt.Sprintf("allowed: uid %d %d gid %d %d groups %d capabilities 0 bounding ", uid, uid, gid, gid, groups)
	if !strings.HasPrefix(got, want) || !strings.HasSuffix(got, " no_new_privs 1 core 0") {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if os.Geteuid() == 0 && !strings.Contains(got, " bounding 0 ") {
		t.Errorf("capabilities are left in the bounding set: %q", got)
	}
}

// The program serves a unix socket as an adapter does, and the host connects.
func TestAllowedServing(t *testing.T) {
	p := newProgram(t, "serve")
	p.args = append(p.args, p.spec.SocketDir)
	cmd := p.command(t)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	path, err := lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("unix", strings.TrimSpace(path))
	if err != nil {
		t.Fatal(path, err)
	}
	if _, err := io.WriteString(conn, "ping"); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.UnixConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(conn); err != nil || string(got) != "ping" {
		t.Errorf("the answer is %q, %v", got, err)
	}
	_ = conn.Close()
	rest, err := io.ReadAll(lines)
	if err != nil || string(rest) != "allowed: served\n" {
		t.Errorf("the program says %q, %v", rest, err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// An HTTPS client works over a connection that was passed, with the CA bundle that was handed in.
func TestAllowedHTTPS(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "from the platform")
	}))
	defer server.Close()
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	bundle := filepath.Join(openDir(t), "ca.pem")
	if err := os.WriteFile(bundle, certificate, 0o644); err != nil {
		t.Fatal(err)
	}
	connect := func() *os.File {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		file, err := conn.(*net.TCPConn).File()
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
		t.Cleanup(func() { _ = file.Close() })
		return file
	}
	p := newProgram(t, "get", "https://example.com/")
	p.spec.CABundle, p.files = bundle, []*os.File{connect()}
	if got := p.run(t); got != "allowed: from the platform" {
		t.Errorf("with the bundle: %q", got)
	}
	p.spec.CABundle, p.files = "", []*os.File{connect()}
	if got := p.run(t); !strings.Contains(got, "x509:") {
		t.Errorf("without the bundle: %q", got)
	}
}

// An earlier launch of the program left a link where the bundle goes: the host does not write through it.
func TestCommandFollowsNoLink(t *testing.T) {
	dir := openDir(t)
	victim, bundle := filepath.Join(dir, "victim"), filepath.Join(dir, "ca.pem")
	for path, content := range map[string]string{victim: "precious", bundle: "certificates"} {
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p := newProgram(t, "read-file", bundleName)
	p.spec.CABundle = bundle
	if err := os.Symlink(victim, filepath.Join(p.spec.PrivateDir, bundleName)); err != nil {
		t.Fatal(err)
	}
	if got := p.run(t); got != `allowed: "certificates"` {
		t.Errorf("the program reads %q", got)
	}
	if content, err := os.ReadFile(victim); err != nil || string(content) != "precious" {
		t.Errorf("the link's target holds %q, %v", content, err)
	}
	// The same with the whole directory.
	if err := os.RemoveAll(p.spec.PrivateDir); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(dir, p.spec.PrivateDir); err != nil {
		t.Fatal(err)
	}
	p.spec.Args = []string{"probe"}
	if _, err := Command(p.spec); err == nil {
		t.Error("a link is taken for the private directory")
	}
}

func TestLimits(t *testing.T) {
	for attempt, limit := range map[string]struct {
		rlimits Rlimits
		want    string
	}{
		"fill-memory": {Rlimits{DataBytes: 256 << 20}, "failed: fatal error: "},
		"fill-file":   {Rlimits{FileBytes: 1 << 20}, "killed: file size limit exceeded"},
		"many-files":  {Rlimits{OpenFiles: 64}, "refused: after "},
	} {
		p := newProgram(t, attempt)
		p.spec.Rlimits = limit.rlimits
		got := p.run(t)
		if attempt == "fill-file" && strings.HasPrefix(got, "refused:") && strings.HasSuffix(got, "file too large") {
			continue // the Go runtime turns the signal off
		}
		if !strings.HasPrefix(got, limit.want) {
			t.Errorf("%s: %q, want %q", attempt, got, limit.want)
		}
	}
	if os.Geteuid() != 0 {
		return // a limit on the tasks of a user id that others share would hit them
	}
	p := newProgram(t, "thread-bomb")
	p.spec.Rlimits = Rlimits{Tasks: 64}
	if got := p.run(t); !strings.HasPrefix(got, "failed: runtime: failed to create new OS thread") {
		t.Errorf("thread-bomb: %q", got)
	}
}

// The program dies when its host is killed.
func TestHostDeath(t *testing.T) {
	host := newHostProcess(t, hostVariable)
	out, err := host.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	if !running(pid) {
		t.Fatal("the program does not run")
	}
	if err := host.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = host.Wait()
	for deadline := time.Now().Add(20 * time.Second); running(pid); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			_ = unix.Kill(pid, unix.SIGKILL)
			t.Fatal("the program outlives its host")
		}
	}
}

// running reports whether the process exists and is no zombie.
func running(pid int) bool {
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(status), ") ")
	return state != "" && state[0] != 'Z' && state[0] != 'X'
}

// A script runs with the runtime paths that it was given, and not without.
func TestScript(t *testing.T) {
	script := "#!/bin/sh\necho script \"$1\"\n[ -r /etc/passwd ] && read line < /etc/passwd && echo \"$line\"\necho done\n"
	binary, err := SealFrom(strings.NewReader(script), sha256.Sum256([]byte(script)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = binary.Close() }()
	p := newProgram(t, "argument")
	p.spec.Binary = binary
	if got := p.run(t); !strings.HasPrefix(got, "failed: confining program: executing the program: permission denied") {
		t.Errorf("without runtime paths: %q", got)
	}
	for _, path := range []string{"/bin", "/usr/bin", "/lib", "/lib64", "/usr/lib", "/usr/lib64"} {
		if _, err := os.Stat(path); err == nil {
			p.spec.Runtime = append(p.spec.Runtime, path)
		}
	}
	cmd := p.command(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	out, err := cmd.CombinedOutput()
	said := string(out)
	if err != nil || !strings.HasPrefix(said, "script argument\n") || !strings.HasSuffix(said, "done\n") {
		t.Errorf("with runtime paths: %q, %v", said, err)
	}
	if strings.Contains(said, "root:") {
		t.Errorf("the script read what it should not: %q", said)
	}
}
