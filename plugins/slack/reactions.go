package main

import (
	"context"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

func reactionOperations() []sdk.Operation {
	return []sdk.Operation{
		{Name: "add_reaction", Effect: sdk.Idempotent, Scopes: []string{"reactions:write"}, Run: sdk.Func(addReaction), Description: "Adds an emoji of the " +
			"token's own user to a message. Refuses emoji that the workspace does not have, and more than 23 kinds on one message."},
		{Name: "remove_reaction", Effect: sdk.Idempotent, Scopes: []string{"reactions:write"}, Run: sdk.Func(removeReaction), Description: "Takes an emoji of the " +
			"token's own user away from a message; those of others stay."},
		{Name: "get_reactions", Effect: sdk.Read, Scopes: []string{"reactions:read"}, Run: sdk.Func(getReactions), Description: "Answers the emoji on a message, " +
			"how many people gave each, and who (Slack names only some of many)."},
	}
}

type reactionInput struct {
	messageInput
	Name string `json:"name" jsonschema:"name of the emoji, such as thumbsup or :thumbsup:" minLength:"1" maxLength:"120"`
}

// args names the message in reactions.add and reactions.remove.
func (in reactionInput) args() []any {
	return []any{"channel", in.Channel, "timestamp", in.TS, "name", strings.Trim(in.Name, ":")}
}

func addReaction(ctx context.Context, call *sdk.Call, in reactionInput) (change, error) {
	return changed(post(ctx, call, "reactions.add", sdk.Query(in.args()...), nil), "already_reacted")
}

func removeReaction(ctx context.Context, call *sdk.Call, in reactionInput) (change, error) {
	return changed(post(ctx, call, "reactions.remove", sdk.Query(in.args()...), nil), "no_reaction")
}

type reaction struct {
	Name  string   `json:"name"`
	Count int      `json:"count"`
	Users []string `json:"users" jsonschema:"ids of users"`
}

type reactionList struct {
	Reactions []reaction `json:"reactions"`
}

func getReactions(ctx context.Context, call *sdk.Call, in messageInput) (reactionList, error) {
	var answer struct {
		Message struct {
			Reactions []reaction `json:"reactions"`
		} `json:"message"`
	}
	err := get(ctx, call, "reactions.get", sdk.Query("channel", in.Channel, "timestamp", in.TS, "full", true), &answer)
	return reactionList{Reactions: list(answer.Message.Reactions)}, err
}
