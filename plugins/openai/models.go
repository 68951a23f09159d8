package main

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// modelFilter is the input of list_models.
type modelFilter struct {
	Query string `json:"query,omitempty" jsonschema:"only models whose id holds this text, upper and lower case alike"`
	Limit int    `json:"limit,omitempty" minimum:"1" maximum:"1000" jsonschema:"how many at most"`
}

// oneModel is the input of get_model.
type oneModel struct {
	Model string `json:"model" minLength:"1" maxLength:"200" jsonschema:"the model's id, as list_models answers it"`
}

func (w wire) models() []sdk.Operation {
	return []sdk.Operation{{
		Name: "list_models", Effect: sdk.Read, Run: listModels("/models"),
		Description: "Lists the models that the key may use, whole or those whose id holds a text.",
	}, {
		Name: "get_model", Effect: sdk.Read, Run: gets(func(in oneModel) string { return modelPath("/models/", in.Model) }),
		Description: "Tells about one model. Answers not_found for one that does not exist or that the key may not use.",
	}}
}

// listModels makes the function of list_models.
func listModels(path string) sdk.Handler {
	return sdk.Func(func(ctx context.Context, call *sdk.Call, in modelFilter) (page, error) {
		all, err := getPage(ctx, call, path, listing{})
		if err != nil {
			return page{}, err
		}
		return page{Items: filterModels(all.Items, in)}, nil
	})
}

// filterModels keeps the models that a filter asks for. The platforms have no such filter of their own.
func filterModels(items []json.RawMessage, f modelFilter) []json.RawMessage {
	kept := []json.RawMessage{}
	for _, item := range items {
		if f.Limit > 0 && len(kept) == f.Limit {
			break
		}
		if f.Query == "" || strings.Contains(strings.ToLower(lastID([]json.RawMessage{item})), strings.ToLower(f.Query)) {
			kept = append(kept, item)
		}
	}
	return kept
}
