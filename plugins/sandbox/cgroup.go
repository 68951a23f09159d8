package main

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// groupParent holds a control group for each sandbox, outside the adapter's own.
const groupParent = "/patchbay-sandboxes"

const groupRoot = "/sys/fs/cgroup"

// groupDirs answers where the control groups of a sandbox are: one for each controller of the first version, or one of the second.
func groupDirs(id string) []string {
	own := filepath.Join(groupParent, id)
	if _, err := os.Stat(filepath.Join(groupRoot, "cgroup.controllers")); err == nil {
		return []string{filepath.Join(groupRoot, own)}
	}
	found, err := filepath.Glob(filepath.Join(groupRoot, "*", own))
	if err != nil {
		return nil
	}
	return found
}

// groupFile reads one number or text of a controller; the names are those of the first and of the second version.
func groupFile(id, controller, first, second string) (string, error) {
	if _, err := os.Stat(filepath.Join(groupRoot, "cgroup.controllers")); err == nil {
		raw, err := os.ReadFile(filepath.Join(groupRoot, groupParent, id, second))
		return strings.TrimSpace(string(raw)), err
	}
	raw, err := os.ReadFile(filepath.Join(groupRoot, controller, groupParent, id, first))
	return strings.TrimSpace(string(raw)), err
}

func number(text string, err error) uint64 {
	n, parseErr := strconv.ParseUint(text, 10, 64)
	if err != nil || parseErr != nil {
		return 0
	}
	return n
}

// processesOf counts what runs in a sandbox's control groups, also where its runtime has forgotten it.
func processesOf(id string) int {
	most := 0
	for _, dir := range groupDirs(id) {
		raw, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		if err == nil {
			most = max(most, len(strings.Fields(string(raw))))
		}
	}
	return most
}

// killGroup ends what runs in a sandbox's control groups.
func killGroup(id string) {
	for _, dir := range groupDirs(id) {
		if strings.Contains(dir, "/freezer/") {
			_ = os.WriteFile(filepath.Join(dir, "freezer.state"), []byte("THAWED"), 0) // it may not be frozen
		}
		raw, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		if err != nil {
			continue
		}
		for _, pid := range strings.Fields(string(raw)) {
			if n, err := strconv.Atoi(pid); err == nil && n > 1 {
				_ = unix.Kill(n, unix.SIGKILL) // ESRCH: it has just ended
			}
		}
	}
}

// removeGroups removes empty control groups that a failed start left.
func removeGroups(id string) {
	for _, dir := range groupDirs(id) {
		if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
			continue // something is in it again; the next sweep tries again
		}
	}
}
