// Command probe is what the host's binary is to the doctor.
package main

import (
	"os"

	"github.com/patchbay/patchbay/host/internal/supervisor/doctor/probe"
)

func main() {
	if len(os.Args) < 2 || os.Args[1] != probe.Argument {
		os.Exit(2)
	}
	os.Exit(probe.Run(os.Args[2:], os.Stdin, os.Stdout))
}
