package main

import (
	"context"

	"github.com/patchbay/patchbay/sdk"
)

type linkTerms struct {
	Name               string `json:"name,omitempty" maxLength:"32" jsonschema:"which only administrators see"`
	ExpireDate         int64  `json:"expire_date,omitempty" jsonschema:"Unix time at which it ends"`
	MemberLimit        int    `json:"member_limit,omitempty" minimum:"1" maximum:"99999" jsonschema:"how many may join by it; not with creates_join_request"`
	CreatesJoinRequest *bool  `json:"creates_join_request,omitempty" jsonschema:"true where administrators have to approve each"`
}

type newLink struct {
	chat
	linkTerms
}

type oneLink struct {
	chat
	InviteLink string `json:"invite_link" minLength:"1" maxLength:"300"`
}

type changedLink struct {
	oneLink
	linkTerms
}

type link struct {
	InviteLink string `json:"invite_link"`
}

func inviteOperations() []sdk.Operation {
	const admin = " The bot must be an administrator who may invite users."
	return []sdk.Operation{
		{Name: "create_chat_invite_link", Effect: sdk.Write, Run: asks[newLink]("createChatInviteLink"), Description: "Makes a further invite link." + admin},
		{Name: "edit_chat_invite_link", Effect: sdk.Idempotent, Run: asks[changedLink]("editChatInviteLink"), Description: "Changes the terms of an invite link that the bot made."},
		{Name: "revoke_chat_invite_link", Effect: sdk.Idempotent, Run: asks[oneLink]("revokeChatInviteLink"), Description: "Makes an invite link that the bot made invalid. The primary link is replaced by a new one."},
		{Name: "export_chat_invite_link", Effect: sdk.Write, Description: "Makes a new primary invite link; the bot's earlier one is invalid from then on." + admin,
			Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in chat) (out link, err error) {
				return out, run(ctx, call, "exportChatInviteLink", in, &out.InviteLink)
			})},
	}
}
