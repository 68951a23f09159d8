package main

import (
	"context"
	"encoding/json"

	"github.com/patchbay/patchbay/sdk"
)

type webPage struct {
	URL             string `json:"url" format:"uri" minLength:"1" maxLength:"4096" jsonschema:"public address of the page"`
	IncludeMarkdown *bool  `json:"include_markdown,omitempty" wire:"includeMarkdown" jsonschema:"true for the text in Markdown too"`
}

type scraped struct {
	Text     string          `json:"text"`
	Markdown string          `json:"markdown,omitempty"`
	Metadata sdk.Object      `json:"metadata,omitempty"`
	JSONLD   json.RawMessage `json:"jsonld,omitempty" jsonschema:"structured data of the page"`
	Credits  float64         `json:"credits,omitempty" jsonschema:"what the call cost"`
}

func pageOperations() []sdk.Operation {
	return []sdk.Operation{{
		Name: "scrape", Effect: sdk.Read, Run: sdk.Func(scrape),
		Description: "Reads a public web page as text, and as Markdown if asked. Costs two credits or more. Refuses pages that need a sign-in or that keep robots out.",
	}, {
		Name: "get_account", Effect: sdk.Read, Run: sdk.Func(account), Description: "Tells how many credits are left, and how many requests a second are allowed.",
	}}
}

func scrape(ctx context.Context, call *sdk.Call, in webPage) (scraped, error) {
	b, err := sdk.Body(in)
	if err != nil {
		return scraped{}, err
	}
	path := "https://" + scrapeHost
	if call.Replaced() {
		path = "/scrape" // a stand-in has one address
	}
	var answer struct {
		Text *string `json:"text"`
		scraped
	}
	if err := call.Do(ctx, sdk.Request{Path: path, JSON: b}, &answer); err != nil {
		return scraped{}, err
	}
	if answer.Text == nil {
		return scraped{}, sdk.Errorf(sdk.PlatformError, "Serper answered without the page's text.")
	}
	answer.scraped.Text = *answer.Text
	if answer.Credits > 0 {
		call.AddUnits("credits", answer.Credits)
	}
	return answer.scraped, nil
}
