package main

import "github.com/patchbay/patchbay/sdk"

// extraction is the input of extract.
type extraction struct {
	URLs              []string   `json:"urls" minItems:"1" jsonschema:"pages, or parts of sites by an ending /*"`
	Prompt            string     `json:"prompt,omitempty" jsonschema:"what is wanted, in words"`
	Schema            sdk.Object `json:"schema,omitempty" jsonschema:"JSON Schema of the data"`
	EnableWebSearch   *bool      `json:"enableWebSearch,omitempty"`
	IgnoreSitemap     *bool      `json:"ignoreSitemap,omitempty"`
	IncludeSubdomains *bool      `json:"includeSubdomains,omitempty"`
	ShowSources       *bool      `json:"showSources,omitempty"`
	ScrapeOptions     sdk.Object `json:"scrapeOptions,omitempty" jsonschema:"how each page is read; formats are objects here: [{type: markdown}]"`
	IgnoreInvalidURLs *bool      `json:"ignoreInvalidURLs,omitempty"`
}

// errand is the input of agent.
type errand struct {
	Prompt                string     `json:"prompt" minLength:"1" maxLength:"10000" jsonschema:"what data is wanted, in words"`
	URLs                  []string   `json:"urls,omitempty" jsonschema:"where to begin"`
	Schema                sdk.Object `json:"schema,omitempty" jsonschema:"JSON Schema of the data"`
	MaxCredits            float64    `json:"maxCredits,omitempty" minimum:"1" jsonschema:"what it may cost at most"`
	StrictConstrainToURLs *bool      `json:"strictConstrainToURLs,omitempty" jsonschema:"true to look nowhere else"`
	Model                 string     `json:"model,omitempty" enum:"spark-2,spark-1-mini,spark-1-pro"`
}

func agentOperations() []sdk.Operation {
	return []sdk.Operation{{
		Name: "extract", Effect: sdk.Write, Run: begins[extraction]("POST /extract"), Description: "Starts collecting data of a schema from pages or whole sites. Answers an id at once: poll get_extract. Costs tokens.",
	}, {
		Name: "get_extract", Effect: sdk.Read, Run: sdk.Routed[job]("GET /extract/{id}"), Description: "Tells how far an extract has come (processing, completed, failed, cancelled), and its data when it is completed.",
	}, {
		Name: "agent", Effect: sdk.Write, Run: begins[errand]("POST /agent"), Description: "Starts an agent that finds data on the web by itself. Answers an id at once: poll get_agent. Set maxCredits: what it costs depends on what it does.",
	}, {
		Name: "get_agent", Effect: sdk.Read, Run: sdk.Routed[job]("GET /agent/{id}"), Description: "Tells how far an agent has come (processing, completed, failed), and its data when it is completed.",
	}, {
		Name: "cancel_agent", Effect: sdk.Idempotent, Run: sdk.Routed[job]("DELETE /agent/{id}"), Description: "Stops an agent. What it has used by then is charged.",
	}}
}
