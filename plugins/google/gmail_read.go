package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"net/url"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// wireMessage is a message as Gmail gives it.
type wireMessage struct {
	ID           string   `json:"id"`
	ThreadID     string   `json:"threadId"`
	LabelIDs     []string `json:"labelIds"`
	Snippet      string   `json:"snippet"`
	InternalDate string   `json:"internalDate"`
	SizeEstimate int64    `json:"sizeEstimate"`
	Payload      wirePart `json:"payload"`
	Raw          string   `json:"raw"`
}

// wirePart is one part of a message; parts may lie within parts.
type wirePart struct {
	MimeType string `json:"mimeType"`
	Filename string `json:"filename"`
	Headers  []struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	} `json:"headers"`
	Body struct {
		AttachmentID string `json:"attachmentId"`
		Size         int64  `json:"size"`
		Data         string `json:"data"`
	} `json:"body"`
	Parts []wirePart `json:"parts"`
}

// header answers the first header of a name, or "".
func (m wireMessage) header(name string) string {
	for _, h := range m.Payload.Headers {
		if strings.EqualFold(h.Name, name) {
			return h.Value
		}
	}
	return ""
}

// message answers what tells one message from others.
func (m wireMessage) message() message {
	return message{ID: m.ID, ThreadID: m.ThreadID, LabelIDs: m.LabelIDs}
}

// readMessage is a message as operations answer it.
type readMessage struct {
	ID          string       `json:"id"`
	ThreadID    string       `json:"thread_id"`
	LabelIDs    []string     `json:"label_ids"`
	From        string       `json:"from,omitempty"`
	To          string       `json:"to,omitempty"`
	Cc          string       `json:"cc,omitempty"`
	ReplyTo     string       `json:"reply_to,omitempty"`
	Subject     string       `json:"subject,omitempty"`
	Date        string       `json:"date,omitempty"`
	MessageID   string       `json:"message_id,omitempty" jsonschema:"the Message-ID header"`
	ReceivedMS  string       `json:"received_ms,omitempty" jsonschema:"when Gmail took it, in milliseconds of Unix time"`
	Snippet     string       `json:"snippet,omitempty"`
	Text        string       `json:"text,omitempty" jsonschema:"the plain text; where the message has only HTML, ask for that"`
	HTML        string       `json:"html,omitempty"`
	Attachments []attachment `json:"attachments,omitempty"`
}

type attachment struct {
	ID       string `json:"id" jsonschema:"for get_attachment"`
	Filename string `json:"filename"`
	MimeType string `json:"mime_type"`
	Size     int64  `json:"size"`
}

// maxParts bounds how many parts of a message are looked at, and maxPartDepth how deep they lie.
const (
	maxParts     = 1000
	maxPartDepth = 50
)

// read makes a readMessage of what Gmail gives.
func read(m wireMessage, withHTML bool) readMessage {
	out := readMessage{ID: m.ID, ThreadID: m.ThreadID, LabelIDs: m.LabelIDs, From: m.header("From"), To: m.header("To"), Cc: m.header("Cc"),
		ReplyTo: m.header("Reply-To"), Subject: m.header("Subject"), Date: m.header("Date"), MessageID: m.header("Message-ID"),
		ReceivedMS: m.InternalDate, Snippet: m.Snippet}
	if out.LabelIDs == nil {
		out.LabelIDs = []string{}
	}
	left := maxParts
	out.addPart(m.Payload, withHTML, 0, &left)
	return out
}

func (m *readMessage) addPart(p wirePart, withHTML bool, depth int, left *int) {
	if *left--; *left < 0 || depth > maxPartDepth {
		return
	}
	switch {
	case p.Body.AttachmentID != "":
		m.Attachments = append(m.Attachments, attachment{ID: p.Body.AttachmentID, Filename: p.Filename, MimeType: p.MimeType, Size: p.Body.Size})
	case p.MimeType == "text/plain" && p.Filename == "":
		m.Text += decoded(p.Body.Data)
	case p.MimeType == "text/html" && p.Filename == "" && withHTML:
		m.HTML += decoded(p.Body.Data)
	}
	for _, inner := range p.Parts {
		m.addPart(inner, withHTML, depth+1, left)
	}
}

// decoded reads Gmail's base64url, and answers "" for what is none.
func decoded(data string) string {
	raw, err := base64.URLEncoding.DecodeString(data)
	if err != nil {
		raw, err = base64.RawURLEncoding.DecodeString(data)
	}
	if err != nil {
		return ""
	}
	return strings.ToValidUTF8(string(raw), "\uFFFD")
}

