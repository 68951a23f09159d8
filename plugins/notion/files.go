package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"

	"github.com/patchbay/patchbay/sdk"
)

func fileOperations() []sdk.Operation {
	return []sdk.Operation{
		{Name: "upload_file", Effect: sdk.Write, TakesFiles: true, Run: sdk.Func(uploadFile), Description: "Uploads the one file that comes with the call, and answers an id that a file block or property takes within an hour: {\"type\":\"file_upload\",\"file_upload\":{\"id\":\"...\"}}. Free workspaces take 5 MiB, paid ones up to 5 GiB; over 20 MiB its size must be given."},
		{Name: "import_file", Effect: sdk.Write, Run: sdk.Send[importInput, object](always(post("/v1/file_uploads"), "mode", "external_url")), Description: "Has Notion fetch a file from a public https address; get_file_upload says when it is there (status uploaded)."},
		{Name: "get_file_upload", Effect: sdk.Read, Run: sdk.Send[uploadInput, object](get("/v1/file_uploads/{file_upload_id}")), Description: "Answers the state of an upload: pending, uploaded, expired or failed."},
		{Name: "list_file_uploads", Effect: sdk.Read, Run: sdk.Send[listUploadsInput, page](get("/v1/file_uploads")), Description: "Lists the uploads of this connection, newest first, in pages."},
	}
}

// Sizes of Notion's: what goes in one request at most, and the parts of what does not, of which only the last may be smaller than 5 MiB.
const (
	maxSingle = 20 << 20
	partSize  = 10 << 20
)

type uploadFileInput struct {
	Filename string `json:"filename,omitempty" maxLength:"900" jsonschema:"name in Notion; the sent file's own when left out"`
	Size     int64  `json:"size,omitempty" minimum:"1" maximum:"5368709120" jsonschema:"the file's exact size in bytes; needed over 20 MiB"`
}

// uploadFile sends a small file in one request and a large one in parts, each held in memory while it is sent.
func uploadFile(ctx context.Context, call *sdk.Call, in uploadFileInput) (object, error) {
	file, err := call.OneFile(ctx)
	if err != nil {
		return nil, err
	}
	if in.Filename == "" {
		in.Filename = file.Name
	}
	if in.Filename == "" {
		return nil, sdk.Invalid("/filename", "the file has no name; give one")
	}
	if file.MediaType == "" {
		file.MediaType = "application/octet-stream"
	}
	if in.Size > maxSingle {
		return uploadParts(ctx, call, in, file)
	}
	content, err := io.ReadAll(io.LimitReader(file, maxSingle+1))
	switch {
	case err != nil:
		return nil, err
	case len(content) > maxSingle:
		return nil, sdk.Invalid("/size", "a file of more than 20 MiB needs its size in bytes")
	case in.Size != 0 && int64(len(content)) != in.Size:
		return nil, sdk.Invalid("/size", "the file has another size")
	}
	id, err := begin(ctx, call, map[string]any{"mode": "single_part", "filename": in.Filename, "content_type": file.MediaType})
	if err != nil {
		return nil, err
	}
	return send(ctx, call, id, in.Filename, file.MediaType, content, 0)
}

// begin asks for a place for a file.
func begin(ctx context.Context, call *sdk.Call, body map[string]any) (id string, err error) {
	var answer struct {
		ID string `json:"id"`
	}
	if err := call.Do(ctx, sdk.Request{Path: "/v1/file_uploads", JSON: body}, &answer); err != nil {
		return "", err
	}
	if answer.ID == "" {
		return "", sdk.Errorf(sdk.PlatformError, "Notion did not say where the file goes.")
	}
	return answer.ID, nil
}

// send sends a file, or one part of it (from 1).
func send(ctx context.Context, call *sdk.Call, id, name, kind string, content []byte, part int) (object, error) {
	parts := []sdk.Part{{Name: "file", FileName: name, MediaType: kind, Content: bytes.NewReader(content)}}
	if part > 0 {
		parts = append(parts, sdk.Part{Name: "part_number", Value: strconv.Itoa(part)})
	}
	body, contentType := sdk.Multipart(parts...)
	var out object
	return out, call.Do(ctx, sdk.Request{Path: sdk.Path("/v1/file_uploads/%s/send", id), Body: body, ContentType: contentType}, &out)
}

func uploadParts(ctx context.Context, call *sdk.Call, in uploadFileInput, file *sdk.File) (object, error) {
	count := (in.Size + partSize - 1) / partSize
	id, err := begin(ctx, call, map[string]any{"mode": "multi_part", "filename": in.Filename, "content_type": file.MediaType, "number_of_parts": count})
	if err != nil {
		return nil, err
	}
	part, left := make([]byte, partSize), in.Size
	for number := 1; left > 0; number++ {
		piece := part[:min(left, partSize)]
		if _, err := io.ReadFull(file, piece); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return nil, sdk.Invalid("/size", "the file is smaller than size says")
			}
			return nil, err
		}
		if _, err := send(ctx, call, id, in.Filename, file.MediaType, piece, number); err != nil {
			return nil, err
		}
		left -= int64(len(piece))
		_ = call.Progress("part "+strconv.Itoa(number)+" sent", float64(in.Size-left)/float64(in.Size)) // for whoever watches
	}
	if n, err := io.ReadFull(file, make([]byte, 1)); n > 0 || err != nil && !errors.Is(err, io.EOF) {
		return nil, sdk.Invalid("/size", "the file is larger than size says")
	}
	var out object
	return out, call.Do(ctx, sdk.Request{Path: sdk.Path("/v1/file_uploads/%s/complete", id), JSON: map[string]any{}}, &out)
}

type importInput struct {
	Filename string `json:"filename" minLength:"1" maxLength:"900"`
	URL      string `json:"url" to:"body external_url" pattern:"^https://" jsonschema:"a public address"`
}

type uploadInput struct {
	FileUploadID string `json:"file_upload_id" minLength:"1"`
}

type listUploadsInput struct {
	Status string `json:"status,omitempty" enum:"pending,uploaded,expired,failed"`
	paged
}
