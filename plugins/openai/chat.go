package main

import (
	"context"
	"encoding/json"

	"github.com/patchbay/patchbay/sdk"
)

// conversation are the parameters of a chat completion that every platform of this family takes.
type conversation struct {
	Messages            []object        `json:"messages" minItems:"1" jsonschema:"the conversation so far, oldest first; each message has a role (system, developer, user, assistant or tool) and a content: a text, or a list of parts such as {type: text, text} or {type: image_url, image_url: {url}}"`
	Temperature         *float64        `json:"temperature,omitempty" minimum:"0" maximum:"2" jsonschema:"how freely words are chosen, 0 for the most likely; reasoning models refuse it"`
	TopP                *float64        `json:"top_p,omitempty" minimum:"0" maximum:"1" jsonschema:"share of the probability mass that words are chosen from; set this or temperature"`
	MaxTokens           int             `json:"max_tokens,omitempty" minimum:"1" jsonschema:"most tokens to generate; newer OpenAI models take max_completion_tokens instead"`
	MaxCompletionTokens int             `json:"max_completion_tokens,omitempty" minimum:"1" jsonschema:"most tokens to generate, reasoning included"`
	Tools               []object        `json:"tools,omitempty" jsonschema:"functions that the model may ask for: {type: function, function: {name, description, parameters as JSON Schema}}; nothing runs them but the caller"`
	ToolChoice          json.RawMessage `json:"tool_choice,omitempty" jsonschema:"none, auto, required, or {type: function, function: {name}}"`
	ParallelToolCalls   *bool           `json:"parallel_tool_calls,omitempty" jsonschema:"whether the model may ask for several tools at once"`
	ResponseFormat      object          `json:"response_format,omitempty" jsonschema:"{type: text}, {type: json_object}, or {type: json_schema, json_schema: {name, schema, strict}}"`
	Seed                *int64          `json:"seed,omitempty" jsonschema:"for answers that repeat as far as the model allows"`
	Stop                json.RawMessage `json:"stop,omitempty" jsonschema:"a text or up to four texts at which generating ends"`
	N                   int             `json:"n,omitempty" minimum:"1" maximum:"128" jsonschema:"how many answers; each is charged"`
	FrequencyPenalty    *float64        `json:"frequency_penalty,omitempty" minimum:"-2" maximum:"2"`
	PresencePenalty     *float64        `json:"presence_penalty,omitempty" minimum:"-2" maximum:"2"`
	LogitBias           object          `json:"logit_bias,omitempty" jsonschema:"token id to a bias from -100 to 100"`
	Logprobs            *bool           `json:"logprobs,omitempty" jsonschema:"whether to answer the probabilities of the words"`
	TopLogprobs         int             `json:"top_logprobs,omitempty" minimum:"1" maximum:"20"`
	ReasoningEffort     string          `json:"reasoning_effort,omitempty" jsonschema:"how long a reasoning model thinks, such as none, minimal, low, medium or high"`
	User                string          `json:"user,omitempty" jsonschema:"a name of yours for the end user, for the platform's abuse checks"`
	Stream              *bool           `json:"stream,omitempty" jsonschema:"true to be given the answer piece by piece while it is generated; the result holds the whole either way"`
	StreamOptions       object          `json:"stream_options,omitempty" jsonschema:"only with stream; the adapter asks for the usage by itself"`
	extra
}

// modelName is the model of a request, where one is required.
type modelName struct {
	Model string `json:"model" minLength:"1" jsonschema:"the model's id, as list_models answers it"`
}

// completion is the answer of a chat completion or a text completion.
type completion struct {
	ID           string          `json:"id"`
	Model        string          `json:"model"`
	Created      json.RawMessage `json:"created,omitempty" jsonschema:"Unix time in seconds"`
	Message      object          `json:"message,omitempty" jsonschema:"the assistant's message: content, and tool_calls where it asks for tools"`
	Text         string          `json:"text,omitempty" jsonschema:"the text, of a text completion"`
	FinishReason string          `json:"finish_reason" jsonschema:"why it ended: stop, length, tool_calls, content_filter"`
	Choices      []object        `json:"choices,omitempty" jsonschema:"all answers, where there is more than one; message and finish_reason are the first one's"`
	Logprobs     json.RawMessage `json:"logprobs,omitempty"`
	Usage        object          `json:"usage,omitempty"`

	Citations        json.RawMessage `json:"citations,omitempty" jsonschema:"addresses of the sources"`
	SearchResults    json.RawMessage `json:"search_results,omitempty" jsonschema:"the sources: title, url, date, snippet"`
	Images           json.RawMessage `json:"images,omitempty"`
	RelatedQuestions json.RawMessage `json:"related_questions,omitempty"`

	Details object `json:"details,omitempty" jsonschema:"what else the platform said, such as provider, system_fingerprint or timings"`
}

