// Command sandbox is the adapter that runs sandboxes on its host's own machine, by OCI runtimes. It is also the program that is the first
// process of each of them.
package main

import (
	"fmt"
	"os"

	"github.com/patchbay/patchbay/plugins/sandbox/agent"
	"github.com/patchbay/patchbay/sdk"
)

var version = "0.0.0-dev" // set by -ldflags "-X main.version=1.2.0"

// Arguments by which this program is something else than an adapter.
const (
	agentArgument  = "sandbox-agent"
	clientArgument = "sandbox-client"
)

func main() {
	if !inside(os.Args) {
		sdk.Serve(adapter())
	}
}

// inside is what this program is inside a sandbox: it runs to its end and answers true there.
func inside(args []string) bool {
	if len(args) < 2 {
		return false
	}
	var err error
	switch args[1] {
	case agentArgument:
		err = agent.Run()
	case clientArgument:
		err = agent.Connect(os.Stdin, os.Stdout)
	default:
		return false
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}
