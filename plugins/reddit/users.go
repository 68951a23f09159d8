package main

import (
	"context"
	"encoding/json"

	"github.com/patchbay/patchbay/sdk"
)

func userOperations() []sdk.Operation {
	return []sdk.Operation{
		{Name: "get_me", Effect: sdk.Read, Scopes: []string{"identity"}, Run: sdk.Func(getMe), Description: "Answers the connected account: name, karma, age."},
		{Name: "get_karma", Effect: sdk.Read, Scopes: []string{"mysubreddits"}, Run: sdk.Send[sdk.None, karma](sdk.Endpoint{Path: "/api/v1/me/karma", Query: raw()}), Description: "Answers the account's karma in each subreddit."},
		{Name: "get_user", Effect: sdk.Read, Scopes: []string{"read"}, Run: sdk.Func(getUser), Description: "Answers what is public of a user. Suspended, deleted and shadow-banned ones answer not_found or nearly nothing."},
		{Name: "user_history", Effect: sdk.Read, Scopes: []string{"history"}, Run: sdk.Func(userHistory), Description: "Lists what a user posted and commented, in pages. saved, hidden, upvoted and downvoted are refused for anybody but the account itself."},
	}
}

type meOutput struct {
	Name         string  `json:"name"`
	ID           string  `json:"id"`
	CreatedUTC   float64 `json:"created_utc"`
	TotalKarma   int64   `json:"total_karma"`
	LinkKarma    int64   `json:"link_karma"`
	CommentKarma int64   `json:"comment_karma"`
	IsSuspended  bool    `json:"is_suspended"`
	HasMail      bool    `json:"has_mail"`
}

func getMe(ctx context.Context, call *sdk.Call, _ sdk.None) (meOutput, error) {
	var out meOutput
	return out, call.Do(ctx, sdk.Request{Path: "/api/v1/me", Query: raw()}, &out)
}

type karma struct {
	Karma []json.RawMessage `json:"karma" from:"data"`
}

type userInput struct {
	Name string `json:"name" pattern:"^(/?u/)?[A-Za-z0-9_-]{1,50}$" jsonschema:"the user's name"`
}

type user struct {
	User object `json:"user"`
}

func getUser(ctx context.Context, call *sdk.Call, in userInput) (user, error) {
	var t struct {
		Data object `json:"data"`
	}
	err := call.Do(ctx, sdk.Request{Path: sdk.Path("/user/%s/about/", userName(in.Name)), Query: raw()}, &t)
	return user{User: t.Data}, err
}

type historyInput struct {
	userInput
	Kind string `json:"kind,omitempty" enum:"overview,submitted,comments,saved,upvoted,downvoted,hidden" default:"overview"`
	Sort string `json:"sort,omitempty" enum:"hot,new,top,controversial"`
	Time string `json:"time,omitempty" enum:"hour,day,week,month,year,all" jsonschema:"with top and controversial"`
	paged
	detail
}

type historyItem struct {
	Kind string `json:"kind" enum:"post,comment"`
	Item object `json:"item"`
}

type history struct {
	Items      []historyItem `json:"items"`
	NextCursor string        `json:"next_cursor,omitempty"`
}

func userHistory(ctx context.Context, call *sdk.Call, in historyInput) (history, error) {
	if in.Kind == "" {
		in.Kind = "overview"
	}
	l, err := getListing(ctx, call, sdk.Path("/user/%s/"+in.Kind, userName(in.Name)), in.query("sort", in.Sort, "t", in.Time), kindPost, kindComment)
	if err != nil {
		return history{}, err
	}
	out := history{Items: make([]historyItem, 0, len(l.Data.Children)), NextCursor: l.Data.After}
	for _, child := range l.Data.Children {
		one, err := in.view(child)
		if err != nil {
			return history{}, err
		}
		kind := "post"
		if child.Kind == kindComment {
			kind = "comment"
		}
		out.Items = append(out.Items, historyItem{Kind: kind, Item: one})
	}
	return out, nil
}
