package main

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

func messageOperations() []sdk.Operation {
	return []sdk.Operation{
		{Name: "send_message", Effect: sdk.Write, Scopes: []string{"chat:write"}, Run: sdk.Func(sendMessage), Description: "Posts a message to a " +
			"channel, or as a reply to a thread with thread_ts. Text is Slack's mrkdwn (*bold*, <https://url|label>, <@U123>); use markdown_text for ordinary " +
			"Markdown, or blocks for layout (then text is the notification's). Refuses without any of them, in archived channels, and where the app is no " +
			"member (public channels work with the scope chat:write.public). About one message a second and channel."},
		{Name: "send_dm", Effect: sdk.Write, Scopes: []string{"chat:write", "im:write"}, Run: sdk.Func(sendDM), Description: "Sends a direct message " +
			"to one person, or to a group of up to eight (which needs the scope mpim:write). Opens the conversation first, and answers its id as channel."},
		{Name: "post_ephemeral", Effect: sdk.Write, Scopes: []string{"chat:write"}, Run: sdk.Func(postEphemeral), Description: "Posts a message that " +
			"only one member of the channel sees, until they reload Slack. It cannot be updated or deleted afterwards, and is lost when the person is not online."},
		{Name: "update_message", Effect: sdk.Idempotent, Scopes: []string{"chat:write"}, Run: sdk.Func(updateMessage), Description: "Replaces the " +
			"content of a message that the same token posted. Refuses the messages of others, ephemeral ones, and those past the workspace's time limit."},
		{Name: "delete_message", Effect: sdk.Idempotent, Scopes: []string{"chat:write"}, Run: sdk.Func(deleteMessage), Description: "Deletes a message " +
			"for good. A bot deletes only its own; deleting it again answers not_found. Replies in its thread stay."},
		{Name: "get_permalink", Effect: sdk.Read, Run: sdk.Func(getPermalink), Description: "Answers the link that opens a message in Slack."},
	}
}

// content is what a message says.
type content struct {
	Text         string   `json:"text,omitempty" jsonschema:"mrkdwn text; with blocks it is what notifications show" maxLength:"40000"`
	MarkdownText string   `json:"markdown_text,omitempty" jsonschema:"ordinary Markdown instead of text and blocks" maxLength:"12000"`
	Blocks       []object `json:"blocks,omitempty" jsonschema:"Block Kit blocks" maxItems:"50"`
}

// check refuses what Slack would refuse, before a request is spent on it.
func (c content) check() error {
	if c.Text == "" && c.MarkdownText == "" && len(c.Blocks) == 0 {
		return sdk.Invalid("/text", "give text, markdown_text or blocks")
	}
	if c.MarkdownText != "" && (c.Text != "" || len(c.Blocks) > 0) {
		return sdk.Invalid("/markdown_text", "it cannot stand beside text or blocks")
	}
	return nil
}

// args makes the arguments that every message has, and the pairs given.
func (c content) args(pairs ...any) url.Values {
	return sdk.Query(append(pairs, "text", c.Text, "markdown_text", c.MarkdownText, "blocks", text(c.Blocks))...)
}

// metadata is what apps, not people, read of a message.
type metadata struct {
	EventType    string `json:"event_type" jsonschema:"name of the event" minLength:"1" maxLength:"255"`
	EventPayload object `json:"event_payload" jsonschema:"any JSON object"`
}

// options are what messages that are posted to a channel have besides their content.
type options struct {
	ThreadTS       string    `json:"thread_ts,omitempty" jsonschema:"ts of the message whose thread this replies to: the first one's, never a reply's" pattern:"^[0-9]+([.][0-9]+)?$"`
	ReplyBroadcast bool      `json:"reply_broadcast,omitempty" jsonschema:"show a thread's reply in the channel too"`
	UnfurlLinks    *bool     `json:"unfurl_links,omitempty" jsonschema:"preview linked pages of text"`
	UnfurlMedia    *bool     `json:"unfurl_media,omitempty" jsonschema:"preview linked images and videos"`
	Metadata       *metadata `json:"metadata,omitempty" jsonschema:"data for other apps, invisible to people"`
}

func (o options) add(args url.Values) url.Values {
	for name, values := range sdk.Query("thread_ts", o.ThreadTS, "reply_broadcast", o.ReplyBroadcast, "unfurl_links", o.UnfurlLinks,
		"unfurl_media", o.UnfurlMedia, "metadata", text(o.Metadata)) {
		args[name] = values
	}
	return args
}

