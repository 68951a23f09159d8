package main

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/mail"
	"strconv"

	"github.com/patchbay/patchbay/sdk"
)

func sendingOperations() []sdk.Operation {
	send, write := []string{"Mail.Send"}, []string{"Mail.ReadWrite"}
	both := []string{"Mail.ReadWrite", "Mail.Send"}
	return []sdk.Operation{
		{Name: "send_email", Effect: sdk.Write, Scopes: send, TakesFiles: true, Run: sdk.Func(sendEmail), Description: "Sends a message as plain text or HTML; files that come with the call are attached, 3 MB in all (for more: create_draft, add_attachment, send_draft). A copy is kept in Sent Items. It answers nothing: Exchange has taken the message, and a bounce comes as mail."},
		{Name: "reply", Effect: sdk.Write, Scopes: send, Run: sdk.Send[replyInput, sdk.None](endpoint(http.MethodPost, "/me/messages/{message_id}/reply")), Description: "Replies to the sender of a message; the text stands above the quoted message."},
		{Name: "reply_all", Effect: sdk.Write, Scopes: send, Run: sdk.Send[replyInput, sdk.None](endpoint(http.MethodPost, "/me/messages/{message_id}/replyAll")), Description: "Replies to everybody who had a message; the text stands above the quoted message."},
		{Name: "forward", Effect: sdk.Write, Scopes: send, Run: sdk.Func(forward), Description: "Sends a message on to others, with its attachments, under a text of yours."},
		{Name: "create_draft", Effect: sdk.Write, Scopes: write, TakesFiles: true, Run: sdk.Func(createDraft), Description: "Keeps a message as a draft, with the files of the call (3 MB in all) attached. Nothing is sent."},
		{Name: "create_reply_draft", Effect: sdk.Write, Scopes: write, Run: sdk.Func(createReplyDraft), Description: "Makes a draft of a reply to a message, or of its forwarding, with its subject, recipients and quoted text, to be changed with update_draft and sent with send_draft."},
		{Name: "update_draft", Effect: sdk.Idempotent, Scopes: write, Run: sdk.Func(updateDraft), Description: "Changes what is given of a draft; recipients replace those that it has. A message that was sent is refused."},
		{Name: "send_draft", Effect: sdk.Write, Scopes: both, Run: sdk.Send[messageInput, sdk.None](endpoint(http.MethodPost, "/me/messages/{message_id}/send")), Description: "Sends a draft as it is."},
	}
}

// content is what a message says.
type content struct {
	Subject    string   `json:"subject,omitempty" maxLength:"255"`
	Text       string   `json:"text,omitempty" maxLength:"3000000" jsonschema:"plain text"`
	HTML       string   `json:"html,omitempty" maxLength:"3000000" jsonschema:"HTML instead"`
	To         []string `json:"to,omitempty" maxItems:"500" jsonschema:"addresses such as ann@example.com or Ann <ann@example.com>"`
	Cc         []string `json:"cc,omitempty" maxItems:"500"`
	Bcc        []string `json:"bcc,omitempty" maxItems:"500"`
	ReplyTo    []string `json:"reply_to,omitempty" maxItems:"10"`
	Importance string   `json:"importance,omitempty" enum:"low,normal,high"`
}

// message writes what is given as Graph has it.
func (c content) message() (map[string]any, error) {
	m := map[string]any{}
	if c.Subject != "" {
		m["subject"] = c.Subject
	}
	switch {
	case c.Text != "" && c.HTML != "":
		return nil, sdk.Invalid("/html", "give text or html")
	case c.Text != "":
		m["body"] = map[string]string{"contentType": "text", "content": c.Text}
	case c.HTML != "":
		m["body"] = map[string]string{"contentType": "html", "content": c.HTML}
	}
	if c.Importance != "" {
		m["importance"] = c.Importance
	}
	for _, line := range []struct {
		name, pointer string
		list          []string
	}{{"toRecipients", "/to", c.To}, {"ccRecipients", "/cc", c.Cc}, {"bccRecipients", "/bcc", c.Bcc}, {"replyTo", "/reply_to", c.ReplyTo}} {
		people, err := recipients(line.pointer, line.list)
		if err != nil {
			return nil, err
		}
		if people != nil {
			m[line.name] = people
		}
	}
	return m, nil
}

// recipients checks addresses and writes them as Graph has them.
func recipients(pointer string, list []string) ([]any, error) {
	var out []any
	for i, s := range list {
		parsed, err := mail.ParseAddress(s)
		if err != nil {
			return nil, sdk.Invalid(pointer+"/"+strconv.Itoa(i), "it is no mail address such as ann@example.com or Ann <ann@example.com>")
		}
		address := map[string]string{"address": parsed.Address}
		if parsed.Name != "" {
			address["name"] = parsed.Name
		}
		out = append(out, map[string]any{"emailAddress": address})
	}
	return out, nil
}

