package main

import (
	_ "embed"
	"net/http"
	"slices"

	"github.com/patchbay/patchbay/sdk"
)

//go:embed icons/gmail.svg
var gmailIcon []byte

// gmail is Gmail as data.
func gmail() sdk.Platform {
	return sdk.Platform{
		ID: "gmail", Name: "Gmail", Category: sdk.Productivity, Icon: gmailIcon, Website: "https://developers.google.com/workspace/gmail/api",
		Description: "Sends, searches, reads and sorts the mail of a Gmail account, with drafts, labels and attachments.",
		BaseURL:     "https://gmail.googleapis.com", Hosts: []string{identityHost},
		Auth:      []sdk.AuthMethod{oauth("gmail", "Gmail")},
		Authorize: authorize, Verify: verify, Explain: explain,
		// 15,000 quota units a user and minute; a send costs 100, a list 5, a read 5 to 20.
		RateLimits: []sdk.RateLimit{{Calls: 150, PerSeconds: 60, Operations: []string{"send_email", "reply", "forward", "send_draft"}}},
		Operations: slices.Concat(sendingOperations(), mailOperations(), draftOperations(), labelOperations()),
	}
}

func mailOperations() []sdk.Operation {
	read, modify := scope("gmail.readonly"), scope("gmail.modify")
	return []sdk.Operation{
		{Name: "get_profile", Effect: sdk.Read, Scopes: read, Run: sdk.Send[sdk.None, profile](endpoint("", "/gmail/v1/users/me/profile")), Description: "Answers the mailbox's address, how many messages and threads it has, and the history id from which list_history begins."},
		{Name: "search_messages", Effect: sdk.Read, Scopes: read, Run: sdk.Func(searchMessages), Description: "Finds messages by Gmail's search words (from:, to:, subject:, after:2026/01/31, has:attachment, is:unread, in:inbox, \"exact words\"), newest first, in pages. " +
			"Answers ids; with details also who, what and when of each, at one request more per message and at most 25 of them. Spam and trash are left out unless asked for."},
		{Name: "get_message", Effect: sdk.Read, Scopes: read, Run: sdk.Func(getMessage), Description: "Reads one message: its headers, text, HTML if asked for, and what is attached (get_attachment gives the content)."},
		{Name: "list_threads", Effect: sdk.Read, Scopes: read, Run: sdk.Send[searchInput, threadPage](endpoint("", "/gmail/v1/users/me/threads")), Description: "Finds conversations by Gmail's search words, newest first, in pages. Answers ids with the beginning of the last message."},
		{Name: "get_thread", Effect: sdk.Read, Scopes: read, Run: sdk.Func(getThread), Description: "Reads all messages of a conversation, oldest first, as get_message does."},
		{Name: "get_attachment", Effect: sdk.Read, Scopes: read, GivesFiles: true, Run: sdk.Func(getAttachment), Description: "Gives one attachment as a file, up to 11 MiB. Take its ids from get_message; an attachment id is good for a while only."},
		{Name: "modify_labels", Effect: sdk.Idempotent, Scopes: modify, Run: sdk.Send[modifyInput, message](endpoint(http.MethodPost, "/gmail/v1/users/me/messages/{id}/modify")), Description: "Adds and removes labels of a message: removing UNREAD marks it read, removing INBOX archives it, adding STARRED stars it. Ids come from list_labels. Refuses SENT, DRAFT and labels that do not exist."},
		{Name: "modify_thread_labels", Effect: sdk.Idempotent, Scopes: modify, Run: sdk.Send[modifyInput, message](endpoint(http.MethodPost, "/gmail/v1/users/me/threads/{id}/modify")), Description: "Adds and removes labels of all messages of a conversation, as modify_labels does of one."},
		{Name: "batch_modify_labels", Effect: sdk.Idempotent, Scopes: modify, Run: sdk.Send[batchModifyInput, sdk.None](endpoint(http.MethodPost, "/gmail/v1/users/me/messages/batchModify")), Description: "Adds and removes labels of up to 1000 messages at once. Says nothing of ids that do not exist."},
		{Name: "trash_message", Effect: sdk.Idempotent, Scopes: modify, Run: sdk.Send[idInput, message](endpoint(http.MethodPost, "/gmail/v1/users/me/messages/{id}/trash")), Description: "Moves a message to the trash, where Gmail keeps it for 30 days. Deleting for good is not offered."},
		{Name: "untrash_message", Effect: sdk.Idempotent, Scopes: modify, Run: sdk.Send[idInput, message](endpoint(http.MethodPost, "/gmail/v1/users/me/messages/{id}/untrash")), Description: "Takes a message out of the trash."},
		{Name: "trash_thread", Effect: sdk.Idempotent, Scopes: modify, Run: sdk.Send[idInput, message](endpoint(http.MethodPost, "/gmail/v1/users/me/threads/{id}/trash")), Description: "Moves all messages of a conversation to the trash."},
		{Name: "untrash_thread", Effect: sdk.Idempotent, Scopes: modify, Run: sdk.Send[idInput, message](endpoint(http.MethodPost, "/gmail/v1/users/me/threads/{id}/untrash")), Description: "Takes all messages of a conversation out of the trash."},
		{Name: "list_history", Effect: sdk.Read, Scopes: read, Run: sdk.Send[historyInput, historyPage](endpoint("", "/gmail/v1/users/me/history")), Description: "Lists what changed in the mailbox since a history id (of get_profile or an earlier answer), in pages. An id older than about a week answers not_found: begin anew with search_messages."},
		{Name: "list_send_as", Effect: sdk.Read, Scopes: read, Run: sdk.Send[sdk.None, sendAs](endpoint("", "/gmail/v1/users/me/settings/sendAs")), Description: "Lists the addresses that the account may send from."},
	}
}

