// Command remote-server is the adapter for machines that are reached by SSH: commands, scripts and files.
package main

import "github.com/patchbay/patchbay/sdk"

var version = "0.0.0-dev" // set by -ldflags "-X main.version=1.2.0"

func main() { sdk.Serve(adapter()) }
