package main

import (
	"context"
	"encoding/json"

	"github.com/patchbay/patchbay/sdk"
)

func historyOperations() []sdk.Operation {
	const needs = " Needs channels:history, groups:history, im:history or mpim:history, by the channel's kind. Slack gives apps that are sold outside its " +
		"Marketplace one such call a minute and 15 messages."
	return []sdk.Operation{
		{Name: "channel_history", Effect: sdk.Read, Run: sdk.Func(channelHistory), Description: "Reads a channel's messages, newest first, without the replies in " +
			"threads (thread_replies). A bot must be a member." + needs},
		{Name: "thread_replies", Effect: sdk.Read, Run: sdk.Func(threadReplies), Description: "Reads a thread: its first message, then the replies, oldest first. " +
			"A bot must be a member." + needs},
	}
}

// span is a stretch of time and a page of what lies in it.
type span struct {
	Oldest    string `json:"oldest,omitempty" jsonschema:"only after this ts or Unix time in seconds" pattern:"^[0-9]+([.][0-9]+)?$"`
	Latest    string `json:"latest,omitempty" jsonschema:"only before this ts or Unix time in seconds" pattern:"^[0-9]+([.][0-9]+)?$"`
	Inclusive bool   `json:"inclusive,omitempty" jsonschema:"with the messages whose ts is oldest or latest themselves"`
	page
}

type historyInput struct {
	channelInput
	span
}

type repliesInput struct {
	channelInput
	TS string `json:"ts" jsonschema:"ts of the thread's first message" pattern:"^[0-9]+([.][0-9]+)?$"`
	span
}

type messageList struct {
	Messages   []json.RawMessage `json:"messages"`
	HasMore    bool              `json:"has_more"`
	NextCursor string            `json:"next_cursor,omitempty"`
}

func channelHistory(ctx context.Context, call *sdk.Call, in historyInput) (messageList, error) {
	return messagesOf(ctx, call, "conversations.history", in.Channel, "", in.span)
}

func threadReplies(ctx context.Context, call *sdk.Call, in repliesInput) (messageList, error) {
	return messagesOf(ctx, call, "conversations.replies", in.Channel, in.TS, in.span)
}

func messagesOf(ctx context.Context, call *sdk.Call, method, channel, ts string, s span) (messageList, error) {
	var answer struct {
		Messages []json.RawMessage `json:"messages"`
		HasMore  bool              `json:"has_more"`
		next
	}
	args := sdk.Query("channel", channel, "ts", ts, "oldest", s.Oldest, "latest", s.Latest, "inclusive", s.Inclusive, "cursor", s.Cursor, "limit", s.limit())
	err := get(ctx, call, method, args, &answer)
	return messageList{Messages: list(answer.Messages), HasMore: answer.HasMore, NextCursor: answer.cursor()}, err
}
