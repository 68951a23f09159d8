package main

import (
	"net/http"

	"github.com/patchbay/patchbay/sdk"
)

func commentOperations() []sdk.Operation {
	read, write := []string{"data.recordComments:read"}, []string{"data.recordComments:write"}
	const comments = recordPath + "/comments"
	return []sdk.Operation{
		{Name: "list_comments", Effect: sdk.Read, Scopes: read, Run: sdk.Send[listCommentsInput, commentPage](endpoint("", comments)), Description: "Lists the comments on a record, newest first, in pages."},
		{Name: "create_comment", Effect: sdk.Write, Scopes: write, Run: sdk.Send[createCommentInput, object](endpoint(http.MethodPost, comments)), Description: "Comments on a record as the connected person. @[usrXXXX] or @[ann@example.com] mentions somebody."},
		{Name: "update_comment", Effect: sdk.Idempotent, Scopes: write, Run: sdk.Send[updateCommentInput, object](endpoint(http.MethodPatch, comments+"/{comment_id}")), Description: "Replaces the text of an own comment."},
		{Name: "delete_comment", Effect: sdk.Idempotent, Scopes: write, Run: sdk.Send[commentInput, object](endpoint(http.MethodDelete, comments+"/{comment_id}")), Description: "Deletes an own comment for good; who made the base may delete those of others."},
	}
}

type listCommentsInput struct {
	recordInput
	Limit  int    `json:"limit,omitempty" to:"query pageSize" minimum:"1" maximum:"100" jsonschema:"how many at most; 100 when left out"`
	Cursor string `json:"cursor,omitempty" to:"query offset" maxLength:"1000" jsonschema:"next_cursor of the page before"`
}

type commentPage struct {
	Comments   []object `json:"comments"`
	NextCursor *string  `json:"next_cursor,omitempty" from:"offset"`
}

type createCommentInput struct {
	recordInput
	Text   string `json:"text" minLength:"1" maxLength:"10000"`
	Parent string `json:"parent_comment_id,omitempty" pattern:"^com[A-Za-z0-9]+$" jsonschema:"the comment that it answers"`
}

type commentInput struct {
	recordInput
	CommentID string `json:"comment_id" pattern:"^com[A-Za-z0-9]+$"`
}

type updateCommentInput struct {
	commentInput
	Text string `json:"text" minLength:"1" maxLength:"10000"`
}
