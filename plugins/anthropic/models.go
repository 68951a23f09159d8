package main

import "github.com/patchbay/patchbay/sdk"

// listing is how a page of a list is asked for.
type listing struct {
	Limit  int    `json:"limit,omitempty" minimum:"1" maximum:"1000" jsonschema:"how many at most; 20 when left out"`
	Cursor string `json:"cursor,omitempty" wire:"after_id" maxLength:"300" jsonschema:"next_cursor of the page before"`
}

// oneModel is the input of get_model.
type oneModel struct {
	Model string `json:"model" minLength:"1" maxLength:"256" jsonschema:"the model's id or alias"`
}

func modelOperations() []sdk.Operation {
	return []sdk.Operation{{
		Name: "list_models", Effect: sdk.Read, Run: pages[listing]("GET /v1/models"),
		Description: "Lists the models that the key may use, newest first, with what they can do and how many tokens they take.",
	}, {
		Name: "get_model", Effect: sdk.Read, Run: sdk.Routed[oneModel]("GET /v1/models/{model}"),
		Description: "Tells about one model, and which one an alias stands for. Answers not_found for one that does not exist or that the key may not use.",
	}}
}

// pages makes the function of an operation that lists things, in Anthropic's form: has_more, and the last id.
func pages[In any](route string) sdk.Handler {
	return sdk.RoutedTo(route, func(_ *sdk.Call, _ In, answer sdk.Object) (sdk.Page, error) {
		if string(answer["has_more"]) != "true" {
			delete(answer, "last_id")
		}
		return sdk.PageOf(answer, "data", "last_id")
	})
}
