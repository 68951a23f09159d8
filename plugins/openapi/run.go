package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// Bounds of an answer.
const (
	maxAnswer = 16 << 20 // that is read into memory
	maxEvents = 4 << 20  // of a stream, kept for the result
)

// run sends the request and answers what came.
func (op *operationPlan) run(ctx context.Context, call *sdk.Call, input []byte) ([]byte, error) {
	in := object{}
	decoder := json.NewDecoder(bytes.NewReader(input))
	decoder.UseNumber() // numbers go on as they were written
	if err := decoder.Decode(&in); err != nil {
		return nil, sdk.Invalid("", "it is no JSON object")
	}
	r, err := op.request(call, in, func() (*sdk.File, error) { return call.NextFile(ctx) })
	if err != nil {
		return nil, err
	}
	resp, err := call.Open(ctx, r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }() // read to its end, or left
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case kind == "text/event-stream":
		return streamed(call, resp)
	case resp.StatusCode == http.StatusNoContent || op.Method == "HEAD" || resp.StatusCode == http.StatusResetContent:
		return json.Marshal(object{"status": resp.StatusCode})
	case isJSONType(kind) || kind == "":
		return structured(resp)
	case strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "xml") || strings.HasSuffix(kind, "yaml"):
		return words(resp, kind)
	}
	name := "answer"
	if _, parameters, err := mime.ParseMediaType(resp.Header.Get("Content-Disposition")); err == nil && parameters["filename"] != "" {
		name = parameters["filename"]
	}
	counted := &counter{Reader: resp.Body}
	if err := call.Attach(name, kind, counted); err != nil {
		return nil, err
	}
	return json.Marshal(sdk.Attached{File: name, MediaType: kind, Bytes: counted.n})
}

type counter struct {
	io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

// whole reads an answer into memory.
func whole(resp *http.Response) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, sdk.Errorf(sdk.OutcomeUnknown, "The platform's answer broke off.")
	}
	if len(body) > maxAnswer {
		return nil, sdk.Errorf(sdk.PlatformError, "The platform's answer is larger than %d MiB.", maxAnswer>>20)
	}
	return body, nil
}

// structured answers a JSON object as it is; another value stands in one.
func structured(resp *http.Response) ([]byte, error) {
	body, err := whole(resp)
	if err != nil {
		return nil, err
	}
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	switch {
	case len(body) == 0:
		return json.Marshal(object{"status": resp.StatusCode})
	case !json.Valid(body):
		return nil, sdk.Errorf(sdk.PlatformError, "The platform's answer is not the JSON that it says it is.")
	case body[0] == '{':
		return body, nil
	case body[0] == '[':
		out := map[string]json.RawMessage{"items": body}
		if next := nextLink(resp.Header); next != "" {
			if out["next_link"], err = json.Marshal(next); err != nil {
				return nil, err
			}
		}
		return json.Marshal(out)
	}
	return json.Marshal(map[string]json.RawMessage{"value": body})
}

var nextRelation = regexp.MustCompile(`<([^<>]*)>\s*;[^,<]*\brel="?next"?`)

// nextLink answers the address of the next page by the Link header (RFC 8288), or "".
func nextLink(h http.Header) string {
	if found := nextRelation.FindStringSubmatch(strings.Join(h.Values("Link"), ", ")); found != nil {
		return found[1]
	}
	return ""
}

func words(resp *http.Response, kind string) ([]byte, error) {
	body, err := whole(resp)
	if err != nil {
		return nil, err
	}
	if trimmed := bytes.TrimSpace(body); len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') && json.Valid(trimmed) {
		resp.Body = io.NopCloser(bytes.NewReader(trimmed)) // some send JSON as text
		return structured(resp)
	}
	return json.Marshal(object{"text": strings.ToValidUTF8(string(body), "\uFFFD"), "media_type": kind})
}

// streamed gives each event as it comes, and all of them in the end.
func streamed(call *sdk.Call, resp *http.Response) ([]byte, error) {
	events, size, cut := []json.RawMessage{}, 0, false
	err := sdk.ReadEvents(resp.Body, func(e sdk.Event) error {
		if e.Data == "[DONE]" {
			return io.EOF
		}
		value := json.RawMessage(e.Data)
		if !json.Valid(value) {
			encoded, err := json.Marshal(e.Data)
			if err != nil {
				return err
			}
			value = encoded
		}
		if size += len(value); size <= maxEvents {
			events = append(events, value)
		} else {
			cut = true
		}
		return call.Emit(value)
	})
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{"events": events, "truncated": cut})
}