func labelOperations() []sdk.Operation {
	labels := scope("gmail.labels")
	return []sdk.Operation{
		{Name: "list_labels", Effect: sdk.Read, Scopes: labels, Run: sdk.Send[sdk.None, labelList](endpoint("", "/gmail/v1/users/me/labels")), Description: "Lists the labels, Gmail's own (INBOX, UNREAD, STARRED) and the account's, without counts."},
		{Name: "get_label", Effect: sdk.Read, Scopes: labels, Run: sdk.Send[idInput, label](endpoint("", "/gmail/v1/users/me/labels/{id}")), Description: "Answers a label with how many messages and threads it has, and how many of them are unread."},
		{Name: "create_label", Effect: sdk.Write, Scopes: labels, Run: sdk.Send[newLabelInput, label](endpoint(http.MethodPost, "/gmail/v1/users/me/labels")), Description: "Makes a label; a slash in its name nests it. A name that exists answers conflict."},
		{Name: "update_label", Effect: sdk.Idempotent, Scopes: labels, Run: sdk.Send[changedLabelInput, label](endpoint(http.MethodPatch, "/gmail/v1/users/me/labels/{id}")), Description: "Renames a label or changes how it is shown. Gmail's own labels are refused."},
		{Name: "delete_label", Effect: sdk.Idempotent, Scopes: labels, Run: sdk.Send[idInput, sdk.None](endpoint(http.MethodDelete, "/gmail/v1/users/me/labels/{id}")), Description: "Deletes a label for good and takes it off all messages, which stay. Gmail's own labels are refused."},
	}
}

type idInput struct {
	ID string `json:"id" minLength:"1"`
}

type profile struct {
	EmailAddress  string `json:"email_address"`
	MessagesTotal int64  `json:"messages_total"`
	ThreadsTotal  int64  `json:"threads_total"`
	HistoryID     string `json:"history_id"`
}

// message is what Gmail answers when it changed one.
type message struct {
	ID       string   `json:"id"`
	ThreadID string   `json:"thread_id,omitempty"`
	LabelIDs []string `json:"label_ids,omitempty"`
}

type modifyInput struct {
	ID     string   `json:"id" minLength:"1"`
	Add    []string `json:"add,omitempty" to:"body addLabelIds" maxItems:"100" jsonschema:"ids of labels"`
	Remove []string `json:"remove,omitempty" to:"body removeLabelIds" maxItems:"100" jsonschema:"ids of labels"`
}

type batchModifyInput struct {
	IDs    []string `json:"ids" minItems:"1" maxItems:"1000"`
	Add    []string `json:"add,omitempty" to:"body addLabelIds" jsonschema:"ids of labels"`
	Remove []string `json:"remove,omitempty" to:"body removeLabelIds" jsonschema:"ids of labels"`
}

type searchInput struct {
	Query            string   `json:"query,omitempty" to:"query q" maxLength:"2000" jsonschema:"Gmail's search words; all mail when left out"`
	LabelIDs         []string `json:"label_ids,omitempty" maxItems:"20" jsonschema:"only what has all of these"`
	IncludeSpamTrash bool     `json:"include_spam_trash,omitempty"`
	Limit            int      `json:"limit,omitempty" to:"query maxResults" minimum:"1" maximum:"500" default:"50"`
	paged
}

type threadPage struct {
	Threads    []object `json:"threads"`
	Estimate   int64    `json:"estimate,omitempty" from:"resultSizeEstimate" jsonschema:"about how many there are in all"`
	NextCursor string   `json:"next_cursor,omitempty" from:"nextPageToken"`
}

type historyInput struct {
	StartHistoryID string   `json:"start_history_id" pattern:"^[0-9]+$"`
	Types          []string `json:"types,omitempty" to:"query historyTypes" enum:"messageAdded,messageDeleted,labelAdded,labelRemoved"`
	LabelID        string   `json:"label_id,omitempty" jsonschema:"only messages with this label"`
	Limit          int      `json:"limit,omitempty" to:"query maxResults" minimum:"1" maximum:"500" default:"100"`
	paged
}

type historyPage struct {
	History    []object `json:"history"`
	HistoryID  string   `json:"history_id" jsonschema:"where the next look begins"`
	NextCursor string   `json:"next_cursor,omitempty" from:"nextPageToken"`
}

type sendAs struct {
	SendAs []object `json:"send_as"`
}

type labelList struct {
	Labels []object `json:"labels"`
}

type label struct {
	ID             string `json:"id"`
	Name           string `json:"name"`
	Type           string `json:"type,omitempty"`
	MessagesTotal  int64  `json:"messages_total,omitempty"`
	MessagesUnread int64  `json:"messages_unread,omitempty"`
	ThreadsTotal   int64  `json:"threads_total,omitempty"`
	ThreadsUnread  int64  `json:"threads_unread,omitempty"`
}

type labelLook struct {
	LabelListVisibility   string `json:"label_list_visibility,omitempty" enum:"labelShow,labelShowIfUnread,labelHide"`
	MessageListVisibility string `json:"message_list_visibility,omitempty" enum:"show,hide"`
}

type newLabelInput struct {
	Name string `json:"name" minLength:"1" maxLength:"225"`
	labelLook
}

type changedLabelInput struct {
	ID   string `json:"id" minLength:"1"`
	Name string `json:"name,omitempty" maxLength:"225"`
	labelLook
}
