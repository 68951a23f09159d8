package main

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// generated makes an input that fits an operation's schema, as a caller who knows only that would; false where it cannot.
func generated(t *testing.T, schema json.RawMessage) ([]byte, bool) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(schema))
	decoder.UseNumber()
	var root object
	if err := decoder.Decode(&root); err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(generator{root}.value(root, 0))
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("urn:x", document); err != nil {
		t.Fatal(err)
	}
	return encoded, c.MustCompile("urn:x").Validate(value) == nil
}

type generator struct{ root object }

func (g generator) value(v any, depth int) any {
	s := obj(v)
	if ref := text(s["$ref"]); ref != "" && depth < 12 {
		return g.value((&document{root: g.root}).at(ref), depth+1)
	}
	if c, ok := s["const"]; ok {
		return c
	}
	if e := list(s["enum"]); len(e) > 0 {
		return e[0]
	}
	if all := list(s["allOf"]); len(all) > 0 {
		merged := object{}
		for _, member := range append(all, object{"properties": s["properties"], "required": s["required"]}) {
			if part, ok := g.value(member, depth+1).(object); ok {
				for key, value := range part {
					merged[key] = value
				}
			} else if obj(member)["properties"] == nil {
				return g.value(member, depth+1)
			}
		}
		return merged
	}
	if alternatives := list(s["anyOf"]); len(alternatives) > 0 && s["properties"] == nil {
		return g.value(alternatives[0], depth+1)
	}
	kind := text(s["type"])
	if kinds := texts(s["type"]); len(kinds) > 0 {
		kind = kinds[0]
	}
	switch {
	case kind == "object" || kind == "" && s["properties"] != nil:
		out := object{}
		for _, name := range texts(s["required"]) {
			out[name] = g.value(obj(s["properties"])[name], depth+1)
		}
		return out
	case kind == "array":
		out := []any{}
		least, _ := number(s["minItems"])
		for range int(math.Min(math.Max(least, 1), 20)) {
			out = append(out, g.value(s["items"], depth+1))
		}
		return out
	case kind == "integer" || kind == "number":
		return g.number(s)
	case kind == "boolean":
		return true
	case kind == "null":
		return nil
	}
	return g.text(s)
}

func (g generator) number(s object) any {
	for key, step := range map[string]float64{"minimum": 0, "exclusiveMinimum": 1, "maximum": 0, "exclusiveMaximum": -1} {
		if n, ok := number(s[key]); ok {
			return math.Ceil(n) + step
		}
	}
	return 1
}

func (g generator) text(s object) any {
	known := map[string]string{"date": "2024-01-02", "date-time": "2024-01-02T03:04:05Z", "uuid": "123e4567-e89b-12d3-a456-426614174000", "email": "ann@example.com",
		"uri": "https://example.com/", "url": "https://example.com/", "ipv4": "192.0.2.1", "ipv6": "2001:db8::1", "hostname": "example.com", "byte": "YWJj", "time": "03:04:05Z"}
	if v := known[text(s["format"])]; v != "" {
		return v
	}
	least, _ := number(s["minLength"])
	out := "a" + strings.Repeat("b", int(math.Min(math.Max(least-1, 0), 2000)))
	if most, ok := number(s["maxLength"]); ok && most < float64(len(out)) {
		out = out[:int(most)]
	}
	return out
}
