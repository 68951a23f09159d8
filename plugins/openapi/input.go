package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxInput bounds the schema of one operation in bytes; a larger one is cut.
const maxInput = 400 << 10

// kept are headers that the host or HTTP itself decides; a parameter cannot set them.
var kept = []string{"host", "connection", "content-length", "content-type", "transfer-encoding", "te", "trailer", "upgrade", "expect", "keep-alive", "accept",
	"accept-encoding", "authorization", "proxy-authorization", "cookie", "user-agent", "referer", "origin", "forwarded", "x-forwarded-for", "x-forwarded-host"}

// input makes the schema of an operation's input, and the plan of where it goes.
func (d *document) input(op *operation) (json.RawMessage, error) {
	s := d.schemas(false)
	properties, required := object{}, []any{}
	parameters := d.parameters(op)
	if err := d.body(op, parameters, s, properties, &required); err != nil {
		return nil, err
	}
	for _, p := range parameters {
		if p.in == "body" || p.in == "formData" {
			continue
		}
		if problem := d.unusable(op, p); problem != "" {
			d.note(op.place, "parameter %q in %s was left out: %s", cutText(p.name, 100), cutText(p.in, 20), problem)
			continue
		}
		key := propertyKey(p.name)
		for properties[key] != nil {
			key = cutText(key, 50) + "_" + p.in
		}
		properties[key] = p.schema(s)
		if p.required() {
			required = append(required, key)
		}
		op.plan.Parameters = append(op.plan.Parameters, p.plan(d, key))
	}
	for _, name := range placesOf(op.path) {
		if !slices.ContainsFunc(op.plan.Parameters, func(p parameter) bool { return p.In == "path" && p.Name == name }) {
			d.note(op.place, "its path has {%s}, which no parameter declares; it was added", cutText(name, 100))
			key := propertyKey(name)
			for properties[key] != nil {
				key = cutText(key, 50) + "_path"
			}
			properties[key] = object{"type": "string"}
			required = append(required, key)
			op.plan.Parameters = append(op.plan.Parameters, parameter{Key: key, Name: name, In: "path", Style: "simple"})
		}
	}
	return d.encode(op, s, object{"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

// encode finishes a schema, and cuts one that is too large.
func (d *document) encode(op *operation, s *schemas, schema object) (json.RawMessage, error) {
	encoded, err := json.Marshal(s.finish(schema))
	if err != nil {
		return nil, errors.New("its schema cannot be written as JSON")
	}
	if len(encoded) > maxInput {
		s.cut = true
		for name := range s.defs {
			s.defs[name] = object{}
		}
		if encoded, err = json.Marshal(schema); err != nil || len(encoded) > maxInput {
			return nil, fmt.Errorf("its schema is larger than %d KiB", maxInput>>10)
		}
	}
	if s.cut {
		d.note(op.place, "its schema is large; what lies deep in it is not checked")
	}
	return encoded, nil
}

// declaredParameter is a parameter as the document has it.
type declaredParameter struct {
	name, in string
	def      object
}

// parameters answers those of the path and the operation, of which the operation's take precedence.
func (d *document) parameters(op *operation) []declaredParameter {
	var out []declaredParameter
	for _, from := range []object{op.item, op.def} {
		for _, v := range list(from["parameters"]) {
			def := d.resolve(v)
			p := declaredParameter{name: text(def["name"]), in: text(def["in"]), def: def}
			if strings.EqualFold(p.in, "formdata") {
				p.in = "formData"
			}
			if def == nil || p.name == "" && p.in != "body" {
				d.note(op.place, "a parameter refers to nothing or has no name, and was left out")
				continue
			}
			i := slices.IndexFunc(out, func(o declaredParameter) bool { return o.name == p.name && o.in == p.in })
			if i >= 0 {
				out[i] = p
			} else {
				out = append(out, p)
			}
		}
	}
	return out
}

// unusable says why a parameter cannot be given, or "".
func (d *document) unusable(op *operation, p declaredParameter) string {
	switch p.in {
	case "path":
		if !contains(placesOf(op.path), p.name) {
			return "the path has no place for it"
		}
	case "header":
		if contains(kept, strings.ToLower(p.name)) || strings.HasPrefix(strings.ToLower(p.name), "proxy-") {
			return "this header is not a caller's to set"
		}
		if !headerName(p.name) {
			return "it is no name for a header"
		}
	case "query", "cookie", "querystring":
	default:
		return "there is no such place"
	}
	for _, s := range d.schemes {
		if s.kind == "apiKey" && s.in == p.in && strings.EqualFold(s.key, p.name) {
			return "it is the credential, which the host adds"
		}
	}
	return ""
}

func (p declaredParameter) required() bool {
	return p.in == "path" || truth(p.def["required"])
}

// content answers the media type of a parameter that goes as content, such as JSON.
func (p declaredParameter) content() (kind string, def object) {
	content := obj(p.def["content"])
	for _, kind := range keys(content) {
		return kind, obj(content[kind])
	}
	return "", nil
}

func (p declaredParameter) schema(s *schemas) any {
	from := p.def["schema"]
	if _, content := p.content(); content != nil {
		from = content["schema"]
	}
	if from == nil && p.def["type"] != nil {
		own := object{} // Swagger 2.0 writes the schema into the parameter
		for _, key := range []string{"type", "format", "items", "enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength",
			"pattern", "minItems", "maxItems", "uniqueItems", "multipleOf", "default"} {
			if v, ok := p.def[key]; ok {
				own[key] = v
			}
		}
		from = own
	}
	converted := s.convert(from, 0)
	out, ok := converted.(object)
	if !ok {
		return converted
	}
	if words := text(p.def["description"]); words != "" {
		out["description"] = cutText(words, 500)
	}
	return out
}

// plan says how a parameter is written.
func (p declaredParameter) plan(d *document, key string) parameter {
	out := parameter{Key: key, Name: p.name, In: p.in, Reserved: truth(p.def["allowReserved"])}
	if kind, content := p.content(); content != nil && isJSONType(kind) {
		out.JSON = true
		return out
	}
	out.Style = map[string]string{"path": "simple", "header": "simple", "query": "form", "cookie": "form"}[p.in]
	if d.old {
		out.Style, out.Explode = collection(text(p.def["collectionFormat"]), out.Style)
		return out
	}
	if style := text(p.def["style"]); style != "" {
		out.Style = style
	}
	out.Explode = out.Style == "form" || out.Style == "deepObject"
	if v, ok := p.def["explode"]; ok {
		out.Explode = truth(v)
	}
	return out
}

// collection answers the style of a collectionFormat.
func collection(format, usual string) (style string, explode bool) {
	switch format {
	case "multi":
		return "form", true
	case "ssv":
		return "spaceDelimited", false
	case "pipes":
		return "pipeDelimited", false
	case "tsv":
		return "tabDelimited", false
	}
	return usual, false
}

// placesOf answers the names in a path's braces.
func placesOf(path string) []string {
	var out []string
	for _, place := range serverVariable.FindAllStringSubmatch(path, -1) {
		if !contains(out, place[1]) {
			out = append(out, place[1])
		}
	}
	return out
}

func isJSONType(kind string) bool {
	kind, _, _ = strings.Cut(strings.ToLower(kind), ";")
	kind = strings.TrimSpace(kind)
	return kind == "application/json" || strings.HasSuffix(kind, "+json") || kind == "text/json"
}
