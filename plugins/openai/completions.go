package main

import (
	"encoding/json"

	"github.com/patchbay/patchbay/sdk"
)

// prompt is the input of a text completion, the older form without roles.
type prompt struct {
	modelName
	Prompt           json.RawMessage `json:"prompt" jsonschema:"the text to go on from, or a list of texts"`
	Suffix           string          `json:"suffix,omitempty" jsonschema:"what comes after the text that is to be filled in; few models take it"`
	MaxTokens        int             `json:"max_tokens,omitempty" minimum:"1" jsonschema:"most tokens to generate"`
	Temperature      *float64        `json:"temperature,omitempty" minimum:"0" maximum:"2"`
	TopP             *float64        `json:"top_p,omitempty" minimum:"0" maximum:"1"`
	N                int             `json:"n,omitempty" minimum:"1" maximum:"128"`
	Stop             json.RawMessage `json:"stop,omitempty" jsonschema:"a text or up to four texts at which generating ends"`
	Seed             *int64          `json:"seed,omitempty"`
	Echo             *bool           `json:"echo,omitempty" jsonschema:"whether to repeat the prompt before the answer"`
	Logprobs         *int            `json:"logprobs,omitempty" minimum:"0" maximum:"5"`
	FrequencyPenalty *float64        `json:"frequency_penalty,omitempty" minimum:"-2" maximum:"2"`
	PresencePenalty  *float64        `json:"presence_penalty,omitempty" minimum:"-2" maximum:"2"`
	User             string          `json:"user,omitempty"`
	Stream           *bool           `json:"stream,omitempty" jsonschema:"true to be given the text piece by piece; the result holds the whole either way"`
	StreamOptions    object          `json:"stream_options,omitempty"`
	extra
}

func (w wire) completions() []sdk.Operation {
	return []sdk.Operation{{
		Name: "completion", Effect: sdk.Read, Streaming: true, Run: complete[prompt](w, "/completions"),
		Description: "Continues a text, with models that take a plain prompt instead of messages. Costs tokens each time. Refuses chat models at some vendors: use chat_completion there.",
	}}
}
