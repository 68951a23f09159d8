package doctor

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/patchbay/patchbay/host/internal/supervisor/doctor/probe"
)

func TestJudge(t *testing.T) {
	refused := func(errno syscall.Errno) result {
		return result{Result: probe.Result{State: probe.Refused, Errno: errno}}
	}
	allowed, untried := result{Result: probe.Result{State: probe.Allowed}}, result{}
	killed, ended := refused(0), refused(0)
	killed.signal, ended.ended = syscall.SIGSYS, true
	policy := refused(0)
	policy.By = "egress policy"
	plain, filtered := probe.Attempt{}, probe.Attempt{Filtered: true}
	for name, c := range map[string]struct {
		attempt                 probe.Attempt
		confined, unconf, other result
		want                    string
	}{
		"let through":                           {plain, allowed, untried, untried, ""},
		"by a filter":                           {filtered, refused(unix.EPERM), allowed, untried, "seccomp"},
		"by a filter, as unknown":               {filtered, refused(unix.ENOSYS), allowed, untried, "seccomp"},
		"by a filter's signal":                  {filtered, killed, refused(unix.ENOSYS), untried, "seccomp"},
		"by nothing that confinement adds":      {filtered, refused(unix.EPERM), refused(unix.ENOENT), untried, nothingToRefuse},
		"a path":                                {plain, refused(unix.EACCES), allowed, untried, "landlock"},
		"a path that others can reach":          {plain, refused(unix.EACCES), allowed, allowed, "landlock"},
		"a path that others cannot reach":       {plain, refused(unix.EACCES), allowed, refused(unix.EACCES), "own uid"},
		"a privilege":                           {plain, refused(unix.EPERM), allowed, untried, "no capabilities"},
		"too much":                              {plain, refused(unix.ENOMEM), allowed, untried, "rlimit"},
		"too much for the runtime":              {plain, ended, allowed, untried, "rlimit"},
		"a dial":                                {probe.Attempt{Egress: true}, policy, untried, untried, "egress policy"},
		"a dial that failed, which is no proof": {probe.Attempt{Egress: true}, refused(0), untried, untried, nothingToRefuse},
		"nobody knows":                          {plain, refused(unix.EIO), allowed, untried, "the kernel"},
	} {
		p := judge(c.attempt, c.confined, c.unconf, c.other)
		if p.By != c.want || (p.Outcome == Allowed) != (c.want == "") {
			t.Errorf("%s: %s by %q, want %q", name, p.Outcome, p.By, c.want)
		}
	}
}

// A program that needs a dynamic linker is told so, instead of failing somewhere in the kernel.
func TestDynamicProgram(t *testing.T) {
	_, err := Run(t.Context(), Config{Executable: "/bin/sh"})
	if err == nil || !strings.Contains(err.Error(), "CGO_ENABLED=0") {
		t.Errorf("a dynamic program is told as %v", err)
	}
}

// A program that does not try anything is no machine without defects.
func TestDumbProgram(t *testing.T) {
	for _, output := range []string{"not JSON\n", `{"Name":"x","State":"elsewhere"}` + "\n"} {
		if tried, _, err := listen(t.Context(), strings.NewReader(output)); err == nil || len(tried) > 0 {
			t.Errorf("%q gives %v, %v", output, tried, err)
		}
	}
	tried, current, err := listen(t.Context(), strings.NewReader(`{"Name":"a","State":"trying"}`+"\n"))
	if err != nil || len(tried) > 0 || current != "a" {
		t.Errorf("an attempt without an end gives %v, %q, %v", tried, current, err)
	}
}

func FuzzListen(f *testing.F) {
	f.Add(`{"Name":"a","State":"trying"}` + "\n" + `{"Name":"a","State":"refused","Errno":1}` + "\n")
	f.Add(`{"Name":"a","State":"allowed"}`)
	f.Add("{")
	f.Fuzz(func(t *testing.T, output string) {
		if strings.Contains(strings.ToLower(output), "serving") {
			return // it would be connected to
		}
		tried, _, _ := listen(t.Context(), strings.NewReader(output))
		for _, r := range tried {
			if r.State != probe.Allowed && r.State != probe.Refused {
				t.Errorf("a result of state %q", r.State)
			}
		}
	})
}

// An examination that is called off ends, says so and leaves nothing.
func TestCalledOff(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	if os.Geteuid() == 0 {
		for _, dir := range []string{os.TempDir(), filepath.Dir(os.TempDir())} {
			if err := os.Chmod(dir, 0o711); err != nil {
				t.Fatal(err)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, Config{Executable: os.Getenv(probeVariable)}); !errors.Is(err, context.Canceled) {
		t.Errorf("it ends with %v", err)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
