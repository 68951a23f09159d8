package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

func attachmentOperations() []sdk.Operation {
	read, write := []string{"Mail.Read"}, []string{"Mail.ReadWrite"}
	return []sdk.Operation{
		{Name: "list_attachments", Effect: sdk.Read, Scopes: read, Run: sdk.Func(listAttachments), Description: "Lists what is attached to a message: names, types and sizes, not the content."},
		{Name: "get_attachment", Effect: sdk.Read, Scopes: read, GivesFiles: true, Run: sdk.Func(getAttachment), Description: "Gives an attachment's content as a file; an attached message in mail format. Links to cloud files are refused."},
		{Name: "add_attachment", Effect: sdk.Write, Scopes: write, TakesFiles: true, Run: sdk.Func(addAttachment), Description: "Attaches the one file that comes with the call to a draft: up to 150 MB; its exact size is needed over 3 MB, which goes in pieces. Messages that were sent are refused."},
		{Name: "delete_attachment", Effect: sdk.Idempotent, Scopes: write, Run: sdk.Send[attachmentInput, sdk.None](endpoint(http.MethodDelete, "/me/messages/{message_id}/attachments/{attachment_id}")), Description: "Takes an attachment off a draft."},
	}
}

type attachmentInput struct {
	messageInput
	AttachmentID string `json:"attachment_id" minLength:"1"`
}

type listAttachmentsInput struct {
	messageInput
	paged
}

func listAttachments(ctx context.Context, call *sdk.Call, in listAttachmentsInput) (page, error) {
	return in.list(ctx, call, sdk.Path("/me/messages/%s/attachments", in.MessageID), nil, "$select", "id,name,contentType,size,isInline,lastModifiedDateTime")
}

type downloaded struct {
	Name        string `json:"name"`
	ContentType string `json:"content_type"`
	Size        int64  `json:"size" jsonschema:"as Exchange counts it"`
}

func getAttachment(ctx context.Context, call *sdk.Call, in attachmentInput) (downloaded, error) {
	path := sdk.Path("/me/messages/%s/attachments/%s", in.MessageID, in.AttachmentID)
	var about struct {
		Type        string `json:"@odata.type"`
		Name        string `json:"name"`
		ContentType string `json:"contentType"`
		Size        int64  `json:"size"`
	}
	if err := call.Do(ctx, sdk.Request{Path: path, Query: sdk.Query("$select", "id,name,contentType,size")}, &about); err != nil {
		return downloaded{}, err
	}
	if about.Type == "#microsoft.graph.referenceAttachment" {
		return downloaded{}, sdk.Invalid("/attachment_id", "it is a link to a file in the cloud, which has no content here")
	}
	if about.Type == "#microsoft.graph.itemAttachment" {
		about.Name, about.ContentType = about.Name+".eml", "message/rfc822"
	}
	return downloaded{Name: about.Name, ContentType: about.ContentType, Size: about.Size}, download(ctx, call, path+"/$value", about.Name, about.ContentType)
}

type addAttachmentInput struct {
	messageInput
	Name string `json:"name,omitempty" maxLength:"255" jsonschema:"the sent file's own when left out"`
	Size int64  `json:"size,omitempty" minimum:"1" maximum:"157286400" jsonschema:"the file's exact size in bytes; needed over 3 MB"`
}

type added struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
}

func addAttachment(ctx context.Context, call *sdk.Call, in addAttachmentInput) (added, error) {
	file, err := call.OneFile(ctx)
	if err != nil {
		return added{}, err
	}
	if in.Name != "" {
		file.Name = in.Name
	}
	path := sdk.Path("/me/messages/%s/attachments", in.MessageID)
	if in.Size > maxInline {
		return added{Name: named(file), Size: in.Size}, uploadPieces(ctx, call, path, file, in.Size)
	}
	data, err := io.ReadAll(io.LimitReader(file, maxInline+1))
	switch {
	case err != nil:
		return added{}, err
	case len(data) > maxInline:
		return added{}, sdk.Invalid("/size", "a file of more than 3 MB needs its size in bytes")
	case in.Size != 0 && int64(len(data)) != in.Size:
		return added{}, sdk.Invalid("/size", "the file has another size")
	}
	return added{Name: named(file), Size: int64(len(data))}, call.Do(ctx, sdk.Request{Path: path, JSON: fileAttachment(file, data)}, nil)
}

// piece is how much of a file goes in one request; Exchange takes less than 4 MB.
const piece = 3 << 20

// uploadPieces sends a large file to the address that Exchange names for it. The address is the permission: the token does not go there.
func uploadPieces(ctx context.Context, call *sdk.Call, path string, file *sdk.File, size int64) error {
	var session struct {
		URL string `json:"uploadUrl"`
	}
	about := map[string]any{"AttachmentItem": map[string]any{"attachmentType": "file", "name": named(file), "contentType": typed(file), "size": size}}
	if err := call.Do(ctx, sdk.Request{Path: path + "/createUploadSession", JSON: about}, &session); err != nil {
		return err
	}
	if !ours(call, session.URL) {
		return sdk.Errorf(sdk.PlatformError, "Microsoft named an address for the file that is not its own.")
	}
	ctx = context.WithValue(ctx, anonymous{}, true)
	buffer := make([]byte, piece)
	for sent := int64(0); sent < size; {
		part := buffer[:min(size-sent, piece)]
		if _, err := io.ReadFull(file, part); err != nil {
			return tooShort(err)
		}
		last := sent+int64(len(part)) == size
		if last { // nothing may follow, and Exchange keeps nothing of a file that does not end
			if n, err := io.ReadFull(file, make([]byte, 1)); n > 0 || err != nil && !errors.Is(err, io.EOF) {
				return sdk.Invalid("/size", "the file is larger than size says")
			}
		}
		spread := fmt.Sprintf("bytes %d-%d/%d", sent, sent+int64(len(part))-1, size)
		if err := call.Do(ctx, sdk.Request{Method: http.MethodPut, Path: session.URL, Body: bytes.NewReader(part), Length: int64(len(part)),
			ContentType: "application/octet-stream", Header: http.Header{"Content-Range": {spread}}}, nil); err != nil {
			return err
		}
		sent += int64(len(part))
		_ = call.Progress(fmt.Sprintf("%d of %d bytes sent", sent, size), float64(sent)/float64(size)) // for whoever watches
	}
	return nil
}

func tooShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return sdk.Invalid("/size", "the file is smaller than size says")
	}
	return err
}

// ours says whether an address is one where Exchange takes files, or beside the operator's base URL.
func ours(call *sdk.Call, address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.User != nil {
		return false
	}
	base, err := url.Parse(call.BaseURL())
	if err == nil && call.Replaced() {
		return u.Scheme == base.Scheme && strings.EqualFold(u.Host, base.Host)
	}
	return u.Scheme == "https" && slices.Contains(fileHosts(), strings.ToLower(u.Host))
}
