package main

import (
	"context"
	_ "embed"
	"net/http"
	"slices"

	"github.com/patchbay/patchbay/sdk"
)

//go:embed icon.svg
var icon []byte

// platform is the Gemini API as data: where it is, how to connect, what can be done.
func platform() sdk.Platform {
	key := sdk.APIKey("Make a key at aistudio.google.com/apikey. A key may be restricted to the Generative Language API, and should be.")
	key.Fields[0].Pattern = `[!-~]+`
	return sdk.Platform{
		ID: "gemini", Name: "Gemini", Category: sdk.AI, Icon: icon, Website: "https://ai.google.dev/gemini-api/docs",
		Description: "Gemini models with images, sound, video and documents, embeddings, image, video and speech generation, files, caches, batches and file search.",
		BaseURL:     "https://generativelanguage.googleapis.com",
		Auth:        []sdk.AuthMethod{key},
		Authorize:   func(r *http.Request, c sdk.Credential) { r.Header.Set("X-Goog-Api-Key", c.Token()) }, // never ?key=, which addresses would hold
		Explain:     explain,
		Verify:      verify,
		VerifyNote:  "Lists one model, which costs nothing. Google does not say whose key it is, so the account is named by the key's last four characters.",
		Operations:  slices.Concat(contentOperations(), embeddingOperations(), mediaOperations(), fileOperations(), modelOperations(), cacheOperations(), batchOperations(), searchOperations()),
	}
}

func verify(ctx context.Context, call *sdk.Call) (sdk.Account, error) {
	var answer struct {
		Models []sdk.Object `json:"models"`
	}
	if err := call.Do(ctx, sdk.Request{Path: "/v1beta/models", Query: sdk.Query("pageSize", 1)}, &answer); err != nil {
		return sdk.Account{}, err
	}
	if answer.Models == nil {
		return sdk.Account{}, sdk.Errorf(sdk.PlatformError, "What answers at the base URL lists no models: it does not seem to be the Gemini API.")
	}
	return sdk.KeyAccount(call, "API key"), nil
}
