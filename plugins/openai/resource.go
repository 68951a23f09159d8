package main

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// The operations on things that a platform keeps (files, batches, stored responses) are alike: they differ in a path and a body.

// listing is how a page of a list is asked for.
type listing struct {
	Limit  int    `json:"limit,omitempty" minimum:"1" maximum:"100" jsonschema:"how many at most"`
	Cursor string `json:"cursor,omitempty" jsonschema:"next_cursor of the page before"`
	Order  string `json:"order,omitempty" enum:"asc,desc" jsonschema:"by the time of creation"`
}

// page is one page of a list.
type page struct {
	Items      []json.RawMessage `json:"items"`
	NextCursor string            `json:"next_cursor,omitempty" jsonschema:"for the next page; absent on the last one"`
}

// deletion is the answer of a delete operation.
type deletion struct {
	ID      string `json:"id"`
	Deleted bool   `json:"deleted"`
}

// getPage asks for one page of a list in OpenAI's form: after is the last id of the page before.
func getPage(ctx context.Context, call *sdk.Call, path string, l listing, pairs ...any) (page, error) {
	var answer struct {
		Data    []json.RawMessage `json:"data"`
		HasMore bool              `json:"has_more"`
		LastID  string            `json:"last_id"`
	}
	query := sdk.Query(append([]any{"limit", l.Limit, "after", l.Cursor, "order", l.Order}, pairs...)...)
	if err := call.Do(ctx, sdk.Request{Path: path, Query: query}, &answer); err != nil {
		return page{}, err
	}
	out := page{Items: answer.Data}
	if out.Items == nil {
		out.Items = []json.RawMessage{}
	}
	if answer.HasMore {
		out.NextCursor = or(answer.LastID, lastID(out.Items))
	}
	return out, nil
}

// lastID answers the id of the last item.
func lastID(items []json.RawMessage) string {
	var item struct {
		ID string `json:"id"`
	}
	if len(items) == 0 || json.Unmarshal(items[len(items)-1], &item) != nil {
		return ""
	}
	return item.ID
}

// lists makes the function of an operation that lists things with no other input than the page.
func lists(path string) sdk.Handler {
	return sdk.Func(func(ctx context.Context, call *sdk.Call, in listing) (page, error) {
		return getPage(ctx, call, path, in)
	})
}

// gets makes the function of an operation that reads one thing.
func gets[In any](path func(In) string) sdk.Handler {
	return sdk.Func(func(ctx context.Context, call *sdk.Call, in In) (object, error) {
		var out object
		err := call.Do(ctx, sdk.Request{Path: path(in)}, &out)
		return out, err
	})
}

// posts makes the function of an operation that sends its input as JSON and answers what the platform does. Parameters that stand
// in the path are tagged wire:"-".
func posts[In any](path func(In) string) sdk.Handler {
	return sdk.Func(func(ctx context.Context, call *sdk.Call, in In) (object, error) { return post(ctx, call, path(in), in) })
}

// consumes is [posts] for operations whose answer tells what they consumed.
func consumes[In any](path string) sdk.Handler {
	return sdk.Func(func(ctx context.Context, call *sdk.Call, in In) (object, error) {
		out, err := post(ctx, call, path, in)
		count(call, out["usage"])
		return out, err
	})
}

func post(ctx context.Context, call *sdk.Call, path string, in any) (object, error) {
	b, err := sdk.Body(in)
	if err != nil {
		return nil, err
	}
	var out object
	err = call.Do(ctx, sdk.Request{Path: path, JSON: b}, &out)
	return out, err
}

// deletes makes the function of an operation that deletes one thing.
func deletes[In any](path func(In) (path, id string)) sdk.Handler {
	return sdk.Func(func(ctx context.Context, call *sdk.Call, in In) (deletion, error) {
		address, id := path(in)
		err := call.Do(ctx, sdk.Request{Method: "DELETE", Path: address}, nil)
		return deletion{ID: id, Deleted: err == nil}, err
	})
}

// at answers a path that depends on nothing.
func at[In any](path string) func(In) string { return func(In) string { return path } }

// modelPath escapes a model's id, in which a slash parts the vendor from the name.
func modelPath(prefix, model string) string {
	parts := strings.Split(model, "/")
	for i, part := range parts {
		parts[i] = sdk.Path("%s", part)
	}
	return prefix + strings.Join(parts, "/")
}
