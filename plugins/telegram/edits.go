package main

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// editing names the message that is changed.
type editing struct {
	business
	ChatID          json.RawMessage `json:"chat_id,omitempty" jsonschema:"the chat's id or @name; with message_id"`
	MessageID       int64           `json:"message_id,omitempty" minimum:"1"`
	InlineMessageID string          `json:"inline_message_id,omitempty" jsonschema:"instead of chat_id and message_id, of a message that was sent by an inline query"`
	ReplyMarkup     sdk.Object      `json:"reply_markup,omitempty" jsonschema:"{inline_keyboard: [[{text, callback_data or url}]]}; left out, the buttons go away"`
	sdk.Further
}

type newText struct {
	editing
	Text               string       `json:"text" minLength:"1" maxLength:"16384" jsonschema:"up to 4096 characters without the markup"`
	ParseMode          string       `json:"parse_mode,omitempty" enum:"MarkdownV2,HTML,Markdown"`
	Entities           []sdk.Object `json:"entities,omitempty"`
	LinkPreviewOptions sdk.Object   `json:"link_preview_options,omitempty"`
}

type newCaption struct {
	editing
	caption
	above
}

type newMedia struct {
	editing
	Media sdk.Object `json:"media" jsonschema:"{type: photo, video, audio, document or animation, media: file_id, https address, or attach://NAME of a file that comes with the call, caption}"`
}

type newPlace struct {
	editing
	place
	moving
}

type stopping struct {
	one
	business
	ReplyMarkup sdk.Object `json:"reply_markup,omitempty"`
}

func editOperations() []sdk.Operation {
	const own = " Refuses messages that the bot did not send."
	return []sdk.Operation{
		{Name: "edit_message_text", Effect: sdk.Idempotent, Run: edits[newText]("editMessageText"), Description: "Replaces the text of a message of the bot." + own},
		{Name: "edit_message_caption", Effect: sdk.Idempotent, Run: edits[newCaption]("editMessageCaption"), Description: "Replaces the caption of a message of the bot." + own},
		{Name: "edit_message_media", Effect: sdk.Idempotent, TakesFiles: true, Run: sdk.Func(editMedia), Description: "Replaces the photo, video, audio or document of a message of the bot. Refuses a file of the call for inline messages, and a kind that an album does not take." + own},
		{Name: "edit_message_reply_markup", Effect: sdk.Idempotent, Run: edits[editing]("editMessageReplyMarkup"), Description: "Replaces the buttons of a message of the bot." + own},
		{Name: "edit_message_live_location", Effect: sdk.Idempotent, Run: edits[newPlace]("editMessageLiveLocation"), Description: "Moves a live location, until its period ends. Refuses a location that is not live."},
		{Name: "stop_message_live_location", Effect: sdk.Idempotent, Run: edits[editing]("stopMessageLiveLocation"), Description: "Ends a live location before its period does."},
		{Name: "stop_poll", Effect: sdk.Idempotent, Run: asks[stopping]("stopPoll"), Description: "Closes a poll that the bot sent and answers its result. Answers conflict where it is closed already."},
	}
}

func editMedia(ctx context.Context, call *sdk.Call, in newMedia) (edited, error) {
	var result json.RawMessage
	err := attached(ctx, call, "editMessageMedia", in, &result)
	if err != nil && strings.Contains(err.Error(), "message is not modified") {
		return edited{}, nil
	}
	if err != nil {
		return edited{}, err
	}
	return editedOf(result), nil
}