// chat makes the chat_completion operation with the input of one platform.
func chat[In any](w wire, description string) sdk.Operation {
	return sdk.Operation{
		Name: "chat_completion", Effect: sdk.Read, Streaming: true, Run: complete[In](w, w.chatPath()),
		Description: description + " Costs tokens each time. Streams the platform's own chunks when stream is true. Refuses a model the key may not use and a conversation longer than the model's context.",
	}
}

// complete makes the function of an operation that is answered by a completion.
func complete[In any](w wire, path string) sdk.Handler {
	return sdk.Func(func(ctx context.Context, call *sdk.Call, in In) (completion, error) {
		b, err := sdk.Body(in)
		if err != nil {
			return completion{}, err
		}
		answer, err := w.converse(ctx, call, path, b)
		if err != nil {
			return completion{}, err
		}
		count(call, usageOf(answer))
		return w.completionOf(answer)
	})
}

// converse sends a request that may be streamed and answers the whole.
func (w wire) converse(ctx context.Context, call *sdk.Call, path string, b object) (object, error) {
	if isTrue(b["stream"]) {
		return w.stream(ctx, call, path, b)
	}
	var answer object
	err := call.Do(ctx, sdk.Request{Path: path, JSON: b}, &answer)
	return answer, err
}

// usageOf answers the usage object of a completion. Groq's streams have had it in an object of their own.
func usageOf(answer object) json.RawMessage {
	if usage := answer["usage"]; !sdk.IsNull(usage) {
		return usage
	}
	var groq struct {
		Usage json.RawMessage `json:"usage"`
	}
	if json.Unmarshal(answer["x_groq"], &groq) != nil {
		return nil
	}
	return groq.Usage
}

// completionOf reads a platform's answer. One without a choice is a failure: the error it holds, or a malformed answer.
func (w wire) completionOf(answer object) (completion, error) {
	var choices []object
	if err := json.Unmarshal(answer["choices"], &choices); err != nil || len(choices) == 0 {
		if failed, ok := readFailure(raw(answer)); ok {
			return completion{}, w.failure(0, nil, failed)
		}
		return completion{}, sdk.Errorf(sdk.PlatformError, "%s answered without a message.", w.name)
	}
	first := choices[0]
	out := completion{
		ID: sdk.Text(answer["id"]), Model: sdk.Text(answer["model"]), Created: answer["created"],
		Text: sdk.Text(first["text"]), FinishReason: sdk.Text(first["finish_reason"]), Logprobs: present(first["logprobs"]),
		Citations: present(answer["citations"]), SearchResults: present(answer["search_results"]),
		Images: present(answer["images"]), RelatedQuestions: present(answer["related_questions"]),
	}
	if failed, ok := readFailure(raw(first)); ok && out.FinishReason == "error" {
		return completion{}, w.failure(0, nil, failed)
	}
	_ = json.Unmarshal(first["message"], &out.Message) // what is no object is left out
	_ = json.Unmarshal(usageOf(answer), &out.Usage)    // the same
	if out.Message == nil && first["text"] == nil {
		return completion{}, sdk.Errorf(sdk.PlatformError, "%s answered without a message.", w.name)
	}
	if len(choices) > 1 {
		out.Choices = choices
	}
	out.Details = rest(answer, "id", "object", "model", "created", "choices", "usage", "citations", "search_results", "images", "related_questions")
	return out, nil
}

// present answers a value, and nothing for null.
func present(v json.RawMessage) json.RawMessage {
	if sdk.IsNull(v) {
		return nil
	}
	return v
}

// rest answers what an object holds besides the named values and besides nulls.
func rest(o object, named ...string) object {
	out := object{}
	for name, value := range o {
		if !sdk.IsNull(value) {
			out[name] = value
		}
	}
	for _, name := range named {
		delete(out, name)
	}
	return out
}
