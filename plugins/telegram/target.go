package main

import (
	"encoding/json"

	"github.com/patchbay/patchbay/sdk"
)

// chat is a part of the inputs of all that is done in a chat.
type chat struct {
	ChatID json.RawMessage `json:"chat_id" jsonschema:"the chat's id, such as 123456789 or -1001234567890, or @name of a public channel or group"`
}

// one is a part of the inputs of all that is done to one message.
type one struct {
	chat
	MessageID int64 `json:"message_id" minimum:"1" jsonschema:"as the message's answer had it"`
}

// member is a part of the inputs of all that is done to one member.
type member struct {
	chat
	UserID int64 `json:"user_id" minimum:"1"`
}

// business is a part of the inputs of what a bot may do for a business account.
type business struct {
	BusinessConnectionID string `json:"business_connection_id,omitempty" jsonschema:"to act for a business account that is connected to the bot"`
}

// delivery is a part of the inputs of everything that is sent.
type delivery struct {
	business
	MessageThreadID     int64      `json:"message_thread_id,omitempty" minimum:"1" jsonschema:"the topic of a forum"`
	DisableNotification *bool      `json:"disable_notification,omitempty" jsonschema:"true to send without a sound"`
	ProtectContent      *bool      `json:"protect_content,omitempty" jsonschema:"true to forbid forwarding and saving"`
	MessageEffectID     string     `json:"message_effect_id,omitempty" jsonschema:"an effect, in private chats"`
	ReplyParameters     sdk.Object `json:"reply_parameters,omitempty" jsonschema:"to answer a message: {message_id, quote, allow_sending_without_reply}"`
	sdk.Further
}

// keyboard is a part of the inputs of what may have buttons.
type keyboard struct {
	ReplyMarkup sdk.Object `json:"reply_markup,omitempty" jsonschema:"buttons: {inline_keyboard: [[{text, callback_data or url}]]}, {keyboard: [[{text}]], resize_keyboard: true}, {remove_keyboard: true} or {force_reply: true}"`
}

// caption is a part of the inputs of what has a text below.
type caption struct {
	Caption         string       `json:"caption,omitempty" maxLength:"4096" jsonschema:"text below it, up to 1024 characters"`
	ParseMode       string       `json:"parse_mode,omitempty" enum:"MarkdownV2,HTML,Markdown" jsonschema:"how the text is marked up; plain when left out. MarkdownV2 wants . ! - ( ) and others escaped by a backslash; HTML is safer"`
	CaptionEntities []sdk.Object `json:"caption_entities,omitempty" jsonschema:"the markup as a list, instead of parse_mode"`
}

// above is a part of the inputs of what may have its text above.
type above struct {
	ShowCaptionAboveMedia *bool `json:"show_caption_above_media,omitempty"`
}

// spoiler is a part of the inputs of pictures that may be hidden.
type spoiler struct {
	HasSpoiler *bool `json:"has_spoiler,omitempty" jsonschema:"true to cover it until it is tapped"`
}