// posted is the answer of operations that post a message.
type posted struct {
	Channel   string          `json:"channel" jsonschema:"id of the channel"`
	TS        string          `json:"ts" jsonschema:"the message's id within the channel"`
	Message   json.RawMessage `json:"message,omitempty" jsonschema:"the message as Slack keeps it"`
	Permalink string          `json:"permalink,omitempty" jsonschema:"with include_permalink"`
}

type sendMessageInput struct {
	Channel string `json:"channel" jsonschema:"channel id (C..., G..., D...), or the name of a public channel" minLength:"1"`
	content
	options
	IncludePermalink bool `json:"include_permalink,omitempty" jsonschema:"answer the message's link too, which costs a second request"`
}

func sendMessage(ctx context.Context, call *sdk.Call, in sendMessageInput) (posted, error) {
	return send(ctx, call, in.Channel, in.content, in.options, in.IncludePermalink)
}

func send(ctx context.Context, call *sdk.Call, channel string, c content, o options, link bool) (posted, error) {
	var out posted
	if err := c.check(); err != nil {
		return out, err
	}
	if err := post(ctx, call, "chat.postMessage", o.add(c.args("channel", channel)), &out); err != nil {
		return out, err
	}
	if link {
		// The message is posted: a link that cannot be had does not make this a failure.
		found, err := getPermalink(ctx, call, messageInput{Channel: out.Channel, TS: out.TS})
		if err == nil {
			out.Permalink = found.Permalink
		}
	}
	return out, nil
}

type sendDMInput struct {
	Users []string `json:"users" jsonschema:"ids of the users (U...)" minItems:"1" maxItems:"8"`
	content
	options
	IncludePermalink bool `json:"include_permalink,omitempty" jsonschema:"answer the message's link too, which costs another request"`
}

func sendDM(ctx context.Context, call *sdk.Call, in sendDMInput) (posted, error) {
	if err := in.check(); err != nil { // before a conversation is opened for nothing
		return posted{}, err
	}
	var opened struct {
		Channel struct {
			ID string `json:"id"`
		} `json:"channel"`
	}
	if err := post(ctx, call, "conversations.open", sdk.Query("users", strings.Join(in.Users, ",")), &opened); err != nil {
		return posted{}, err
	}
	return send(ctx, call, opened.Channel.ID, in.content, in.options, in.IncludePermalink)
}

type ephemeralInput struct {
	Channel string `json:"channel" jsonschema:"channel id" minLength:"1"`
	User    string `json:"user" jsonschema:"id of the member who sees it" minLength:"1"`
	content
	ThreadTS string `json:"thread_ts,omitempty" jsonschema:"ts of the thread's first message" pattern:"^[0-9]+([.][0-9]+)?$"`
}

type ephemeral struct {
	MessageTS string `json:"message_ts" jsonschema:"not a ts that other operations take"`
}

func postEphemeral(ctx context.Context, call *sdk.Call, in ephemeralInput) (ephemeral, error) {
	var out ephemeral
	if err := in.check(); err != nil {
		return out, err
	}
	args := in.args("channel", in.Channel, "user", in.User, "thread_ts", in.ThreadTS)
	return out, post(ctx, call, "chat.postEphemeral", args, &out)
}

// messageInput names a message.
type messageInput struct {
	Channel string `json:"channel" jsonschema:"channel id" minLength:"1"`
	TS      string `json:"ts" jsonschema:"the message's ts, such as 1503435956.000247" pattern:"^[0-9]+([.][0-9]+)?$"`
}

type updateInput struct {
	messageInput
	content
	Metadata *metadata `json:"metadata,omitempty" jsonschema:"data for other apps, invisible to people"`
}

func updateMessage(ctx context.Context, call *sdk.Call, in updateInput) (posted, error) {
	var out posted
	if err := in.check(); err != nil {
		return out, err
	}
	args := in.args("channel", in.Channel, "ts", in.TS, "metadata", text(in.Metadata))
	return out, post(ctx, call, "chat.update", args, &out)
}

type deleted struct {
	Channel string `json:"channel"`
	TS      string `json:"ts"`
}

func deleteMessage(ctx context.Context, call *sdk.Call, in messageInput) (deleted, error) {
	var out deleted
	return out, post(ctx, call, "chat.delete", sdk.Query("channel", in.Channel, "ts", in.TS), &out)
}

type permalink struct {
	Permalink string `json:"permalink"`
}

func getPermalink(ctx context.Context, call *sdk.Call, in messageInput) (permalink, error) {
	var out permalink
	return out, get(ctx, call, "chat.getPermalink", sdk.Query("channel", in.Channel, "message_ts", in.TS), &out)
}
