package main

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// object is a JSON object whose values stay as they were written, numbers included.
type object = map[string]json.RawMessage

// extra is a part of every input whose platform knows more parameters than are named here.
type extra struct {
	Extra object `json:"extra,omitempty" body:"-" jsonschema:"further parameters of the model or the platform, sent as they are; it may not hold one that this operation names"`
}

// body makes the JSON body of a request: the named parameters of an input that were given, then what stands in its extra. A field
// tagged body:"-" is not sent. An extra that names a parameter of the operation is refused, so that it can override none.
func body(input any) (object, error) {
	encoded, err := json.Marshal(input)
	if err != nil {
		return nil, sdk.Errorf(sdk.AdapterBug, "The adapter's request is not JSON.")
	}
	out := object{}
	if err := json.Unmarshal(encoded, &out); err != nil {
		return nil, sdk.Errorf(sdk.AdapterBug, "The adapter's request is not a JSON object.")
	}
	further := object{}
	if raw, ok := out["extra"]; ok {
		if err := json.Unmarshal(raw, &further); err != nil {
			return nil, sdk.Invalid("/extra", "it must be an object")
		}
	}
	named := map[string]bool{}
	name(named, reflect.TypeOf(input))
	for parameter, sent := range named {
		if !sent {
			delete(out, parameter)
		}
	}
	for parameter, value := range further {
		if _, is := named[parameter]; is {
			return nil, sdk.Invalid("/extra/"+pointer(parameter), "%q is a parameter of this operation: give it beside extra, not in it", parameter)
		}
		out[parameter] = value
	}
	return out, nil
}

// name collects the JSON names of a struct's fields and whether they go into the body.
func name(into map[string]bool, t reflect.Type) {
	for i := range t.NumField() {
		field := t.Field(i)
		if field.Anonymous {
			name(into, field.Type)
			continue
		}
		parameter, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		into[parameter] = field.Tag.Get("body") != "-"
	}
}

// pointer escapes one token of a JSON Pointer (RFC 6901).
func pointer(token string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(token)
}

// isTrue says whether a body's parameter is the JSON value true.
func isTrue(raw json.RawMessage) bool { return string(raw) == "true" }

// text answers a JSON string, and "" for anything else.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// raw encodes a value that is known to be JSON.
func raw(v any) json.RawMessage {
	encoded, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return encoded
}

// isNull says whether a value is absent or the JSON null.
func isNull(v json.RawMessage) bool { return len(v) == 0 || string(v) == "null" }
