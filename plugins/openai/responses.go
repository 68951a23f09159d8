package main

import (
	"context"
	"encoding/json"
	"io"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// turn are the parameters of a response that every platform of this family takes.
type turn struct {
	Input           json.RawMessage `json:"input,omitempty" jsonschema:"what to answer: a text, or a list of items such as {role: user, content} or {type: function_call_output, call_id, output}"`
	Instructions    *string         `json:"instructions,omitempty" jsonschema:"the system's message"`
	MaxOutputTokens int             `json:"max_output_tokens,omitempty" minimum:"1" jsonschema:"most tokens to generate, reasoning included"`
	Tools           []object        `json:"tools,omitempty" jsonschema:"tools that the model may use: {type: function, name, description, parameters}, or the platform's own such as {type: web_search}"`
	ToolChoice      json.RawMessage `json:"tool_choice,omitempty" jsonschema:"none, auto, required, or one tool"`
	Reasoning       object          `json:"reasoning,omitempty" jsonschema:"how a reasoning model thinks: {effort: low, summary: auto}"`
	Text            object          `json:"text,omitempty" jsonschema:"the form of the answer: {format: {type: json_schema, name, schema}}, {verbosity: low}"`
	Temperature     *float64        `json:"temperature,omitempty" minimum:"0" maximum:"2"`
	TopP            *float64        `json:"top_p,omitempty" minimum:"0" maximum:"1"`
	Metadata        object          `json:"metadata,omitempty" jsonschema:"up to 16 texts of yours to find it by"`
	Stream          *bool           `json:"stream,omitempty" jsonschema:"true to be given the answer piece by piece while it is generated; the result holds the whole either way"`
	extra
}

// response is the answer of the Responses API.
type response struct {
	ID                string            `json:"id"`
	Status            string            `json:"status" jsonschema:"completed, incomplete, or with background: queued, in_progress, cancelled, failed"`
	Model             string            `json:"model"`
	OutputText        string            `json:"output_text" jsonschema:"the text of all messages of the output"`
	Output            []json.RawMessage `json:"output" jsonschema:"messages, reasoning, calls of functions and of the platform's own tools"`
	Usage             object            `json:"usage,omitempty"`
	Error             object            `json:"error,omitempty"`
	IncompleteDetails object            `json:"incomplete_details,omitempty"`
	Details           object            `json:"details,omitempty" jsonschema:"what else the platform said"`
}

// respond makes the create_response operation with the input of one platform.
func respond[In any](w wire, effect sdk.Effect, description string) sdk.Operation {
	return sdk.Operation{
		Name: "create_response", Effect: effect, Streaming: true,
		Description: description + " Costs tokens each time. Streams the platform's own events when stream is true.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in In) (response, error) {
			b, err := sdk.Body(in)
			if err != nil {
				return response{}, err
			}
			answer, err := w.answerOf(ctx, call, b)
			if err != nil {
				return response{}, err
			}
			count(call, answer["usage"])
			return w.responseOf(answer)
		}),
	}
}

// answerOf sends a request that may be streamed and answers the whole response.
func (w wire) answerOf(ctx context.Context, call *sdk.Call, b object) (object, error) {
	var answer object
	request := sdk.Request{Path: w.responsesPath(), JSON: b}
	if !isTrue(b["stream"]) {
		err := call.Do(ctx, request, &answer)
		return answer, err
	}
	size := 0
	err := call.Events(ctx, request, func(e sdk.Event) error {
		if e.Data == "[DONE]" {
			return io.EOF
		}
		if size += len(e.Data); size > maxStreamBytes {
			return sdk.Errorf(sdk.PlatformError, "The platform's answer is larger than %d MiB.", maxStreamBytes>>20)
		}
		whole, err := w.responseEvent(e)
		if err != nil {
			return err
		}
		if whole != nil {
			answer = whole
		}
		return call.Emit(json.RawMessage(e.Data))
	})
	if err == nil && answer == nil {
		err = sdk.Errorf(sdk.OutcomeUnknown, "%s ended the stream before the answer was complete.", w.name)
	}
	return answer, err
}

// responseEvent reads an event; the last one holds the whole response.
func (w wire) responseEvent(e sdk.Event) (object, error) {
	var event struct {
		Type     string `json:"type"`
		Response object `json:"response"`
	}
	if json.Unmarshal([]byte(e.Data), &event) != nil {
		return nil, sdk.Errorf(sdk.PlatformError, "%s sent an event that is not as expected.", w.name)
	}
	switch event.Type {
	case "response.completed", "response.incomplete", "response.done":
		return event.Response, nil
	case "response.failed": // a request that is not streamed fails by its status; here this is the only sign
		return nil, w.failed(event.Response)
	}
	return nil, w.eventFailure(e)
}

// responseOf reads a platform's response.
func (w wire) responseOf(answer object) (response, error) {
	out := response{ID: sdk.Text(answer["id"]), Status: sdk.Text(answer["status"]), Model: sdk.Text(answer["model"])}
	if err := json.Unmarshal(answer["output"], &out.Output); err != nil && !sdk.IsNull(answer["output"]) || out.ID == "" && out.Status == "" {
		if failed, ok := readFailure(raw(answer)); ok {
			return response{}, w.failure(0, nil, failed)
		}
		return response{}, sdk.Errorf(sdk.PlatformError, "%s answered something that is no response.", w.name)
	}
	if out.Output == nil {
		out.Output = []json.RawMessage{}
	}
	for _, item := range out.Output {
		out.OutputText += textOfItem(item)
	}
	_ = json.Unmarshal(answer["usage"], &out.Usage) // what is no object is left out, here and below
	_ = json.Unmarshal(answer["error"], &out.Error)
	_ = json.Unmarshal(answer["incomplete_details"], &out.IncompleteDetails)
	out.Details = rest(answer, "id", "object", "status", "model", "output", "output_text", "usage", "error", "incomplete_details")
	return out, nil
}

// failed makes an error of a response that says it failed.
func (w wire) failed(response object) error {
	failed, ok := readError(response["error"])
	if !ok {
		failed.message = "the response failed"
	}
	return w.failure(0, nil, failed)
}

// textOfItem answers the text of an output item that is a message.
func textOfItem(item json.RawMessage) string {
	var message struct {
		Type    string `json:"type"`
		Content []struct {
			Type string `json:"type"`
			Text string `json:"text"`
		} `json:"content"`
	}
	if json.Unmarshal(item, &message) != nil || message.Type != "message" {
		return ""
	}
	var whole strings.Builder
	for _, part := range message.Content {
		if part.Type == "output_text" {
			whole.WriteString(part.Text)
		}
	}
	return whole.String()
}
