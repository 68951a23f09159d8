package main

import "github.com/patchbay/patchbay/sdk"

type banning struct {
	member
	UntilDate      int64 `json:"until_date,omitempty" jsonschema:"Unix time at which it ends; for ever when left out, or less than 30 seconds or more than 366 days away"`
	RevokeMessages *bool `json:"revoke_messages,omitempty" jsonschema:"true to delete the user's messages too"`
}

type unbanning struct {
	member
	OnlyIfBanned *bool `json:"only_if_banned,omitempty" jsonschema:"true to leave a user alone who is not banned; otherwise a member is removed from the chat"`
}

type permissions struct {
	Permissions                   sdk.Object `json:"permissions" jsonschema:"{can_send_messages, can_send_photos, can_send_polls, can_invite_users, can_pin_messages, ...}; what is left out is forbidden"`
	UseIndependentChatPermissions *bool      `json:"use_independent_chat_permissions,omitempty"`
}

type restricting struct {
	member
	permissions
	UntilDate int64 `json:"until_date,omitempty" jsonschema:"Unix time at which it ends"`
}

type chatPermissions struct {
	chat
	permissions
}

type promoting struct {
	member
	IsAnonymous         *bool `json:"is_anonymous,omitempty"`
	CanManageChat       *bool `json:"can_manage_chat,omitempty"`
	CanDeleteMessages   *bool `json:"can_delete_messages,omitempty"`
	CanManageVideoChats *bool `json:"can_manage_video_chats,omitempty"`
	CanRestrictMembers  *bool `json:"can_restrict_members,omitempty"`
	CanPromoteMembers   *bool `json:"can_promote_members,omitempty"`
	CanChangeInfo       *bool `json:"can_change_info,omitempty"`
	CanInviteUsers      *bool `json:"can_invite_users,omitempty"`
	CanPostMessages     *bool `json:"can_post_messages,omitempty" jsonschema:"in channels"`
	CanEditMessages     *bool `json:"can_edit_messages,omitempty" jsonschema:"in channels"`
	CanPinMessages      *bool `json:"can_pin_messages,omitempty"`
	CanManageTopics     *bool `json:"can_manage_topics,omitempty"`
	sdk.Further
}

type customTitle struct {
	member
	CustomTitle string `json:"custom_title" maxLength:"16" jsonschema:"without emoji"`
}

type senderChat struct {
	chat
	SenderChatID int64 `json:"sender_chat_id"`
}

func memberOperations() []sdk.Operation {
	const admin = " The bot must be an administrator with the right to it."
	return []sdk.Operation{
		{Name: "get_chat_member", Effect: sdk.Read, Run: asks[member]("getChatMember"), Description: "Tells about one member of a chat: status (creator, administrator, member, restricted, left, kicked) and rights. Of others than the bot it is sure only where the bot is an administrator."},
		{Name: "ban_chat_member", Effect: sdk.Idempotent, Run: does[banning]("banChatMember"), Description: "Removes a user from a group or channel for a time or for ever." + admin},
		{Name: "unban_chat_member", Effect: sdk.Idempotent, Run: does[unbanning]("unbanChatMember"), Description: "Lets a banned user join again; does not bring them back. Removes a user who is a member, unless only_if_banned." + admin},
		{Name: "restrict_chat_member", Effect: sdk.Idempotent, Run: does[restricting]("restrictChatMember"), Description: "Sets what a member of a supergroup may do. Refuses basic groups and administrators." + admin},
		{Name: "promote_chat_member", Effect: sdk.Idempotent, Run: does[promoting]("promoteChatMember"), Description: "Makes a member an administrator with the rights given; with none or all false, a member again. Refuses rights that the bot itself lacks." + admin},
		{Name: "set_chat_administrator_custom_title", Effect: sdk.Idempotent, Run: does[customTitle]("setChatAdministratorCustomTitle"), Description: "Sets the title of an administrator whom the bot has made one."},
		{Name: "set_chat_permissions", Effect: sdk.Idempotent, Run: does[chatPermissions]("setChatPermissions"), Description: "Sets what all members of a group may do by default." + admin},
		{Name: "ban_chat_sender_chat", Effect: sdk.Idempotent, Run: does[senderChat]("banChatSenderChat"), Description: "Forbids a channel to write in a supergroup or channel." + admin},
		{Name: "unban_chat_sender_chat", Effect: sdk.Idempotent, Run: does[senderChat]("unbanChatSenderChat"), Description: "Lets a banned channel write again." + admin},
		{Name: "approve_chat_join_request", Effect: sdk.Idempotent, Run: does[member]("approveChatJoinRequest"), Description: "Lets a user in who has asked to join." + admin},
		{Name: "decline_chat_join_request", Effect: sdk.Idempotent, Run: does[member]("declineChatJoinRequest"), Description: "Turns a user down who has asked to join." + admin},
	}
}
