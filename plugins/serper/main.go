// Command serper is the Patchbay adapter for Serper: Google's search results, and web pages as text.
package main

import "github.com/patchbay/patchbay/sdk"

var version = "0.0.0-dev" // set by -ldflags "-X main.version=1.2.0"

func main() { sdk.Serve(adapter()) }

// adapter is the manifest.
func adapter() sdk.Adapter {
	return sdk.Adapter{Name: "serper", Version: version, Platforms: []sdk.Platform{platform()}}
}
