package main

import (
	"context"

	"github.com/patchbay/patchbay/sdk"
)

type chatTitle struct {
	chat
	Title string `json:"title" minLength:"1" maxLength:"128"`
}

type chatDescription struct {
	chat
	Description string `json:"description,omitempty" maxLength:"255" jsonschema:"empty to remove it"`
}

type pinning struct {
	one
	business
	DisableNotification *bool `json:"disable_notification,omitempty" jsonschema:"true to tell nobody"`
}

type unpinning struct {
	one
	business
}

type count struct {
	Count int64 `json:"count"`
}

func chatOperations() []sdk.Operation {
	const admin = " The bot must be an administrator with the right to it."
	return []sdk.Operation{{
		Name: "get_chat", Effect: sdk.Read, Run: asks[chat]("getChat"), Description: "Tells about a chat: kind, title, description, permissions, pinned message. Refuses chats that the bot is not in, but for public ones.",
	}, {
		Name: "get_chat_member_count", Effect: sdk.Read, Description: "Counts the members of a chat.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in chat) (out count, err error) {
			return out, run(ctx, call, "getChatMemberCount", in, &out.Count)
		}),
	}, {
		Name: "get_chat_administrators", Effect: sdk.Read, Run: lists[chat]("getChatAdministrators"), Description: "Lists the administrators of a chat, other bots left out. Refuses private chats.",
	}, {
		Name: "set_chat_title", Effect: sdk.Idempotent, Run: does[chatTitle]("setChatTitle"), Description: "Sets the title of a group or channel. Refuses private chats." + admin,
	}, {
		Name: "set_chat_description", Effect: sdk.Idempotent, Run: does[chatDescription]("setChatDescription"), Description: "Sets or removes the description of a group or channel." + admin,
	}, {
		Name: "set_chat_photo", Effect: sdk.Idempotent, TakesFiles: true, Description: "Sets the photo of a group or channel to the file that comes with the call." + admin,
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in chat) (out sdk.Done, err error) {
			return out, send(ctx, call, "setChatPhoto", in, []string{"photo"}, &out.Done)
		}),
	}, {
		Name: "delete_chat_photo", Effect: sdk.Idempotent, Run: does[chat]("deleteChatPhoto"), Description: "Removes the photo of a group or channel." + admin,
	}, {
		Name: "pin_chat_message", Effect: sdk.Idempotent, Run: does[pinning]("pinChatMessage"), Description: "Pins a message." + admin,
	}, {
		Name: "unpin_chat_message", Effect: sdk.Idempotent, Run: does[unpinning]("unpinChatMessage"), Description: "Unpins a message." + admin,
	}, {
		Name: "unpin_all_chat_messages", Effect: sdk.Idempotent, Run: does[chat]("unpinAllChatMessages"), Description: "Unpins all messages of a chat." + admin,
	}, {
		Name: "leave_chat", Effect: sdk.Idempotent, Run: does[chat]("leaveChat"), Description: "Makes the bot leave a group or channel. It cannot come back by itself.",
	}}
}
