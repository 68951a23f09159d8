package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// maxParts bounds the choices of an answer and the indexed parts of a message, such as tool calls, so that a platform cannot keep
// the adapter busy looking for them.
const maxParts = 256

// growing is a text that comes in pieces.
type growing struct{ pieces strings.Builder }

// MarshalJSON answers the text.
func (g *growing) MarshalJSON() ([]byte, error) { return json.Marshal(g.pieces.String()) }

// assembly puts the chunks of a streamed completion together.
type assembly struct {
	top     object // the values beside the choices, each the last one told
	choices map[int64]map[string]any
	size    int
	done    bool // the platform said that the stream is over
}

// chunk is one event of a stream.
type chunk struct {
	Choices []map[string]any `json:"choices"`
}

// add takes one event's data.
func (a *assembly) add(data []byte) error {
	if a.size += len(data); a.size > maxStreamBytes {
		return sdk.Errorf(sdk.PlatformError, "The platform's answer is larger than %d MiB.", maxStreamBytes>>20)
	}
	var values object
	var c chunk
	if json.Unmarshal(data, &values) != nil || decode(data, &c) != nil {
		return sdk.Errorf(sdk.PlatformError, "The platform sent a chunk that is not as expected.")
	}
	if a.top == nil {
		a.top, a.choices = object{}, map[int64]map[string]any{}
	}
	for name, value := range values {
		if _, known := a.top[name]; name == "choices" || name == "obfuscation" || sdk.IsNull(value) || (name == "id" && known) {
			continue
		}
		a.top[name] = value
	}
	for _, choice := range c.Choices {
		if err := a.addChoice(choice); err != nil {
			return err
		}
	}
	return nil
}

// addChoice takes one chunk's part of one answer.
func (a *assembly) addChoice(part map[string]any) error {
	index := indexOf(part)
	whole := a.choices[index]
	if whole == nil {
		if len(a.choices) >= maxParts {
			return sdk.Errorf(sdk.PlatformError, "The platform sent more answers than were asked for.")
		}
		whole = map[string]any{"index": json.Number(strconv.FormatInt(index, 10))}
		a.choices[index] = whole
	}
	for name, value := range part {
		switch name {
		case "index":
		case "delta":
			delta, _ := value.(map[string]any)
			message, ok := whole["message"].(map[string]any)
			if !ok {
				message = map[string]any{"role": "assistant"}
				whole["message"] = message
			}
			if err := merge(message, delta); err != nil {
				return err
			}
		case "message": // Perplexity repeats the whole message so far beside each delta
			if _, streamed := part["delta"]; !streamed && value != nil {
				whole["message"] = value
			}
		default:
			if err := merge(whole, map[string]any{name: value}); err != nil {
				return err
			}
		}
	}
	return nil
}

// named are values that a platform may repeat in every chunk: the last one stands. All other texts are pieces of one.
var named = []string{"role", "id", "type", "name", "channel", "format", "finish_reason", "native_finish_reason", "model"}

// merge adds a delta to what is there: texts are put after one another, lists too (but those of indexed parts part by part),
// objects value by value; everything else stands as it was told last.
func merge(into, delta map[string]any) error {
	for key, value := range delta {
		switch piece := value.(type) {
		case nil:
			if _, there := into[key]; !there {
				into[key] = nil
			}
		case string:
			mergeText(into, key, piece)
		case []any:
			list, err := mergeList(into[key], piece)
			if err != nil {
				return err
			}
			into[key] = list
		case map[string]any:
			before, ok := into[key].(map[string]any)
			if !ok {
				before = map[string]any{}
				into[key] = before
			}
			if err := merge(before, piece); err != nil {
				return err
			}
		default:
			into[key] = value
		}
	}
	return nil
}

func mergeText(into map[string]any, key, piece string) {
	switch before := into[key].(type) {
	case *growing:
		before.pieces.WriteString(piece)
	case string:
		if piece == "" {
			return
		}
		if slices.Contains(named, key) {
			into[key] = piece
			return
		}
		whole := &growing{}
		whole.pieces.WriteString(before)
		whole.pieces.WriteString(piece)
		into[key] = whole
	default:
		into[key] = piece
	}
}

// mergeList adds parts to a list. A part with an index is merged with the one that has the same.
func mergeList(before any, parts []any) ([]any, error) {
	list, _ := before.([]any)
	for _, part := range parts {
		p, ok := part.(map[string]any)
		if _, indexed := p["index"]; !ok || !indexed {
			list = append(list, part)
			continue
		}
		i := slices.IndexFunc(list, func(have any) bool {
			h, ok := have.(map[string]any)
			_, indexed := h["index"]
			return ok && indexed && indexOf(h) == indexOf(p)
		})
		if i < 0 {
			if len(list) >= maxParts {
				return nil, sdk.Errorf(sdk.PlatformError, "The platform sent more parts of a message than can be.")
			}
			whole := map[string]any{}
			list, i = append(list, whole), len(list)
		}
		if err := merge(list[i].(map[string]any), p); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// complete says whether the platform said all: that the stream is over, or why each answer ended.
func (a *assembly) complete() bool {
	for _, choice := range a.choices {
		if reason, _ := choice["finish_reason"].(string); reason == "" && !a.done {
			return false
		}
	}
	return len(a.choices) > 0 || a.done
}

// answer is the whole, in the form of an answer that was not streamed.
func (a *assembly) answer() object {
	out := object{}
	for name, value := range a.top {
		out[name] = value
	}
	indexes := make([]int64, 0, len(a.choices))
	for index := range a.choices {
		indexes = append(indexes, index)
	}
	slices.Sort(indexes)
	choices := make([]any, 0, len(indexes))
	for _, index := range indexes {
		choices = append(choices, a.choices[index])
	}
	out["choices"] = raw(choices)
	return out
}

// indexOf answers a part's index, and 0 where it has none.
func indexOf(part map[string]any) int64 {
	n, ok := part["index"].(json.Number)
	if !ok {
		return 0
	}
	i, err := n.Int64()
	if err != nil {
		return 0
	}
	return i
}

// decode reads JSON and keeps numbers as they were written.
func decode(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d.Decode(into)
}
