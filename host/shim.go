package host

import (
	"fmt"
	"os"

	"github.com/patchbay/patchbay/host/internal/supervisor/confine"
	"github.com/patchbay/patchbay/host/internal/supervisor/doctor/probe"
)

// shimStatus is how a shim ends that could not become its adapter.
const shimStatus = 125

// Shim must be the first thing that a program with a host in it calls: the host runs the same program again to start an adapter, and
// Shim then confines the process and becomes the adapter; Doctor runs it as the program that tries to escape. In every other case it
// returns at once.
func Shim() {
	if len(os.Args) < 2 {
		return
	}
	switch os.Args[1] {
	case confine.ShimArgument:
		fmt.Fprintln(os.Stderr, confine.Shim(os.Args[2:]))
		os.Exit(shimStatus)
	case probe.Argument:
		os.Exit(probe.Run(os.Args[2:], os.Stdin, os.Stdout))
	}
}
