package main

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

func channelOperations() []sdk.Operation {
	const manage = " Needs channels:manage (a bot) or channels:write (a user) for public channels, groups:write for private ones."
	return []sdk.Operation{
		{Name: "list_channels", Effect: sdk.Read, Run: sdk.Func(listChannels), Description: "Lists the workspace's channels, public ones unless types " +
			"says otherwise; of private channels and direct messages only those that the token is in. Slack filters after it has cut the page, so a page " +
			"may be short or empty although next_cursor leads on. Needs channels:read, groups:read, im:read or mpim:read, by type."},
		{Name: "list_my_channels", Effect: sdk.Read, Run: sdk.Func(listMyChannels), Description: "Lists the channels that the token's own user, or another " +
			"user, is a member of. Needs channels:read, groups:read, im:read or mpim:read, by type."},
		{Name: "get_channel", Effect: sdk.Read, Run: sdk.Func(getChannel), Description: "Answers what is known of a channel or direct message: name, topic, " +
			"purpose, archived or not, number of members. Takes an id, not a name. Needs channels:read, groups:read, im:read or mpim:read, by kind."},
		{Name: "create_channel", Effect: sdk.Write, Run: sdk.Func(createChannel), Description: "Creates a public or private channel, with the token's user as " +
			"its only member. Refuses names that are taken, also by archived channels." + manage},
		{Name: "archive_channel", Effect: sdk.Idempotent, Run: sdk.Func(archiveChannel), Description: "Archives a channel: it stays readable, nobody can post. " +
			"Refuses the workspace's general channel and direct messages." + manage},
		{Name: "unarchive_channel", Effect: sdk.Idempotent, Run: sdk.Func(unarchiveChannel), Description: "Opens an archived channel again. Slack lets bots " +
			"do this only where they are members." + manage},
		{Name: "rename_channel", Effect: sdk.Idempotent, Run: sdk.Func(renameChannel), Description: "Renames a channel; only its creator, an admin or a channel " +
			"manager may." + manage},
		{Name: "set_topic", Effect: sdk.Idempotent, Run: sdk.Func(setTopic), Description: "Sets a channel's topic, at most 250 characters, no formatting; empty " +
			"takes it away. The app must be a member." + manage},
		{Name: "set_purpose", Effect: sdk.Idempotent, Run: sdk.Func(setPurpose), Description: "Sets a channel's purpose (its description), at most 250 " +
			"characters; empty takes it away. The app must be a member." + manage},
	}
}

// channelInput names a channel.
type channelInput struct {
	Channel string `json:"channel" jsonschema:"channel id, such as C0123456789 (list_channels gives it)" minLength:"1"`
}

// kinds are the kinds of channels to list.
type kinds struct {
	Types           []string `json:"types,omitempty" jsonschema:"kinds of channels; im are direct messages, mpim group ones" enum:"public_channel,private_channel,mpim,im"`
	ExcludeArchived bool     `json:"exclude_archived,omitempty" jsonschema:"leave archived channels out"`
}

type listChannelsInput struct {
	kinds
	page
}

type channelList struct {
	Channels   []json.RawMessage `json:"channels"`
	NextCursor string            `json:"next_cursor,omitempty"`
}

func listChannels(ctx context.Context, call *sdk.Call, in listChannelsInput) (channelList, error) {
	return channelsOf(ctx, call, "conversations.list", "", in.kinds, in.page)
}

type listMyChannelsInput struct {
	User string `json:"user,omitempty" jsonschema:"id of another user; the token's own when left out"`
	kinds
	page
}

func listMyChannels(ctx context.Context, call *sdk.Call, in listMyChannelsInput) (channelList, error) {
	return channelsOf(ctx, call, "users.conversations", in.User, in.kinds, in.page)
}

func channelsOf(ctx context.Context, call *sdk.Call, method, user string, k kinds, p page) (channelList, error) {
	var answer struct {
		Channels []json.RawMessage `json:"channels"`
		next
	}
	args := sdk.Query("user", user, "types", strings.Join(k.Types, ","), "exclude_archived", k.ExcludeArchived, "cursor", p.Cursor, "limit", p.limit())
	err := get(ctx, call, method, args, &answer)
	return channelList{Channels: list(answer.Channels), NextCursor: answer.cursor()}, err
}

// channel is the answer of operations that answer one channel.
type channel struct {
	Channel json.RawMessage `json:"channel" jsonschema:"the channel as Slack gives it"`
}

func getChannel(ctx context.Context, call *sdk.Call, in channelInput) (channel, error) {
	var out channel
	return out, get(ctx, call, "conversations.info", sdk.Query("channel", in.Channel, "include_num_members", true), &out)
}

type createChannelInput struct {
	Name      string `json:"name" jsonschema:"lower case letters, digits, hyphens and underscores" minLength:"1" maxLength:"80"`
	IsPrivate bool   `json:"is_private,omitempty" jsonschema:"make a private channel; that cannot be changed back through the API"`
	TeamID    string `json:"team_id,omitempty" jsonschema:"workspace, needed with a token of a whole enterprise"`
}

func createChannel(ctx context.Context, call *sdk.Call, in createChannelInput) (channel, error) {
	var out channel
	return out, post(ctx, call, "conversations.create", sdk.Query("name", in.Name, "is_private", in.IsPrivate, "team_id", in.TeamID), &out)
}

func archiveChannel(ctx context.Context, call *sdk.Call, in channelInput) (change, error) {
	return changed(post(ctx, call, "conversations.archive", sdk.Query("channel", in.Channel), nil), "already_archived")
}

func unarchiveChannel(ctx context.Context, call *sdk.Call, in channelInput) (change, error) {
	return changed(post(ctx, call, "conversations.unarchive", sdk.Query("channel", in.Channel), nil), "not_archived")
}

type renameInput struct {
	channelInput
	Name string `json:"name" jsonschema:"lower case letters, digits, hyphens and underscores" minLength:"1" maxLength:"80"`
}

func renameChannel(ctx context.Context, call *sdk.Call, in renameInput) (channel, error) {
	var out channel
	return out, post(ctx, call, "conversations.rename", sdk.Query("channel", in.Channel, "name", in.Name), &out)
}

type topicInput struct {
	channelInput
	Topic string `json:"topic" jsonschema:"the new topic" maxLength:"250"`
}

func setTopic(ctx context.Context, call *sdk.Call, in topicInput) (sdk.None, error) {
	return sdk.None{}, post(ctx, call, "conversations.setTopic", sdk.Query("channel", in.Channel, "topic", &in.Topic), nil)
}

type purposeInput struct {
	channelInput
	Purpose string `json:"purpose" jsonschema:"the new purpose" maxLength:"250"`
}

func setPurpose(ctx context.Context, call *sdk.Call, in purposeInput) (sdk.None, error) {
	return sdk.None{}, post(ctx, call, "conversations.setPurpose", sdk.Query("channel", in.Channel, "purpose", &in.Purpose), nil)
}
