package main

import (
	"context"
	"encoding/json"

	"github.com/patchbay/patchbay/sdk"
)

// ranking is the input of rerank.
type ranking struct {
	modelName
	Query     string            `json:"query" minLength:"1" jsonschema:"what the documents are to be about"`
	Documents []json.RawMessage `json:"documents" minItems:"1" jsonschema:"the texts to put in order"`
	TopN      int               `json:"top_n,omitempty" minimum:"1" jsonschema:"how many of the best to answer"`
	extra
}

// ranked is the answer of rerank.
type ranked struct {
	Model   string   `json:"model"`
	Results []object `json:"results" jsonschema:"best first: index of the document, relevance_score, and the document where the platform repeats it"`
	Usage   object   `json:"usage,omitempty"`
}

// rerank makes the rerank operation.
func (w wire) rerank() sdk.Operation {
	return sdk.Operation{
		Name: "rerank", Effect: sdk.Read, Description: "Puts texts in the order of how well they fit a query. Takes rerank models only. Costs tokens each time.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in ranking) (ranked, error) {
			b, err := sdk.Body(in)
			if err != nil {
				return ranked{}, err
			}
			var answer struct {
				Model   json.RawMessage `json:"model"`
				Results []object        `json:"results"`
				Usage   json.RawMessage `json:"usage"`
			}
			if err := call.Do(ctx, sdk.Request{Path: "/rerank", JSON: b}, &answer); err != nil {
				return ranked{}, err
			}
			if answer.Results == nil {
				return ranked{}, sdk.Errorf(sdk.PlatformError, "%s answered without an order.", w.name)
			}
			count(call, answer.Usage)
			out := ranked{Model: sdk.Text(answer.Model), Results: answer.Results}
			_ = json.Unmarshal(answer.Usage, &out.Usage) // what is no object is left out
			return out, nil
		}),
	}
}
