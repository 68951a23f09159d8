package main

import (
	"context"
	"encoding/json"
	"net/url"

	"github.com/patchbay/patchbay/sdk"
)

// job names long work.
type job struct {
	ID string `json:"id" minLength:"1" maxLength:"200" jsonschema:"as the start of the work answered it"`
}

// jobPage asks how far long work has come.
type jobPage struct {
	job
	Cursor string `json:"cursor,omitempty" wire:"skip" pattern:"^[0-9]{1,9}$" jsonschema:"next_cursor of the answer before, for more of its pages"`
}

// state is how far long work has come.
type state struct {
	Status     string            `json:"status" jsonschema:"scraping, completed, failed or cancelled"`
	Total      int64             `json:"total"`
	Completed  int64             `json:"completed"`
	Items      []json.RawMessage `json:"items" jsonschema:"the pages read so far"`
	NextCursor string            `json:"next_cursor,omitempty" jsonschema:"for more of the pages; while the work goes on, there may be more yet"`
	Details    sdk.Object        `json:"details,omitempty" jsonschema:"what else Firecrawl said, such as creditsUsed and expiresAt"`
}

// begins makes the function of an operation that starts long work.
func begins[In any](route string) sdk.Handler {
	return sdk.Func(func(ctx context.Context, call *sdk.Call, in In) (started, error) {
		r, err := sdk.Route(route, in)
		if err != nil {
			return started{}, err
		}
		if body, ok := r.JSON.(sdk.Object); ok {
			if err := spell(body); err != nil {
				return started{}, err
			}
		}
		var answer struct {
			ID          string            `json:"id"`
			InvalidURLs []json.RawMessage `json:"invalidURLs"`
		}
		if err := call.Do(ctx, r, &answer); err != nil {
			return started{}, err
		}
		if answer.ID == "" {
			return started{}, sdk.Errorf(sdk.PlatformError, "Firecrawl did not say which work it has started.")
		}
		return started{ID: answer.ID, InvalidURLs: answer.InvalidURLs}, nil
	})
}

// states makes the function of an operation that asks how far long work has come. Polling costs nothing, and counts nothing.
func states[In any](route string) sdk.Handler {
	return sdk.RoutedTo(route, func(_ *sdk.Call, _ In, answer sdk.Object) (state, error) {
		list, err := sdk.PageOf(answer, "data", "")
		if err != nil {
			return state{}, err
		}
		out := state{Status: sdk.Text(answer["status"]), Items: list.Items, NextCursor: skipIn(sdk.Text(answer["next"])), Details: answer}
		if out.Status == "" {
			return state{}, sdk.Errorf(sdk.PlatformError, "Firecrawl did not say how far the work has come.")
		}
		_ = json.Unmarshal(answer["total"], &out.Total) // what is no number stays 0, here and below
		_ = json.Unmarshal(answer["completed"], &out.Completed)
		for _, name := range []string{"data", "next", "status", "total", "completed", "success"} {
			delete(answer, name)
		}
		return out, nil
	})
}

// skipIn takes out of the address of a next page what is to be skipped. The address itself is not asked: it may lead anywhere.
func skipIn(next string) string {
	address, err := url.Parse(next)
	if err != nil {
		return ""
	}
	return address.Query().Get("skip")
}
