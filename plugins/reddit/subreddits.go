package main

import (
	"context"
	"encoding/json"
	"net/url"

	"github.com/patchbay/patchbay/sdk"
)

func subredditOperations() []sdk.Operation {
	return []sdk.Operation{
		{Name: "subreddit_info", Effect: sdk.Read, Scopes: []string{"read"}, Run: sdk.Func(subredditInfo), Description: "Answers what a subreddit is: description, subscribers, kind, and what this account may do there. Refuses private and banned ones."},
		{Name: "get_subreddit_rules", Effect: sdk.Read, Scopes: []string{"read"}, Run: sdk.Send[subredditInput, rules](sdk.Endpoint{Path: "/r/{subreddit}/about/rules", Query: raw()}), Description: "Answers the rules of a subreddit. Read them before posting there."},
		{Name: "search_subreddits", Effect: sdk.Read, Scopes: []string{"read"}, Run: sdk.Func(searchSubreddits), Description: "Searches subreddits by words in their name and description, in pages."},
		{Name: "popular_subreddits", Effect: sdk.Read, Scopes: []string{"read"}, Run: sdk.Func(popularSubreddits), Description: "Lists the subreddits with the most activity, or the newest, in pages."},
		{Name: "my_subreddits", Effect: sdk.Read, Scopes: []string{"mysubreddits"}, Run: sdk.Func(mySubreddits), Description: "Lists the subreddits that the account is subscribed to, or where it is an approved user or a moderator, in pages."},
		{Name: "subscribe", Effect: sdk.Idempotent, Scopes: []string{"subscribe"}, Run: subscription("sub"), Description: "Subscribes the account to subreddits. Refuses those that do not exist."},
		{Name: "unsubscribe", Effect: sdk.Idempotent, Scopes: []string{"subscribe"}, Run: subscription("unsub"), Description: "Ends the account's subscription of subreddits. One that is not subscribed to answers not_found."},
		{Name: "list_flairs", Effect: sdk.Read, Scopes: []string{"flair"}, Run: sdk.Func(listFlairs), Description: "Lists the flairs that posts in a subreddit may have; an id is what submit_post takes as flair_id. Those with mod_only are for moderators."},
	}
}

// subredditInput names a subreddit.
type subredditInput struct {
	Subreddit string `json:"subreddit" pattern:"^[A-Za-z0-9_]{2,50}$" jsonschema:"its name without r/"`
}

type subredditInfoInput struct {
	subredditInput
	detail
}

type subreddit struct {
	Subreddit object `json:"subreddit"`
}

func subredditInfo(ctx context.Context, call *sdk.Call, in subredditInfoInput) (subreddit, error) {
	var t thing
	if err := call.Do(ctx, sdk.Request{Path: sdk.Path("/r/%s/about/", in.Subreddit), Query: raw()}, &t); err != nil {
		return subreddit{}, err
	}
	if t.Kind != kindSubreddit {
		return subreddit{}, sdk.Errorf(sdk.NotFound, "Reddit has no such subreddit.")
	}
	one, err := in.view(t)
	return subreddit{Subreddit: one}, err
}

type rules struct {
	Rules     []json.RawMessage `json:"rules"`
	SiteRules []json.RawMessage `json:"site_rules"`
}

type subredditPage struct {
	Subreddits []object `json:"subreddits"`
	NextCursor string   `json:"next_cursor,omitempty"`
}

func subreddits(ctx context.Context, call *sdk.Call, path string, query url.Values, d detail) (subredditPage, error) {
	l, err := getListing(ctx, call, path, query, kindSubreddit)
	if err != nil {
		return subredditPage{}, err
	}
	out, err := d.views(l.Data.Children)
	return subredditPage{Subreddits: out, NextCursor: l.Data.After}, err
}

type searchSubredditsInput struct {
	Query string `json:"query" minLength:"1" maxLength:"512"`
	Sort  string `json:"sort,omitempty" enum:"relevance,activity" default:"relevance"`
	paged
	detail
}

func searchSubreddits(ctx context.Context, call *sdk.Call, in searchSubredditsInput) (subredditPage, error) {
	return subreddits(ctx, call, "/subreddits/search", in.query("q", in.Query, "sort", in.Sort), in.detail)
}

type popularInput struct {
	Where string `json:"where,omitempty" enum:"popular,new,default" default:"popular"`
	paged
	detail
}

func popularSubreddits(ctx context.Context, call *sdk.Call, in popularInput) (subredditPage, error) {
	if in.Where == "" {
		in.Where = "popular"
	}
	return subreddits(ctx, call, "/subreddits/"+in.Where+"/", in.query(), in.detail)
}

type mySubredditsInput struct {
	As string `json:"as,omitempty" enum:"subscriber,contributor,moderator" default:"subscriber" jsonschema:"contributor means an approved user"`
	paged
	detail
}

func mySubreddits(ctx context.Context, call *sdk.Call, in mySubredditsInput) (subredditPage, error) {
	if in.As == "" {
		in.As = "subscriber"
	}
	return subreddits(ctx, call, "/subreddits/mine/"+in.As+"/", in.query(), in.detail)
}

type subscriptionInput struct {
	Subreddits []string `json:"subreddits" minItems:"1" maxItems:"100" to:"body sr_name" join:"," jsonschema:"names without r/"`
}

func subscription(action string) sdk.Handler {
	e := form("/api/subscribe")
	e.Body = map[string]any{"api_type": "json", "action": action}
	if action == "sub" {
		e.Body["skip_initial_defaults"] = true // the account's other subscriptions stay as they are
	}
	return sdk.Send[subscriptionInput, sdk.None](e)
}

type flairs struct {
	Flairs []json.RawMessage `json:"flairs" jsonschema:"as Reddit gives them: id, text, text_editable, mod_only"`
}

func listFlairs(ctx context.Context, call *sdk.Call, in subredditInput) (flairs, error) {
	out := flairs{Flairs: []json.RawMessage{}}
	return out, call.Do(ctx, sdk.Request{Path: sdk.Path("/r/%s/api/link_flair_v2", in.Subreddit), Query: raw()}, &out.Flairs)
}
