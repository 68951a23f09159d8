package main

import (
	"context"
	_ "embed"
	"slices"

	"github.com/patchbay/patchbay/sdk"
)

//go:embed icon.svg
var icon []byte

func adapter() sdk.Adapter {
	return sdk.Adapter{Name: "sandbox", Version: version, Sandboxes: newService(), Platforms: []sdk.Platform{{
		ID: "sandbox", Name: "Sandbox", Category: sdk.Internal, Icon: icon,
		Description: "Persistent places to run code, on this host's own machine: commands, programs and files, which survive a pause.",
		Auth:        []sdk.AuthMethod{{Type: sdk.MethodNone, Label: "Nothing to connect", Help: "There is no account: sandboxes run on this host and belong to you."}},
		Verify: func(context.Context, *sdk.Call) (sdk.Account, error) {
			return sdk.Account{ID: "sandbox", Name: "This host"}, nil
		},
		VerifyNote: "There is nothing to test.",
		Operations: slices.Concat(lifeOperations(), runOperations(), fileOperations()),
	}}}
}
