package main

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

func scheduleOperations() []sdk.Operation {
	return []sdk.Operation{
		{Name: "schedule_message", Effect: sdk.Write, Scopes: []string{"chat:write"}, Run: sdk.Func(scheduleMessage), Description: "Has Slack post a " +
			"message at a time in the future, at most 120 days away and at most 30 in five minutes to one channel. Keep scheduled_message_id to cancel it."},
		{Name: "list_scheduled_messages", Effect: sdk.Read, Run: sdk.Func(listScheduled), Description: "Lists the messages that this app has scheduled " +
			"and that are still to be posted, in one channel or all. Those of people are not among them."},
		{Name: "cancel_scheduled_message", Effect: sdk.Idempotent, Scopes: []string{"chat:write"}, Run: sdk.Func(cancelScheduled), Description: "Cancels " +
			"a scheduled message. Refuses those due within 60 seconds; one that was sent or cancelled already answers not_found."},
	}
}

type scheduleInput struct {
	Channel string `json:"channel" jsonschema:"channel id" minLength:"1"`
	PostAt  int64  `json:"post_at" jsonschema:"when to post it: Unix time in seconds" minimum:"1"`
	content
	options
}

type scheduled struct {
	Channel            string          `json:"channel"`
	ScheduledMessageID string          `json:"scheduled_message_id"`
	PostAt             int64           `json:"post_at" jsonschema:"Unix time in seconds"`
	Message            json.RawMessage `json:"message,omitempty"`
}

func scheduleMessage(ctx context.Context, call *sdk.Call, in scheduleInput) (scheduled, error) {
	if err := in.check(); err != nil {
		return scheduled{}, err
	}
	var out struct {
		scheduled
		PostAt seconds `json:"post_at"`
	}
	args := in.add(in.args("channel", in.Channel, "post_at", in.PostAt))
	err := post(ctx, call, "chat.scheduleMessage", args, &out)
	out.scheduled.PostAt = int64(out.PostAt)
	return out.scheduled, err
}

type listScheduledInput struct {
	Channel string `json:"channel,omitempty" jsonschema:"only of this channel"`
	Oldest  int64  `json:"oldest,omitempty" jsonschema:"Unix time in seconds: only those due then or later" minimum:"0"`
	Latest  int64  `json:"latest,omitempty" jsonschema:"Unix time in seconds: only those due then or earlier" minimum:"0"`
	page
}

type scheduledItem struct {
	ID      string `json:"id" jsonschema:"the scheduled_message_id"`
	Channel string `json:"channel"`
	PostAt  int64  `json:"post_at" jsonschema:"Unix time in seconds"`
	Created int64  `json:"created" jsonschema:"Unix time in seconds"`
	Text    string `json:"text,omitempty"`
}

type scheduledList struct {
	Messages   []scheduledItem `json:"messages"`
	NextCursor string          `json:"next_cursor,omitempty"`
}

func listScheduled(ctx context.Context, call *sdk.Call, in listScheduledInput) (scheduledList, error) {
	var answer struct {
		Messages []struct {
			ID      name    `json:"id"`
			Channel string  `json:"channel_id"`
			PostAt  seconds `json:"post_at"`
			Created seconds `json:"date_created"`
			Text    string  `json:"text"`
		} `json:"scheduled_messages"`
		next
	}
	args := sdk.Query("channel", in.Channel, "oldest", in.Oldest, "latest", in.Latest, "cursor", in.Cursor, "limit", in.limit())
	err := get(ctx, call, "chat.scheduledMessages.list", args, &answer)
	out := scheduledList{Messages: []scheduledItem{}, NextCursor: answer.cursor()}
	for _, m := range answer.Messages {
		out.Messages = append(out.Messages, scheduledItem{ID: string(m.ID), Channel: m.Channel, PostAt: int64(m.PostAt), Created: int64(m.Created), Text: m.Text})
	}
	return out, err
}

type cancelInput struct {
	Channel            string `json:"channel" jsonschema:"channel id" minLength:"1"`
	ScheduledMessageID string `json:"scheduled_message_id" jsonschema:"from schedule_message or list_scheduled_messages" minLength:"1"`
}

func cancelScheduled(ctx context.Context, call *sdk.Call, in cancelInput) (sdk.None, error) {
	args := sdk.Query("channel", in.Channel, "scheduled_message_id", in.ScheduledMessageID)
	return sdk.None{}, post(ctx, call, "chat.deleteScheduledMessage", args, nil)
}

// seconds is a Unix time, which Slack writes as a number or as a string.
type seconds int64

// UnmarshalJSON takes both.
func (s *seconds) UnmarshalJSON(b []byte) error {
	n, err := strconv.ParseInt(strings.Trim(string(b), `"`), 10, 64)
	*s = seconds(n)
	return err
}

// name is an id, which Slack writes as a string or as a number.
type name string

// UnmarshalJSON takes both.
func (n *name) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, (*string)(n))
	}
	*n = name(b)
	return nil
}
