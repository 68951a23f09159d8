package main

import (
	"context"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

func membershipOperations() []sdk.Operation {
	return []sdk.Operation{
		{Name: "join_channel", Effect: sdk.Idempotent, Run: sdk.Func(joinChannel), Description: "Makes the token's own user or bot a member of a public channel. " +
			"Private channels cannot be joined: a member has to invite it. Needs channels:join (a bot) or channels:write (a user)."},
		{Name: "leave_channel", Effect: sdk.Idempotent, Run: sdk.Func(leaveChannel), Description: "Takes the token's own user or bot out of a channel. Refuses the " +
			"workspace's general channel, and the last member of a private one. Needs channels:manage (a bot), channels:write (a user), or groups:write."},
		{Name: "invite_to_channel", Effect: sdk.Idempotent, Run: sdk.Func(inviteToChannel), Description: "Adds up to 100 users to a channel that the token is in. " +
			"All or none: one who cannot be added fails the call. Needs channels:manage or channels:write.invites, groups:write for private channels."},
		{Name: "kick_from_channel", Effect: sdk.Idempotent, Run: sdk.Func(kickFromChannel), Description: "Takes one user out of a channel. Refuses the token's own " +
			"user (leave_channel), the general channel, and where the workspace lets only admins do this. Needs channels:manage, channels:write or groups:write."},
		{Name: "list_members", Effect: sdk.Read, Run: sdk.Func(listMembers), Description: "Lists the ids of a channel's members; get_user says who they are. Needs " +
			"channels:read, groups:read, im:read or mpim:read, by kind."},
	}
}

func joinChannel(ctx context.Context, call *sdk.Call, in channelInput) (change, error) {
	var answer struct {
		Warning string `json:"warning"`
	}
	err := post(ctx, call, "conversations.join", sdk.Query("channel", in.Channel), &answer)
	return change{Changed: err == nil && answer.Warning != "already_in_channel"}, err
}

func leaveChannel(ctx context.Context, call *sdk.Call, in channelInput) (change, error) {
	var answer struct {
		NotInChannel bool `json:"not_in_channel"`
	}
	err := post(ctx, call, "conversations.leave", sdk.Query("channel", in.Channel), &answer)
	return change{Changed: err == nil && !answer.NotInChannel}, err
}

type inviteInput struct {
	channelInput
	Users []string `json:"users" jsonschema:"ids of the users (U...)" minItems:"1" maxItems:"100"`
}

func inviteToChannel(ctx context.Context, call *sdk.Call, in inviteInput) (change, error) {
	err := post(ctx, call, "conversations.invite", sdk.Query("channel", in.Channel, "users", strings.Join(in.Users, ",")), nil)
	if len(in.Users) > 1 {
		return changed(err) // one who is in already kept the others out
	}
	return changed(err, "already_in_channel")
}

type kickInput struct {
	channelInput
	User string `json:"user" jsonschema:"id of the user (U...)" minLength:"1"`
}

func kickFromChannel(ctx context.Context, call *sdk.Call, in kickInput) (sdk.None, error) {
	return sdk.None{}, post(ctx, call, "conversations.kick", sdk.Query("channel", in.Channel, "user", in.User), nil)
}

type listMembersInput struct {
	channelInput
	page
}

type memberList struct {
	Members    []string `json:"members" jsonschema:"ids of users"`
	NextCursor string   `json:"next_cursor,omitempty"`
}

func listMembers(ctx context.Context, call *sdk.Call, in listMembersInput) (memberList, error) {
	var answer struct {
		Members []string `json:"members"`
		next
	}
	err := get(ctx, call, "conversations.members", sdk.Query("channel", in.Channel, "cursor", in.Cursor, "limit", in.limit()), &answer)
	return memberList{Members: list(answer.Members), NextCursor: answer.cursor()}, err
}
