package main

import (
	"context"
	"encoding/json"

	"github.com/patchbay/patchbay/sdk"
)

// embed is the input of create_embedding.
type embed struct {
	modelName
	Input          json.RawMessage `json:"input" jsonschema:"the text to embed, or a list of texts"`
	Dimensions     int             `json:"dimensions,omitempty" minimum:"1" jsonschema:"how long the vectors are; only some models can shorten them"`
	EncodingFormat string          `json:"encoding_format,omitempty" jsonschema:"float (default), base64, or another form that the platform has"`
	User           string          `json:"user,omitempty"`
	extra
}

// embeddings is the answer of create_embedding.
type embeddings struct {
	Model string   `json:"model"`
	Data  []object `json:"data" jsonschema:"one per text, in order: index and embedding"`
	Usage object   `json:"usage,omitempty"`
}

func (w wire) embeddings() []sdk.Operation {
	return []sdk.Operation{{
		Name: "create_embedding", Effect: sdk.Read, Run: w.embeds("/embeddings"),
		Description: "Turns texts into vectors for search and comparison. Takes one text or a list (2048 at OpenAI). Refuses a text longer than the model's context, and an empty one.",
	}}
}

func (w wire) embeds(path string) sdk.Handler {
	return sdk.Func(func(ctx context.Context, call *sdk.Call, in embed) (embeddings, error) {
		b, err := sdk.Body(in)
		if err != nil {
			return embeddings{}, err
		}
		var answer struct {
			Model json.RawMessage `json:"model"`
			Data  []object        `json:"data"`
			Usage json.RawMessage `json:"usage"`
		}
		if err := call.Do(ctx, sdk.Request{Path: path, JSON: b}, &answer); err != nil {
			return embeddings{}, err
		}
		if answer.Data == nil {
			answer.Data = []object{}
		}
		count(call, answer.Usage)
		out := embeddings{Model: sdk.Text(answer.Model), Data: answer.Data}
		_ = json.Unmarshal(answer.Usage, &out.Usage) // what is no object is left out
		return out, nil
	})
}
