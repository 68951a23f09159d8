package main

import (
	"context"
	_ "embed"
	"encoding/json"

	"github.com/patchbay/patchbay/sdk"
)

//go:embed icons/perplexity.svg
var perplexityIcon []byte

// perplexity is Perplexity's API.
func perplexity() sdk.Platform {
	w := wire{name: "Perplexity", chat: "/v1/sonar", responses: "/v1/agent"}
	return sdk.Platform{
		ID: "perplexity", Name: "Perplexity", Category: sdk.Tools, Icon: perplexityIcon, Website: "https://docs.perplexity.ai",
		Description: "Answers that rest on a search of the web and name their sources, plain web search, and deep research in the background.",
		BaseURL:     "https://api.perplexity.ai",
		Auth:        []sdk.AuthMethod{keyMethod("Make a key at perplexity.ai/account/api.")},
		Explain:     w.explain,
		Verify:      verifyPerplexity,
		VerifyNote:  "Perplexity has no call that says whose key it is. The test lists your deep research requests, which asks no model and so costs nothing, and names the account by the key's last four characters.",
		Operations: join([]sdk.Operation{
			chat[sonarChat](w, "Answers a conversation with a Sonar model that searches the web first, and names the sources in citations and search_results. The usage tells the cost."),
			{
				Name: "search", Effect: sdk.Read, Run: consumes[webSearch]("/search"),
				Description: "Searches the web and answers the pages themselves: results with title, url, snippet and date. Asks no model. Charged by the request.",
			},
		}, w.deepResearch(), []sdk.Operation{
			respond[agentTurn](w, sdk.Read, "Answers by Perplexity's Agent API, with models of several vendors, presets and the tools web_search and fetch_url."),
			{
				Name: "create_embedding", Effect: sdk.Read, Run: w.embeds("/v1/embeddings"),
				Description: "Turns texts into vectors for search and comparison. Takes one text or a list; answers base64 of signed bytes, or of bits.",
			}, {
				Name: "list_models", Effect: sdk.Read, Run: listModels("/v1/models"),
				Description: "Lists the models of the Agent API (create_response). The Sonar models are sonar, sonar-pro, sonar-reasoning-pro and sonar-deep-research.",
			},
		}),
	}
}

// finding are the parameters that narrow a search.
type finding struct {
	SearchDomainFilter      []string `json:"search_domain_filter,omitempty" maxItems:"20" jsonschema:"only these domains, or with - before each, all but these"`
	SearchLanguageFilter    []string `json:"search_language_filter,omitempty" maxItems:"20" jsonschema:"such as en or de"`
	SearchRecencyFilter     string   `json:"search_recency_filter,omitempty" enum:"hour,day,week,month,year"`
	SearchAfterDateFilter   string   `json:"search_after_date_filter,omitempty" jsonschema:"pages published after: MM/DD/YYYY"`
	SearchBeforeDateFilter  string   `json:"search_before_date_filter,omitempty" jsonschema:"pages published before: MM/DD/YYYY"`
	LastUpdatedAfterFilter  string   `json:"last_updated_after_filter,omitempty" jsonschema:"MM/DD/YYYY"`
	LastUpdatedBeforeFilter string   `json:"last_updated_before_filter,omitempty" jsonschema:"MM/DD/YYYY"`
}

// sonar are the parameters of a Sonar model.
type sonar struct {
	finding
	Messages               []object        `json:"messages" minItems:"1" jsonschema:"the conversation so far, oldest first: {role: system, user or assistant, content}; users and assistants take turns"`
	MaxTokens              int             `json:"max_tokens,omitempty" minimum:"1" maximum:"128000" jsonschema:"most tokens to generate"`
	Temperature            *float64        `json:"temperature,omitempty" minimum:"0" maximum:"2"`
	TopP                   *float64        `json:"top_p,omitempty" minimum:"0" maximum:"1"`
	Stop                   json.RawMessage `json:"stop,omitempty"`
	ResponseFormat         object          `json:"response_format,omitempty" jsonschema:"{type: json_schema, json_schema: {schema}}"`
	SearchMode             string          `json:"search_mode,omitempty" enum:"web,academic,sec"`
	WebSearchOptions       object          `json:"web_search_options,omitempty" jsonschema:"{search_context_size: low, medium or high, user_location}"`
	ReturnImages           *bool           `json:"return_images,omitempty"`
	ReturnRelatedQuestions *bool           `json:"return_related_questions,omitempty"`
	ImageDomainFilter      []string        `json:"image_domain_filter,omitempty"`
	ImageFormatFilter      []string        `json:"image_format_filter,omitempty"`
	DisableSearch          *bool           `json:"disable_search,omitempty" jsonschema:"true to answer from the model's own knowledge"`
	EnableSearchClassifier *bool           `json:"enable_search_classifier,omitempty" jsonschema:"true to search only where the question needs it"`
	ReasoningEffort        string          `json:"reasoning_effort,omitempty" enum:"minimal,low,medium,high" jsonschema:"how deep research goes"`
	LanguagePreference     string          `json:"language_preference,omitempty"`
	extra
}

// sonarChat is the input of Perplexity's chat_completion.
type sonarChat struct {
	Model string `json:"model" minLength:"1" jsonschema:"sonar, sonar-pro, sonar-reasoning-pro or sonar-deep-research"`
	sonar
	Stream     *bool  `json:"stream,omitempty" jsonschema:"true to be given the answer piece by piece while it is generated; the result holds the whole either way"`
	StreamMode string `json:"stream_mode,omitempty" enum:"full,concise"`
}

// webSearch is the input of search.
type webSearch struct {
	Query            json.RawMessage `json:"query" jsonschema:"what to look for, a text or up to five"`
	MaxResults       int             `json:"max_results,omitempty" minimum:"1" maximum:"20"`
	MaxTokens        int             `json:"max_tokens,omitempty" minimum:"1" maximum:"1000000" jsonschema:"most tokens of all pages together"`
	MaxTokensPerPage int             `json:"max_tokens_per_page,omitempty" minimum:"1" maximum:"1000000"`
	Country          string          `json:"country,omitempty" jsonschema:"two letters, such as DE"`
	finding
	extra
}

// agentTurn is the input of Perplexity's create_response.
type agentTurn struct {
	turn
	Model              string   `json:"model,omitempty" jsonschema:"vendor/name, as list_models answers it; this, models or preset"`
	Models             []string `json:"models,omitempty" maxItems:"5" jsonschema:"models to try in turn when the first cannot answer"`
	Preset             string   `json:"preset,omitempty" jsonschema:"such as fast-search, pro-search or deep-research"`
	MaxSteps           int      `json:"max_steps,omitempty" minimum:"1" maximum:"10" jsonschema:"of searching and reading"`
	LanguagePreference string   `json:"language_preference,omitempty"`
	ResponseFormat     object   `json:"response_format,omitempty" jsonschema:"{type: json_schema, json_schema: {name, schema}}"`
}

// verifyPerplexity tests a key by a list that needs one and costs nothing.
func verifyPerplexity(ctx context.Context, call *sdk.Call) (sdk.Account, error) {
	if err := call.Do(ctx, sdk.Request{Path: "/v1/async/sonar"}, nil); err != nil {
		return sdk.Account{}, err
	}
	return sdk.KeyAccount(call, "API key"), nil
}
