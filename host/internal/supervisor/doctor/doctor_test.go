package doctor

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/host/internal/supervisor/confine"
	"github.com/patchbay/patchbay/host/internal/supervisor/doctor/probe"
)

// examine runs an examination whose confinement is what change makes of the real one.
func examine(t *testing.T, change func(x *examination)) map[string]Probe {
	t.Helper()
	x := &examination{confine: confine.Wrap, ownUID: os.Geteuid() == 0}
	program := os.Getenv(probeVariable)
	binary, err := sealProgram(program)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = binary.Close() }()
	if x.scene, err = newScene(t.Context(), program, binary, x.ownUID); err != nil {
		t.Fatal(err)
	}
	defer x.scene.close()
	change(x)
	list, err := x.probes(t.Context(), binary)
	if err != nil {
		t.Fatal(err)
	}
	probes := map[string]Probe{}
	for _, p := range list {
		probes[p.Name] = p
	}
	return probes
}

// TestExamination finds everything as it should be, and knows what stopped it where that is the same on every machine.
func TestExamination(t *testing.T) {
	parent := t.TempDir()
	if err := os.Chmod(parent, 0o711); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(parent), 0o711); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", parent)
	report, err := Run(t.Context(), Config{Executable: os.Getenv(probeVariable)})
	if err != nil {
		t.Fatal(err)
	}
	if wrong := report.Unexpected(); len(wrong) > 0 {
		t.Errorf("not as expected: %v", wrong)
	}
	by := map[string]string{}
	for _, p := range report.Probes {
		by[p.Name] = p.By
		if (p.Outcome == Refused) != (p.By != "") {
			t.Errorf("%s is %s by %q", p.Name, p.Outcome, p.By)
		}
		if strings.Contains(p.By, "kernel") {
			t.Errorf("nobody knows what refused %s: %s", p.Name, p.Detail)
		}
	}
	for stopper, names := range expectations() {
		for _, name := range names {
			if got, found := by[name]; !found || got != stopper {
				t.Errorf("%s is refused by %q, want %q", name, got, stopper)
			}
		}
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// expectations are attempts by what stops them, on a machine that offers everything.
func expectations() map[string][]string {
	list := map[string][]string{
		"":                   {"use-own-directory", "work-in-threads", "serve-unix-socket", "use-passed-connection", "https-to-declared-host"},
		"landlock":           {"read-file-outside", "read-by-own-link", "list-root", "write-file-outside", "execute-by-descriptor"},
		"sealed memfd":       {"change-checked-program"},
		"pinned digest":      {"run-replaced-program"},
		"closed descriptors": {"use-leftover-descriptor"},
		"empty environment":  {"read-inherited-environment"},
		"rlimit":             {"take-memory", "write-large-file"},
		"egress policy": {"dial-undeclared-host", "dial-undeclared-port", "dial-undeclared-address", "dial-name-of-loopback",
			"dial-name-of-metadata-service", "dial-for-ended-call", "hand-descriptor-to-host"},
		"seccomp": {"connect-other-adapter", "dial-tcp", "listen-tcp", "send-udp", "send-unix-datagram", "send-from-socketpair",
			"reconnect-passed-connection", "netlink-socket", "change-file-mode-outside", "signal-host", "outlive-host", "start-process",
			"execute-program", "read-process-memory", "trace-process"},
	}
	if os.Geteuid() == 0 {
		list["own uid"] = []string{"read-host-environ", "read-host-memory", "list-host-descriptors", "read-host-keys"}
		list["no capabilities"] = []string{"become-root"}
		list["rlimit"] = append(list["rlimit"], "start-many-threads")
	} else {
		list["landlock"] = append(list["landlock"], "read-host-environ", "read-host-memory", "list-host-descriptors", "read-host-keys")
		list[nothingToRefuse] = []string{"become-root"}
	}
	return list
}

// Without any confinement every attempt comes out as allowed, but for those that no machine would let through.
func TestWithoutConfinement(t *testing.T) {
	probes := examine(t, func(x *examination) {
		x.confine = func(cmd *exec.Cmd, spec confine.Spec) error {
			cmd.Path = fmt.Sprint("/proc/self/fd/", x.scene.scene.BinaryFD)
			cmd.Dir, cmd.ExtraFiles = spec.PrivateDir, append(cmd.ExtraFiles, spec.Binary)
			cmd.Env = append(os.Environ(), "HOME="+spec.PrivateDir, "SSL_CERT_FILE="+spec.CABundle)
			return nil
		}
	})
	for _, a := range probe.Attempts(os.Geteuid() == 0) {
		if p := probes[a.Name]; p.Outcome == Refused && !a.Egress && p.By != nothingToRefuse {
			t.Errorf("%s is refused by %q: %s", p.Name, p.By, p.Detail)
		}
	}
	wantWrong(t, probes, append(expectations()["seccomp"], "read-file-outside", "read-host-keys", "use-leftover-descriptor",
		"read-inherited-environment", "take-memory", "execute-by-descriptor"))
}

func TestWithoutFilters(t *testing.T) {
	probes := examine(t, func(x *examination) {
		x.confine = func(cmd *exec.Cmd, spec confine.Spec) error {
			cmd.Args = append([]string{"probe", unfilteredArgument, fmt.Sprint(spec.UID), spec.SocketDir}, spec.Args[1:]...)
			cmd.Env = []string{"HOME=" + spec.PrivateDir, "SSL_CERT_FILE=" + spec.CABundle}
			if spec.UID == 0 {
				return nil
			}
			for _, dir := range []string{spec.SocketDir, spec.PrivateDir} {
				if err := os.Lchown(dir, spec.UID, spec.GID); err != nil {
					return err
				}
			}
			return nil
		}
	})
	wantWrong(t, probes, []string{"dial-tcp", "send-udp", "netlink-socket", "ipv6-socket", "send-unix-datagram", "send-from-socketpair",
		"reconnect-passed-connection", "outlive-host"})
	wantRight(t, probes, "landlock", []string{"read-file-outside", "write-file-outside", "list-root"})
}

func TestWithoutPathRules(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root runs containers")
	}
	probes := examine(t, func(x *examination) {
		x.confine = func(cmd *exec.Cmd, spec confine.Spec) error {
			spec.Containers = true
			return confine.Wrap(cmd, spec)
		}
	})
	wantWrong(t, probes, []string{"read-file-outside", "read-by-own-link", "list-root", "write-file-outside"})
}

