package mcp

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/patchbay/patchbay/host/internal/dispatch"
	"github.com/patchbay/patchbay/host/internal/file"
)

// What stands in a result itself, so that a model sees it: files up to maxShown bytes, maxShownAll together.
const (
	maxShown    = 512 << 10
	maxShownAll = 1 << 20
)

// contents answers the files of an answer: each as a link, and images, sounds and texts that are small as what they are. What cannot be read
// now is a link alone.
func (s *Server) contents(ctx context.Context, c *caller, a dispatch.Answer) []sdk.Content {
	var out []sdk.Content
	left := int64(maxShownAll)
	for _, f := range a.Files {
		size := f.Size
		out = append(out, &sdk.ResourceLink{URI: f.URL, Name: tidy(f.Name, maxTitle), MIMEType: tidy(f.MediaType, maxTitle), Size: &size})
		if f.ID == a.OutputFile || f.Size > min(maxShown, left) || !shown(f) {
			continue
		}
		data, err := s.read(ctx, c.User, a.ID, f.ID)
		if err != nil {
			s.cfg.Logger.Warn("a file could not be shown to an agent", "call", a.ID, "error", err)
			continue
		}
		left -= int64(len(data))
		out = append(out, content(f, data))
	}
	return out
}

func kindOf(f file.File) (kind, mediaType string) {
	mediaType, _, _ = strings.Cut(f.MediaType, ";")
	mediaType = strings.ToLower(strings.TrimSpace(mediaType))
	kind, _, _ = strings.Cut(mediaType, "/")
	return kind, mediaType
}

// shown says whether a file is of a kind that stands in a result itself. An SVG is a program as much as an image, and goes as text.
func shown(f file.File) bool {
	kind, mediaType := kindOf(f)
	return kind == "image" || kind == "audio" || kind == "text" || mediaType == "application/json"
}

func content(f file.File, data []byte) sdk.Content {
	kind, mediaType := kindOf(f)
	switch {
	case kind == "image" && mediaType != "image/svg+xml":
		return &sdk.ImageContent{Data: data, MIMEType: mediaType}
	case kind == "audio":
		return &sdk.AudioContent{Data: data, MIMEType: mediaType}
	case utf8.Valid(data):
		return &sdk.EmbeddedResource{Resource: &sdk.ResourceContents{URI: f.URL, MIMEType: mediaType, Text: string(data)}}
	}
	return &sdk.EmbeddedResource{Resource: &sdk.ResourceContents{URI: f.URL, MIMEType: mediaType, Blob: data}}
}

func (s *Server) read(ctx context.Context, user, call, id string) ([]byte, error) {
	found, err := s.cfg.Files.Open(ctx, user, call, id)
	if err != nil {
		return nil, fmt.Errorf("opening a file: %w", err)
	}
	var data bytes.Buffer
	if err := found.CopyTo(ctx, &data); err != nil {
		return nil, fmt.Errorf("reading a file: %w", err)
	}
	return data.Bytes(), nil
}
