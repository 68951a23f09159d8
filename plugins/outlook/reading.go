package main

import (
	"context"
	"net/http"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// shown is what lists answer of a message.
const shown = "id,subject,from,toRecipients,ccRecipients,receivedDateTime,sentDateTime,bodyPreview,isRead,isDraft,hasAttachments,importance,flag,categories,conversationId,parentFolderId,webLink"

func readingOperations() []sdk.Operation {
	read := []string{"Mail.Read"}
	return []sdk.Operation{
		{Name: "get_me", Effect: sdk.Read, Scopes: []string{"User.Read"}, Run: sdk.Send[sdk.None, object](endpoint("", "/me")), Description: "Answers the connected account: name, addresses, job."},
		{Name: "get_mailbox_settings", Effect: sdk.Read, Scopes: []string{"MailboxSettings.Read"}, Run: sdk.Send[sdk.None, object](endpoint("", "/me/mailboxSettings")), Description: "Answers the mailbox's time zone, language, working hours and automatic replies."},
		{Name: "list_messages", Effect: sdk.Read, Scopes: read, Run: sdk.Func(listMessages), Description: "Lists the messages of a folder, or of all folders, newest first, in pages, without their text: those from a sender, since a time, unread ones, or by Graph's own filter. Combine words with search_messages instead."},
		{Name: "search_messages", Effect: sdk.Read, Scopes: read, Run: sdk.Func(searchMessages), Description: "Finds messages by words in subject, text, sender and attachments, the newest thousand, in pages. Outlook's search words work: from:ann subject:invoice hasattachment:true received>=2026-01-31."},
		{Name: "get_message", Effect: sdk.Read, Scopes: read, Run: sdk.Func(getMessage), Description: "Reads one message with its whole text, as plain text or HTML, and its Internet headers if asked for."},
		{Name: "export_message", Effect: sdk.Read, Scopes: read, GivesFiles: true, Run: sdk.Func(exportMessage), Description: "Gives a message as a file in mail format (.eml), with its attachments."},
		{Name: "list_folders", Effect: sdk.Read, Scopes: read, Run: sdk.Func(listFolders), Description: "Lists the mail folders, or those within one, with counts of messages, in pages. Well-known ones are also named inbox, drafts, sentitems, deleteditems, archive and junkemail."},
	}
}

type messageInput struct {
	MessageID string `json:"message_id" minLength:"1"`
}

type listMessagesInput struct {
	FolderID string `json:"folder_id,omitempty" jsonschema:"a folder's id, or inbox, drafts, sentitems, deleteditems, archive, junkemail; all folders when left out"`
	From     string `json:"from,omitempty" format:"email" jsonschema:"only of this sender"`
	Since    string `json:"since,omitempty" format:"date-time" jsonschema:"only those received at or after this, such as 2026-01-31T00:00:00Z"`
	Unread   bool   `json:"unread,omitempty" jsonschema:"only those that were not read"`
	Filter   string `json:"filter,omitempty" maxLength:"2000" jsonschema:"Graph's own filter, in addition, such as importance eq 'high'"`
	paged
}

func listMessages(ctx context.Context, call *sdk.Call, in listMessagesInput) (page, error) {
	// Exchange refuses an order by a property that the filter does not begin with.
	words := []string{"receivedDateTime ge " + in.Since}
	if in.Since == "" {
		words[0] = "receivedDateTime ge 1900-01-01T00:00:00Z"
	}
	if in.From != "" {
		words = append(words, "from/emailAddress/address eq "+quoted(in.From))
	}
	if in.Unread {
		words = append(words, "isRead eq false")
	}
	if in.Filter != "" {
		words = append(words, "("+in.Filter+")")
	}
	filter := strings.Join(words, " and ")
	if len(words) == 1 && in.Since == "" {
		filter = ""
	}
	return in.list(ctx, call, below("mailFolders", in.FolderID, "/me/messages", "/messages"), nil, "$select", shown, "$filter", filter, "$orderby", "receivedDateTime desc")
}

// quoted writes a text as Graph's filters have it.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

type searchMessagesInput struct {
	Query    string `json:"query" minLength:"1" maxLength:"1000"`
	FolderID string `json:"folder_id,omitempty" jsonschema:"only in this folder"`
	paged
}

func searchMessages(ctx context.Context, call *sdk.Call, in searchMessagesInput) (page, error) {
	return in.list(ctx, call, below("mailFolders", in.FolderID, "/me/messages", "/messages"), nil, "$select", shown, "$search", searched(in.Query))
}

// searched writes words as Graph's searches have them: within quotation marks.
func searched(words string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(words) + `"`
}

type getMessageInput struct {
	messageInput
	HTML    bool `json:"html,omitempty" jsonschema:"the text as HTML instead of plain text"`
	Headers bool `json:"headers,omitempty" jsonschema:"the Internet headers too"`
}

func getMessage(ctx context.Context, call *sdk.Call, in getMessageInput) (object, error) {
	fields := shown + ",bccRecipients,replyTo,sender,body,internetMessageId"
	if in.Headers {
		fields += ",internetMessageHeaders"
	}
	var out object
	return out, call.Do(ctx, sdk.Request{Path: sdk.Path("/me/messages/%s", in.MessageID), Query: sdk.Query("$select", fields), Header: prefer(!in.HTML, "")}, &out)
}

func exportMessage(ctx context.Context, call *sdk.Call, in messageInput) (sdk.None, error) {
	return sdk.None{}, download(ctx, call, sdk.Path("/me/messages/%s/$value", in.MessageID), "message.eml", "message/rfc822")
}

// download attaches the content at a path.
func download(ctx context.Context, call *sdk.Call, path, name, kind string) error {
	resp, err := call.Open(ctx, sdk.Request{Path: path, Header: http.Header{"Accept": {"*/*"}}})
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // read to its end by Attach
	return call.Attach(name, kind, resp.Body)
}

type listFoldersInput struct {
	ParentID string `json:"parent_id,omitempty" jsonschema:"those within this folder"`
	paged
}

func listFolders(ctx context.Context, call *sdk.Call, in listFoldersInput) (page, error) {
	return in.list(ctx, call, below("mailFolders", in.ParentID, "/me/mailFolders", "/childFolders"), nil)
}
