package main

import (
	"context"
	"net/http"
	"net/url"

	"github.com/patchbay/patchbay/sdk"
)

// oneFile is the input of the operations on one stored file.
type oneFile struct {
	FileID string `json:"file_id" minLength:"1" maxLength:"200" jsonschema:"the file's id: file_..."`
}

// filesBeta is the name by which the Files API, which is not released yet, is asked for.
const filesBeta = "files-api-2025-04-14"

// file completes a request to the Files API.
func file(r sdk.Request) sdk.Request {
	if r.Query == nil {
		r.Query = url.Values{}
	}
	r.Query.Set("beta", "true")
	r.Header = http.Header{"Anthropic-Beta": {filesBeta}}
	return r
}

func fileOperations() []sdk.Operation {
	return []sdk.Operation{{
		Name: "upload_file", Effect: sdk.Write, TakesFiles: true, Run: sdk.Func(upload),
		Description: "Stores one file (PDF, text, image; up to 500 MB), which comes with the call, to be named in messages as {type: document or image, source: {type: file, file_id}}. Beta.",
	}, {
		Name: "list_files", Effect: sdk.Read, Description: "Lists the stored files of the workspace, newest first. Beta.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in listing) (sdk.Page, error) {
			answer, err := read(ctx, call, "GET /v1/files", in)
			if string(answer["has_more"]) != "true" {
				delete(answer, "last_id")
			}
			if err != nil {
				return sdk.Page{}, err
			}
			return sdk.PageOf(answer, "data", "last_id")
		}),
	}, {
		Name: "get_file", Effect: sdk.Read, Description: "Tells about one stored file: name, type, size, and whether it can be downloaded. Beta.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in oneFile) (sdk.Object, error) {
			return read(ctx, call, "GET /v1/files/{file_id}", in)
		}),
	}, {
		Name: "get_file_content", Effect: sdk.Read, GivesFiles: true,
		Description: "Downloads a file that code execution or a skill made. Refuses files that were uploaded: Anthropic does not give those back. Beta.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in oneFile) (sdk.Attached, error) {
			return call.Download(ctx, file(sdk.Request{Path: sdk.Path("/v1/files/%s/content", in.FileID)}), in.FileID, "")
		}),
	}, {
		Name: "delete_file", Effect: sdk.Idempotent, Description: "Deletes one stored file for good. Beta.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in oneFile) (sdk.Object, error) {
			return read(ctx, call, "DELETE /v1/files/{file_id}", in)
		}),
	}}
}

// read sends a request without a body to the Files API.
func read(ctx context.Context, call *sdk.Call, route string, in any) (sdk.Object, error) {
	r, err := sdk.Route(route, in)
	if err != nil {
		return nil, err
	}
	var out sdk.Object
	err = call.Do(ctx, file(r), &out)
	return out, err
}

func upload(ctx context.Context, call *sdk.Call, _ sdk.None) (sdk.Object, error) {
	f, err := call.OneFile(ctx)
	if err != nil {
		return nil, err
	}
	content, kind := sdk.Multipart(sdk.FilePart("file", f, "upload"))
	var out sdk.Object
	err = call.Do(ctx, file(sdk.Request{Path: "/v1/files", Body: content, ContentType: kind}), &out)
	return out, err
}
