package main

import (
	"context"
	"encoding/json"
	"io"

	"github.com/patchbay/patchbay/sdk"
)

// maxStreamBytes bounds what a stream's events hold together, and so the answer that is put together of them.
const maxStreamBytes = 32 << 20

// stream sends a request that is answered by completion chunks, passes each one on and answers the whole, in the form of an answer
// that was not streamed.
func (w wire) stream(ctx context.Context, call *sdk.Call, path string, b object) (object, error) {
	if _, told := b["stream_options"]; !told && w.asksUsage {
		b["stream_options"] = json.RawMessage(`{"include_usage":true}`)
	}
	whole := &assembly{}
	err := call.Events(ctx, sdk.Request{Path: path, JSON: b}, func(e sdk.Event) error {
		if e.Data == "[DONE]" {
			whole.done = true
			return io.EOF
		}
		if err := w.eventFailure(e); err != nil {
			return err
		}
		if err := whole.add([]byte(e.Data)); err != nil {
			return err
		}
		return call.Emit(json.RawMessage(e.Data))
	})
	if err != nil {
		return nil, err
	}
	if !whole.complete() {
		return nil, sdk.Errorf(sdk.OutcomeUnknown, "%s ended the stream before the answer was complete.", w.name)
	}
	return whole.answer(), nil
}

// eventFailure reads a failure out of an event: one that is named error, or one whose data holds an error.
func (w wire) eventFailure(e sdk.Event) error {
	failed, ok := readFailure([]byte(e.Data))
	switch {
	case ok:
		return w.failure(0, nil, failed)
	case e.Name == "error":
		return sdk.Errorf(sdk.PlatformError, "%s broke the stream off with an error.", w.name)
	case !json.Valid([]byte(e.Data)):
		return sdk.Errorf(sdk.PlatformError, "%s sent an event that is not JSON.", w.name)
	}
	return nil
}
