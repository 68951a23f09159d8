package confine

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func newHostProcess(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), hostVariable+"="+openDir(t))
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
	if len(r.Missing) > 0 || r.LandlockABI < minLandlockABI || !r.Seccomp || !r.ExecutableMemory {
		t.Errorf("the other tests need a kernel with everything: %+v", r)
	}
}
