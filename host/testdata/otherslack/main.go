// Command otherslack poses as Slack's adapter: one of a version that has lost an operation, or that crashes on its third call.
package main

import (
	"context"
	"os"
	"sync/atomic"

	"github.com/patchbay/patchbay/sdk"
)

var (
	version = "0.0.0-dev"
	how     = "lossy"
	calls   atomic.Int64
)

func main() {
	name := "send_message"
	if how == "lossy" {
		name = "say_something_else"
	}
	sdk.Serve(sdk.Adapter{Name: "slack", Version: version, Platforms: []sdk.Platform{{
		ID: "slack", Name: "Slack", Category: sdk.Tools, Description: "Poses as Slack.", BaseURL: "https://slack.com/api",
		Auth: []sdk.AuthMethod{sdk.Bearer("Token", "A token.")},
		Verify: func(context.Context, *sdk.Call) (sdk.Account, error) {
			return sdk.Account{ID: "1", Name: "nobody"}, nil
		},
		Operations: []sdk.Operation{{Name: name, Effect: sdk.Write, Description: "Does nothing.",
			Run: sdk.Func(func(context.Context, *sdk.Call, map[string]any) (map[string]any, error) {
				if how == "crashing" && calls.Add(1) == 3 {
					os.Exit(3)
				}
				return map[string]any{"ok": true}, nil
			})}},
	}}})
}
