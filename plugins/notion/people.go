package main

import (
	"github.com/patchbay/patchbay/sdk"
)

func commentOperations() []sdk.Operation {
	return []sdk.Operation{
		{Name: "list_comments", Effect: sdk.Read, Run: sdk.Send[listCommentsInput, page](get("/v1/comments")), Description: "Lists the comments on a page or block that are not resolved, in pages. Needs the capability to read comments."},
		{Name: "create_comment", Effect: sdk.Write, Run: sdk.Send[createCommentInput, object](post("/v1/comments")), Description: "Comments on a page or block, or answers a discussion. Give exactly one of page_id, block_id and discussion_id. Needs the capability to insert comments."},
		{Name: "delete_comment", Effect: sdk.Idempotent, Run: sdk.Send[commentInput, object](remove("/v1/comments/{comment_id}")), Description: "Deletes a comment that this connection made."},
	}
}

type listCommentsInput struct {
	BlockID string `json:"block_id" minLength:"1" jsonschema:"id of the page or block"`
	paged
}

type createCommentInput struct {
	PageID     string   `json:"page_id,omitempty" to:"body parent.page_id"`
	BlockID    string   `json:"block_id,omitempty" to:"body parent.block_id"`
	Discussion string   `json:"discussion_id,omitempty"`
	Text       []object `json:"rich_text" minItems:"1" maxItems:"100" jsonschema:"such as [{\"text\":{\"content\":\"Looks good.\"}}]"`
}

// Validate refuses what Notion would refuse.
func (in createCommentInput) Validate() error {
	given := 0
	for _, id := range []string{in.PageID, in.BlockID, in.Discussion} {
		if id != "" {
			given++
		}
	}
	if given != 1 {
		return sdk.Invalid("/page_id", "give exactly one of page_id, block_id and discussion_id")
	}
	return nil
}

type commentInput struct {
	CommentID string `json:"comment_id" minLength:"1"`
}

func userOperations() []sdk.Operation {
	return []sdk.Operation{
		{Name: "get_me", Effect: sdk.Read, Run: sdk.Send[sdk.None, object](get("/v1/users/me")), Description: "Answers the connection itself: a bot, its workspace, and who added it."},
		{Name: "list_users", Effect: sdk.Read, Run: sdk.Send[paged, page](get("/v1/users")), Description: "Lists the members and bots of the workspace, in pages, without guests. Needs the capability to read user information; mail addresses need another one."},
		{Name: "get_user", Effect: sdk.Read, Run: sdk.Send[userInput, object](get("/v1/users/{user_id}")), Description: "Answers one user by id."},
	}
}

type userInput struct {
	UserID string `json:"user_id" minLength:"1"`
}
