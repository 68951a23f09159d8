package sdk

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"strings"
)

// request makes the request of an input that fits its type.
func (e Endpoint) request(call *Call, fields []sentField, input []byte) (Request, error) {
	var given map[string]json.RawMessage
	if err := json.Unmarshal(input, &given); err != nil {
		return Request{}, Invalid("", "it is not a JSON object")
	}
	r := Request{Method: e.Method, Path: e.Path, Query: url.Values{}, Header: maps.Clone(e.Header)}
	if e.Host != "" && !call.Replaced() {
		r.Path = "https://" + e.Host + e.Path
	}
	maps.Copy(r.Query, e.Query)
	body, inPath := cloned(e.Body), Object{}
	for _, f := range fields {
		if f.place == toBody && body == nil {
			body = map[string]any{}
		}
		value, ok := given[f.name]
		if !ok {
			value = f.fallback
		}
		switch {
		case f.place == toPath:
			inPath[f.name] = value
		case value == nil:
		case f.place == toQuery:
			setQuery(r.Query, f.wire, joined(value, f.join))
		default:
			putBody(body, f.wire, joined(value, f.join))
		}
	}
	r.Path = fillPath(r.Path, inPath)
	switch {
	case body != nil && e.Form:
		r.Form = formOf(body)
	case body != nil:
		r.JSON = body
	}
	return r, nil
}

// cloned copies an object with all objects within it, so that no call changes what the next one begins with.
func cloned(object map[string]any) map[string]any {
	out := maps.Clone(object)
	for name, value := range out {
		if inner, ok := value.(map[string]any); ok {
			out[name] = cloned(inner)
		}
	}
	return out
}

// joined makes one text of a list, where there is something to join it with.
func joined(value json.RawMessage, separator string) json.RawMessage {
	var list []json.RawMessage
	if separator == "" || json.Unmarshal(value, &list) != nil {
		return value
	}
	texts := make([]string, len(list))
	for i, item := range list {
		texts[i] = plain(item)
	}
	one, _ := json.Marshal(strings.Join(texts, separator)) // a text is always JSON
	return one
}

// putBody puts a value at a place within objects, such as "snippet.title"; "." means that its own properties are put.
func putBody(body map[string]any, wire string, value json.RawMessage) {
	if wire == "." {
		var inner map[string]json.RawMessage
		_ = json.Unmarshal(value, &inner) // it fitted the type, which is an object's
		for name, v := range inner {
			body[name] = v
		}
		return
	}
	for {
		outer, rest, within := strings.Cut(wire, ".")
		if !within {
			body[wire] = value
			return
		}
		inner, ok := body[outer].(map[string]any)
		if !ok {
			inner = map[string]any{}
			body[outer] = inner
		}
		body, wire = inner, rest
	}
}

func formOf(body map[string]any) url.Values {
	form := url.Values{}
	for name, value := range body {
		raw, ok := value.(json.RawMessage)
		if !ok {
			form.Set(name, fmt.Sprint(value))
			continue
		}
		form.Set(name, plain(raw))
	}
	return form
}
