// Command splox is the Patchbay adapter for what needs no other platform: dates and times, hashes and random values, and conversions.
package main

import (
	"context"
	_ "embed"
	"slices"

	"github.com/patchbay/patchbay/sdk"
)

var version = "0.0.0-dev" // set by -ldflags "-X main.version=1.2.0"

//go:embed icon.svg
var icon []byte

func main() { sdk.Serve(adapter()) }

// adapter is the manifest.
func adapter() sdk.Adapter {
	return sdk.Adapter{Name: "splox", Version: version, Platforms: []sdk.Platform{{
		ID: "splox", Name: "Splox", Category: sdk.Internal, Icon: icon,
		Description: "Tools that need no account anywhere: dates and time zones, hashes, signatures, random values, and conversions between JSON, CSV and base64.",
		Auth:        []sdk.AuthMethod{{Type: sdk.MethodNone, Label: "Nothing to connect", Help: "There is no account: everything happens on this host."}},
		Verify: func(context.Context, *sdk.Call) (sdk.Account, error) {
			return sdk.Account{ID: "splox", Name: "This host"}, nil
		},
		VerifyNote: "There is nothing to test.",
		Operations: slices.Concat(timeOperations(), cryptoOperations(), convertOperations()),
	}}}
}

// maxText bounds the texts that are worked on.
const maxText = 4 << 20

// tooLong refuses what is larger than can be worked on.
func tooLong(pointer, text string) error {
	if len(text) > maxText {
		return sdk.Invalid(pointer, "it is larger than %d MiB", maxText>>20)
	}
	return nil
}
