// Command gemini is the Patchbay adapter for Google's Gemini API.
package main

import "github.com/patchbay/patchbay/sdk"

var version = "0.0.0-dev" // set by -ldflags "-X main.version=1.2.0"

func main() { sdk.Serve(adapter()) }

// adapter is the manifest.
func adapter() sdk.Adapter {
	return sdk.Adapter{Name: "gemini", Version: version, Platforms: []sdk.Platform{platform()}}
}
