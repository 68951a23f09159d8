package main

import (
	_ "embed"
	"encoding/json"

	"github.com/patchbay/patchbay/sdk"
)

//go:embed icons/openai.svg
var openAIIcon []byte

// openAI is OpenAI itself, and by an operator's base URL any server that speaks as it does.
func openAI() sdk.Platform {
	w := wire{name: "OpenAI", asksUsage: true}
	return sdk.Platform{
		ID: "openai", Name: "OpenAI", Category: sdk.AI, Icon: openAIIcon, Website: "https://platform.openai.com/docs",
		Description: "GPT and reasoning models, images, speech, video, embeddings, files and batches. An operator may point it at any server that speaks OpenAI's API, such as Ollama or LM Studio.",
		BaseURL:     "https://api.openai.com/v1",
		Auth: []sdk.AuthMethod{keyMethod("Make a key at platform.openai.com/api-keys. A server of your own may take any text.",
			sdk.Field{Name: "organization", Label: "Organization", Help: "Only where the key belongs to several: org-...", Pattern: `[!-~]*`},
			sdk.Field{Name: "project", Label: "Project", Help: "Only where calls are to count for another project: proj_...", Pattern: `[!-~]*`})},
		Authorize:  withHeaders(map[string]string{"OpenAI-Organization": "organization", "OpenAI-Project": "project"}),
		Explain:    w.explain,
		Verify:     verifyByModels,
		VerifyNote: "Lists the models, which costs nothing. A key that may not list models fails the test though it may be good for other calls.",
		Operations: join([]sdk.Operation{
			chat[openAIChat](w, "Answers a conversation with a chat model. Takes tools, images, audio and JSON Schemas for the answer where the model does."),
			respond[openAIResponse](w, sdk.Write, "Answers by the Responses API, with OpenAI's own tools (web search, file search, code interpreter, MCP) and conversations that OpenAI keeps. The response is stored for 30 days unless store is false; with background it is answered at once and read later by get_response."),
		}, storedResponses(), conversations(), w.pick("completion", "create_embedding", "generate_image", "edit_image", "transcribe", "translate_audio", "speech"),
			[]sdk.Operation{moderate()}, videos(),
			w.pick("list_models", "get_model", "upload_file", "list_files", "get_file", "get_file_content", "delete_file",
				"create_batch", "list_batches", "get_batch", "cancel_batch"), vectorStores()),
	}
}

// openAIChat is the input of OpenAI's chat_completion.
type openAIChat struct {
	modelName
	conversation
	Store             *bool    `json:"store,omitempty" jsonschema:"whether OpenAI keeps the completion for its dashboard"`
	Metadata          object   `json:"metadata,omitempty" jsonschema:"up to 16 texts of yours to find it by"`
	ServiceTier       string   `json:"service_tier,omitempty" jsonschema:"auto, default, flex or priority"`
	Modalities        []string `json:"modalities,omitempty" enum:"text,audio"`
	Audio             object   `json:"audio,omitempty" jsonschema:"with modality audio: {voice, format}"`
	Prediction        object   `json:"prediction,omitempty" jsonschema:"text that is known to recur: {type: content, content}"`
	Verbosity         string   `json:"verbosity,omitempty" enum:"low,medium,high"`
	WebSearchOptions  object   `json:"web_search_options,omitempty" jsonschema:"for search models: {search_context_size, user_location}"`
	PromptCacheKey    string   `json:"prompt_cache_key,omitempty" jsonschema:"groups calls with the same beginning"`
	SafetyIdentifier  string   `json:"safety_identifier,omitempty" jsonschema:"a hashed name of the end user, for the platform's abuse checks"`
	PromptCacheRetain string   `json:"prompt_cache_retention,omitempty"`
}

// openAIResponse is the input of OpenAI's create_response.
type openAIResponse struct {
	Model string `json:"model,omitempty" jsonschema:"the model's id; required unless prompt names one"`
	turn
	PreviousResponseID string          `json:"previous_response_id,omitempty" jsonschema:"the stored response that this one goes on from"`
	Conversation       json.RawMessage `json:"conversation,omitempty" jsonschema:"id of a stored conversation that this belongs to"`
	Include            []string        `json:"include,omitempty" jsonschema:"what else to answer, such as web_search_call.action.sources or reasoning.encrypted_content"`
	Store              *bool           `json:"store,omitempty" jsonschema:"false for a response that is not kept"`
	Background         *bool           `json:"background,omitempty" jsonschema:"true for long work such as deep research: poll get_response"`
	ParallelToolCalls  *bool           `json:"parallel_tool_calls,omitempty"`
	MaxToolCalls       int             `json:"max_tool_calls,omitempty" minimum:"1"`
	Prompt             object          `json:"prompt,omitempty" jsonschema:"a stored prompt: {id, version, variables}"`
	Truncation         string          `json:"truncation,omitempty" enum:"auto,disabled"`
	ServiceTier        string          `json:"service_tier,omitempty" jsonschema:"auto, default, flex or priority"`
	PromptCacheKey     string          `json:"prompt_cache_key,omitempty"`
	SafetyIdentifier   string          `json:"safety_identifier,omitempty"`
	StreamOptions      object          `json:"stream_options,omitempty"`
}
