package sdk

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"net/http"
	"path"
	"strings"
)

// Attached tells of a file that came with a result.
type Attached struct {
	File      string `json:"file" jsonschema:"name of the file that comes with the result"`
	MediaType string `json:"media_type"`
	Bytes     int64  `json:"bytes"`
}

// extensions of the media types that platforms send.
var extensions = map[string]string{
	"audio/mpeg": ".mp3", "audio/mp3": ".mp3", "audio/wav": ".wav", "audio/x-wav": ".wav", "audio/opus": ".opus", "audio/flac": ".flac", "audio/ogg": ".ogg", "audio/aac": ".aac", "audio/mp4": ".m4a", "audio/webm": ".webm",
	"audio/pcm": ".pcm", "image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "image/gif": ".gif", "image/svg+xml": ".svg",
	"video/mp4": ".mp4", "video/webm": ".webm", "application/jsonl": ".jsonl", "application/x-jsonl": ".jsonl", "application/json": ".json",
	"application/pdf": ".pdf", "text/plain": ".txt", "text/html": ".html", "text/csv": ".csv",
}

// Download sends a request and gives the answer's bytes as a file with the result, without holding them. The file's name is base, with
// an extension that fits where it has none; its type is the answer's, or mediaType where the answer has none that says something.
func (c *Call) Download(ctx context.Context, r Request, base, mediaType string) (Attached, error) {
	if r.Header = r.Header.Clone(); r.Header == nil {
		r.Header = http.Header{}
	}
	if r.Header.Get("Accept") == "" {
		r.Header.Set("Accept", "*/*")
	}
	resp, err := c.Open(ctx, r)
	if err != nil {
		return Attached{}, err
	}
	defer func() { _ = resp.Body.Close() }() // read to its end by Attach
	if told, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err == nil && told != anyBytes || mediaType == "" {
		mediaType = orString(told, anyBytes)
	}
	return c.attachCounted(base, mediaType, resp.Body, "The platform's file broke off.")
}

// AttachBase64 gives a file that stands in an answer in base64 with the result. Its name is base with an extension that fits.
func (c *Call) AttachBase64(base, mediaType, encoded string) (Attached, error) {
	content := base64.NewDecoder(base64.StdEncoding, strings.NewReader(encoded))
	return c.attachCounted(base, mediaType, content, "The platform's answer holds a file that is not base64.")
}

func (c *Call) attachCounted(base, mediaType string, r io.Reader, broken string) (Attached, error) {
	kind, _, err := mime.ParseMediaType(mediaType)
	if err != nil {
		kind, mediaType = anyBytes, anyBytes
	}
	name := base
	if path.Ext(base) == "" {
		name += extensions[kind]
	}
	counted := &counter{r: r, broken: broken}
	if err := c.Attach(name, mediaType, counted); err != nil {
		return Attached{}, err
	}
	return Attached{File: name, MediaType: mediaType, Bytes: counted.n}, nil
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
	var own *Error
	if err == nil || errors.Is(err, io.EOF) || errors.As(err, &own) {
		return n, err
	}
	return n, Errorf(PlatformError, "%s", c.broken)
}

// FilePart makes the part of a form that a file of the call is, streamed. Platforms tell a file's kind by the end of its name, so
// one without gets what fits its type; one without a name is called fallback.
func FilePart(field string, f *File, fallback string) Part {
	name := path.Base(strings.ReplaceAll(f.Name, `\`, "/"))
	if name == "." || name == "/" {
		name = fallback
	}
	if path.Ext(name) == "" {
		name += extensions[f.MediaType]
	}
	return Part{Name: field, FileName: name, MediaType: f.MediaType, Content: f}
}
