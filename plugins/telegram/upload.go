package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"github.com/patchbay/patchbay/sdk"
)

// sends makes the function of an operation that sends a file: one that came with the call, whose content goes on as it comes, or one that the
// parameter named field tells, by an id that Telegram gave or by an address that Telegram fetches. Further files that come with the call go by
// the names in further, in that order.
func sends[In any](method, field string, further ...string) sdk.Handler {
	return sdk.Func(func(ctx context.Context, call *sdk.Call, in In) (out sdk.Object, err error) {
		return out, send(ctx, call, method, in, append([]string{field}, further...), &out)
	})
}

func send(ctx context.Context, call *sdk.Call, method string, in any, fields []string, out any) error {
	body, err := sdk.Body(in)
	if err != nil {
		return err
	}
	first, err := call.NextFile(ctx)
	told := !sdk.IsNull(body[fields[0]])
	switch {
	case errors.Is(err, io.EOF) && told:
		return ask(ctx, call, sdk.Request{Path: tokenPlace + method, JSON: body}, out)
	case errors.Is(err, io.EOF):
		return sdk.Invalid("/"+fields[0], "send a file with the call, or name one by %s", fields[0])
	case err != nil:
		return err
	case told:
		return sdk.Invalid("/"+fields[0], "a file came with the call: leave %s out, or the file", fields[0])
	}
	file := first
	content, kind := sdk.MultipartFrom(parts(body, func() (sdk.Part, error) {
		if file == nil {
			if file, err = call.NextFile(ctx); err != nil {
				return sdk.Part{}, err
			}
		}
		if len(fields) == 0 {
			return sdk.Part{}, sdk.Invalid("", "more files came with the call than this operation takes")
		}
		part := sdk.FilePart(fields[0], file, fields[0])
		file, fields = nil, fields[1:]
		return part, nil
	}))
	return ask(ctx, call, sdk.Request{Path: tokenPlace + method, Body: content, ContentType: kind}, out)
}

// parts makes the parts of a form: the parameters in the order of their names, a text as it is and anything else as JSON, and then
// the files.
func parts(body sdk.Object, files func() (sdk.Part, error)) func() (sdk.Part, error) {
	names := make([]string, 0, len(body))
	for name := range body {
		names = append(names, name)
	}
	slices.Sort(names)
	return func() (sdk.Part, error) {
		if len(names) == 0 {
			return files()
		}
		name := names[0]
		names = names[1:]
		value := string(body[name])
		if len(value) > 0 && value[0] == '"' {
			value = sdk.Text(body[name])
		}
		return sdk.Part{Name: name, Value: value}, nil
	}
}

// album sends several files at once. Those that come with the call are named in media by attach://NAME.
func album(ctx context.Context, call *sdk.Call, in mediaGroup) (sdk.Page, error) {
	out := sdk.Page{Items: []json.RawMessage{}}
	return out, attached(ctx, call, "sendMediaGroup", in, &out.Items)
}

// attached calls a method whose parameters name the files of the call by attach://NAME.
func attached(ctx context.Context, call *sdk.Call, method string, in, out any) error {
	body, err := sdk.Body(in)
	if err != nil {
		return err
	}
	file, err := call.NextFile(ctx)
	if errors.Is(err, io.EOF) {
		return ask(ctx, call, sdk.Request{Path: tokenPlace + method, JSON: body}, out)
	}
	if err != nil {
		return err
	}
	content, kind := sdk.MultipartFrom(parts(body, func() (sdk.Part, error) {
		if file == nil {
			if file, err = call.NextFile(ctx); err != nil {
				return sdk.Part{}, err
			}
		}
		part := sdk.FilePart(file.Name, file, "file")
		file = nil
		return part, nil
	}))
	return ask(ctx, call, sdk.Request{Path: tokenPlace + method, Body: content, ContentType: kind}, out)
}
