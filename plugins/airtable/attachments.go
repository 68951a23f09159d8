package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

func attachmentOperations() []sdk.Operation {
	return []sdk.Operation{
		{Name: "upload_attachment", Effect: sdk.Write, Scopes: []string{"data.records:write"}, TakesFiles: true, Run: sdk.Func(uploadAttachment), Description: "Adds the one file that comes with the call, of 5 MB at most, to an attachment field of a record. Larger ones go by update_records with a public address: {\"Files\":[{\"url\":\"https://...\"}]}, which replaces the field's others."},
		{Name: "download_attachment", Effect: sdk.Read, Scopes: []string{"data.records:read"}, GivesFiles: true, Run: sdk.Func(downloadAttachment), Description: "Gives an attachment of a record as a file, by its id (att...), up to 1 GiB."},
	}
}

// maxUpload is Airtable's own limit.
const maxUpload = 5 << 20

type uploadAttachmentInput struct {
	baseInput
	RecordID string `json:"record_id" pattern:"^rec[A-Za-z0-9]+$"`
	Field    string `json:"field" minLength:"1" jsonschema:"the attachment field's id (fld...) or name"`
	Filename string `json:"filename,omitempty" maxLength:"255" jsonschema:"the sent file's own name when left out"`
}

// uploadAttachment sends a file as a text of base64 within JSON, which is how Airtable takes one.
func uploadAttachment(ctx context.Context, call *sdk.Call, in uploadAttachmentInput) (record, error) {
	file, err := call.OneFile(ctx)
	if err != nil {
		return record{}, err
	}
	if in.Filename == "" {
		in.Filename = file.Name
	}
	if in.Filename == "" {
		return record{}, sdk.Invalid("/filename", "the file has no name; give one")
	}
	if file.MediaType == "" {
		file.MediaType = "application/octet-stream"
	}
	content, err := io.ReadAll(io.LimitReader(file, maxUpload+1))
	if err != nil {
		return record{}, err
	}
	if len(content) > maxUpload {
		return record{}, sdk.Invalid("", "Airtable takes files of at most 5 MB")
	}
	path := sdk.Path("/v0/%s/%s/%s/uploadAttachment", in.BaseID, in.RecordID, in.Field)
	if !call.Replaced() {
		path = "https://" + contentHost + path
	}
	var answer struct {
		ID          string `json:"id"`
		CreatedTime string `json:"createdTime"`
		Fields      object `json:"fields"`
	}
	err = call.Do(ctx, sdk.Request{Path: path, JSON: map[string]string{"contentType": file.MediaType, "filename": in.Filename, "file": base64.StdEncoding.EncodeToString(content)}}, &answer)
	return record{ID: answer.ID, CreatedTime: answer.CreatedTime, Fields: answer.Fields}, err
}

type downloadAttachmentInput struct {
	recordInput
	AttachmentID string `json:"attachment_id" pattern:"^att[A-Za-z0-9]+$"`
}

// kept is an attachment as a record has it.
type kept struct {
	ID       string `json:"id"`
	Filename string `json:"filename"`
	Type     string `json:"type"`
	Size     int64  `json:"size"`
	URL      string `json:"url"`
}

type downloaded struct {
	Filename string `json:"filename"`
	Type     string `json:"type"`
	Size     int64  `json:"size"`
}

// downloadAttachment reads the record anew, because the address of an attachment is good for two hours. The address is the permission:
// the token does not go there, and no error names it.
func downloadAttachment(ctx context.Context, call *sdk.Call, in downloadAttachmentInput) (downloaded, error) {
	var r record
	if err := call.Do(ctx, sdk.Request{Path: sdk.Path("/v0/%s/%s/%s", in.BaseID, in.Table, in.RecordID)}, &r); err != nil {
		return downloaded{}, err
	}
	one, ok := find(r.Fields, in.AttachmentID)
	if !ok {
		return downloaded{}, sdk.Errorf(sdk.NotFound, "The record has no such attachment.")
	}
	if !ours(call, one.URL) {
		return downloaded{}, sdk.Errorf(sdk.PlatformError, "Airtable named an address for the attachment that is not its own.")
	}
	resp, err := call.Open(context.WithValue(ctx, anonymous{}, true), sdk.Request{Path: one.URL, Header: http.Header{"Accept": {"*/*"}}})
	if err != nil {
		return downloaded{}, err
	}
	defer func() { _ = resp.Body.Close() }() // read to its end by Attach
	return downloaded{Filename: one.Filename, Type: one.Type, Size: one.Size}, call.Attach(one.Filename, one.Type, resp.Body)
}

// find looks for an attachment in all fields of a record.
func find(fields object, id string) (kept, bool) {
	for _, value := range fields {
		var list []kept
		if json.Unmarshal(value, &list) != nil {
			continue
		}
		for _, one := range list {
			if one.ID == id {
				return one, true
			}
		}
	}
	return kept{}, false
}

// ours says whether an address is one where Airtable keeps attachments, or beside the operator's base URL.
func ours(call *sdk.Call, address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.User != nil {
		return false
	}
	base, err := url.Parse(call.BaseURL())
	if err == nil && call.Replaced() {
		return u.Scheme == base.Scheme && strings.EqualFold(u.Host, base.Host)
	}
	return u.Scheme == "https" && strings.HasSuffix(strings.ToLower(u.Host), strings.TrimPrefix(fileHosts, "*"))
}
