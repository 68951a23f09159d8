package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// raw asks for texts as they are: without it Reddit writes &lt; for <.
func raw(pairs ...any) url.Values {
	q := sdk.Query(pairs...)
	q.Set("raw_json", "1")
	return q
}

// form is a request that changes something; its input is sent as a form.
func form(path string) sdk.Endpoint {
	return sdk.Endpoint{Method: http.MethodPost, Path: path, Query: raw(), Form: true, Body: map[string]any{"api_type": "json"}}
}

// object is any JSON object, kept as it came.
type object map[string]json.RawMessage

// thing is Reddit's envelope: what kind it is, and the thing itself.
type thing struct {
	Kind string          `json:"kind"`
	Data json.RawMessage `json:"data"`
}

// Kinds of things.
const (
	kindComment   = "t1"
	kindPost      = "t3"
	kindMessage   = "t4"
	kindSubreddit = "t5"
	kindMore      = "more"
)

// listing is a page of things.
type listing struct {
	Kind string `json:"kind"`
	Data struct {
		After    string  `json:"after"`
		Children []thing `json:"children"`
	} `json:"data"`
}

// paged is how operations that give their result in pages are asked for one.
type paged struct {
	Limit  int    `json:"limit,omitempty" minimum:"1" maximum:"100" default:"25" jsonschema:"how many at most"`
	Cursor string `json:"cursor,omitempty" pattern:"^[a-z0-9_]+$" jsonschema:"next_cursor of the page before; leave it out for the first page"`
}

func (p paged) query(pairs ...any) url.Values {
	if p.Limit == 0 {
		p.Limit = 25
	}
	return raw(append(pairs, "limit", p.Limit, "after", p.Cursor)...)
}

// detail says how much of each thing is answered.
type detail struct {
	Full bool `json:"full,omitempty" jsonschema:"answer every field that Reddit has, about a hundred for a post, instead of those that usually count"`
}

// maxListing bounds what is read of a page of things.
const maxListing = 16 << 20

// getListing asks for a page of things, all of the wanted kinds.
func getListing(ctx context.Context, call *sdk.Call, path string, query url.Values, kinds ...string) (listing, error) {
	var l listing
	resp, err := call.Open(ctx, sdk.Request{Path: path, Query: query})
	if err != nil {
		return l, err
	}
	defer func() { _ = resp.Body.Close() }() // read below as far as it counts
	if strings.HasPrefix(path, "/r/") && strings.HasSuffix(resp.Request.URL.Path, "/subreddits/search") {
		// Reddit redirects the listings of a subreddit that it does not have to a search for subreddits.
		return l, sdk.Errorf(sdk.NotFound, "Reddit has no such subreddit.")
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxListing)).Decode(&l); ctx.Err() != nil {
		return l, ctx.Err()
	} else if err != nil || l.Kind != "Listing" {
		return l, sdk.Errorf(sdk.PlatformError, "Reddit's answer is not a list of things.")
	}
	for _, child := range l.Data.Children {
		if !slices.Contains(kinds, child.Kind) {
			return l, sdk.Errorf(sdk.PlatformError, "Reddit's answer holds a thing that was not asked for.")
		}
	}
	return l, nil
}

// kept are the fields of a thing that usually count, by its kind.
func kept(kind string) []string {
	switch kind {
	case kindPost:
		return []string{"name", "subreddit", "title", "author", "created_utc", "score", "upvote_ratio", "num_comments", "permalink", "url", "selftext",
			"is_self", "over_18", "spoiler", "locked", "archived", "stickied", "link_flair_text", "likes", "saved", "edited", "removed_by_category", "crosspost_parent"}
	case kindComment:
		return []string{"name", "subreddit", "author", "body", "created_utc", "score", "score_hidden", "parent_id", "link_id", "link_title", "permalink", "is_submitter", "distinguished",
			"stickied", "likes", "saved", "edited", "depth", "new", "subject"}
	case kindSubreddit:
		return []string{"name", "display_name", "title", "public_description", "subscribers", "active_user_count", "created_utc", "over18", "subreddit_type", "submission_type",
			"url", "user_is_subscriber", "user_is_moderator", "user_is_contributor", "user_is_banned", "link_flair_enabled", "lang"}
	case kindMessage:
		return []string{"name", "author", "dest", "subject", "body", "created_utc", "new", "parent_id", "first_message_name", "context"}
	}
	return nil
}

// view answers a thing as its caller wants it.
func (d detail) view(t thing) (object, error) {
	var all object
	if err := json.Unmarshal(t.Data, &all); err != nil {
		return nil, sdk.Errorf(sdk.PlatformError, "Reddit's answer holds a thing that is no object.")
	}
	fields := kept(t.Kind)
	if d.Full || fields == nil {
		return all, nil
	}
	out := object{}
	for _, name := range fields {
		if value, ok := all[name]; ok {
			out[name] = value
		}
	}
	return out, nil
}

// views is view for a list, which is never null.
func (d detail) views(things []thing) ([]object, error) {
	out := make([]object, 0, len(things))
	for _, t := range things {
		one, err := d.view(t)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

// subredditName is a subreddit's name as people write it, with or without r/.
func subredditName(name string) string {
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(name, "/"), "r/"), "/")
}

// userName is a user's name as people write it, with or without u/.
func userName(name string) string { return strings.TrimPrefix(strings.TrimPrefix(name, "/"), "u/") }

// shortID answers the id of a fullname, or of an id itself.
func shortID(name, prefix string) string { return strings.TrimPrefix(name, prefix+"_") }
