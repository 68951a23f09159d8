package main

import (
	"encoding/json"

	"github.com/patchbay/patchbay/sdk"
)

type newMessage struct {
	chat
	Text               string       `json:"text" minLength:"1" maxLength:"16384" jsonschema:"up to 4096 characters without the markup"`
	ParseMode          string       `json:"parse_mode,omitempty" enum:"MarkdownV2,HTML,Markdown" jsonschema:"how the text is marked up; plain when left out. MarkdownV2 wants . ! - ( ) and others escaped by a backslash; HTML is safer"`
	Entities           []sdk.Object `json:"entities,omitempty" jsonschema:"the markup as a list, instead of parse_mode"`
	LinkPreviewOptions sdk.Object   `json:"link_preview_options,omitempty" jsonschema:"such as {is_disabled: true}"`
	delivery
	keyboard
}

type source struct {
	FromChatID          json.RawMessage `json:"from_chat_id" jsonschema:"the chat where the message is: its id or @name"`
	MessageThreadID     int64           `json:"message_thread_id,omitempty" minimum:"1" jsonschema:"the topic of a forum"`
	DisableNotification *bool           `json:"disable_notification,omitempty"`
	ProtectContent      *bool           `json:"protect_content,omitempty"`
	sdk.Further
}

type forwarding struct {
	one
	source
}

type forwardings struct {
	chat
	source
	MessageIDs []int64 `json:"message_ids" minItems:"1" maxItems:"100" jsonschema:"in increasing order"`
}

type copying struct {
	one
	source
	caption
	above
	keyboard
	ReplyParameters sdk.Object `json:"reply_parameters,omitempty"`
}

type copyings struct {
	forwardings
	RemoveCaption *bool `json:"remove_caption,omitempty"`
}

type deletions struct {
	chat
	MessageIDs []int64 `json:"message_ids" minItems:"1" maxItems:"100"`
}

type action struct {
	chat
	business
	MessageThreadID int64  `json:"message_thread_id,omitempty" minimum:"1"`
	Action          string `json:"action" enum:"typing,upload_photo,record_video,upload_video,record_voice,upload_voice,upload_document,choose_sticker,find_location,record_video_note,upload_video_note"`
}

type reacting struct {
	one
	Reaction []sdk.Object `json:"reaction,omitempty" jsonschema:"such as [{type: emoji, emoji: 👍}], one at most for bots; empty to take it back"`
	IsBig    *bool        `json:"is_big,omitempty"`
}

func messageOperations() []sdk.Operation {
	return []sdk.Operation{{
		Name: "send_message", Effect: sdk.Write, Run: asks[newMessage]("sendMessage"),
		Description: "Sends a text to a chat. Answers the message with message_id, chat and date. Refuses a text longer than 4096 characters, markup that is not well formed, and people who have not written to the bot first.",
	}, {
		Name: "forward_message", Effect: sdk.Write, Run: asks[forwarding]("forwardMessage"),
		Description: "Forwards a message, with its sender shown. Refuses service messages and protected chats.",
	}, {
		Name: "forward_messages", Effect: sdk.Write, Run: lists[forwardings]("forwardMessages"),
		Description: "Forwards up to 100 messages of one chat, albums kept together. Those that cannot be found or forwarded are left out.",
	}, {
		Name: "copy_message", Effect: sdk.Write, Run: asks[copying]("copyMessage"),
		Description: "Sends a message again without a link to the original; a caption given replaces its own. Answers the new message_id. Refuses service messages, invoices and quiz polls.",
	}, {
		Name: "copy_messages", Effect: sdk.Write, Run: lists[copyings]("copyMessages"),
		Description: "Sends up to 100 messages of one chat again without links to the originals. Those that cannot be found or copied are left out.",
	}, {
		Name: "delete_message", Effect: sdk.Idempotent, Run: does[one]("deleteMessage"),
		Description: "Deletes a message. Refuses those older than 48 hours, and others' messages unless the bot is an administrator who may delete them.",
	}, {
		Name: "delete_messages", Effect: sdk.Idempotent, Run: does[deletions]("deleteMessages"),
		Description: "Deletes up to 100 messages of one chat. Those that cannot be found are skipped; the limits of delete_message hold.",
	}, {
		Name: "send_chat_action", Effect: sdk.Idempotent, Run: does[action]("sendChatAction"),
		Description: "Shows for five seconds that the bot is typing or sending something.",
	}, {
		Name: "set_message_reaction", Effect: sdk.Idempotent, Run: does[reacting]("setMessageReaction"),
		Description: "Sets the bot's reaction to a message, or takes it back. Refuses emoji that the chat does not allow.",
	}}
}
