package doctor

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"

	"github.com/landlock-lsm/go-landlock/landlock"

	"github.com/patchbay/patchbay/host/internal/supervisor/confine"
	"github.com/patchbay/patchbay/host/internal/supervisor/doctor/probe"
)

const (
	probeVariable = "DOCTOR_TEST_PROBE" // where the probe is built already
	// unfilteredArgument, with a user id, a directory and the probe's arguments, restricts paths alone and becomes the probe.
	unfilteredArgument = "unfiltered"
)

// TestMain is what the host's main does, and builds a static probe.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 {
		switch os.Args[1] {
		case confine.ShimArgument:
			fmt.Fprintln(os.Stderr, confine.Shim(os.Args[2:]))
			os.Exit(125)
		case probe.Argument:
			os.Exit(probe.Run(os.Args[2:], os.Stdin, os.Stdout))
		case unfilteredArgument:
			if err := restrictPathsAlone(os.Args[2], os.Args[3]); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			os.Exit(probe.Run(os.Args[5:], os.Stdin, os.Stdout))
		}
	}
	os.Exit(testsWithProbe(m))
}

func testsWithProbe(m *testing.M) int {
	if os.Getenv(probeVariable) == "" {
		dir, err := os.MkdirTemp("", "doctor-probe-")
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

// restrictPathsAlone is confinement without the filters.
func restrictPathsAlone(uid, dir string) error {
	id, err := strconv.Atoi(uid)
	if err != nil {
		return err
	}
	if id != 0 {
		if err := errors.Join(syscall.Setgroups(nil), syscall.Setresgid(id, id, id), syscall.Setresuid(id, id, id)); err != nil {
			return err
		}
	}
	if err := os.Chdir(filepath.Join(dir, "private")); err != nil {
		return err
	}
	return landlock.V1.RestrictPaths(landlock.RWDirs(dir))
}

// TestAsOrdinaryUser runs the tests once more as a host that is nobody special.
func TestAsOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("this is an ordinary user already")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.Command("/proc/self/exe", "-test.run=^Test(Examination|Without)")
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "HOME=/")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: 65534, Gid: 65534}, Pdeathsig: syscall.SIGKILL,
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
