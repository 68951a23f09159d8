package main

import (
	"context"

	"github.com/patchbay/patchbay/sdk"
)

func messageOperations() []sdk.Operation {
	return []sdk.Operation{
		{Name: "list_messages", Effect: sdk.Read, Scopes: []string{"privatemessages"}, Run: sdk.Func(listMessages), Description: "Lists private messages and the replies to the account's posts and comments, newest first, in pages. Reading marks nothing as read. Chats are not in it."},
		{Name: "send_message", Effect: sdk.Write, Scopes: []string{"privatemessages"}, Run: sdk.Send[messageInput, sdk.None](form("/api/compose/")), Description: "Sends a private message to a user, or to a subreddit's moderators with /r/name. Refuses people who do not take messages from this account."},
		{Name: "mark_messages_read", Effect: sdk.Idempotent, Scopes: []string{"privatemessages"}, Run: sdk.Send[markReadInput, sdk.None](form("/api/read_message/")), Description: "Marks messages and replies as read, by their fullnames."},
	}
}

type listMessagesInput struct {
	Box string `json:"box,omitempty" enum:"inbox,unread,sent,messages,selfreply,mentions" default:"inbox"`
	paged
	detail
}

type messagePage struct {
	Messages   []object `json:"messages"`
	NextCursor string   `json:"next_cursor,omitempty"`
}

func listMessages(ctx context.Context, call *sdk.Call, in listMessagesInput) (messagePage, error) {
	if in.Box == "" {
		in.Box = "inbox"
	}
	query := in.query()
	if in.Box == "unread" {
		query.Set("mark", "false")
	}
	l, err := getListing(ctx, call, "/message/"+in.Box+"/", query, kindMessage, kindComment)
	if err != nil {
		return messagePage{}, err
	}
	out, err := in.views(l.Data.Children)
	return messagePage{Messages: out, NextCursor: l.Data.After}, err
}

type messageInput struct {
	To      string `json:"to" minLength:"1" maxLength:"100" jsonschema:"a user's name, or /r/name"`
	Subject string `json:"subject" minLength:"1" maxLength:"100"`
	Text    string `json:"text" minLength:"1" maxLength:"10000" jsonschema:"Markdown"`
}

type markReadInput struct {
	Names []string `json:"names" minItems:"1" maxItems:"25" to:"body id" join:"," jsonschema:"fullnames (t4_..., t1_...)"`
}
