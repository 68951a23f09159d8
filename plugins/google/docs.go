package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

func itoa(n int) string { return strconv.Itoa(n) }

const documentMIME = "application/vnd.google-apps.document"

type documentPage struct {
	Documents  []object `json:"documents"`
	NextCursor string   `json:"next_cursor,omitempty"`
}

func listDocuments(ctx context.Context, call *sdk.Call, in listSpreadsheetsInput) (documentPage, error) {
	if err := call.Needs(signIn()...); err != nil {
		return documentPage{}, err
	}
	files, err := ofKind(ctx, call, documentMIME, in)
	return documentPage{Documents: files.Files, NextCursor: files.NextCursor}, err
}

type documentInput struct {
	DocumentID string `json:"document_id" pattern:"^[A-Za-z0-9_-]+$" jsonschema:"the long id in the document's address"`
}

type getDocumentInput struct {
	documentInput
	Full bool `json:"full,omitempty" jsonschema:"answer the whole structure too"`
}

type document struct {
	DocumentID string `json:"document_id"`
	Title      string `json:"title"`
	Text       string `json:"text"`
	Structure  object `json:"structure,omitempty"`
}

func getDocument(ctx context.Context, call *sdk.Call, in getDocumentInput) (document, error) {
	if err := call.Needs(signIn()...); err != nil {
		return document{}, err
	}
	var structure object
	if err := call.Do(ctx, sdk.Request{Path: at(call, docsHost, sdk.Path("/v1/documents/%s", in.DocumentID))}, &structure); err != nil {
		return document{}, err
	}
	title, _ := structure["title"].(string)
	out := document{DocumentID: in.DocumentID, Title: title}
	body, _ := structure["body"].(object)
	var b strings.Builder
	writePlain(&b, body["content"], 0)
	out.Text = b.String()
	if in.Full {
		out.Structure = structure
	}
	return out, nil
}

// maxNesting bounds tables within tables.
const maxNesting = 20

// writePlain writes the text of structural elements: paragraphs as lines, table rows as lines with tabs.
func writePlain(b *strings.Builder, content any, depth int) {
	list, _ := content.([]any)
	if depth > maxNesting {
		return
	}
	for _, element := range list {
		e, _ := element.(object)
		if paragraph, ok := e["paragraph"].(object); ok {
			if _, bullet := paragraph["bullet"]; bullet {
				b.WriteString("- ")
			}
			runs, _ := paragraph["elements"].([]any)
			for _, run := range runs {
				r, _ := run.(object)
				textRun, _ := r["textRun"].(object)
				text, _ := textRun["content"].(string)
				b.WriteString(text)
			}
		}
		table, _ := e["table"].(object)
		rows, _ := table["tableRows"].([]any)
		for _, row := range rows {
			r, _ := row.(object)
			cells, _ := r["tableCells"].([]any)
			for i, cell := range cells {
				c, _ := cell.(object)
				var inner strings.Builder
				writePlain(&inner, c["content"], depth+1)
				if i > 0 {
					b.WriteByte('\t')
				}
				b.WriteString(strings.TrimRight(inner.String(), "\n"))
			}
			b.WriteByte('\n')
		}
	}
}

type createDocumentInput struct {
	Title string `json:"title" minLength:"1" maxLength:"500"`
	Text  string `json:"text,omitempty" maxLength:"1000000"`
}

type createdDocument struct {
	DocumentID string `json:"document_id"`
	URL        string `json:"url"`
}

func createDocument(ctx context.Context, call *sdk.Call, in createDocumentInput) (createdDocument, error) {
	if err := call.Needs(signIn()...); err != nil {
		return createdDocument{}, err
	}
	var answer struct {
		ID string `json:"documentId"`
	}
	if err := call.Do(ctx, sdk.Request{Path: at(call, docsHost, "/v1/documents"), JSON: object{"title": in.Title}}, &answer); err != nil {
		return createdDocument{}, err
	}
	if answer.ID == "" {
		return createdDocument{}, shapeError("the document's id")
	}
	out := createdDocument{DocumentID: answer.ID, URL: "https://docs.google.com/document/d/" + answer.ID + "/edit"}
	if in.Text == "" {
		return out, nil
	}
	if _, err := changeDocument(ctx, call, answer.ID, insertAtEnd(in.Text)); err != nil {
		return out, sdk.Errorf(sdk.OutcomeUnknown, "The document %s was made, and its text could not be written. Write it with append_text.", answer.ID)
	}
	return out, nil
}

func insertAtEnd(text string) object {
	return object{"insertText": object{"text": text, "endOfSegmentLocation": object{}}}
}

// documentReplies is what a change of a document answers.
type documentReplies struct {
	Replies []object `json:"replies" jsonschema:"one for each request; empty objects where there is nothing to say"`
}

func changeDocument(ctx context.Context, call *sdk.Call, id string, request object) (documentReplies, error) {
	if err := call.Needs(signIn()...); err != nil {
		return documentReplies{}, err
	}
	out := documentReplies{Replies: []object{}}
	return out, call.Do(ctx, sdk.Request{Path: at(call, docsHost, sdk.Path("/v1/documents/%s:batchUpdate", id)), JSON: object{"requests": []object{request}}}, &out)
}

type appendTextInput struct {
	documentInput
	Text string `json:"text" minLength:"1" maxLength:"1000000"`
}

func appendText(ctx context.Context, call *sdk.Call, in appendTextInput) (sdk.None, error) {
	_, err := changeDocument(ctx, call, in.DocumentID, insertAtEnd(in.Text))
	return sdk.None{}, err
}

type replaceTextInput struct {
	documentInput
	Find      string `json:"find" minLength:"1"`
	Replace   string `json:"replace"`
	MatchCase bool   `json:"match_case,omitempty"`
}

type replaced struct {
	Occurrences int `json:"occurrences"`
}

func replaceText(ctx context.Context, call *sdk.Call, in replaceTextInput) (replaced, error) {
	replies, err := changeDocument(ctx, call, in.DocumentID, object{"replaceAllText": object{
		"containsText": object{"text": in.Find, "matchCase": in.MatchCase}, "replaceText": in.Replace}})
	if err != nil || len(replies.Replies) == 0 {
		return replaced{}, err
	}
	one, _ := replies.Replies[0]["replaceAllText"].(object)
	n, _ := one["occurrencesChanged"].(float64)
	return replaced{Occurrences: int(n)}, nil
}

type batchDocumentInput struct {
	documentInput
	Requests []object `json:"requests" minItems:"1" maxItems:"500" jsonschema:"each an object with one property, such as {\"insertText\": {...}}"`
}
