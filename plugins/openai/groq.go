package main

import (
	_ "embed"

	"github.com/patchbay/patchbay/sdk"
)

//go:embed icons/groq.svg
var groqIcon []byte

// groq is GroqCloud.
func groq() sdk.Platform {
	w := wire{name: "Groq"}
	return sdk.Platform{
		ID: "groq", Name: "Groq", Category: sdk.AI, Icon: groqIcon, Website: "https://console.groq.com/docs",
		Description: "Open models answered very fast, with speech in both directions and batches.",
		BaseURL:     "https://api.groq.com/openai/v1",
		Auth:        []sdk.AuthMethod{keyMethod("Make a key at console.groq.com/keys.")},
		Explain:     w.explain,
		Verify:      verifyByModels,
		VerifyNote:  "Lists the models, which costs nothing. Groq does not say whose key it is, so the account is named by the key's last four characters.",
		Operations: join([]sdk.Operation{
			chat[groqChat](w, "Answers a conversation with an open model. The details tell Groq's timings."),
			respond[groqResponse](w, sdk.Read, "Answers by the Responses API (beta). Groq keeps nothing: previous responses cannot be named."),
		}, w.pick("transcribe", "translate_audio", "speech", "list_models", "get_model", "upload_file", "list_files", "get_file",
			"get_file_content", "delete_file", "create_batch", "list_batches", "get_batch", "cancel_batch")),
	}
}

// groqChat is the input of Groq's chat_completion.
type groqChat struct {
	modelName
	conversation
	ServiceTier      string   `json:"service_tier,omitempty" enum:"auto,on_demand,flex,performance"`
	ReasoningFormat  string   `json:"reasoning_format,omitempty" enum:"hidden,raw,parsed" jsonschema:"where the reasoning goes; give this or include_reasoning"`
	IncludeReasoning *bool    `json:"include_reasoning,omitempty"`
	SearchSettings   object   `json:"search_settings,omitempty" jsonschema:"for compound models: {include_domains, exclude_domains, country}"`
	CompoundCustom   object   `json:"compound_custom,omitempty" jsonschema:"for compound models: their models and tools"`
	Documents        []object `json:"documents,omitempty" jsonschema:"texts that the answer is to rest on"`
	CitationOptions  string   `json:"citation_options,omitempty" enum:"enabled,disabled"`
	Metadata         object   `json:"metadata,omitempty"`
}

// groqResponse is the input of Groq's create_response.
type groqResponse struct {
	modelName
	turn
	ParallelToolCalls *bool  `json:"parallel_tool_calls,omitempty"`
	ServiceTier       string `json:"service_tier,omitempty" enum:"auto,default,flex"`
	Truncation        string `json:"truncation,omitempty" enum:"auto,disabled"`
	User              string `json:"user,omitempty"`
}
