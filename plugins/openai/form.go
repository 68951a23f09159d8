package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// formParts makes the values of a multipart form of a JSON body: lists as name[], objects as name[key], the rest as it is
// written. They are in the order of their names.
func formParts(b object) []sdk.Part {
	names := make([]string, 0, len(b))
	for name := range b {
		names = append(names, name)
	}
	slices.Sort(names)
	var parts []sdk.Part
	for _, name := range names {
		parts = append(parts, formValue(name, b[name])...)
	}
	return parts
}

func formValue(name string, value json.RawMessage) []sdk.Part {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == '"' || r == 0x7f {
			return '_'
		}
		return r
	}, name)
	var list []json.RawMessage
	var fields object
	switch {
	case sdk.IsNull(value):
		return nil
	case json.Unmarshal(value, &list) == nil:
		var parts []sdk.Part
		for _, item := range list {
			parts = append(parts, formValue(name+"[]", item)...)
		}
		return parts
	case json.Unmarshal(value, &fields) == nil:
		var parts []sdk.Part
		for _, part := range formParts(fields) {
			key, rest, _ := strings.Cut(part.Name, "[")
			part.Name = name + "[" + key + "]"
			if rest != "" {
				part.Name += "[" + rest
			}
			parts = append(parts, part)
		}
		return parts
	case len(value) > 0 && value[0] == '"':
		return []sdk.Part{{Name: name, Value: sdk.Text(value)}}
	}
	return []sdk.Part{{Name: name, Value: string(value)}}
}

// withFile adds a file to a form, named by what the caller sent.
func withFile(parts []sdk.Part, field string, f *sdk.File, fallback string) []sdk.Part {
	return append(parts, sdk.FilePart(field, f, fallback))
}

// postForm sends a form and decodes the answer.
func postForm(ctx context.Context, call *sdk.Call, path string, parts []sdk.Part, out any) error {
	content, kind := sdk.Multipart(parts...)
	return call.Do(ctx, sdk.Request{Path: path, Body: content, ContentType: kind}, out)
}

// optionalFile answers the file that came with a call, or nil.
func optionalFile(ctx context.Context, call *sdk.Call) (*sdk.File, error) {
	f, err := call.NextFile(ctx)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	return f, err
}
