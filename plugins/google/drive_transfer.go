package main

import (
	"context"
	"net/http"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

type downloadFileInput struct {
	fileInput
	ExportAs string `json:"export_as,omitempty" maxLength:"200" jsonschema:"media type for Google's own documents, such as application/pdf"`
}

type downloaded struct {
	Name     string `json:"name"`
	MimeType string `json:"mime_type"`
}

// exports are what Google's own documents are exported as when nobody says otherwise.
func exports(kind string) (mediaType, suffix string) {
	switch strings.TrimPrefix(kind, "application/vnd.google-apps.") {
	case "document":
		return "text/markdown", ".md"
	case "spreadsheet":
		return "text/csv", ".csv"
	case "drawing":
		return "image/png", ".png"
	case "script":
		return "application/vnd.google-apps.script+json", ".json"
	}
	return "application/pdf", ".pdf"
}

func downloadFile(ctx context.Context, call *sdk.Call, in downloadFileInput) (downloaded, error) {
	path := sdk.Path("/drive/v3/files/%s", in.FileID)
	var about struct {
		Name     string `json:"name"`
		MimeType string `json:"mimeType"`
	}
	if err := call.Do(ctx, sdk.Request{Path: path, Query: sdk.Query("fields", "name,mimeType", "supportsAllDrives", true)}, &about); err != nil {
		return downloaded{}, err
	}
	if about.MimeType == folderMIME {
		return downloaded{}, sdk.Invalid("/file_id", "it is a folder; list_files has what is in it")
	}
	out := downloaded{Name: about.Name, MimeType: about.MimeType}
	r := sdk.Request{Path: path, Query: sdk.Query("alt", "media", "supportsAllDrives", true)}
	if strings.HasPrefix(about.MimeType, "application/vnd.google-apps.") {
		kind, suffix := exports(about.MimeType)
		if in.ExportAs != "" {
			kind, suffix = in.ExportAs, ""
		}
		out.Name, out.MimeType = about.Name+suffix, kind
		r = sdk.Request{Path: path + "/export", Query: sdk.Query("mimeType", kind)}
	}
	return out, download(ctx, call, r, out.Name, out.MimeType)
}

type uploadFileInput struct {
	newFileInput
	Description string `json:"description,omitempty" maxLength:"25000"`
	ConvertTo   string `json:"convert_to,omitempty" enum:"document,spreadsheet,presentation" jsonschema:"make it one of Google's own documents"`
}

func uploadFile(ctx context.Context, call *sdk.Call, in uploadFileInput) (object, error) {
	file, err := call.OneFile(ctx)
	if err != nil {
		return nil, err
	}
	if in.Name == "" {
		in.Name = file.Name
	}
	if in.Name == "" {
		return nil, sdk.Invalid("/name", "the file has no name; give one")
	}
	about := in.about()
	if in.Description != "" {
		about["description"] = in.Description
	}
	if in.ConvertTo != "" {
		about["mimeType"] = "application/vnd.google-apps." + in.ConvertTo
	}
	var out object
	return out, resumable(ctx, call, http.MethodPost, "/upload/drive/v3/files", driveQuery(), about, file, &out)
}

func updateContent(ctx context.Context, call *sdk.Call, in fileInput) (object, error) {
	file, err := call.OneFile(ctx)
	if err != nil {
		return nil, err
	}
	var out object
	return out, resumable(ctx, call, http.MethodPatch, sdk.Path("/upload/drive/v3/files/%s", in.FileID), driveQuery(), map[string]any{}, file, &out)
}
