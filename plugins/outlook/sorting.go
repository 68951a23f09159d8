package main

import (
	"net/http"

	"github.com/patchbay/patchbay/sdk"
)

func sortingOperations() []sdk.Operation {
	write := []string{"Mail.ReadWrite"}
	const message = "/me/messages/{message_id}"
	return []sdk.Operation{
		{Name: "mark_read", Effect: sdk.Idempotent, Scopes: write, Run: sdk.Send[markReadInput, object](endpoint(http.MethodPatch, message)), Description: "Marks a message as read, or as unread."},
		{Name: "flag_message", Effect: sdk.Idempotent, Scopes: write, Run: sdk.Send[flagInput, object](endpoint(http.MethodPatch, message)), Description: "Flags a message for follow-up, marks it as done, or takes the flag off."},
		{Name: "categorize_message", Effect: sdk.Idempotent, Scopes: write, Run: sdk.Send[categoriesInput, object](endpoint(http.MethodPatch, message)), Description: "Gives a message these categories in place of those that it has."},
		{Name: "move_message", Effect: sdk.Idempotent, Scopes: write, Run: sdk.Send[moveInput, object](endpoint(http.MethodPost, message+"/move")), Description: "Moves a message to another folder. Its id stays the same."},
		{Name: "copy_message", Effect: sdk.Write, Scopes: write, Run: sdk.Send[moveInput, object](endpoint(http.MethodPost, message+"/copy")), Description: "Copies a message to another folder."},
		{Name: "delete_message", Effect: sdk.Idempotent, Scopes: write, Run: sdk.Send[messageInput, sdk.None](endpoint(http.MethodDelete, message)), Description: "Deletes a message: it goes to a place from which an admin or the person can restore it for a time, past Deleted Items. To put it there instead, move_message to deleteditems."},
		{Name: "create_folder", Effect: sdk.Write, Scopes: write, Run: sdk.Send[createFolderInput, object](endpoint(http.MethodPost, "/me/mailFolders")), Description: "Makes a mail folder at the top. A name that exists answers conflict."},
		{Name: "create_subfolder", Effect: sdk.Write, Scopes: write, Run: sdk.Send[createSubfolderInput, object](endpoint(http.MethodPost, "/me/mailFolders/{parent_id}/childFolders")), Description: "Makes a mail folder within another."},
		{Name: "rename_folder", Effect: sdk.Idempotent, Scopes: write, Run: sdk.Send[renameFolderInput, object](endpoint(http.MethodPatch, "/me/mailFolders/{folder_id}")), Description: "Renames a mail folder. Well-known ones are refused."},
		{Name: "delete_folder", Effect: sdk.Idempotent, Scopes: write, Run: sdk.Send[folderInput, sdk.None](endpoint(http.MethodDelete, "/me/mailFolders/{folder_id}")), Description: "Deletes a mail folder with the messages in it. Well-known ones are refused."},
	}
}

type markReadInput struct {
	messageInput
	Read bool `json:"read,omitempty" to:"body isRead" default:"true"`
}

type flagInput struct {
	messageInput
	Status string `json:"status" to:"body flag.flagStatus" enum:"flagged,complete,notFlagged"`
}

type categoriesInput struct {
	messageInput
	Categories []string `json:"categories" maxItems:"25"`
}

type moveInput struct {
	messageInput
	FolderID string `json:"folder_id" to:"body destinationId" minLength:"1" jsonschema:"a folder's id, or inbox, archive, deleteditems, junkemail, drafts"`
}

type createFolderInput struct {
	Name string `json:"name" to:"body displayName" minLength:"1" maxLength:"255"`
}

type createSubfolderInput struct {
	ParentID string `json:"parent_id" minLength:"1"`
	createFolderInput
}

type folderInput struct {
	FolderID string `json:"folder_id" minLength:"1"`
}

type renameFolderInput struct {
	folderInput
	createFolderInput
}
