package main

import (
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Bounds of the schema of one operation, in schemas and values of enumerations; what is beyond may be any value. A document with more than
// fullOperations gets less for each, so that all together stay within what a host holds.
const (
	maxSchemaNodes = 3000
	leastNodes     = 60
	fullOperations = 300
)

// maxSchemaDepth bounds how deep schemas stand in one another without a reference.
const maxSchemaDepth = 40

// schemas turns the document's schemas into one JSON Schema 2020-12 with its $defs.
type schemas struct {
	d    *document
	defs object
	// names are those of references in defs; queue holds what is still to be converted.
	names map[string]string
	taken map[string]bool
	queue []string
	nodes int
	// loose leaves out what would refuse a value: answers depart from their documents.
	loose bool
	cut   bool
	most  int
}

func (d *document) schemas(loose bool) *schemas {
	return &schemas{d: d, defs: object{}, names: map[string]string{}, taken: map[string]bool{}, loose: loose, most: d.most}
}

// finish converts what was referred to, and puts it into the schema. The parts that are nearest come first, so that what is cut is deep.
func (s *schemas) finish(schema object) object {
	for len(s.queue) > 0 {
		ref := s.queue[0]
		s.queue = s.queue[1:]
		s.defs[s.names[ref]] = s.convert(s.d.at(ref), 0)
	}
	if len(s.defs) > 0 {
		schema["$defs"] = s.defs
	}
	return schema
}

// convert answers a schema that any validator takes. Values that are none become {}, which takes everything.
func (s *schemas) convert(v any, depth int) any {
	in, ok := v.(object)
	if !ok {
		if b, isBool := v.(bool); isBool && !s.loose {
			return b
		}
		return object{}
	}
	if s.nodes++; s.nodes > s.most || depth > maxSchemaDepth {
		s.cut = true
		return object{}
	}
	if ref, ok := in["$ref"].(string); ok {
		return s.reference(ref, in)
	}
	out := object{}
	kind := s.kindOf(in)
	s.describe(out, in)
	if len(kind) == 1 {
		out["type"] = kind[0]
	} else if len(kind) > 1 {
		out["type"] = anys(kind)
	}
	s.structure(out, in, depth)
	if !s.loose {
		s.constrain(out, in, kind)
	}
	return out
}

// reference refers to a definition, which is converted later.
func (s *schemas) reference(ref string, in object) any {
	target := s.d.at(ref)
	if target == nil {
		return object{}
	}
	name, known := s.names[ref]
	if !known {
		name = propertyKey(ref[strings.LastIndex(ref, "/")+1:])
		for base, n := name, 2; s.taken[name]; n++ {
			name = base + "_" + strconv.Itoa(n)
		}
		s.names[ref], s.taken[name] = name, true
		s.queue = append(s.queue, ref)
	}
	pointer := object{"$ref": "#/$defs/" + name}
	if truth(in["nullable"]) {
		return object{"anyOf": []any{pointer, object{"type": "null"}}}
	}
	if words := text(in["description"]); words != "" {
		pointer["description"] = cutText(words, 300)
	}
	return pointer
}

var typeNames = map[string]string{"string": "string", "integer": "integer", "number": "number", "boolean": "boolean", "array": "array", "object": "object",
	"null": "null", "int": "integer", "int32": "integer", "int64": "integer", "long": "integer", "float": "number", "double": "number", "decimal": "number",
	"bool": "boolean", "date": "string", "datetime": "string", "date-time": "string", "uuid": "string", "text": "string", "str": "string", "file": "string", "list": "array"}

// kindOf answers the types that a schema names, none where it takes any.
func (s *schemas) kindOf(in object) []string {
	named := texts(in["type"])
	if one := text(in["type"]); one != "" {
		named = []string{one}
	}
	var out []string
	for _, name := range named {
		kind := typeNames[strings.ToLower(name)]
		if kind == "" {
			return nil // what is no type takes any value
		}
		if !slices.Contains(out, kind) {
			out = append(out, kind)
		}
	}
	if len(out) > 0 && truth(in["nullable"]) && !slices.Contains(out, "null") {
		out = append(out, "null")
	}
	if len(out) == 0 && in["properties"] != nil {
		return nil
	}
	return out
}

func (s *schemas) describe(out, in object) {
	if words := text(in["description"]); words != "" {
		out["description"] = cutText(words, 300)
	}
	if s.loose {
		return
	}
	if words := text(in["title"]); words != "" && out["description"] == nil {
		out["description"] = cutText(words, 100)
	}
	if format := text(in["format"]); format != "" {
		out["format"] = cutText(format, 60)
	}
	if v, ok := in["default"]; ok && v != nil && small(v) {
		out["default"] = v
	}
}

// small says whether a value is short enough to stand in a schema.
func small(v any) bool {
	encoded, err := json.Marshal(v)
	return err == nil && len(encoded) <= 300
}

// structure converts the schemas within a schema.
func (s *schemas) structure(out, in object, depth int) {
	if properties := obj(in["properties"]); len(properties) > 0 {
		converted := object{}
		for _, name := range keys(properties) {
			converted[name] = s.convert(properties[name], depth+1)
		}
		out["properties"] = converted
	}
	if items, ok := in["items"]; ok {
		if _, several := items.([]any); !several {
			out["items"] = s.convert(items, depth+1)
		}
	}
	if extra, ok := in["additionalProperties"].(object); ok && !s.loose {
		out["additionalProperties"] = s.convert(extra, depth+1)
	}
	for _, key := range []string{"allOf", "anyOf", "oneOf"} {
		var converted []any
		for _, member := range list(in[key]) {
			if obj(member) != nil {
				converted = append(converted, s.convert(member, depth+1))
			}
		}
		if len(converted) == 0 {
			continue
		}
		// Alternatives of real documents overlap: what fits two of them is not refused for it.
		if key == "oneOf" {
			key = "anyOf"
		}
		switch {
		case out[key] != nil:
			out["allOf"] = append(list(out["allOf"]), object{key: converted})
		case key == "anyOf" && s.loose:
		default:
			if key == "anyOf" && truth(in["nullable"]) {
				converted = append(converted, object{"type": "null"})
			}
			out[key] = converted
		}
	}
}

// constrain adds what narrows a schema, as far as it makes sense.
func (s *schemas) constrain(out, in object, kind []string) {
	properties := obj(in["properties"])
	var required []any
	for _, name := range texts(in["required"]) {
		if truth(obj(properties[name])["readOnly"]) || slices.Contains(required, any(name)) {
			continue
		}
		required = append(required, name)
	}
	if len(required) > 0 {
		out["required"] = required
	}
	if values := s.enum(in, kind); len(values) > 0 {
		out["enum"] = values
	}
	if v, ok := in["const"]; ok && small(v) {
		out["const"] = v
	}
	for _, key := range []string{"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"} {
		if n, ok := number(in[key]); ok && n >= 0 && n == math.Trunc(n) && n < 1e15 {
			out[key] = int64(n)
		}
	}
	s.limits(out, in)
	if n, ok := number(in["multipleOf"]); ok && n >= 1 && n == math.Trunc(n) {
		out["multipleOf"] = in["multipleOf"]
	}
	if truth(in["uniqueItems"]) {
		out["uniqueItems"] = true
	}
	if pattern := text(in["pattern"]); pattern != "" && len(pattern) <= 500 && len(kind) > 0 && kind[0] == "string" {
		if _, err := regexp.Compile(pattern); err == nil {
			out["pattern"] = pattern
		}
	}
}

// limits writes minimum and maximum, with the truth values that older documents have beside them.
func (s *schemas) limits(out, in object) {
	for key, exclusive := range map[string]string{"minimum": "exclusiveMinimum", "maximum": "exclusiveMaximum"} {
		if _, ok := number(in[key]); ok {
			if truth(in[exclusive]) {
				out[exclusive] = in[key]
			} else {
				out[key] = in[key]
			}
		}
		if _, ok := number(in[exclusive]); ok {
			out[exclusive] = in[exclusive]
		}
	}
}

// enum answers the values of an enumeration as its type has them.
func (s *schemas) enum(in object, kind []string) []any {
	var out []any
	seen := map[string]bool{}
	for _, v := range list(in["enum"]) {
		if len(kind) > 0 && kind[0] == "string" && v != nil && text(v) != "" {
			v = text(v)
		}
		encoded, err := json.Marshal(v)
		if err != nil || len(encoded) > 1000 || seen[string(encoded)] {
			continue
		}
		if s.nodes++; s.nodes > s.most {
			s.cut = true
			return nil
		}
		seen[string(encoded)] = true
		out = append(out, v)
	}
	if len(out) > 0 && truth(in["nullable"]) && !seen["null"] {
		out = append(out, nil)
	}
	return out
}

func number(v any) (float64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil
}

func anys(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}
