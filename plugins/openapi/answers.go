package main

import (
	"encoding/json"
	"strings"
)

// maxOutput bounds the schema of an answer in bytes; a larger one says only that it is an object.
const maxOutput = 64 << 10

// answers reads what an operation answers: the schema, for people and language models, and how the answer is taken.
func (d *document) answers(op *operation) {
	response := d.success(op)
	kinds := keys(obj(response["content"]))
	var schema any
	if d.old {
		kinds = texts(op.def["produces"])
		if op.def["produces"] == nil {
			kinds = texts(d.root["produces"])
		}
		schema = response["schema"]
	}
	var others []string
	structured := ""
	for _, kind := range kinds {
		kind = strings.TrimSpace(kind)
		switch {
		case isJSONType(kind):
			if structured == "" {
				structured = kind
			}
		case strings.HasPrefix(strings.ToLower(kind), "text/event-stream"):
			op.plan.Streams = true
		default:
			others = append(others, kind)
		}
	}
	if !d.old && structured != "" {
		schema = obj(obj(response["content"])[structured])["schema"]
	}
	switch {
	case structured != "" && op.plan.Streams:
		op.plan.Accept = "application/json, text/event-stream"
	case structured != "":
		op.plan.Accept = "application/json"
	case op.plan.Streams:
		op.plan.Accept = "text/event-stream"
	case len(others) > 0 && mediaType(others[0]):
		op.plan.Accept = others[0]
	}
	op.made.GivesFiles = structured == "" && len(others) > 0
	op.made.Output = d.output(schema, structured != "" || schema != nil)
}

// fewNodes is the bound of an operation's schema below which the document is so large that answers are left undescribed.
const fewNodes = 400

// mediaType says whether a text can stand in an Accept header.
func mediaType(kind string) bool {
	return len(kind) < 100 && !strings.ContainsFunc(kind, func(r rune) bool { return r < ' ' || r > '~' })
}

// success answers the response of an operation that succeeded: the lowest of 2xx, else the default one.
func (d *document) success(op *operation) object {
	responses := obj(op.def["responses"])
	for _, status := range keys(responses) {
		if strings.HasPrefix(status, "2") {
			return d.resolve(responses[status])
		}
	}
	return d.resolve(responses["default"])
}

// output makes the schema of an answer. It refuses nothing, for answers depart from their documents; a list stands in items.
func (d *document) output(schema any, known bool) json.RawMessage {
	out := object{"type": "object"}
	if known && d.most >= fewNodes {
		s := d.schemas(true)
		top := d.resolve(schema)
		converted := s.convert(schema, 0)
		switch {
		case text(top["type"]) == "array":
			out["properties"] = object{"items": converted, "next_link": object{"type": "string", "description": "Address of the next page, as the platform gave it"}}
		default:
			if o, ok := converted.(object); ok {
				out = o
			}
		}
		out = s.finish(out)
		loosen(out)
		out["type"] = "object"
	}
	encoded, err := json.Marshal(out)
	if err != nil || len(encoded) > maxOutput {
		return json.RawMessage(`{"type":"object"}`)
	}
	return encoded
}

// loosen takes the types out of a schema: what an answer has in a field is told by its description, and may be null.
func loosen(v any) {
	switch v := v.(type) {
	case object:
		if kind, ok := v["type"].(string); ok && kind != "null" {
			v["type"] = []any{kind, "null"}
		}
		for key, member := range v {
			if key != "type" {
				loosen(member)
			}
		}
	case []any:
		for _, item := range v {
			loosen(item)
		}
	}
}
