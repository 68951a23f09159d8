package main

import (
	"context"
	"encoding/json"

	"github.com/patchbay/patchbay/sdk"
)

// looking is the input of search.
type looking struct {
	Query             string            `json:"query" minLength:"1" maxLength:"500" jsonschema:"what to look for; Google's operators work"`
	Limit             int               `json:"limit,omitempty" minimum:"1" maximum:"100" jsonschema:"how many at most of each source; 10 when left out"`
	Sources           []string          `json:"sources,omitempty" enum:"web,images,news" jsonschema:"web when left out"`
	Categories        []string          `json:"categories,omitempty" enum:"github,research,pdf"`
	IncludeDomains    []string          `json:"includeDomains,omitempty"`
	ExcludeDomains    []string          `json:"excludeDomains,omitempty" jsonschema:"not with includeDomains"`
	TBS               string            `json:"tbs,omitempty" jsonschema:"time: qdr:h, qdr:d, qdr:w, qdr:m or qdr:y for the last hour, day, week, month or year"`
	Location          string            `json:"location,omitempty" jsonschema:"place of the search, such as Berlin, Germany"`
	Country           string            `json:"country,omitempty" maxLength:"2"`
	Timeout           int               `json:"timeout,omitempty" minimum:"1" jsonschema:"milliseconds"`
	IgnoreInvalidURLs *bool             `json:"ignoreInvalidURLs,omitempty"`
	ReadFormats       []json.RawMessage `json:"read_formats,omitempty" wire:"-" jsonschema:"to read each result too, which costs what scrape does: formats as in scrape"`
}

// results is the answer of search.
type results struct {
	Web     []json.RawMessage `json:"web,omitempty"`
	Images  []json.RawMessage `json:"images,omitempty"`
	News    []json.RawMessage `json:"news,omitempty"`
	Warning string            `json:"warning,omitempty"`
	Credits float64           `json:"credits,omitempty" jsonschema:"what the call cost"`
}

func searchOperations() []sdk.Operation {
	return []sdk.Operation{{
		Name: "search", Effect: sdk.Read, Run: sdk.Func(search),
		Description: "Searches the web, news or images, and reads the results too if asked. Costs two credits for ten results, and what reading them costs.",
	}}
}

func search(ctx context.Context, call *sdk.Call, in looking) (results, error) {
	body, err := sdk.Body(in)
	if err != nil {
		return results{}, err
	}
	for name, list := range map[string][]string{"sources": in.Sources, "categories": in.Categories} {
		var objects []map[string]string
		for _, one := range list {
			objects = append(objects, map[string]string{"type": one})
		}
		if objects != nil {
			body[name] = encode(objects)
		}
	}
	if len(in.ReadFormats) > 0 {
		options := sdk.Object{"formats": encode(in.ReadFormats)}
		if err := spell(options); err != nil {
			return results{}, err
		}
		body["scrapeOptions"] = encode(options)
	}
	var answer struct {
		Data        *results        `json:"data"`
		Warning     string          `json:"warning"`
		CreditsUsed json.RawMessage `json:"creditsUsed"`
	}
	if err := call.Do(ctx, sdk.Request{Path: "/search", JSON: body}, &answer); err != nil {
		return results{}, err
	}
	if answer.Data == nil {
		return results{}, sdk.Errorf(sdk.PlatformError, "Firecrawl answered without results.")
	}
	out := *answer.Data
	out.Warning = answer.Warning
	if json.Unmarshal(answer.CreditsUsed, &out.Credits) == nil && out.Credits > 0 {
		call.AddUnits("credits", out.Credits)
	}
	return out, nil
}
