package supervisor

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Resources bound what an adapter's process may use. Memory is told to Go as its soft limit (GOMEMLIMIT) everywhere; where the host's
// own control group (cgroup v2) is its to divide, the kernel bounds memory and shares the processor too.
type Resources struct {
	// MemoryBytes is what a process should keep below; the kernel ends one that takes twice that. 256 MiB when 0.
	MemoryBytes int64
	// CPUWeight is the share of the processor when there is not enough, from 1 to 10,000, beside the host's 100. 50 when 0.
	CPUWeight int
	// CgroupRoot is where the control groups are mounted; /sys/fs/cgroup when "".
	CgroupRoot string
}

func (r Resources) withDefaults() Resources {
	if r.MemoryBytes == 0 {
		r.MemoryBytes = 256 << 20
	}
	if r.CPUWeight == 0 {
		r.CPUWeight = 50
	}
	if r.CgroupRoot == "" {
		r.CgroupRoot = "/sys/fs/cgroup"
	}
	return r
}

// groups makes a control group for each launch. The zero value makes none.
type groups struct {
	resources Resources
	parent    string // "" where there can be none
	made      atomic.Int64
}

// openGroups divides the host's own control group, where the service manager gave it to the host to divide (systemd's Delegate=yes):
// the host moves into one below it, for a group with processes cannot be divided, and the adapters get others beside. It fails where
// that is not so, and then nothing has changed. table is /proc/self/cgroup.
func openGroups(r Resources, table string) (*groups, error) {
	own, err := ownGroup(r.CgroupRoot, table)
	if err != nil {
		return &groups{resources: r}, err
	}
	if !delegated(own) {
		return &groups{resources: r}, errors.New("the host's control group was not given to it to divide (systemd: Delegate=yes)")
	}
	offered, err := os.ReadFile(filepath.Join(own, "cgroup.controllers"))
	if err != nil {
		return &groups{resources: r}, fmt.Errorf("reading the control group: %w", err)
	}
	for _, controller := range []string{"memory", "cpu"} {
		if !strings.Contains(" "+strings.TrimSpace(string(offered))+" ", " "+controller+" ") {
			return &groups{resources: r}, errors.New("the control group does not have the controller " + controller)
		}
	}
	host := filepath.Join(own, "patchbay-host")
	if err := os.Mkdir(host, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return &groups{resources: r}, fmt.Errorf("dividing the control group: %w", err)
	}
	if err := writeGroup(host, "cgroup.procs", strconv.Itoa(os.Getpid())); err != nil {
		return &groups{resources: r}, errors.Join(err, os.Remove(host))
	}
	if err := writeGroup(own, "cgroup.subtree_control", "+memory +cpu"); err != nil {
		back := writeGroup(own, "cgroup.procs", strconv.Itoa(os.Getpid()))
		return &groups{resources: r}, errors.Join(err, back, os.Remove(host))
	}
	return &groups{resources: r, parent: own}, nil
}

// ownGroup answers the folder of this process' control group of the second version.
func ownGroup(root, table string) (string, error) {
	f, err := os.Open(table)
	if err != nil {
		return "", fmt.Errorf("reading the control group: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if path, ok := strings.CutPrefix(lines.Text(), "0::"); ok {
			own := filepath.Join(root, path)
			_, err := os.Stat(filepath.Join(own, "cgroup.procs"))
			if path == "/" || err != nil {
				return "", errors.New("the host has no control group (cgroup v2) of its own")
			}
			return own, nil
		}
	}
	return "", errors.New("there are no control groups of the second version (cgroup v2)")
}

// delegated says whether the service manager marked a group as given away.
func delegated(dir string) bool {
	var value [8]byte
	for _, name := range []string{"user.delegate", "trusted.delegate"} {
		if n, err := unix.Getxattr(dir, name, value[:]); err == nil && string(value[:n]) == "1" {
			return true
		}
	}
	return false
}

func writeGroup(dir, file, value string) error {
	if err := os.WriteFile(filepath.Join(dir, file), []byte(value), 0o644); err != nil {
		return fmt.Errorf("writing the control group's %s: %w", file, err)
	}
	return nil
}

// open makes a group for a launch and answers its folder, open, or nil where there are no groups. The folder is to be removed after the
// process.
func (g *groups) open(name string) (*os.File, error) {
	if g.parent == "" {
		return nil, nil
	}
	dir := filepath.Join(g.parent, fmt.Sprintf("adapter-%s-%d", name, g.made.Add(1)))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making a control group: %w", err)
	}
	memory := g.resources.MemoryBytes
	err := errors.Join(writeGroup(dir, "memory.max", strconv.FormatInt(2*memory, 10)), writeGroup(dir, "memory.high", strconv.FormatInt(memory+memory/2, 10)),
		writeGroup(dir, "cpu.weight", strconv.Itoa(g.resources.CPUWeight)))
	var f *os.File
	if err == nil {
		f, err = os.Open(dir)
	}
	if err != nil {
		return nil, errors.Join(err, os.Remove(dir))
	}
	return f, nil
}
