package main

import (
	"context"
	"encoding/json"

	"github.com/patchbay/patchbay/sdk"
)

// Bounds of what a stream may hold together, and so of the answer that is put together of it.
const (
	maxStreamBytes = 64 << 20
	maxCandidates  = 64
)

// stream sends a request that is answered by pieces, passes each one on and answers the whole.
func stream(ctx context.Context, call *sdk.Call, r sdk.Request) (sdk.Object, error) {
	whole := &assembly{}
	err := call.Events(ctx, r, func(e sdk.Event) error {
		if err := whole.add([]byte(e.Data)); err != nil {
			return err
		}
		return call.Emit(json.RawMessage(e.Data))
	})
	if err != nil {
		return nil, err
	}
	if !whole.complete() {
		return nil, sdk.Errorf(sdk.OutcomeUnknown, "Gemini ended the stream before the answer was complete.")
	}
	return whole.answer(), nil
}

// assembly puts an answer together of its pieces, each in the form of a whole one.
type assembly struct {
	top        sdk.Object
	candidates []*growing
	size       int
}

// growing is a candidate as far as it has come.
type growing struct {
	fixed sdk.Object
	role  json.RawMessage
	parts []sdk.Object
	// text is that of the last part, which goes on while parts of its kind come.
	text []byte
}

// add takes a piece in.
func (a *assembly) add(data []byte) error {
	var piece sdk.Object
	if a.size += len(data); a.size > maxStreamBytes {
		return sdk.Errorf(sdk.PlatformError, "Gemini's stream is larger than %d MiB.", maxStreamBytes>>20)
	}
	if err := json.Unmarshal(data, &piece); err != nil || piece == nil {
		return sdk.Errorf(sdk.PlatformError, "Gemini sent an event that is not as expected.")
	}
	if !sdk.IsNull(piece["error"]) {
		return failureIn(data)
	}
	var candidates []sdk.Object
	if raw := piece["candidates"]; !sdk.IsNull(raw) && json.Unmarshal(raw, &candidates) != nil {
		return sdk.Errorf(sdk.PlatformError, "Gemini sent an event that is not as expected.")
	}
	if a.top == nil {
		a.top = sdk.Object{}
	}
	for name, value := range piece {
		a.top[name] = value
	}
	for _, c := range candidates {
		if err := a.addCandidate(c); err != nil {
			return err
		}
	}
	return nil
}

func (a *assembly) addCandidate(c sdk.Object) error {
	var index int
	var content struct {
		Role  json.RawMessage `json:"role"`
		Parts []sdk.Object    `json:"parts"`
	}
	_ = json.Unmarshal(c["index"], &index) // the first one has none
	if raw := c["content"]; !sdk.IsNull(raw) && json.Unmarshal(raw, &content) != nil || index < 0 || index >= maxCandidates {
		return sdk.Errorf(sdk.PlatformError, "Gemini sent a candidate that is not as expected.")
	}
	for len(a.candidates) <= index {
		a.candidates = append(a.candidates, &growing{fixed: sdk.Object{}})
	}
	g := a.candidates[index]
	for name, value := range c {
		if name != "content" {
			g.fixed[name] = value
		}
	}
	if content.Role != nil {
		g.role = content.Role
	}
	for _, part := range content.Parts {
		g.add(part)
	}
	return nil
}

// add takes a part in: text goes on where text of the same kind (said or thought) ended, and anything else stands by itself.
func (g *growing) add(part sdk.Object) {
	if last := len(g.parts) - 1; last >= 0 && goesOn(g.parts[last], part) {
		g.text = append(g.text, sdk.Text(part["text"])...)
		for name, value := range part {
			if name != "text" {
				g.parts[last][name] = value // a signature may come late
			}
		}
		return
	}
	g.settle()
	if part != nil {
		g.parts, g.text = append(g.parts, part), []byte(sdk.Text(part["text"]))
	}
}

// settle writes the text that has come into its part.
func (g *growing) settle() {
	if last := len(g.parts) - 1; last >= 0 && g.parts[last]["text"] != nil {
		g.parts[last]["text"] = encode(string(g.text))
	}
}

func goesOn(before, part sdk.Object) bool {
	for name := range part {
		if name != "text" && name != "thought" && name != "thoughtSignature" {
			return false
		}
	}
	return before["text"] != nil && part["text"] != nil && string(before["thought"]) == string(part["thought"]) && before["thoughtSignature"] == nil
}

// complete says whether every candidate has ended, or the prompt was refused.
func (a *assembly) complete() bool {
	for _, g := range a.candidates {
		if sdk.IsNull(g.fixed["finishReason"]) {
			return false
		}
	}
	return a.top != nil && (len(a.candidates) > 0 || !sdk.IsNull(a.top["promptFeedback"]))
}

// answer is the whole, in the form of an answer that was not streamed.
func (a *assembly) answer() sdk.Object {
	delete(a.top, "candidates")
	var candidates []sdk.Object
	for _, g := range a.candidates {
		g.settle()
		content := sdk.Object{"parts": encode(g.parts)}
		if g.role != nil {
			content["role"] = g.role
		}
		g.fixed["content"] = encode(content)
		candidates = append(candidates, g.fixed)
	}
	if candidates != nil {
		a.top["candidates"] = encode(candidates)
	}
	return a.top
}
