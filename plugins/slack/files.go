package main

import (
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

func fileOperations() []sdk.Operation {
	return []sdk.Operation{
		{Name: "upload_file", Effect: sdk.Write, Scopes: []string{"files:write"}, TakesFiles: true, Run: sdk.Func(uploadFile), Description: "Uploads the one file " +
			"that comes with the call, up to 1 GB, and shares it in a channel or thread; without a channel it stays private to the token's user. Files " +
			"over 8 MiB need their size. Slack may still be working on previews when this answers."},
		{Name: "list_files", Effect: sdk.Read, Scopes: []string{"files:read"}, Run: sdk.Func(listFiles), Description: "Lists the files that the token can see, " +
			"newest first, of one channel, user or kind."},
		{Name: "get_file", Effect: sdk.Read, Scopes: []string{"files:read"}, Run: sdk.Func(getFile), Description: "Answers what is known of a file: name, type, " +
			"size, who shared it where. The content comes with download_file."},
		{Name: "download_file", Effect: sdk.Read, Scopes: []string{"files:read"}, GivesFiles: true, Run: sdk.Func(downloadFile), Description: "Gives a file's " +
			"content, up to 1 GiB. Refuses files that Slack only links to (is_external) and deleted ones."},
		{Name: "delete_file", Effect: sdk.Idempotent, Scopes: []string{"files:write"}, Run: sdk.Func(deleteFile), Description: "Deletes a file for good, in every " +
			"channel. A bot deletes only its own. Deleting it again answers not_found."},
	}
}

type listFilesInput struct {
	Channel string   `json:"channel,omitempty" jsonschema:"only those shared in this channel (its id)"`
	User    string   `json:"user,omitempty" jsonschema:"only those of this user (their id)"`
	Types   []string `json:"types,omitempty" jsonschema:"kinds of files" enum:"all,spaces,snippets,images,gdocs,zips,pdfs"`
	TSFrom  int64    `json:"ts_from,omitempty" jsonschema:"only those made after this Unix time in seconds" minimum:"0"`
	TSTo    int64    `json:"ts_to,omitempty" jsonschema:"only those made before this Unix time in seconds" minimum:"0"`
	numbered
}

type fileList struct {
	Files      []json.RawMessage `json:"files"`
	Total      int               `json:"total"`
	NextCursor string            `json:"next_cursor,omitempty"`
}

func listFiles(ctx context.Context, call *sdk.Call, in listFilesInput) (fileList, error) {
	number, err := in.number()
	if err != nil {
		return fileList{}, err
	}
	var answer struct {
		Files  []json.RawMessage `json:"files"`
		Paging paging            `json:"paging"`
	}
	args := sdk.Query("channel", in.Channel, "user", in.User, "types", strings.Join(in.Types, ","), "ts_from", in.TSFrom, "ts_to", in.TSTo,
		"page", number, "count", in.limit())
	err = get(ctx, call, "files.list", args, &answer)
	return fileList{Files: list(answer.Files), Total: answer.Paging.Total, NextCursor: answer.Paging.cursor()}, err
}

type fileInput struct {
	File string `json:"file" jsonschema:"id of the file (F...)" minLength:"1"`
}

type file struct {
	File json.RawMessage `json:"file" jsonschema:"the file as Slack gives it"`
}

func getFile(ctx context.Context, call *sdk.Call, in fileInput) (file, error) {
	var out file
	return out, get(ctx, call, "files.info", sdk.Query("file", in.File), &out)
}

func deleteFile(ctx context.Context, call *sdk.Call, in fileInput) (sdk.None, error) {
	return sdk.None{}, post(ctx, call, "files.delete", sdk.Query("file", in.File), nil)
}

func downloadFile(ctx context.Context, call *sdk.Call, in fileInput) (file, error) {
	out, err := getFile(ctx, call, in)
	if err != nil {
		return file{}, err
	}
	var about struct {
		Name     string `json:"name"`
		Mimetype string `json:"mimetype"`
		External bool   `json:"is_external"`
		URL      string `json:"url_private_download"`
		Page     string `json:"url_private"`
	}
	if err := json.Unmarshal(out.File, &about); err != nil {
		return file{}, sdk.Errorf(sdk.PlatformError, "Slack's answer does not have the shape that its documentation gives.")
	}
	if about.External {
		return file{}, sdk.Invalid("/file", "Slack only links to this file; get_file gives its external_url")
	}
	address := about.URL
	if address == "" {
		address = about.Page
	}
	if address == "" {
		return file{}, sdk.Errorf(sdk.NotFound, "Slack has no content of this file: it was deleted, or the workspace's plan hides it.")
	}
	req, err := fileRequest(ctx, call, http.MethodGet, address, nil)
	if err != nil {
		return file{}, err
	}
	resp, err := direct(call, req)
	if err != nil {
		return file{}, err
	}
	defer func() { _ = resp.Body.Close() }() // read to its end by Attach
	if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); kind == "text/html" && about.Mimetype != kind {
		return file{}, sdk.Errorf(sdk.PermissionDenied, "Slack answered with a page to sign in on: the token may not read this file. It needs files:read, and its user a channel that the file is in.")
	}
	return out, call.Attach(about.Name, about.Mimetype, resp.Body)
}
