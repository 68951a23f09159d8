package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// maxInlineBytes bounds an answer whose files stand in its JSON in base64, such as ten images.
const maxInlineBytes = 96 << 20

// attached tells of a file that came with the result.
type attached struct {
	File      string `json:"file" jsonschema:"name of the file that comes with the result"`
	MediaType string `json:"media_type"`
	Bytes     int64  `json:"bytes"`
}

// extensions of the media types that these platforms send.
var extensions = map[string]string{
	"audio/mpeg": ".mp3", "audio/mp3": ".mp3", "audio/wav": ".wav", "audio/x-wav": ".wav", "audio/flac": ".flac", "audio/ogg": ".ogg",
	"audio/opus": ".opus", "audio/aac": ".aac", "audio/mp4": ".m4a", "audio/webm": ".webm", "audio/pcm": ".pcm", "image/png": ".png", "image/jpeg": ".jpg",
	"image/webp": ".webp", "image/svg+xml": ".svg", "video/mp4": ".mp4", "video/webm": ".webm", "application/jsonl": ".jsonl", "application/json": ".json",
}

// download sends a request and attaches the answer's bytes as a file. Its name is base with an extension that fits; its type is the
// answer's, or kind where the answer has none that says something.
func download(ctx context.Context, call *sdk.Call, r sdk.Request, base, kind string) (attached, error) {
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.Header.Set("Accept", "*/*")
	resp, err := call.Open(ctx, r)
	if err != nil {
		return attached{}, err
	}
	defer func() { _ = resp.Body.Close() }() // read to its end by Attach
	if told, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err == nil && told != "application/octet-stream" || kind == "" {
		kind = or(told, "application/octet-stream")
	}
	return attach(call, withExtension(base, kind), kind, &counter{r: resp.Body, broken: "The platform's file broke off."})
}

// withExtension gives a name an extension that fits its type, unless it has one.
func withExtension(base, kind string) string {
	if path.Ext(base) == "" {
		return base + extensions[kind]
	}
	return base
}

// attach gives a file with the result and tells of it.
func attach(call *sdk.Call, name, kind string, counted *counter) (attached, error) {
	if err := call.Attach(name, kind, counted); err != nil {
		return attached{}, err
	}
	return attached{File: name, MediaType: kind, Bytes: counted.n}, nil
}

// counter counts what is read, and says broken where the reading fails.
type counter struct {
	r      io.Reader
	n      int64
	broken string
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	var own *sdk.Error
	if err == nil || err == io.EOF || errors.As(err, &own) { //nolint:errorlint // the end of a reader is never wrapped
		return n, err
	}
	return n, sdk.Errorf(sdk.PlatformError, "%s", c.broken)
}

// attachBase64 attaches a file that stands in an answer in base64, with or without a data: prefix.
func attachBase64(call *sdk.Call, base, kind, encoded string) (attached, error) {
	if prefix, rest, ok := strings.Cut(encoded, ","); ok && strings.HasPrefix(prefix, "data:") {
		if told, _, err := mime.ParseMediaType(strings.TrimSuffix(strings.TrimPrefix(prefix, "data:"), ";base64")); err == nil {
			kind = told
		}
		encoded = rest
	}
	content := base64.NewDecoder(base64.StdEncoding, strings.NewReader(encoded))
	return attach(call, withExtension(base, kind), kind, &counter{r: content, broken: "The platform's answer holds a file that is not base64."})
}

// doLarge is [sdk.Call.Do] for answers that hold files in base64, which may be larger than other answers.
func doLarge(ctx context.Context, call *sdk.Call, r sdk.Request, out any) error {
	resp, err := call.Open(ctx, r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // read to its end below
	data, err := io.ReadAll(io.LimitReader(&counter{r: resp.Body, broken: "The platform's answer broke off."}, maxInlineBytes+1))
	if err != nil {
		return err
	}
	if len(data) > maxInlineBytes {
		return sdk.Errorf(sdk.PlatformError, "The platform's answer is larger than %d MiB.", maxInlineBytes>>20)
	}
	if err := json.Unmarshal(data, out); err != nil {
		return sdk.Errorf(sdk.PlatformError, "The platform's answer is not the JSON that was expected.")
	}
	return nil
}
