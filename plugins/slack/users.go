package main

import (
	"context"
	"encoding/json"

	"github.com/patchbay/patchbay/sdk"
)

func userOperations() []sdk.Operation {
	return []sdk.Operation{
		{Name: "list_users", Effect: sdk.Read, Scopes: []string{"users:read"}, Run: sdk.Func(listUsers), Description: "Lists the workspace's users, bots and " +
			"deactivated ones (deleted: true) among them. Mail addresses are there only with the scope users:read.email."},
		{Name: "get_user", Effect: sdk.Read, Scopes: []string{"users:read"}, Run: sdk.Func(getUser), Description: "Answers a user's names, profile, time zone and " +
			"role. Takes an id, not a name."},
		{Name: "lookup_user_by_email", Effect: sdk.Read, Scopes: []string{"users:read.email"}, Run: sdk.Func(lookupUserByEmail), Description: "Finds the active " +
			"user who has a mail address. Answers not_found for addresses that nobody, or only a deactivated user, has."},
		{Name: "get_team", Effect: sdk.Read, Scopes: []string{"team:read"}, Run: sdk.Func(getTeam), Description: "Answers the workspace's id, name and domain."},
		{Name: "set_status", Effect: sdk.Idempotent, Scopes: []string{"users.profile:write"}, Run: sdk.Func(setStatus), Description: "Sets the status text and " +
			"emoji of the token's own user; both empty take it away. Works with user tokens (xoxp-) alone: bots have no status."},
	}
}

type userList struct {
	Users      []json.RawMessage `json:"users"`
	NextCursor string            `json:"next_cursor,omitempty"`
}

func listUsers(ctx context.Context, call *sdk.Call, in page) (userList, error) {
	var answer struct {
		Members []json.RawMessage `json:"members"`
		next
	}
	err := get(ctx, call, "users.list", sdk.Query("cursor", in.Cursor, "limit", in.limit()), &answer)
	return userList{Users: list(answer.Members), NextCursor: answer.cursor()}, err
}

type user struct {
	User json.RawMessage `json:"user" jsonschema:"the user as Slack gives it"`
}

type userInput struct {
	User string `json:"user" jsonschema:"id of the user (U... or W...)" minLength:"1"`
}

func getUser(ctx context.Context, call *sdk.Call, in userInput) (user, error) {
	var out user
	return out, get(ctx, call, "users.info", sdk.Query("user", in.User), &out)
}

type emailInput struct {
	Email string `json:"email" jsonschema:"mail address" minLength:"3" maxLength:"320"`
}

func lookupUserByEmail(ctx context.Context, call *sdk.Call, in emailInput) (user, error) {
	var out user
	return out, get(ctx, call, "users.lookupByEmail", sdk.Query("email", in.Email), &out)
}

type team struct {
	Team json.RawMessage `json:"team" jsonschema:"the workspace as Slack gives it"`
}

func getTeam(ctx context.Context, call *sdk.Call, _ sdk.None) (team, error) {
	var out team
	return out, get(ctx, call, "team.info", nil, &out)
}

type status struct {
	Text       string `json:"status_text" jsonschema:"at most 100 characters; empty for none" maxLength:"100"`
	Emoji      string `json:"status_emoji,omitempty" jsonschema:"such as :palm_tree:; empty for Slack's default" maxLength:"100"`
	Expiration int64  `json:"status_expiration,omitempty" jsonschema:"Unix time in seconds when it ends; 0 for never" minimum:"0"`
}

func setStatus(ctx context.Context, call *sdk.Call, in status) (status, error) {
	profile := text(map[string]any{"status_text": in.Text, "status_emoji": in.Emoji, "status_expiration": in.Expiration})
	var answer struct {
		Profile status `json:"profile"`
	}
	err := post(ctx, call, "users.profile.set", sdk.Query("profile", profile), &answer)
	return answer.Profile, err
}
