package main

import (
	"context"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// listing is how a page of a list is asked for.
type listing struct {
	Limit  int    `json:"limit,omitempty" wire:"pageSize" minimum:"1" maximum:"1000" jsonschema:"how many at most; some lists give 100 at most"`
	Cursor string `json:"cursor,omitempty" wire:"pageToken" maxLength:"2000" jsonschema:"next_cursor of the page before"`
}

// modelName is a part of the inputs of all that a model does.
type modelName struct {
	Model string `json:"model" pattern:"^(models/|tunedModels/)?[A-Za-z0-9][A-Za-z0-9._-]{0,199}$" jsonschema:"the model's id, such as gemini-2.5-flash; list_models answers them"`
}

// full answers the model's name as the API has it.
func (m modelName) full() string {
	if strings.Contains(m.Model, "/") {
		return m.Model
	}
	return "models/" + m.Model
}

// path answers the path of what a model does.
func (m modelName) path(verb string) string { return "/v1beta/" + m.full() + ":" + verb }

func modelOperations() []sdk.Operation {
	return []sdk.Operation{{
		Name: "list_models", Effect: sdk.Read, Run: sdk.Pages[listing]("GET /v1beta/models", "models", "nextPageToken"),
		Description: "Lists the models, with their limits and what each can do (supportedGenerationMethods).",
	}, {
		Name: "get_model", Effect: sdk.Read, Description: "Tells about one model. Answers not_found for one that does not exist.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in modelName) (out sdk.Object, err error) {
			return out, call.Do(ctx, sdk.Request{Path: "/v1beta/" + in.full()}, &out)
		}),
	}}
}
