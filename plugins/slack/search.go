package main

import (
	"context"
	"encoding/json"

	"github.com/patchbay/patchbay/sdk"
)

func searchOperations() []sdk.Operation {
	return []sdk.Operation{
		{Name: "search_messages", Effect: sdk.Read, Scopes: []string{"search:read"}, Run: sdk.Func(searchMessages), Description: "Searches the messages that a " +
			"user can see, with Slack's own syntax (in:#channel, from:@name, before:2026-01-31, has:link). Works with user tokens (xoxp-) alone; a bot's is " +
			"refused with not_allowed_token_type."},
	}
}

type searchInput struct {
	Query     string `json:"query" jsonschema:"words and modifiers, as in Slack's own search" minLength:"1" maxLength:"2000"`
	Sort      string `json:"sort,omitempty" enum:"score,timestamp" default:"score"`
	Direction string `json:"sort_dir,omitempty" enum:"asc,desc" default:"desc"`
	Highlight bool   `json:"highlight,omitempty" jsonschema:"mark the words that were found"`
	numbered
}

type matches struct {
	Matches    []json.RawMessage `json:"matches"`
	Total      int               `json:"total"`
	NextCursor string            `json:"next_cursor,omitempty"`
}

func searchMessages(ctx context.Context, call *sdk.Call, in searchInput) (matches, error) {
	number, err := in.number()
	if err != nil {
		return matches{}, err
	}
	var answer struct {
		Messages struct {
			Matches []json.RawMessage `json:"matches"`
			Total   int               `json:"total"`
			Paging  paging            `json:"paging"`
		} `json:"messages"`
	}
	args := sdk.Query("query", in.Query, "sort", in.Sort, "sort_dir", in.Direction, "highlight", in.Highlight, "page", number, "count", in.limit())
	err = get(ctx, call, "search.messages", args, &answer)
	found := answer.Messages
	return matches{Matches: list(found.Matches), Total: found.Total, NextCursor: found.Paging.cursor()}, err
}
