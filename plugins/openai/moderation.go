package main

import (
	"encoding/json"

	"github.com/patchbay/patchbay/sdk"
)

// judged is the input of moderate.
type judged struct {
	Input json.RawMessage `json:"input" jsonschema:"a text, a list of texts, or a list of {type: text, text} and {type: image_url, image_url: {url}}"`
	Model string          `json:"model,omitempty" jsonschema:"omni-moderation-latest when left out"`
	extra
}

func moderate() sdk.Operation {
	return sdk.Operation{
		Name: "moderate", Effect: sdk.Read, Run: posts(at[judged]("/moderations")),
		Description: "Says whether texts or images are harmful: results holds one verdict for each input, with flagged, categories and category_scores. Costs nothing.",
	}
}
