package host

import (
	"fmt"
	"os"

	"github.com/patchbay/patchbay/host/internal/supervisor/confine"
)

// shimStatus is how a shim ends that could not become its adapter.
const shimStatus = 125

// Shim must be the first thing that a program with a host in it calls: the host runs the same program again to start an adapter, and
// Shim then confines the process and becomes the adapter. In every other case it returns at once.
func Shim() {
	if len(os.Args) < 2 || os.Args[1] != confine.ShimArgument {
		return
	}
	fmt.Fprintln(os.Stderr, confine.Shim(os.Args[2:]))
	os.Exit(shimStatus)
}
