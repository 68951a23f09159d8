package main

import (
	"context"
	_ "embed"
	"slices"

	"github.com/patchbay/patchbay/sdk"
)

//go:embed icon.svg
var icon []byte

// platform is Firecrawl as data: where it is, how to connect, what can be done.
func platform() sdk.Platform {
	key := sdk.APIKey("Make a key at firecrawl.dev/app/api-keys (fc-...).")
	key.Fields[0].Pattern = `[!-~]+`
	return sdk.Platform{
		ID: "firecrawl", Name: "Firecrawl", Category: sdk.Tools, Icon: icon, Website: "https://docs.firecrawl.dev",
		Description: "Reads web pages and documents as Markdown, HTML or data, crawls and maps whole sites, and searches the web. An operator may point it at a server of their own.",
		BaseURL:     "https://api.firecrawl.dev/v2",
		Auth: []sdk.AuthMethod{key, {Type: sdk.MethodNone, Label: "No key",
			Help: "Only where the operator has set a server of their own that asks for none."}},
		Explain: explain, ExplainSuccess: true,
		Verify:     verify,
		VerifyNote: "Reads how many credits are left, which costs nothing. Firecrawl does not say whose key it is, so the account is named by the key's last four characters.",
		Operations: slices.Concat(scrapeOperations(), crawlOperations(), searchOperations(), agentOperations(), teamOperations()),
	}
}

func verify(ctx context.Context, call *sdk.Call) (sdk.Account, error) {
	var answer struct {
		Success bool       `json:"success"`
		Data    sdk.Object `json:"data"`
	}
	if err := call.Do(ctx, sdk.Request{Path: "/team/credit-usage"}, &answer); err != nil {
		return sdk.Account{}, err
	}
	if answer.Data == nil {
		return sdk.Account{}, sdk.Errorf(sdk.PlatformError, "What answers at the base URL does not seem to be Firecrawl's API, version 2.")
	}
	if call.Credential.Method == sdk.MethodNone {
		return sdk.Account{ID: "firecrawl", Name: "Firecrawl without a key"}, nil
	}
	return sdk.KeyAccount(call, "API key"), nil
}
