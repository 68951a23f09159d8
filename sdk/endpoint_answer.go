package sdk

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"reflect"
	"strings"
)

// gotField says where one property of the output comes from.
type gotField struct{ name, wire string }

// gotFields answers the properties that stand elsewhere in the platform's answer.
func gotFields(e Endpoint, t reflect.Type) (all []gotField) {
	for _, f := range properties(t) {
		wire := orString(f.Tag.Get("from"), e.wire(f.name))
		if wire != f.name {
			all = append(all, gotField{f.name, wire})
		}
	}
	return all
}

// receive sends the request and reads the answer into out.
func receive(ctx context.Context, call *Call, r Request, fields []gotField, out any) error {
	if _, nothing := out.(*None); nothing {
		return call.Do(ctx, r, nil)
	}
	var body []byte
	if err := call.Do(ctx, r, &body); err != nil {
		return err
	}
	if len(bytes.TrimSpace(body)) > 0 {
		if err := renamed(body, fields, out); err != nil {
			return Errorf(PlatformError, "The platform's answer is not the JSON that was expected.")
		}
	}
	noNulls(reflect.ValueOf(out).Elem())
	return nil
}

// renamed decodes an answer after moving its properties to where out has them.
func renamed(body []byte, fields []gotField, out any) error {
	if len(fields) == 0 {
		return json.Unmarshal(body, out)
	}
	var answer map[string]json.RawMessage
	if err := json.Unmarshal(body, &answer); err != nil {
		return err
	}
	for _, f := range fields {
		delete(answer, f.name)
	}
	moved := maps.Clone(answer)
	for _, f := range fields {
		if value := within(answer, f.wire); value != nil {
			moved[f.name] = value
		}
	}
	again, err := json.Marshal(moved)
	if err != nil {
		return err
	}
	return json.Unmarshal(again, out)
}

// within answers the value at a place such as "paging.next", or nil.
func within(object map[string]json.RawMessage, wire string) json.RawMessage {
	if value, ok := object[wire]; ok { // names with a full stop in them, such as @odata.nextLink
		return value
	}
	outer, rest, ok := strings.Cut(wire, ".")
	var inner map[string]json.RawMessage
	if !ok || json.Unmarshal(object[outer], &inner) != nil {
		return nil
	}
	return within(inner, rest)
}

// noNulls makes empty lists and objects of those that the platform left out.
func noNulls(v reflect.Value) {
	for _, f := range properties(v.Type()) {
		field := v.FieldByName(f.Name)
		if f.omitempty {
			continue
		}
		switch {
		case field.Kind() == reflect.Slice && field.IsNil() && f.Type.Elem().Kind() != reflect.Uint8:
			field.Set(reflect.MakeSlice(f.Type, 0, 0))
		case field.Kind() == reflect.Map && field.IsNil():
			field.Set(reflect.MakeMap(f.Type))
		}
	}
}
