package doctor

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/patchbay/patchbay/host/internal/supervisor/confine"
	"github.com/patchbay/patchbay/host/internal/supervisor/doctor/probe"
)

// timeout bounds an examination, which takes a second or two.
const timeout = 2 * time.Minute

// Config says what is examined.
type Config struct {
	// Executable is a statically linked program that hands over to probe.Run when its first argument is probe.Argument. Optional; the
	// running binary when empty.
	Executable string
}

// program answers where the program is, for it to be executed by name.
func (c Config) program() (string, error) {
	if c.Executable != "" {
		return c.Executable, nil
	}
	return os.Executable()
}

// Run examines the machine. The running binary must hand over to confine.Shim and probe.Run before anything else, as host.Shim does. It
// fails when the program cannot be run at all, confined or not; the report then holds what is known of the kernel.
func Run(ctx context.Context, config Config) (Report, error) {
	x := &examination{confine: confine.Wrap}
	if err := x.run(ctx, config); err != nil {
		return x.report, fmt.Errorf("examining the confinement of adapters: %w", err)
	}
	return x.report, nil
}

// examination is one run.
type examination struct {
	// confine turns a command into one that runs confined.
	confine func(cmd *exec.Cmd, spec confine.Spec) error

	ownUID bool
	scene  *scene
	report Report
}

func (x *examination) run(ctx context.Context, config Config) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	x.ownUID = os.Geteuid() == 0
	x.report.Kernel = kernel(x.ownUID)
	program, err := config.program()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	binary, err := sealProgram(config.Executable)
	if err != nil {
		return err
	}
	defer func() { _ = binary.Close() }() // sealed memory: nothing to lose
	if x.scene, err = newScene(ctx, program, binary, x.ownUID); err != nil {
		return fmt.Errorf("preparing: %w", err)
	}
	defer x.scene.close()
	x.report.Probes, err = x.probes(ctx, binary)
	return err
}

func kernel(ownUID bool) Kernel {
	offers := confine.Probe()
	return Kernel{LandlockABI: offers.LandlockABI, Seccomp: offers.Seccomp, SealedMemfd: offers.ExecutableMemory, OwnUID: ownUID, Missing: offers.Missing}
}

// probes tries everything: confined, then what was refused unconfined, then what file permissions refused with another user id.
func (x *examination) probes(ctx context.Context, binary *os.File) ([]Probe, error) {
	attempts := probe.Attempts(x.ownUID)
	var names []string
	for _, a := range attempts {
		names = append(names, a.Name)
	}
	confined, err := x.try(ctx, names, x.startConfined)
	if err != nil {
		return nil, fmt.Errorf("trying as an adapter: %w", err)
	}
	var again, permissions []string
	for _, a := range attempts {
		if r := confined[a.Name]; r.State == probe.Refused && !a.Egress && !a.Allowed {
			again = append(again, a.Name)
			if x.ownUID && r.deniedByMode() {
				permissions = append(permissions, a.Name)
			}
		}
	}
	plain, err := x.try(ctx, again, x.startPlain)
	if err != nil {
		return nil, fmt.Errorf("trying unconfined: %w", err)
	}
	other, err := x.try(ctx, permissions, x.startOther)
	if err != nil {
		return nil, fmt.Errorf("trying with another user id: %w", err)
	}
	list := tryBinary(binary)
	for _, a := range attempts {
		list = append(list, judge(a, confined[a.Name], plain[a.Name], other[a.Name]))
	}
	return list, nil
}
