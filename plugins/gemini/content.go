package main

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// maxContentBytes bounds an answer, which holds pictures and sound in base64.
const maxContentBytes = 64 << 20

// newContent is the input of generate_content.
type newContent struct {
	modelName
	Contents          []sdk.Object `json:"contents" minItems:"1" jsonschema:"the conversation so far, oldest first: each has a role (user or model) and parts, such as {text}, {inlineData: {mimeType, data}}, {fileData: {mimeType, fileUri}} or {functionResponse: {name, response}}"`
	SystemInstruction sdk.Object   `json:"systemInstruction,omitempty" jsonschema:"instructions: {parts: [{text}]}"`
	Tools             []sdk.Object `json:"tools,omitempty" jsonschema:"{functionDeclarations: [{name, description, parameters}]}, which nothing runs but the caller; or Google's own: {googleSearch: {}}, {codeExecution: {}}, {urlContext: {}}, {fileSearch: {fileSearchStoreNames}}"`
	ToolConfig        sdk.Object   `json:"toolConfig,omitempty" jsonschema:"such as {functionCallingConfig: {mode: ANY, allowedFunctionNames}}"`
	SafetySettings    []sdk.Object `json:"safetySettings,omitempty" jsonschema:"each {category, threshold}"`
	GenerationConfig  sdk.Object   `json:"generationConfig,omitempty" jsonschema:"{temperature, topP, topK, maxOutputTokens, stopSequences, responseMimeType, responseJsonSchema, thinkingConfig, responseModalities, candidateCount, seed, ...}"`
	CachedContent     string       `json:"cachedContent,omitempty" pattern:"^cachedContents/[A-Za-z0-9_-]+$" jsonschema:"name of a cache, as create_cached_content answers it"`
	Stream            *bool        `json:"stream,omitempty" wire:"-" jsonschema:"true to be given the answer piece by piece while it is generated; the result holds the whole either way"`
	sdk.Further
}

// content is the answer of generate_content.
type content struct {
	Text          string         `json:"text" jsonschema:"the text of the first candidate, without its thoughts"`
	FinishReason  string         `json:"finishReason,omitempty" jsonschema:"STOP, MAX_TOKENS, SAFETY, RECITATION, MALFORMED_FUNCTION_CALL and others"`
	Candidates    []sdk.Object   `json:"candidates" jsonschema:"all answers: content (give it back unchanged in the next turn), finishReason, citations, grounding. Where a part was a picture or sound, its inlineData says in which file it came"`
	Files         []sdk.Attached `json:"files,omitempty" jsonschema:"pictures and sound that come with the result"`
	UsageMetadata sdk.Object     `json:"usageMetadata,omitempty"`
	Details       sdk.Object     `json:"details,omitempty" jsonschema:"what else Gemini said, such as modelVersion"`
}

// tokens is the input of count_tokens.
type tokens struct {
	modelName
	Contents               []sdk.Object `json:"contents,omitempty" jsonschema:"as in generate_content"`
	GenerateContentRequest sdk.Object   `json:"generateContentRequest,omitempty" jsonschema:"instead of contents: all of what generate_content would be given, with model as models/NAME"`
}

func contentOperations() []sdk.Operation {
	return []sdk.Operation{{
		Name: "generate_content", Effect: sdk.Read, Streaming: true, GivesFiles: true, Run: sdk.Func(generate),
		Description: "Answers a conversation with a Gemini model: text, images, sound, video and documents in, text and, with some models, images or sound out, which come as files. Streams Gemini's own events when stream is true. Costs tokens each time. " +
			"Refuses prompts that the safety rules forbid, a conversation longer than the model's context, and more than 20 MB in one request: upload_file takes more.",
	}, {
		Name: "count_tokens", Effect: sdk.Read, Description: "Counts the tokens that a generate_content would take in, without running it. Costs nothing. Refuses contents and generateContentRequest together.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in tokens) (out sdk.Object, err error) {
			return out, ask(ctx, call, in.path("countTokens"), in, &out)
		}),
	}}
}

