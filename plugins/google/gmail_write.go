package main

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/mail"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

func sendingOperations() []sdk.Operation {
	send, both := scope("gmail.send"), scope("gmail.send", "gmail.readonly")
	return []sdk.Operation{
		{Name: "send_email", Effect: sdk.Write, Scopes: send, TakesFiles: true, Run: sdk.Func(sendEmail), Description: "Sends a message as plain text, HTML or both; files that come with the call are attached, 35 MB in all. Needs at least one recipient. from must be one of list_send_as."},
		{Name: "reply", Effect: sdk.Write, Scopes: both, TakesFiles: true, Run: sdk.Func(reply), Description: "Replies to a message within its conversation: to its sender, or with all to everybody who had it. The subject and the references come from the message. What was written before is not quoted."},
		{Name: "forward", Effect: sdk.Write, Scopes: both, TakesFiles: true, Run: sdk.Func(forward), Description: "Sends a message on to others, whole and with its attachments, as a message attached to a new one. Refuses messages over 11 MiB."},
	}
}

func draftOperations() []sdk.Operation {
	compose, read := scope("gmail.compose"), scope("gmail.readonly")
	return []sdk.Operation{
		{Name: "create_draft", Effect: sdk.Write, Scopes: compose, TakesFiles: true, Run: sdk.Func(createDraft), Description: "Keeps a message as a draft, with the files of the call attached. Nothing is sent."},
		{Name: "update_draft", Effect: sdk.Idempotent, Scopes: compose, TakesFiles: true, Run: sdk.Func(updateDraft), Description: "Replaces all of a draft, its attachments included."},
		{Name: "list_drafts", Effect: sdk.Read, Scopes: read, Run: sdk.Send[draftsInput, draftPage](endpoint("", "/gmail/v1/users/me/drafts")), Description: "Lists drafts by their ids, in pages."},
		{Name: "get_draft", Effect: sdk.Read, Scopes: read, Run: sdk.Func(getDraft), Description: "Reads a draft as get_message reads a message."},
		{Name: "send_draft", Effect: sdk.Write, Scopes: compose, Run: sdk.Send[sendDraftInput, message](endpoint(http.MethodPost, "/gmail/v1/users/me/drafts/send")), Description: "Sends a draft as it is; the draft is gone then."},
		{Name: "delete_draft", Effect: sdk.Idempotent, Scopes: compose, Run: sdk.Send[idInput, sdk.None](endpoint(http.MethodDelete, "/gmail/v1/users/me/drafts/{id}")), Description: "Deletes a draft for good."},
	}
}

// content is what a message says.
type content struct {
	Subject string   `json:"subject,omitempty" maxLength:"2000"`
	Text    string   `json:"text,omitempty" maxLength:"5000000" jsonschema:"plain text"`
	HTML    string   `json:"html,omitempty" maxLength:"5000000" jsonschema:"HTML, instead of the text or beside it"`
	Cc      []string `json:"cc,omitempty" maxItems:"500" jsonschema:"addresses, with or without names"`
	Bcc     []string `json:"bcc,omitempty" maxItems:"500"`
	From    string   `json:"from,omitempty" jsonschema:"one of list_send_as; the account's own address when left out"`
	ReplyTo string   `json:"reply_to,omitempty" jsonschema:"where answers go"`
}

type emailInput struct {
	To []string `json:"to" minItems:"1" maxItems:"500" jsonschema:"addresses such as ann@example.com or Ann <ann@example.com>"`
	content
	ThreadID string `json:"thread_id,omitempty" jsonschema:"conversation that it belongs to; give in_reply_to and the same subject too"`
	Answers  string `json:"in_reply_to,omitempty" pattern:"^<[^<>]+>$" jsonschema:"Message-ID of the message that it answers"`
}

func (in emailInput) message() outgoing {
	return outgoing{content: in.content, to: in.To, threadID: in.ThreadID, inReplyTo: in.Answers, references: in.Answers}
}

func sendEmail(ctx context.Context, call *sdk.Call, in emailInput) (message, error) {
	return in.message().send(ctx, call)
}

// send sends the message.
func (o outgoing) send(ctx context.Context, call *sdk.Call) (message, error) {
	var m wireMessage
	err := o.deliver(ctx, call, http.MethodPost, "messages/send", "", &m)
	return m.message(), err
}

type replyInput struct {
	MessageID string `json:"message_id" minLength:"1" jsonschema:"id of the message in Gmail"`
	All       bool   `json:"all,omitempty" jsonschema:"to everybody who had the message"`
	content
}

