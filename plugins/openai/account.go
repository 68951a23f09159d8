package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"

	"github.com/patchbay/patchbay/sdk"
)

// maxModelsBytes bounds a list of models.
const maxModelsBytes = 16 << 20

// verifyByModels tests a key by listing the models, which costs nothing. OpenAI names the organization in a header of the answer.
func verifyByModels(ctx context.Context, call *sdk.Call) (sdk.Account, error) {
	resp, err := call.Open(ctx, sdk.Request{Path: "/models"})
	if err != nil {
		return sdk.Account{}, err
	}
	defer func() { _ = resp.Body.Close() }() // as much as is wanted is read below
	var answer struct {
		Data []json.RawMessage `json:"data"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxModelsBytes)).Decode(&answer); err != nil || answer.Data == nil {
		return sdk.Account{}, sdk.Errorf(sdk.PlatformError, "What answers at the base URL lists no models: it does not seem to speak OpenAI's API.")
	}
	account := sdk.KeyAccount(call, "API key")
	if organization := clean(resp.Header.Get("Openai-Organization")); organization != "" {
		account = sdk.Account{ID: organization, Name: organization}
	}
	return account, nil
}

// keyMethod is an api_key method whose key has no blanks or line ends, with a platform's further fields.
func keyMethod(help string, more ...sdk.Field) sdk.AuthMethod {
	method := sdk.APIKey(help)
	method.Fields[0].Pattern = `[!-~]+`
	method.Fields = append(method.Fields, more...)
	return method
}

// withHeaders authorises by a bearer token and adds fields of the credential as headers.
func withHeaders(headers map[string]string) func(*http.Request, sdk.Credential) {
	return func(r *http.Request, c sdk.Credential) {
		r.Header.Set("Authorization", "Bearer "+c.Token())
		for header, field := range headers {
			if value := c.Field(field); value != "" {
				r.Header.Set(header, value)
			}
		}
	}
}