// ask sends an input but for its model, which stands in the path.
func ask(ctx context.Context, call *sdk.Call, path string, in, out any) error {
	body, err := bodyOf(in)
	if err != nil {
		return err
	}
	return call.DoLarge(ctx, sdk.Request{Path: path, JSON: body}, maxContentBytes, out)
}

func bodyOf(in any) (sdk.Object, error) {
	body, err := sdk.Body(in)
	delete(body, "model")
	return body, err
}

func generate(ctx context.Context, call *sdk.Call, in newContent) (content, error) {
	body, err := bodyOf(in)
	if err != nil {
		return content{}, err
	}
	var answer sdk.Object
	if in.Stream != nil && *in.Stream {
		answer, err = stream(ctx, call, sdk.Request{Path: in.path("streamGenerateContent"), Query: sdk.Query("alt", "sse"), JSON: body})
	} else {
		err = call.DoLarge(ctx, sdk.Request{Path: in.path("generateContent"), JSON: body}, maxContentBytes, &answer)
	}
	if err != nil {
		return content{}, err
	}
	count(call, answer)
	return contentOf(call, answer)
}

// count adds what an answer says it cost. Thoughts are charged as output.
func count(call *sdk.Call, answer sdk.Object) {
	call.Count(answer["usageMetadata"], map[string]string{"promptTokenCount": "input_tokens", "candidatesTokenCount": "output_tokens",
		"thoughtsTokenCount": "output_tokens", "cachedContentTokenCount": "cache_read_tokens"})
}

// candidate is what is looked at of an answer.
type candidate struct {
	Content struct {
		Parts []sdk.Object `json:"parts"`
		Role  string       `json:"role,omitempty"`
	} `json:"content"`
	FinishReason string `json:"finishReason"`
}

// contentOf reads an answer. One without a candidate is a prompt that was refused, or a malformed answer.
func contentOf(call *sdk.Call, answer sdk.Object) (content, error) {
	out := content{Details: sdk.Object{}}
	if err := json.Unmarshal(answer["candidates"], &out.Candidates); err != nil || len(out.Candidates) == 0 {
		return content{}, withoutCandidates(answer)
	}
	for i := range out.Candidates {
		var one candidate
		if err := json.Unmarshal(encode(out.Candidates[i]), &one); err != nil {
			return content{}, sdk.Errorf(sdk.PlatformError, "Gemini answered a candidate that is not as expected.")
		}
		if i == 0 {
			out.Text, out.FinishReason = textOf(one.Content.Parts), one.FinishReason
		}
		files, err := unpack(call, one.Content.Parts, len(out.Files))
		if err != nil {
			return content{}, err
		}
		if len(files) > 0 {
			out.Files = append(out.Files, files...)
			out.Candidates[i]["content"] = encode(one.Content)
		}
	}
	_ = json.Unmarshal(answer["usageMetadata"], &out.UsageMetadata) // what is no object is left out
	for name, value := range answer {
		if name != "candidates" && name != "usageMetadata" && !sdk.IsNull(value) {
			out.Details[name] = value
		}
	}
	return out, nil
}

// withoutCandidates says why there is no answer.
func withoutCandidates(answer sdk.Object) error {
	var feedback struct {
		BlockReason        string `json:"blockReason"`
		BlockReasonMessage string `json:"blockReasonMessage"`
	}
	if json.Unmarshal(answer["promptFeedback"], &feedback) == nil && feedback.BlockReason != "" {
		e := sdk.Invalid("/contents", "Gemini refuses the prompt (%s) %s", sdk.Said(feedback.BlockReason), sdk.Said(feedback.BlockReasonMessage))
		e.PlatformCode = sdk.Said(feedback.BlockReason)
		return e
	}
	return sdk.Errorf(sdk.PlatformError, "Gemini answered without a candidate.")
}

// textOf joins the text of parts, but for thoughts.
func textOf(parts []sdk.Object) string {
	var text strings.Builder
	for _, part := range parts {
		if string(part["thought"]) != "true" {
			text.WriteString(sdk.Text(part["text"]))
		}
	}
	return text.String()
}

// encode is for values that came out of JSON, and so go back into it.
func encode(v any) json.RawMessage {
	encoded, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return encoded
}
