package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/patchbay/patchbay/sdk"
)

// maxHeld is how much of a file is held in memory to learn its size, which Slack wants to know first.
const maxHeld = 8 << 20

// maxUpload is Slack's own limit.
const maxUpload = 1 << 30

type uploadInput struct {
	Channel        string `json:"channel,omitempty" jsonschema:"id of the channel to share it in; private when left out"`
	ThreadTS       string `json:"thread_ts,omitempty" jsonschema:"ts of the thread's first message, to share it as a reply" pattern:"^[0-9]+([.][0-9]+)?$"`
	InitialComment string `json:"initial_comment,omitempty" jsonschema:"message beside the file" maxLength:"40000"`
	Filename       string `json:"filename,omitempty" jsonschema:"name in Slack; the sent file's own when left out" maxLength:"255"`
	Title          string `json:"title,omitempty" jsonschema:"what people read; the name when left out" maxLength:"255"`
	AltText        string `json:"alt_text,omitempty" jsonschema:"description of an image for people who cannot see it" maxLength:"1000"`
	SnippetType    string `json:"snippet_type,omitempty" jsonschema:"language of a snippet, such as python"`
	Size           int64  `json:"size,omitempty" jsonschema:"the file's exact size in bytes; needed over 8 MiB" minimum:"1" maximum:"1073741824"`
}

type uploaded struct {
	FileID string          `json:"file_id"`
	File   json.RawMessage `json:"file,omitempty" jsonschema:"the file as Slack gives it"`
}

// uploadFile does Slack's three steps: ask where to, send the bytes there, then say where to share them. Until the third nobody
// sees anything, and Slack throws away what was sent.
func uploadFile(ctx context.Context, call *sdk.Call, in uploadInput) (uploaded, error) {
	if in.ThreadTS != "" && in.Channel == "" {
		return uploaded{}, sdk.Invalid("/channel", "a thread needs its channel")
	}
	file, err := call.OneFile(ctx)
	if err != nil {
		return uploaded{}, err
	}
	if in.Filename == "" {
		in.Filename = file.Name
	}
	if in.Filename == "" {
		return uploaded{}, sdk.Invalid("/filename", "the file has no name; give one")
	}
	content, err := measure(file, in.Size)
	if err != nil {
		return uploaded{}, err
	}
	var place struct {
		URL    string `json:"upload_url"`
		FileID string `json:"file_id"`
	}
	args := sdk.Query("filename", in.Filename, "length", content.left, "alt_txt", in.AltText, "snippet_type", in.SnippetType)
	if err := post(ctx, call, "files.getUploadURLExternal", args, &place); err != nil {
		return uploaded{}, err
	}
	if err := sendBytes(ctx, call, place.URL, content); err != nil {
		return uploaded{}, err
	}
	return complete(ctx, call, in, place.FileID)
}

// sendBytes posts the content to where Slack wants it. The address is the permission: the token does not go there.
func sendBytes(ctx context.Context, call *sdk.Call, address string, content *exact) error {
	req, err := fileRequest(context.WithValue(ctx, anonymous{}, true), call, http.MethodPost, address, content)
	if err != nil {
		return err
	}
	req.ContentLength = content.left
	req.Header.Set("Content-Type", "application/octet-stream")
	resp, err := direct(call, req)
	if failure := content.failed(); failure != nil {
		if err == nil {
			_ = resp.Body.Close() // the file was not what was announced
		}
		return failure
	}
	if err != nil {
		var e *sdk.Error
		if errors.As(err, &e) && e.Kind == sdk.OutcomeUnknown {
			return sdk.Errorf(sdk.PlatformUnavailable, "The upload broke off. Nothing was shared; send the file again.")
		}
		return err
	}
	return resp.Body.Close()
}

func complete(ctx context.Context, call *sdk.Call, in uploadInput, id string) (uploaded, error) {
	if in.Title == "" {
		in.Title = in.Filename
	}
	var answer struct {
		Files []json.RawMessage `json:"files"`
	}
	args := sdk.Query("files", text([]map[string]string{{"id": id, "title": in.Title}}), "channel_id", in.Channel, "thread_ts", in.ThreadTS,
		"initial_comment", in.InitialComment)
	if err := post(ctx, call, "files.completeUploadExternal", args, &answer); err != nil {
		return uploaded{}, err
	}
	out := uploaded{FileID: id}
	if len(answer.Files) > 0 {
		out.File = answer.Files[0]
	}
	return out, nil
}

// measure answers a file's content with its size: the given one, or, of small files, what they turn out to have.
func measure(r io.Reader, size int64) (*exact, error) {
	if size > maxUpload {
		return nil, sdk.Invalid("/size", "Slack takes files of at most 1 GB")
	}
	if size > 0 {
		return &exact{Reader: r, left: size}, nil
	}
	held, err := io.ReadAll(io.LimitReader(r, maxHeld+1))
	if err != nil {
		return nil, err
	}
	if len(held) > maxHeld {
		return nil, sdk.Invalid("/size", "a file of more than 8 MiB needs its size in bytes")
	}
	if len(held) == 0 {
		return nil, sdk.Invalid("", "the file is empty, which Slack does not take")
	}
	return &exact{Reader: bytes.NewReader(held), left: int64(len(held))}, nil
}

// exact reads a file and fails when it does not have the size that was announced.
type exact struct {
	io.Reader
	left int64

	mu      sync.Mutex // the HTTP client may still read when it has answered
	failure error
}

// Read gives the last bytes only when nothing follows them, so that no file of another size is ever complete. It keeps the
// failure, which the HTTP client may wrap beyond recognition.
func (e *exact) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n, err := e.Reader.Read(p[:min(int64(len(p)), e.left)])
	e.left -= int64(n)
	switch {
	case e.left == 0:
		var further [1]byte
		if _, err = io.ReadFull(e.Reader, further[:]); err == nil {
			err = sdk.Invalid("/size", "the file is larger than size says")
		}
	case errors.Is(err, io.EOF):
		err = sdk.Invalid("/size", "the file is smaller than size says")
	}
	if err == nil || errors.Is(err, io.EOF) {
		return n, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.failure = err
	return 0, err
}

// failed answers why reading the file failed, or nil.
func (e *exact) failed() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.failure
}
