package main

import (
	"context"
	"encoding/json"

	"github.com/patchbay/patchbay/sdk"
)

// newResearch is the input of create_deep_research.
type newResearch struct {
	Model string `json:"model,omitempty" jsonschema:"sonar-deep-research when left out; other Sonar models run in the background too"`
	sonar
	IdempotencyKey string `json:"idempotency_key,omitempty" wire:"-" maxLength:"200" jsonschema:"a text of yours: a second request with the same one starts nothing new"`
}

// oneResearch is the input of get_deep_research.
type oneResearch struct {
	ID string `json:"id" minLength:"1" maxLength:"200" jsonschema:"as create_deep_research answers it"`
}

// research is a deep research request.
type research struct {
	ID           string          `json:"id"`
	Model        string          `json:"model"`
	Status       string          `json:"status" jsonschema:"CREATED, IN_PROGRESS, COMPLETED or FAILED"`
	CreatedAt    json.RawMessage `json:"created_at,omitempty" jsonschema:"Unix time in seconds"`
	StartedAt    json.RawMessage `json:"started_at,omitempty"`
	CompletedAt  json.RawMessage `json:"completed_at,omitempty"`
	FailedAt     json.RawMessage `json:"failed_at,omitempty"`
	ErrorMessage string          `json:"error_message,omitempty"`
	Response     *completion     `json:"response,omitempty" jsonschema:"the answer, once it is completed"`
}

// deepResearch are Perplexity's operations on work in the background.
func (w wire) deepResearch() []sdk.Operation {
	const path = "/v1/async/sonar"
	return []sdk.Operation{{
		Name: "create_deep_research", Effect: sdk.Write,
		Description: "Starts deep research in the background: many searches and a long answer with its sources, within minutes. Answers its id at once: poll get_deep_research. Kept for 7 days. Charged by tokens and searches.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in newResearch) (research, error) {
			in.Model = or(in.Model, "sonar-deep-research")
			b, err := sdk.Body(in)
			if err != nil {
				return research{}, err
			}
			request := object{"request": raw(b)}
			if in.IdempotencyKey != "" {
				request["idempotency_key"] = raw(in.IdempotencyKey)
			}
			return w.researchOf(ctx, call, sdk.Request{Path: path, JSON: request})
		}),
	}, {
		Name: "get_deep_research", Effect: sdk.Read, Description: "Tells how far deep research has come, and its answer once it is completed.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in oneResearch) (research, error) {
			return w.researchOf(ctx, call, sdk.Request{Path: sdk.Path(path+"/%s", in.ID)})
		}),
	}, {
		Name: "list_deep_research", Effect: sdk.Read, Description: "Lists your deep research requests, newest first, without their answers.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in researchListing) (page, error) {
			var answer struct {
				Requests  []json.RawMessage `json:"requests"`
				NextToken json.RawMessage   `json:"next_token"`
			}
			query := sdk.Query("limit", in.Limit, "next_token", in.Cursor)
			if err := call.Do(ctx, sdk.Request{Path: path, Query: query}, &answer); err != nil {
				return page{}, err
			}
			return page{Items: filterModels(answer.Requests, modelFilter{Limit: in.Limit}), NextCursor: sdk.Text(answer.NextToken)}, nil
		}),
	}}
}

// researchListing is the input of list_deep_research.
type researchListing struct {
	Limit  int    `json:"limit,omitempty" minimum:"1" maximum:"100" jsonschema:"how many at most"`
	Cursor string `json:"cursor,omitempty" jsonschema:"next_cursor of the page before"`
}

func (w wire) researchOf(ctx context.Context, call *sdk.Call, r sdk.Request) (research, error) {
	var answer object
	if err := call.Do(ctx, r, &answer); err != nil {
		return research{}, err
	}
	out := research{ID: sdk.Text(answer["id"]), Model: sdk.Text(answer["model"]), Status: sdk.Text(answer["status"]),
		CreatedAt: present(answer["created_at"]), StartedAt: present(answer["started_at"]), CompletedAt: present(answer["completed_at"]),
		FailedAt: present(answer["failed_at"]), ErrorMessage: clean(sdk.Text(answer["error_message"]))}
	if out.ID == "" || out.Status == "" {
		return research{}, sdk.Errorf(sdk.PlatformError, "Perplexity answered something that is no research request.")
	}
	var response object
	if json.Unmarshal(answer["response"], &response) == nil && response != nil {
		whole, err := w.completionOf(response)
		if err != nil {
			return research{}, err
		}
		out.Response = &whole
	}
	return out, nil
}
