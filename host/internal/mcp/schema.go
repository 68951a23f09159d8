package mcp

import (
	"bytes"
	"encoding/json"
)

// anything is the schema of an input that its adapter does not describe as an object.
var anything = json.RawMessage(`{"type":"object"}`)

// toFile is the other form of an output: one that was too large became a file.
var toFile = json.RawMessage(`{"type":"object","properties":{"output_file":{"type":"string","description":"Where the output can be read, as it was too large to stand here"},` +
	`"size":{"type":"integer"}},"required":["output_file"]}`)

// readable answers a schema whose titles and descriptions hold nothing that people do not see. Nearly all are answered as they are.
func readable(schema json.RawMessage) json.RawMessage {
	if !bytes.ContainsFunc(schema, func(r rune) bool { return r >= 0x7f }) && !bytes.Contains(schema, []byte(`\u`)) {
		return schema
	}
	d := json.NewDecoder(bytes.NewReader(schema))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return schema // no JSON is no schema; who reads it next says so
	}
	tidyWords(v)
	encoded, err := json.Marshal(v)
	if err != nil {
		return schema
	}
	return encoded
}

// tidyWords tidies the titles and descriptions within a schema.
func tidyWords(v any) {
	switch v := v.(type) {
	case []any:
		for _, inner := range v {
			tidyWords(inner)
		}
	case map[string]any:
		for name, inner := range v {
			if words, ok := inner.(string); ok && (name == "title" || name == "description") {
				v[name] = tidy(words, maxDescription)
			}
			tidyWords(inner)
		}
	}
}

// inputSchema answers an operation's schema in the form that the protocol wants: an object whose root says so.
func inputSchema(schema json.RawMessage) json.RawMessage {
	schema = readable(schema)
	var fields map[string]json.RawMessage
	if json.Unmarshal(schema, &fields) != nil || fields == nil {
		return anything
	}
	switch string(bytes.TrimSpace(fields["type"])) {
	case `"object"`:
		return schema
	case "":
		fields["type"] = json.RawMessage(`"object"`)
		if encoded, err := json.Marshal(fields); err == nil {
			return encoded
		}
	}
	return anything
}

// outputSchema answers the schema of a structured result: the operation's own, or a file in its place. It is nil where the output is no object, or
// where its parts are referred to by where they stand, which changes here.
func outputSchema(schema json.RawMessage) json.RawMessage {
	schema = readable(schema)
	var fields map[string]json.RawMessage
	if json.Unmarshal(schema, &fields) != nil || string(bytes.TrimSpace(fields["type"])) != `"object"` {
		return nil
	}
	if bytes.Contains(schema, []byte(`"$ref"`)) || bytes.Contains(schema, []byte(`"$dynamicRef"`)) || fields["$id"] != nil {
		return nil
	}
	delete(fields, "$schema")
	own, err := json.Marshal(fields)
	if err != nil {
		return nil
	}
	out, err := json.Marshal(map[string]any{"type": "object", "anyOf": []json.RawMessage{own, toFile}})
	if err != nil {
		return nil
	}
	return out
}

// isObject says whether JSON that is valid is an object.
func isObject(b []byte) bool {
	b = bytes.TrimLeft(b, " \t\r\n")
	return len(b) > 0 && b[0] == '{'
}
