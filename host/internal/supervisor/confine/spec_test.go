package confine

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// newHostProcess runs this binary as a host of the kind that the variable says.
func newHostProcess(t *testing.T, variable string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), variable+"="+openDir(t))
	cmd.Stderr = os.Stderr
	return cmd
}

func TestCommandRefuses(t *testing.T) {
	for name, spoil := range map[string]func(s *Spec){
		"no binary":              func(s *Spec) { s.Binary = nil },
		"no arguments":           func(s *Spec) { s.Args = nil },
		"no directory":           func(s *Spec) { s.PrivateDir = "" },
		"relative directory":     func(s *Spec) { s.PrivateDir = "adapter" },
		"missing directory":      func(s *Spec) { s.PrivateDir = filepath.Join(s.PrivateDir, "missing") },
		"relative runtime":       func(s *Spec) { s.Runtime = []string{"lib"} },
		"missing bundle":         func(s *Spec) { s.CABundle = "/missing.pem" },
		"user without group":     func(s *Spec) { s.UID, s.GID = 4711, 0 },
		"negative user":          func(s *Spec) { s.UID, s.GID = -1, -1 },
		"capabilities":           func(s *Spec) { s.Capabilities = []int{0} },
		"somebody else's rights": func(s *Spec) { s.UID, s.GID = othersID(), othersID() },
	} {
		p := newProgram(t)
		p.spec.Args = []string{"probe"}
		spoil(&p.spec)
		if _, err := Command(p.spec); err == nil {
			t.Errorf("%s: Command takes it", name)
		}
	}
}

// othersID is an id that this host may not give: root's own when it is root, another when it is not.
func othersID() int {
	if os.Geteuid() == 0 {
		return 0
	}
	return 54321
}

// A host that called ProtectHost cannot be read by others of its user id, and can still start programs.
func TestCommandOfProtectedHost(t *testing.T) {
	out, err := newHostProcess(t, guardVariable).Output()
	if err != nil {
		t.Fatal(err)
	}
	plain, confined, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if os.Geteuid() != 0 && !strings.HasPrefix(plain, "refused:") { // root reads everything
		t.Errorf("a plain child opening the host's memory: %q", plain)
	}
	if confined != "allowed: mine" {
		t.Errorf("a confined program: %q", confined)
	}
}

func TestContainers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root runs containers this way")
	}
	s := newSurroundings(t)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"read-file", s.secret}, "allowed:"},
		{[]string{"execute-child", "/bin/true"}, "allowed:"},
		{[]string{"chmod-file", s.victim}, "allowed:"},
		{[]string{"connect-unix", s.stream}, "allowed: connected"}, // it is root: a path is no border to it
		{[]string{"socket-tcp"}, "allowed:"},                       // in a network where nothing is
		{[]string{"io-uring"}, "refused: operation not permitted"},
		{[]string{"trace-host"}, "refused: operation not permitted"},
		{[]string{"int80-socket"}, "killed: bad system call"},
		{[]string{"identity"}, "allowed: uid 0 0 gid 0 0 groups "},
	} {
		p := newProgram(t, c.args...)
		p.spec.UID, p.spec.GID, p.spec.Containers = 0, 0, true
		p.spec.Capabilities = []int{unix.CAP_SYS_ADMIN, unix.CAP_CHOWN}
		got := p.run(t)
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("%v: %q, want %q", c.args, got, c.want)
		}
		if c.args[0] == "identity" && !strings.Contains(got, " capabilities 200001 bounding 2 ") {
			t.Errorf("the capabilities are not those listed: %q", got)
		}
	}
}

func TestWrapKeepsTheCallersPart(t *testing.T) {
	p := newProgram(t)
	p.spec.Args = []string{"probe", "x"}
	cmd := &exec.Cmd{Env: []string{"A=1"}, ExtraFiles: []*os.File{os.Stdin}, SysProcAttr: &syscall.SysProcAttr{Noctty: true}}
	if err := Wrap(cmd, p.spec); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(cmd.Env, "A=1") || cmd.ExtraFiles[0] != os.Stdin || len(cmd.ExtraFiles) != 2 || cmd.Path != "/proc/self/exe" ||
		!cmd.SysProcAttr.Noctty || !cmd.SysProcAttr.Setpgid || cmd.SysProcAttr.Pdeathsig != syscall.SIGKILL {
		t.Errorf("the command is %+v", cmd)
	}
	for _, entry := range cmd.Env {
		if strings.HasPrefix(entry, "PATH=") {
			t.Error("the host's environment is inherited")
		}
	}
}

func TestShimRefusesToBeRunByHand(t *testing.T) {
	for _, args := range [][]string{nil, {"x", "y"}, {"no order"}} {
		if err := Shim(args); err == nil {
			t.Errorf("Shim(%q) succeeds", args)
		}
	}
}

func TestProbe(t *testing.T) {
	r := Probe()
	if len(r.Missing) > 0 || r.LandlockABI == 0 || !r.Seccomp || !r.ExecutableMemory {
		t.Errorf("the other tests need a kernel with everything: %+v", r)
	}
}
