package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/patchbay/patchbay/sdk"
)

// pieceBytes is how much of a file is sent at a time, and held. The protocol wants multiples of 256 KiB.
const pieceBytes = 8 << 20

// upload sends the one file of a call by Google's resumable protocol: a request that says what will come is answered by an address, to which
// the content goes in pieces. out points to what the last one is answered with.
func upload(ctx context.Context, call *sdk.Call, path string, f *sdk.File, metadata, out any) error {
	piece, last, err := next(f)
	if err != nil {
		return err
	}
	header := http.Header{"X-Goog-Upload-Protocol": {"resumable"}, "X-Goog-Upload-Command": {"start"}, "X-Goog-Upload-Header-Content-Type": {f.MediaType}}
	if last {
		header.Set("X-Goog-Upload-Header-Content-Length", strconv.Itoa(len(piece)))
	}
	resp, err := call.Open(ctx, sdk.Request{Path: path, JSON: metadata, Header: header})
	if err != nil {
		return err
	}
	_ = resp.Body.Close() // it is empty
	address, err := uploadAddress(call, resp.Header.Get("X-Goog-Upload-Url"))
	if err != nil {
		return err
	}
	for offset := 0; ; {
		command := "upload"
		if last {
			command = "upload, finalize"
		}
		r := sdk.Request{Method: http.MethodPost, Path: address, Body: bytes.NewReader(piece), Length: int64(len(piece)),
			Header: http.Header{"X-Goog-Upload-Command": {command}, "X-Goog-Upload-Offset": {strconv.Itoa(offset)}}}
		if last {
			return call.Do(ctx, r, out)
		}
		if err := call.Do(ctx, r, nil); err != nil {
			return err
		}
		offset += len(piece)
		if err := call.Progress(fmt.Sprintf("%d MiB sent", offset>>20), -1); err != nil {
			return err
		}
		if piece, last, err = next(f); err != nil {
			return err
		}
	}
}

// next reads a piece, and says whether it is the last.
func next(r io.Reader) (piece []byte, last bool, err error) {
	piece = make([]byte, pieceBytes)
	n, err := io.ReadFull(r, piece)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return piece[:n], true, nil
	}
	return piece[:n], false, err
}

// uploadAddress checks where Google wants the content. Only the host of the API is let through, so that a false answer cannot send the key
// or a file elsewhere. The address is a permission: no error names it.
func uploadAddress(call *sdk.Call, told string) (string, error) {
	address, err := url.Parse(told)
	base, baseErr := url.Parse(call.BaseURL())
	if err != nil || baseErr != nil || address.User != nil || address.Path == "" ||
		address.Scheme+address.Host != base.Scheme+base.Host {
		return "", sdk.Errorf(sdk.PlatformError, "Gemini named an address for the upload that is not its own.")
	}
	return address.String(), nil
}

type newFile struct {
	DisplayName string `json:"display_name,omitempty" maxLength:"512" jsonschema:"the file's own name when left out"`
}

type oneFile struct {
	Name string `json:"name" pattern:"^files/[A-Za-z0-9_-]{1,100}$" jsonschema:"the file's name: files/..."`
}

func fileOperations() []sdk.Operation {
	return []sdk.Operation{{
		Name: "upload_file", Effect: sdk.Write, TakesFiles: true, Run: sdk.Func(uploadFile),
		Description: "Stores one file, which comes with the call, for 48 hours, to be named in contents by its uri. Refuses more than 1 GiB. Video is ready only when get_file says ACTIVE.",
	}, {
		Name: "list_files", Effect: sdk.Read, Run: sdk.Pages[listing]("GET /v1beta/files", "files", "nextPageToken"), Description: "Lists the stored files.",
	}, {
		Name: "get_file", Effect: sdk.Read, Run: sdk.Routed[oneFile]("GET /v1beta/{+name}"), Description: "Tells about one stored file: uri, type, size, state (PROCESSING, ACTIVE, FAILED), when it ends.",
	}, {
		Name: "delete_file", Effect: sdk.Idempotent, Run: sdk.Deletes[oneFile]("DELETE /v1beta/{+name}"), Description: "Deletes one stored file for good.",
	}}
}

func uploadFile(ctx context.Context, call *sdk.Call, in newFile) (sdk.Object, error) {
	f, err := call.OneFile(ctx)
	if err != nil {
		return nil, err
	}
	if in.DisplayName == "" {
		in.DisplayName = f.Name
	}
	var out struct {
		File json.RawMessage `json:"file"`
	}
	var file sdk.Object
	err = upload(ctx, call, "/upload/v1beta/files", f, map[string]any{"file": map[string]string{"displayName": in.DisplayName}}, &out)
	if err == nil && json.Unmarshal(out.File, &file) != nil {
		err = sdk.Errorf(sdk.PlatformError, "Gemini did not say which file it has stored.")
	}
	return file, err
}
