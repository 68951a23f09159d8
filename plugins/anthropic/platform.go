package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"io"
	"net/http"
	"slices"

	"github.com/patchbay/patchbay/sdk"
)

//go:embed icon.svg
var icon []byte

// apiVersion is the version of the API that this adapter speaks.
const apiVersion = "2023-06-01"

// platform is Anthropic as data: where it is, how to connect, what can be done.
func platform() sdk.Platform {
	key := sdk.APIKey("Make a key at platform.claude.com under Settings, API keys (sk-ant-...). A server of your own may take any text.")
	key.Fields[0].Pattern = `[!-~]+`
	return sdk.Platform{
		ID: "anthropic", Name: "Anthropic", Category: sdk.AI, Icon: icon, Website: "https://platform.claude.com/docs",
		Description: "Claude models with tools, images, documents and thinking, message batches and files. An operator may point it at any server that speaks the Messages API.",
		BaseURL:     "https://api.anthropic.com",
		Auth:        []sdk.AuthMethod{key},
		Authorize:   authorize,
		Explain:     explain,
		Verify:      verify,
		VerifyNote:  "Lists the models, which costs nothing. Anthropic names the organization, or else the account is named by the key's last four characters.",
		Operations:  slices.Concat(messageOperations(), modelOperations(), batchOperations(), fileOperations()),
	}
}

func authorize(r *http.Request, c sdk.Credential) {
	r.Header.Set("X-Api-Key", c.Token())
	r.Header.Set("Anthropic-Version", apiVersion)
}

// maxModelsBytes bounds a page of models.
const maxModelsBytes = 1 << 20

func verify(ctx context.Context, call *sdk.Call) (sdk.Account, error) {
	resp, err := call.Open(ctx, sdk.Request{Path: "/v1/models", Query: sdk.Query("limit", 1)})
	if err != nil {
		return sdk.Account{}, err
	}
	defer func() { _ = resp.Body.Close() }() // as much as is wanted is read below
	var answer struct {
		Data []json.RawMessage `json:"data"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxModelsBytes)).Decode(&answer); err != nil || answer.Data == nil {
		return sdk.Account{}, sdk.Errorf(sdk.PlatformError, "What answers at the base URL lists no models: it does not seem to speak Anthropic's API.")
	}
	if organization := sdk.Said(resp.Header.Get("Anthropic-Organization-Id")); organization != "" {
		return sdk.Account{ID: organization, Name: "organization " + organization}, nil
	}
	return sdk.KeyAccount(call, "API key"), nil
}