type getMessageInput struct {
	ID   string `json:"id" minLength:"1"`
	HTML bool   `json:"html,omitempty" jsonschema:"answer the HTML too"`
}

func getMessage(ctx context.Context, call *sdk.Call, in getMessageInput) (readMessage, error) {
	m, err := fetch(ctx, call, in.ID, sdk.Query("format", "full"))
	return read(m, in.HTML), err
}

func fetch(ctx context.Context, call *sdk.Call, id string, query url.Values) (wireMessage, error) {
	var m wireMessage
	return m, call.Do(ctx, sdk.Request{Path: sdk.Path("/gmail/v1/users/me/messages/%s", id), Query: query}, &m)
}

type thread struct {
	ID       string        `json:"id"`
	Messages []readMessage `json:"messages"`
}

func getThread(ctx context.Context, call *sdk.Call, in getMessageInput) (thread, error) {
	var answer struct {
		ID       string        `json:"id"`
		Messages []wireMessage `json:"messages"`
	}
	if err := call.Do(ctx, sdk.Request{Path: sdk.Path("/gmail/v1/users/me/threads/%s", in.ID), Query: sdk.Query("format", "full")}, &answer); err != nil {
		return thread{}, err
	}
	out := thread{ID: answer.ID, Messages: make([]readMessage, 0, len(answer.Messages))}
	for _, m := range answer.Messages {
		out.Messages = append(out.Messages, read(m, in.HTML))
	}
	return out, nil
}

// maxDetailed is how many messages a search reads one by one.
const maxDetailed = 25

type searchMessagesInput struct {
	searchInput
	Details bool `json:"details,omitempty" jsonschema:"answer sender, subject, date and beginning of each, at most 25"`
}

type messagePage struct {
	Messages   []readMessage `json:"messages" jsonschema:"without details only ids"`
	Estimate   int64         `json:"estimate" jsonschema:"about how many there are in all"`
	NextCursor string        `json:"next_cursor,omitempty"`
}

func searchMessages(ctx context.Context, call *sdk.Call, in searchMessagesInput) (messagePage, error) {
	if in.Limit == 0 {
		in.Limit = 50
	}
	if in.Details {
		in.Limit = min(in.Limit, maxDetailed)
	}
	var answer struct {
		Messages []wireMessage `json:"messages"`
		Next     string        `json:"nextPageToken"`
		Estimate int64         `json:"resultSizeEstimate"`
	}
	query := sdk.Query("q", in.Query, "labelIds", in.LabelIDs, "includeSpamTrash", in.IncludeSpamTrash, "maxResults", in.Limit, "pageToken", in.Cursor)
	if err := call.Do(ctx, sdk.Request{Path: "/gmail/v1/users/me/messages", Query: query}, &answer); err != nil {
		return messagePage{}, err
	}
	out := messagePage{Messages: []readMessage{}, Estimate: answer.Estimate, NextCursor: answer.Next}
	for _, m := range answer.Messages {
		if in.Details {
			full, err := fetch(ctx, call, m.ID, sdk.Query("format", "metadata", "metadataHeaders", []string{"From", "To", "Subject", "Date"}))
			if err != nil {
				return messagePage{}, err
			}
			m = full
		}
		out.Messages = append(out.Messages, read(m, false))
	}
	return out, nil
}

type getAttachmentInput struct {
	MessageID    string `json:"message_id" minLength:"1"`
	AttachmentID string `json:"attachment_id" minLength:"1"`
	Filename     string `json:"filename,omitempty" maxLength:"255" jsonschema:"what to call it"`
	MimeType     string `json:"mime_type,omitempty" maxLength:"255"`
}

type attachmentSize struct {
	Size int `json:"size"`
}

// getAttachment gives an attachment, which Gmail has as a text of base64 within JSON.
func getAttachment(ctx context.Context, call *sdk.Call, in getAttachmentInput) (attachmentSize, error) {
	var answer struct {
		Data string `json:"data"`
	}
	if err := call.Do(ctx, sdk.Request{Path: sdk.Path("/gmail/v1/users/me/messages/%s/attachments/%s", in.MessageID, in.AttachmentID)}, &answer); err != nil {
		return attachmentSize{}, err
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(answer.Data, "="))
	if err != nil {
		return attachmentSize{}, shapeError("the attachment's content")
	}
	if in.Filename == "" {
		in.Filename = "attachment"
	}
	return attachmentSize{Size: len(raw)}, call.Attach(in.Filename, in.MimeType, bytes.NewReader(raw))
}
