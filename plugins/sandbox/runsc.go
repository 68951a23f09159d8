package main

import (
	"context"
	"errors"
	"strings"
)

// runsc is gVisor: a kernel of its own between the sandbox and the machine's.
type runsc struct{ oci }

func newRunsc() Runtime {
	return runsc{oci{name: "runsc", strong: true, cold: true, flags: []string{"--platform=systrap", "--network=none", "--overlay2=none"}}}
}

// Probe says what is missing. That it runs here is found out by the service, which tries it once.
func (r runsc) Probe(ctx context.Context, _ string) (string, error) {
	if err := machine(); err != nil {
		return "", err
	}
	if _, err := find(r.name); err != nil {
		return "", errors.New("runsc (gVisor) is not installed: scripts/tools gvisor builds it")
	}
	out, err := run(ctx, r.name, "--version")
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(out, "\n")
	return strings.TrimPrefix(line, "runsc version "), nil
}
