package main

import (
	"context"
	"errors"
	"os"
	"strings"
)

// runc is the runtime of the distribution: namespaces of the kernel, a user namespace among them, and a filter of system calls.
type runc struct{ oci }

func newRunc() Runtime { return runc{oci{name: "runc"}} }

// Probe says what is missing.
func (r runc) Probe(ctx context.Context, _ string) (string, error) {
	if err := machine(); err != nil {
		return "", err
	}
	if _, err := find(r.name); err != nil {
		return "", errors.New("runc is not installed: apt-get install runc")
	}
	out, err := run(ctx, r.name, "--version")
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(out, "\n")
	return strings.TrimPrefix(line, "runc version "), nil
}

// machine says what every runtime needs of it.
func machine() error {
	if os.Geteuid() != 0 {
		return errors.New("the host does not run as root, which making sandboxes needs")
	}
	for name, from := range map[string]string{"mkfs.ext4": "e2fsprogs", "mount": "mount", "umount": "mount"} {
		if _, err := find(name); err != nil {
			return errors.New(name + " is not installed: apt-get install " + from)
		}
	}
	if _, err := os.Stat("/dev/loop-control"); err != nil {
		return errors.New("the kernel has no loop devices (/dev/loop-control)")
	}
	return nil
}
