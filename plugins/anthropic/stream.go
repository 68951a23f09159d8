package main

import (
	"context"
	"encoding/json"
	"io"

	"github.com/patchbay/patchbay/sdk"
)

// Bounds of what a stream may hold together, and so of the message that is put together of it.
const (
	maxStreamBytes = 32 << 20
	maxBlocks      = 10_000
)

// stream sends a request that is answered by events, passes each one on and answers the whole message.
func stream(ctx context.Context, call *sdk.Call, r sdk.Request) (sdk.Object, error) {
	whole := &assembly{}
	err := call.Events(ctx, r, func(e sdk.Event) error {
		kind, err := whole.add([]byte(e.Data))
		switch {
		case err != nil:
			return err
		case kind == "ping":
			return nil
		}
		if err := call.Emit(json.RawMessage(e.Data)); err != nil {
			return err
		}
		if whole.done {
			return io.EOF
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if !whole.done {
		return nil, sdk.Errorf(sdk.OutcomeUnknown, "Anthropic ended the stream before the message was complete.")
	}
	return whole.answer()
}

// assembly puts a message together of its events.
type assembly struct {
	message sdk.Object
	usage   sdk.Object
	blocks  []*block
	size    int
	done    bool
}

// block is one block of the content as far as it has come: its properties, those that come in pieces as texts, and lists.
type block struct {
	fixed  sdk.Object
	pieces map[string][]byte
	lists  map[string][]json.RawMessage
}

// event is what any event may hold.
type event struct {
	Type         string     `json:"type"`
	Message      sdk.Object `json:"message"`
	Index        int        `json:"index"`
	ContentBlock sdk.Object `json:"content_block"`
	Delta        sdk.Object `json:"delta"`
	Usage        sdk.Object `json:"usage"`
}

// add takes an event in and answers its type. An event of a type that is not known is none to fail by.
func (a *assembly) add(data []byte) (string, error) {
	var e event
	if a.size += len(data); a.size > maxStreamBytes {
		return "", sdk.Errorf(sdk.PlatformError, "Anthropic's stream is larger than %d MiB.", maxStreamBytes>>20)
	}
	if err := json.Unmarshal(data, &e); err != nil {
		return "", sdk.Errorf(sdk.PlatformError, "Anthropic sent an event that is not as expected.")
	}
	switch e.Type {
	case "error":
		return "", failureIn(data)
	case "message_start":
		a.message = e.Message
		if _ = json.Unmarshal(e.Message["usage"], &a.usage); a.usage == nil {
			a.usage = sdk.Object{} // what is no object is left out
		}
	case "content_block_start":
		if e.Index != len(a.blocks) || e.Index >= maxBlocks {
			return "", sdk.Errorf(sdk.PlatformError, "Anthropic's stream has its blocks out of order.")
		}
		if e.ContentBlock == nil {
			e.ContentBlock = sdk.Object{}
		}
		a.blocks = append(a.blocks, &block{fixed: e.ContentBlock, pieces: map[string][]byte{}, lists: map[string][]json.RawMessage{}})
	case "content_block_delta":
		if e.Index < 0 || e.Index >= len(a.blocks) {
			return "", sdk.Errorf(sdk.PlatformError, "Anthropic's stream goes on with a block that it has not begun.")
		}
		a.blocks[e.Index].add(e.Delta)
	case "message_delta":
		a.change(e, data)
	case "message_stop":
		a.done = a.message != nil
	}
	return e.Type, nil
}

// change takes in what is told of the whole message at its end: the reason, the usage, and what else stands beside.
func (a *assembly) change(e event, data []byte) {
	if a.message == nil {
		return
	}
	for name, value := range e.Delta {
		a.message[name] = value
	}
	for name, value := range e.Usage {
		if !sdk.IsNull(value) || sdk.IsNull(a.usage[name]) {
			a.usage[name] = value
		}
	}
	var beside sdk.Object
	_ = json.Unmarshal(data, &beside) // it was read before
	for name, value := range beside {
		if name != "type" && name != "delta" && name != "usage" {
			a.message[name] = value
		}
	}
}

// add takes a piece in. Texts go on where they ended, a citation joins the others, and the JSON of an input is read when it is whole.
func (b *block) add(delta sdk.Object) {
	for name, value := range delta {
		switch {
		case name == "type" || sdk.IsNull(value):
		case name == "citation":
			b.lists["citations"] = append(b.lists["citations"], value)
		case value[0] == '"':
			if b.pieces[name] == nil {
				b.pieces[name] = []byte(sdk.Text(b.fixed[name]))
			}
			b.pieces[name] = append(b.pieces[name], sdk.Text(value)...)
		default:
			b.fixed[name] = value
		}
	}
}

// whole answers the block.
func (b *block) whole() (sdk.Object, error) {
	out := sdk.Object{}
	for name, value := range b.fixed {
		out[name] = value
	}
	for name, text := range b.pieces {
		if name != "partial_json" {
			out[name] = encode(string(text))
			continue
		}
		if len(text) == 0 {
			continue // no piece of the input said anything: what the block began with stands
		}
		if !json.Valid(text) {
			return nil, sdk.Errorf(sdk.PlatformError, "Anthropic's stream holds an input that is not JSON.")
		}
		out["input"] = text
	}
	for name, list := range b.lists {
		out[name] = encode(list)
	}
	return out, nil
}

// answer is the message, in the form of one that was not streamed.
func (a *assembly) answer() (sdk.Object, error) {
	content := []sdk.Object{}
	cut := sdk.Text(a.message["stop_reason"]) == "max_tokens"
	for i, b := range a.blocks {
		one, err := b.whole()
		if err != nil && cut && i == len(a.blocks)-1 {
			one, err = b.fixed, nil // the input was cut off with the message, which its stop_reason says
		}
		if err != nil {
			return nil, err
		}
		content = append(content, one)
	}
	a.message["content"] = encode(content)
	a.message["usage"] = encode(a.usage)
	return a.message, nil
}

// encode is for values that came out of JSON, and so go back into it.
func encode(v any) json.RawMessage {
	encoded, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return encoded
}
