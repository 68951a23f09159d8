package confine

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The environment of the test binary when it is run again.
const (
	probeVariable = "CONFINE_TEST_PROBE" // where the probe is built already
	hostVariable  = "CONFINE_TEST_HOST"  // set: be a host that starts a program in this directory and waits
	guardVariable = "CONFINE_TEST_GUARD" // set: be a protected host, see TestCommandOfProtectedHost
)

// TestMain is what the host's main does, and builds the hostile program.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == ShimArgument {
		err := Shim(os.Args[2:])
		fmt.Fprintln(os.Stderr, err)
		os.Exit(125)
	}
	if dir := os.Getenv(hostVariable); dir != "" {
		fmt.Fprintln(os.Stderr, beHost(dir))
		os.Exit(1)
	}
	if dir := os.Getenv(guardVariable); dir != "" {
		fmt.Fprintln(os.Stderr, beProtectedHost(dir))
		os.Exit(1)
	}
	os.Exit(testsWithProbe(m))
}

func testsWithProbe(m *testing.M) int {
	if os.Getenv(probeVariable) == "" {
		dir, err := os.MkdirTemp("", "confine-probe-")
		if err == nil {
			err = os.Chmod(dir, 0o755)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		path := filepath.Join(dir, "probe")
		build := exec.Command("go", "build", "-o", path, "./testdata/probe")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, buildErr := build.CombinedOutput(); err != nil || buildErr != nil {
			fmt.Fprintf(os.Stderr, "building the probe: %v\n%s", errors.Join(err, buildErr), out)
			return 1
		}
		_ = os.Setenv(probeVariable, path)
	}
	return m.Run()
}

// TestAsOrdinaryUser runs the tests of confined programs once more, as a host that is nobody special.
func TestAsOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("this is an ordinary user already")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.Command("/proc/self/exe", "-test.run=^Test(Escapes|Allowed|Limits|HostDeath|Script|Seal|Command)")
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "HOME=/")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: 65534, Gid: 65534}, Pdeathsig: syscall.SIGKILL,
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// program is one that a test runs.
type program struct {
	spec  Spec
	args  []string
	files []*os.File
}

// newProgram is the probe with directories and, where the host is root, a user id of its own.
func newProgram(t *testing.T, args ...string) *program {
	t.Helper()
	binary, err := sealedProbe()
	if err != nil {
		t.Fatal(err)
	}
	return &program{spec: withID(Spec{Binary: binary, PrivateDir: openDir(t), SocketDir: openDir(t)}), args: args}
}

// withID gives the program a user id of its own where the host can.
func withID(spec Spec) Spec {
	if os.Geteuid() == 0 {
		spec.UID, spec.GID = 54321, 54321
	}
	return spec
}

// openDir makes a directory that every user can reach.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "confine-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// sealedProbe is made once for all tests.
var sealedProbe = sync.OnceValues(func() (*os.File, error) {
	path := os.Getenv(probeVariable)
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Seal(path, sha256.Sum256(content))
})

// command builds the confined command.
func (p *program) command(t *testing.T) *exec.Cmd {
	t.Helper()
	p.spec.Args = append([]string{"probe"}, p.args...)
	cmd := &exec.Cmd{ExtraFiles: p.files}
	if err := Wrap(cmd, p.spec); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// run runs the program confined and returns the last line of what it said, or how it ended.
func (p *program) run(t *testing.T) string {
	t.Helper()
	return outcome(p.command(t))
}

// runPlain runs it as any other child of this process.
func (p *program) runPlain(t *testing.T) string {
	t.Helper()
	cmd := exec.Command(os.Getenv(probeVariable), p.args...)
	cmd.Dir = openDir(t)
	cmd.ExtraFiles = p.files
	return outcome(cmd)
}

func outcome(cmd *exec.Cmd) string {
	runtime.LockOSThread() // the program dies with the thread that started it
	defer runtime.UnlockOSThread()
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.WaitDelay = time.Minute
	err := cmd.Run()
	lines := strings.Split(strings.TrimSpace(said.String()), "\n")
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && !exit.Exited():
		return "killed: " + exit.Sys().(syscall.WaitStatus).Signal().String()
	case errors.As(err, &exit):
		return fmt.Sprintf("failed: %s", lines[0])
	case err != nil:
		return "failed: " + err.Error()
	}
	return lines[len(lines)-1]
}

// beHost starts a program that waits, says its pid, and waits too.
func beHost(dir string) error {
	runtime.LockOSThread()
	binary, err := sealedProbe()
	if err != nil {
		return err
	}
	cmd, err := Command(withID(Spec{Binary: binary, Args: []string{"probe", "wait"}, PrivateDir: dir}))
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		return err
	}
	fmt.Println(cmd.Process.Pid)
	return cmd.Wait()
}

// beProtectedHost says whether a plain child can read its memory, and whether a confined program still runs.
func beProtectedHost(dir string) error {
	if err := ProtectHost(); err != nil {
		return err
	}
	fmt.Println(outcome(exec.Command(os.Getenv(probeVariable), "host-memory")))
	binary, err := sealedProbe()
	if err != nil {
		return err
	}
	cmd, err := Command(withID(Spec{Binary: binary, Args: []string{"probe", "own-file"}, PrivateDir: dir}))
	if err != nil {
		return err
	}
	fmt.Println(outcome(cmd))
	os.Exit(0)
	return nil
}
