package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds of a document.
const (
	maxNodes = 8 << 20 // values, those behind aliases counted each time
	maxDepth = 500
)

// object is a JSON object.
type object = map[string]any

// read reads JSON or YAML. Numbers stay as they are written, as json.Number; keys become text.
func read(raw []byte) (object, error) {
	raw = bytes.TrimPrefix(bytes.TrimSpace(raw), []byte("\xef\xbb\xbf"))
	if len(raw) == 0 {
		return nil, errors.New("it is empty")
	}
	var value any
	if raw[0] == '{' {
		decoder := json.NewDecoder(bytes.NewReader(raw))
		decoder.UseNumber()
		if decoder.Decode(&value) == nil {
			if o, ok := value.(object); ok {
				return o, nil
			}
		} // what is no JSON may be YAML in its flow style
	}
	var node yaml.Node
	if err := yaml.Unmarshal(raw, &node); err != nil {
		return nil, fmt.Errorf("it is neither JSON nor YAML (%s)", firstLine(err.Error()))
	}
	r := &reader{left: maxNodes}
	value, err := r.value(&node, 0)
	if err != nil {
		return nil, err
	}
	o, ok := value.(object)
	if !ok {
		return nil, errors.New("it is no object")
	}
	return o, nil
}

// reader turns nodes of YAML into what JSON has.
type reader struct{ left int }

func (r *reader) value(n *yaml.Node, depth int) (any, error) {
	if r.left--; r.left < 0 {
		return nil, errors.New("it holds too many values")
	}
	if depth > maxDepth {
		return nil, errors.New("it is nested too deeply")
	}
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) == 0 {
			return nil, nil
		}
		return r.value(n.Content[0], depth+1)
	case yaml.AliasNode:
		return r.value(n.Alias, depth+1)
	case yaml.SequenceNode:
		out := make([]any, 0, len(n.Content))
		for _, item := range n.Content {
			v, err := r.value(item, depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	case yaml.MappingNode:
		return r.mapping(n, depth)
	}
	return scalar(n), nil
}

func (r *reader) mapping(n *yaml.Node, depth int) (any, error) {
	out := make(object, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		v, err := r.value(n.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		if key := n.Content[i]; key.Tag == "!!merge" {
			merge(out, v)
		} else {
			out[key.Value] = v
		}
	}
	return out, nil
}

// merge adds what a "<<" names and the mapping does not have.
func merge(into object, v any) {
	switch v := v.(type) {
	case object:
		for key, value := range v {
			if _, there := into[key]; !there {
				into[key] = value
			}
		}
	case []any:
		for _, item := range v {
			merge(into, item)
		}
	}
}

func scalar(n *yaml.Node) any {
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		var b bool
		if n.Decode(&b) == nil {
			return b
		}
	case "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			return json.Number(n.Value)
		}
		var f float64
		if n.Decode(&f) == nil {
			if encoded, err := json.Marshal(f); err == nil {
				return json.Number(encoded)
			}
		}
	}
	return n.Value
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}
