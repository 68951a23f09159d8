package main

import "github.com/patchbay/patchbay/sdk"

func thingOperations() []sdk.Operation {
	return []sdk.Operation{
		{Name: "vote", Effect: sdk.Idempotent, Scopes: []string{"vote"}, Run: sdk.Send[voteInput, sdk.None](form("/api/vote/")), Description: "Votes on a post or comment as the person who connected the account decided: " +
			"1 up, -1 down, 0 takes the vote back. Reddit forbids votes that a program decides. Refuses archived things."},
		{Name: "edit", Effect: sdk.Idempotent, Scopes: []string{"edit"}, Run: sdk.Send[editInput, commented](form("/api/editusertext/")), Description: "Replaces the text of an own comment or text post. A title or a link cannot be edited; the things of others are refused."},
		{Name: "delete", Effect: sdk.Idempotent, Scopes: []string{"edit"}, Run: sdk.Send[thingInput, sdk.None](form("/api/del/")), Description: "Deletes an own post or comment for good. Replies to it stay. Reddit answers the same for what is not the account's own or is gone."},
		{Name: "save_thing", Effect: sdk.Idempotent, Scopes: []string{"save"}, Run: sdk.Send[saveInput, sdk.None](form("/api/save/")), Description: "Keeps a post or comment in the account's saved list (user_history with kind saved)."},
		{Name: "unsave_thing", Effect: sdk.Idempotent, Scopes: []string{"save"}, Run: sdk.Send[thingInput, sdk.None](form("/api/unsave/")), Description: "Takes a post or comment out of the account's saved list."},
	}
}

// thingInput names a post or a comment.
type thingInput struct {
	Name string `json:"name" to:"body id" pattern:"^t[13]_[a-z0-9]+$" jsonschema:"fullname of the post (t3_...) or comment (t1_...)"`
}

type voteInput struct {
	thingInput
	Direction int `json:"direction" to:"body dir" enum:"1,0,-1" jsonschema:"1 up, -1 down, 0 none"`
}

type editInput struct {
	Name string `json:"name" to:"body thing_id" pattern:"^t[13]_[a-z0-9]+$" jsonschema:"fullname of the own post or comment"`
	Text string `json:"text" minLength:"1" maxLength:"40000" jsonschema:"Markdown, in place of all that was there"`
}

type saveInput struct {
	thingInput
	Category string `json:"category,omitempty" maxLength:"50" jsonschema:"for accounts with Reddit Premium"`
}