func reply(ctx context.Context, call *sdk.Call, in replyInput) (message, error) {
	m, err := fetch(ctx, call, in.MessageID, sdk.Query("format", "metadata", "metadataHeaders",
		[]string{"From", "Reply-To", "To", "Cc", "Subject", "Message-ID", "References"}))
	if err != nil {
		return message{}, err
	}
	o := outgoing{content: in.content, threadID: m.ThreadID, inReplyTo: m.header("Message-ID")}
	o.references = strings.TrimSpace(m.header("References") + " " + o.inReplyTo)
	if o.Subject == "" {
		o.Subject = prefixed("Re: ", m.header("Subject"))
	}
	sender := m.header("Reply-To")
	if sender == "" {
		sender = m.header("From")
	}
	o.to = []string{sender}
	if in.All {
		others, err := everybody(ctx, call, m)
		if err != nil {
			return message{}, err
		}
		o.Cc = append(others, o.Cc...)
	}
	return o.send(ctx, call)
}

// everybody answers who else had a message, without the account itself.
func everybody(ctx context.Context, call *sdk.Call, m wireMessage) ([]string, error) {
	var me struct {
		EmailAddress string `json:"emailAddress"`
	}
	if err := call.Do(ctx, sdk.Request{Path: "/gmail/v1/users/me/profile"}, &me); err != nil {
		return nil, err
	}
	var out []string
	for _, line := range []string{m.header("To"), m.header("Cc")} {
		list, err := mail.ParseAddressList(line)
		if err != nil {
			continue // an empty line, or one that is broken: then its people get nothing
		}
		for _, a := range list {
			if !strings.EqualFold(a.Address, me.EmailAddress) {
				out = append(out, a.String())
			}
		}
	}
	return out, nil
}

type forwardInput struct {
	MessageID string   `json:"message_id" minLength:"1" jsonschema:"id of the message in Gmail"`
	To        []string `json:"to" minItems:"1" maxItems:"500"`
	content
}

func forward(ctx context.Context, call *sdk.Call, in forwardInput) (message, error) {
	m, err := fetch(ctx, call, in.MessageID, sdk.Query("format", "raw"))
	if err != nil {
		return message{}, err
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(m.Raw, "="))
	if err != nil || len(raw) == 0 {
		return message{}, shapeError("the message itself")
	}
	o := outgoing{content: in.content, to: in.To, forwarded: raw}
	if o.Subject == "" {
		subject := ""
		if parsed, err := mail.ReadMessage(strings.NewReader(string(raw))); err == nil {
			subject = plainHeader(parsed.Header.Get("Subject"))
		}
		o.Subject = prefixed("Fwd: ", subject)
	}
	return o.send(ctx, call)
}

// prefixed puts Re: or Fwd: before a subject that has none yet.
func prefixed(prefix, subject string) string {
	if strings.HasPrefix(strings.ToLower(subject), strings.ToLower(prefix)) {
		return subject
	}
	return prefix + subject
}

type draft struct {
	ID      string  `json:"id"`
	Message message `json:"message"`
}

// wireDraft is a draft as Gmail answers it.
type wireDraft struct {
	ID      string `json:"id"`
	Message wireMessage
}

func (d wireDraft) draft() draft {
	return draft{ID: d.ID, Message: d.Message.message()}
}

func createDraft(ctx context.Context, call *sdk.Call, in emailInput) (draft, error) {
	var d wireDraft
	err := in.message().deliver(ctx, call, http.MethodPost, "drafts", "message", &d)
	return d.draft(), err
}

type updateDraftInput struct {
	ID string `json:"id" minLength:"1" jsonschema:"the draft's id"`
	emailInput
}

func updateDraft(ctx context.Context, call *sdk.Call, in updateDraftInput) (draft, error) {
	var d wireDraft
	err := in.message().deliver(ctx, call, http.MethodPut, sdk.Path("drafts/%s", in.ID), "message", &d)
	return d.draft(), err
}

type draftsInput struct {
	Query string `json:"query,omitempty" to:"query q" maxLength:"2000" jsonschema:"Gmail's search words"`
	Limit int    `json:"limit,omitempty" to:"query maxResults" minimum:"1" maximum:"500" default:"50"`
	paged
}

type draftPage struct {
	Drafts     []object `json:"drafts"`
	NextCursor string   `json:"next_cursor,omitempty" from:"nextPageToken"`
}

type readDraft struct {
	ID      string      `json:"id"`
	Message readMessage `json:"message"`
}

func getDraft(ctx context.Context, call *sdk.Call, in getMessageInput) (readDraft, error) {
	var d wireDraft
	err := call.Do(ctx, sdk.Request{Path: sdk.Path("/gmail/v1/users/me/drafts/%s", in.ID), Query: sdk.Query("format", "full")}, &d)
	return readDraft{ID: d.ID, Message: read(d.Message, in.HTML)}, err
}

type sendDraftInput struct {
	ID string `json:"id" to:"body id" minLength:"1" jsonschema:"the draft's id"`
}