func TestWithoutLimits(t *testing.T) {
	probes := examine(t, func(x *examination) {
		x.confine = func(cmd *exec.Cmd, spec confine.Spec) error {
			spec.Rlimits = confine.Rlimits{}
			return confine.Wrap(cmd, spec)
		}
	})
	wantWrong(t, probes, []string{"take-memory", "write-large-file"})
}

func TestWithoutPolicy(t *testing.T) {
	probes := examine(t, func(x *examination) {
		p := x.scene.platform
		p.strict.AllowPrivate = true
		p.local.Hosts = append(p.local.Hosts, fmt.Sprint("127.0.0.1:", p.calls.Port))
	})
	wantWrong(t, probes, []string{"dial-name-of-loopback", "dial-undeclared-address"})
	wantRight(t, probes, "egress policy", []string{"dial-undeclared-host", "dial-for-ended-call"})
}

func wantWrong(t *testing.T, probes map[string]Probe, names []string) {
	t.Helper()
	for _, name := range names {
		if p := probes[name]; p.Outcome != Allowed || p.Expected != Refused {
			t.Errorf("%s is %s by %q (%s), which the doctor takes for right", name, p.Outcome, p.By, p.Detail)
		}
	}
	report := Report{}
	for _, p := range probes {
		report.Probes = append(report.Probes, p)
	}
	for _, name := range names {
		if !slices.Contains(report.Unexpected(), name) {
			t.Errorf("%s is not told as unexpected", name)
		}
	}
}

func wantRight(t *testing.T, probes map[string]Probe, by string, names []string) {
	t.Helper()
	for _, name := range names {
		if p := probes[name]; p.Outcome != Refused || p.By != by {
			t.Errorf("%s is %s by %q, want refused by %q", name, p.Outcome, p.By, by)
		}
	}
}