// maxInline is what Exchange takes of attachments within one request.
const maxInline = 3 << 20

// inline reads the files of a call as attachments within the message.
func inline(ctx context.Context, call *sdk.Call) ([]any, error) {
	var out []any
	left := int64(maxInline)
	for {
		file, err := call.NextFile(ctx)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(io.LimitReader(file, left+1))
		if err != nil {
			return nil, err
		}
		if left -= int64(len(data)); left < 0 {
			return nil, sdk.Invalid("", "the files are larger than 3 MB together; make a draft, use add_attachment with the size of each, and send_draft")
		}
		out = append(out, fileAttachment(file, data))
	}
}

func fileAttachment(file *sdk.File, data []byte) map[string]any {
	return map[string]any{"@odata.type": "#microsoft.graph.fileAttachment", "name": named(file), "contentType": typed(file), "contentBytes": base64.StdEncoding.EncodeToString(data)}
}

func named(file *sdk.File) string {
	if file.Name == "" {
		return "attachment"
	}
	return file.Name
}

func typed(file *sdk.File) string {
	if file.MediaType == "" {
		return "application/octet-stream"
	}
	return file.MediaType
}

// whole is the message with the files of the call.
func (c content) whole(ctx context.Context, call *sdk.Call) (map[string]any, error) {
	m, err := c.message()
	if err != nil {
		return nil, err
	}
	files, err := inline(ctx, call)
	if err != nil {
		return nil, err
	}
	if files != nil {
		m["attachments"] = files
	}
	return m, nil
}

type sendEmailInput struct {
	content
	NoCopy bool `json:"no_copy,omitempty" jsonschema:"keep no copy in Sent Items"`
}

func sendEmail(ctx context.Context, call *sdk.Call, in sendEmailInput) (sdk.None, error) {
	if len(in.To)+len(in.Cc)+len(in.Bcc) == 0 {
		return sdk.None{}, sdk.Invalid("/to", "give at least one recipient")
	}
	m, err := in.whole(ctx, call)
	if err != nil {
		return sdk.None{}, err
	}
	return sdk.None{}, call.Do(ctx, sdk.Request{Path: "/me/sendMail", JSON: map[string]any{"message": m, "saveToSentItems": !in.NoCopy}}, nil)
}

type replyInput struct {
	messageInput
	Text string `json:"text" to:"body comment" minLength:"1" maxLength:"1000000"`
}

type forwardInput struct {
	messageInput
	To   []string `json:"to" minItems:"1" maxItems:"500"`
	Text string   `json:"text,omitempty" maxLength:"1000000"`
}

func forward(ctx context.Context, call *sdk.Call, in forwardInput) (sdk.None, error) {
	people, err := recipients("/to", in.To)
	if err != nil {
		return sdk.None{}, err
	}
	return sdk.None{}, call.Do(ctx, sdk.Request{Path: sdk.Path("/me/messages/%s/forward", in.MessageID), JSON: map[string]any{"comment": in.Text, "toRecipients": people}}, nil)
}

func createDraft(ctx context.Context, call *sdk.Call, in content) (object, error) {
	m, err := in.whole(ctx, call)
	if err != nil {
		return nil, err
	}
	var out object
	return out, call.Do(ctx, sdk.Request{Path: "/me/messages", JSON: m}, &out)
}

type replyDraftInput struct {
	messageInput
	As   string `json:"as,omitempty" enum:"reply,reply_all,forward" default:"reply"`
	Text string `json:"text,omitempty" maxLength:"1000000"`
}

func createReplyDraft(ctx context.Context, call *sdk.Call, in replyDraftInput) (object, error) {
	action := map[string]string{"reply_all": "createReplyAll", "forward": "createForward"}[in.As]
	if action == "" {
		action = "createReply"
	}
	var out object
	return out, call.Do(ctx, sdk.Request{Path: sdk.Path("/me/messages/%s/"+action, in.MessageID), JSON: map[string]any{"comment": in.Text}}, &out)
}

type updateDraftInput struct {
	messageInput
	content
}

func updateDraft(ctx context.Context, call *sdk.Call, in updateDraftInput) (object, error) {
	m, err := in.message()
	if err != nil {
		return nil, err
	}
	var out object
	return out, call.Do(ctx, sdk.Request{Method: http.MethodPatch, Path: sdk.Path("/me/messages/%s", in.MessageID), JSON: m}, &out)
}
