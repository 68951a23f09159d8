package probe

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

func files() []Attempt {
	return []Attempt{
		{Name: "read-host-environ", HostMemory: true, try: func(t trial) (string, error) { return read(ofHost(t, "environ")) }},
		{Name: "read-host-memory", HostMemory: true, try: func(t trial) (string, error) { return open(ofHost(t, "mem")) }},
		{Name: "list-host-descriptors", HostMemory: true, try: func(t trial) (string, error) {
			entries, err := os.ReadDir(ofHost(t, "fd"))
			return fmt.Sprint(len(entries), " descriptors"), err
		}},
		{Name: "read-host-keys", try: func(t trial) (string, error) { return read(t.Private) }},
		{Name: "read-file-outside", try: func(t trial) (string, error) { return read(t.Secret) }},
		{Name: "read-by-own-link", try: readByLink},
		{Name: "list-root", try: func(trial) (string, error) {
			entries, err := os.ReadDir("/")
			return fmt.Sprint(len(entries), " entries"), err
		}},
		{Name: "write-file-outside", try: func(t trial) (string, error) {
			path := filepath.Join(t.Open, "intruder")
			return "written", errors.Join(os.WriteFile(path, []byte("x"), 0o600), os.RemoveAll(path))
		}},
		{Name: "change-file-mode-outside", Filtered: true, try: func(t trial) (string, error) {
			// What root's file system does by name, the file's owner can do too: it has that mode already.
			return "changed", unix.Chmod(t.Secret, 0o644)
		}},
		{Name: "use-leftover-descriptor", try: useLeftover},
		{Name: "read-inherited-environment", try: readEnvironment},
	}
}

func ofHost(t trial, name string) string { return filepath.Join("/proc", strconv.Itoa(t.Host), name) }

// read says how much there was, never what.
func read(path string) (string, error) {
	content, err := os.ReadFile(path)
	return fmt.Sprint(len(content), " bytes"), err
}

func open(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	return "opened", file.Close()
}

func readByLink(t trial) (string, error) {
	const link = "way-out"
	if err := os.Symlink(t.Secret, link); err != nil {
		return "", err
	}
	gained, err := read(link)
	return gained, errors.Join(err, os.Remove(link))
}

func useLeftover(t trial) (string, error) {
	var buffer [16]byte
	n, err := unix.Pread(t.Leftover, buffer[:], 0)
	if errors.Is(err, unix.EBADF) {
		return "", &errStopped{by: "closed descriptors", detail: err.Error()}
	}
	return fmt.Sprint(n, " bytes"), err
}

func readEnvironment(t trial) (string, error) {
	foreign := 0
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if !slices.Contains(t.Variables, name) {
			foreign++
		}
	}
	if foreign == 0 {
		return "", &errStopped{by: "empty environment", detail: "nothing but its own: " + strings.Join(t.Variables, ", ")}
	}
	return fmt.Sprint(foreign, " variables of the host"), nil
}
