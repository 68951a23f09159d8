package main

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// betas is a part of the inputs of operations that know features which are not released yet.
type betas struct {
	Betas []string `json:"betas,omitempty" wire:"-" jsonschema:"names of unreleased features that the call uses, such as context-management-2025-06-27; what they need goes in extra"`
}

// apply asks for the features: by a header, and beta=true in the query.
func (b betas) apply(r sdk.Request) sdk.Request {
	if len(b.Betas) == 0 {
		return r
	}
	r.Header = map[string][]string{"Anthropic-Beta": {strings.Join(b.Betas, ",")}}
	r.Query = sdk.Query("beta", true)
	return r
}

// prompt are the parameters that creating a message and counting its tokens have in common.
type prompt struct {
	Model        string          `json:"model" minLength:"1" jsonschema:"the model's id, as list_models answers it"`
	Messages     []sdk.Object    `json:"messages" minItems:"1" jsonschema:"the conversation so far, oldest first: each has a role (user or assistant) and a content, a text or a list of blocks such as {type: text, text}, {type: image, source: {type: url, url}}, {type: document, source}, {type: tool_result, tool_use_id, content}"`
	System       json.RawMessage `json:"system,omitempty" jsonschema:"instructions: a text, or a list of text blocks"`
	Tools        []sdk.Object    `json:"tools,omitempty" jsonschema:"{name, description, input_schema as JSON Schema}, which nothing runs but the caller; or Anthropic's own, such as {type: web_search_20250305, name: web_search}"`
	ToolChoice   sdk.Object      `json:"tool_choice,omitempty" jsonschema:"{type: auto}, {type: any}, {type: tool, name} or {type: none}"`
	Thinking     sdk.Object      `json:"thinking,omitempty" jsonschema:"{type: adaptive}, {type: enabled, budget_tokens: 1024 or more and less than max_tokens} or {type: disabled}, as the model allows"`
	OutputConfig sdk.Object      `json:"output_config,omitempty" jsonschema:"{effort}, and {format: {type: json_schema, schema}} for an answer of that shape"`
	CacheControl sdk.Object      `json:"cache_control,omitempty" jsonschema:"{type: ephemeral, ttl: 5m or 1h} keeps what stands before the last block for later calls; writing costs more, reading less"`
	betas
	sdk.Further
}

// newMessage is the input of create_message.
type newMessage struct {
	prompt
	MaxTokens     int             `json:"max_tokens" minimum:"1" jsonschema:"most tokens to generate, thinking included; required"`
	Temperature   *float64        `json:"temperature,omitempty" minimum:"0" maximum:"1" jsonschema:"how freely words are chosen; newer models take only the default"`
	TopP          *float64        `json:"top_p,omitempty" minimum:"0" maximum:"1" jsonschema:"set this or temperature"`
	TopK          *int            `json:"top_k,omitempty" minimum:"0"`
	StopSequences []string        `json:"stop_sequences,omitempty" jsonschema:"texts at which generating ends"`
	Metadata      sdk.Object      `json:"metadata,omitempty" jsonschema:"{user_id}: a name of yours for the end user, for abuse checks; no personal data"`
	ServiceTier   string          `json:"service_tier,omitempty" enum:"auto,standard_only"`
	InferenceGeo  string          `json:"inference_geo,omitempty" jsonschema:"where the model runs, such as us or global"`
	Container     json.RawMessage `json:"container,omitempty" jsonschema:"id of the container that the code of earlier messages ran in"`
	Stream        *bool           `json:"stream,omitempty" jsonschema:"true to be given the answer piece by piece while it is generated; the result holds the whole either way"`
}

// message is the answer of create_message.
type message struct {
	ID           string       `json:"id"`
	Model        string       `json:"model"`
	Text         string       `json:"text" jsonschema:"the text blocks of the content, joined"`
	Content      []sdk.Object `json:"content" jsonschema:"the blocks of the answer: text, thinking, tool_use {id, name, input} and others. Give them back unchanged in the next turn"`
	StopReason   string       `json:"stop_reason" jsonschema:"end_turn, max_tokens, stop_sequence, tool_use, pause_turn (send the content back to go on), refusal, or model_context_window_exceeded"`
	StopSequence string       `json:"stop_sequence,omitempty"`
	Usage        sdk.Object   `json:"usage,omitempty" jsonschema:"tokens, those written to and read from the cache apart"`
	Details      sdk.Object   `json:"details,omitempty" jsonschema:"what else Anthropic said, such as container"`
}

func messageOperations() []sdk.Operation {
	return []sdk.Operation{{
		Name: "create_message", Effect: sdk.Read, Streaming: true, Run: sdk.Func(createMessage),
		Description: "Answers a conversation with a Claude model. Takes tools, images, documents, thinking and prompt caching. Streams Anthropic's own events when stream is true. Costs tokens each time. " +
			"Refuses a call without max_tokens, a model that the key may not use, and a conversation longer than the model's context; long answers without a stream may time out.",
	}, {
		Name: "count_tokens", Effect: sdk.Read, Description: "Counts the tokens that a create_message would take in, without running it. Costs nothing, and has a rate limit of its own.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in prompt) (sdk.Object, error) {
			r, err := sdk.Route("POST /v1/messages/count_tokens", in)
			if err != nil {
				return nil, err
			}
			var out sdk.Object
			err = call.Do(ctx, in.apply(r), &out)
			return out, err
		}),
	}}
}

func createMessage(ctx context.Context, call *sdk.Call, in newMessage) (message, error) {
	r, err := sdk.Route("POST /v1/messages", in)
	if err != nil {
		return message{}, err
	}
	r = in.apply(r)
	var answer sdk.Object
	if in.Stream != nil && *in.Stream {
		answer, err = stream(ctx, call, r)
	} else {
		err = call.Do(ctx, r, &answer)
	}
	if err != nil {
		return message{}, err
	}
	call.Count(answer["usage"], units)
	return messageOf(answer)
}

// units are what a call is charged by.
var units = map[string]string{"input_tokens": "input_tokens", "output_tokens": "output_tokens",
	"cache_creation_input_tokens": "cache_write_tokens", "cache_read_input_tokens": "cache_read_tokens"}

// messageOf reads a message. One without content is a malformed answer.
func messageOf(answer sdk.Object) (message, error) {
	out := message{ID: sdk.Text(answer["id"]), Model: sdk.Text(answer["model"]), StopReason: sdk.Text(answer["stop_reason"]),
		StopSequence: sdk.Text(answer["stop_sequence"]), Details: sdk.Object{}}
	if err := json.Unmarshal(answer["content"], &out.Content); err != nil || out.Content == nil {
		return message{}, sdk.Errorf(sdk.PlatformError, "Anthropic answered without a message.")
	}
	var text strings.Builder
	for _, block := range out.Content {
		if sdk.Text(block["type"]) == "text" {
			text.WriteString(sdk.Text(block["text"]))
		}
	}
	out.Text = text.String()
	_ = json.Unmarshal(answer["usage"], &out.Usage) // what is no object is left out
	for name, value := range answer {
		switch name {
		case "id", "model", "type", "role", "content", "stop_reason", "stop_sequence", "usage":
		default:
			if !sdk.IsNull(value) {
				out.Details[name] = value
			}
		}
	}
	return out, nil
}
