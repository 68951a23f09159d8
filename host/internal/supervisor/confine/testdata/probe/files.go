package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

func files() map[string]func(args []string) (string, error) {
	parent := func(name string) string { return filepath.Join("/proc", strconv.Itoa(os.Getppid()), name) }
	read := func(path string) (string, error) {
		content, err := os.ReadFile(path)
		return fmt.Sprintf("%.20q", content), err
	}
	return map[string]func(args []string) (string, error){
		"host-environ": func([]string) (string, error) { return read(parent("environ")) },
		"host-memory": func([]string) (string, error) {
			_, err := os.Open(parent("mem"))
			return "open", err
		},
		"host-descriptors": func([]string) (string, error) {
			entries, err := os.ReadDir(parent("fd"))
			return fmt.Sprint(len(entries)), err
		},
		"read-file": func(args []string) (string, error) { return read(args[0]) },
		"write-file": func(args []string) (string, error) {
			return "written", os.WriteFile(filepath.Join(args[0], "intruder"), []byte("x"), 0o600)
		},
		"truncate-file": func(args []string) (string, error) { return "truncated", os.Truncate(args[0], 0) },
		"remove-file":   func(args []string) (string, error) { return "removed", os.Remove(args[0]) },
		"chmod-file":    func(args []string) (string, error) { return "changed", os.Chmod(args[0], 0o666) },
		"touch-file": func(args []string) (string, error) {
			return "changed", os.Chtimes(args[0], time.Now(), time.Unix(1, 0))
		},
		"xattr-file": func(args []string) (string, error) { return "set", unix.Setxattr(args[0], "user.x", []byte("y"), 0) },
		"watch-file": func(args []string) (string, error) {
			fd, err := unix.InotifyInit1(0)
			if err != nil {
				return "", err
			}
			_, err = unix.InotifyAddWatch(fd, args[0], unix.IN_ACCESS)
			return "watched", err
		},
		"link-out": func(args []string) (string, error) {
			if err := os.Symlink(args[0], "way-out"); err != nil {
				return "", err
			}
			return read("way-out")
		},
		"rename-in": func(args []string) (string, error) { return "moved", os.Rename(args[0], "mine") },
		"device": func([]string) (string, error) {
			return "made", unix.Mknod("device", unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3)))
		},
		"list-root": func([]string) (string, error) {
			entries, err := os.ReadDir("/")
			return fmt.Sprint(len(entries)), err
		},
	}
}
