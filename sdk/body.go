package sdk

import (
	"encoding/json"
	"reflect"
	"strings"
)

// Object is a JSON object whose values stay as they were written, numbers included.
type Object = map[string]json.RawMessage

// Further is a part of an input whose platform knows more parameters than the operation names.
type Further struct {
	Extra Object `json:"extra,omitempty" wire:"-" jsonschema:"further parameters of the platform, sent as they are; it may not hold one that this operation names"`
}

// Body makes a JSON body of an input: its properties that were given, and what stands in [Further]. The tag wire:"name" gives a
// property another name on the wire, wire:"-" keeps it out, as does wire:"name,query" (see [Route]). An extra that names a property of the
// input is refused, so that it can override none.
func Body(input any) (Object, error) {
	parts, err := split(input)
	return parts.body, err
}

// split parts an input into what goes where: properties that a path may name, the query, and the body.
type parted struct {
	all, query, body Object
	// takesBody says that the input has properties for a body, given or not.
	takesBody bool
}

func split(input any) (parted, error) {
	out := parted{query: Object{}, body: Object{}}
	encoded, err := json.Marshal(input)
	if err != nil {
		return out, Errorf(AdapterBug, "The adapter's request is not JSON.")
	}
	if err := json.Unmarshal(encoded, &out.all); err != nil {
		return out, Errorf(AdapterBug, "The adapter's request is not a JSON object.")
	}
	tags := wireTags(reflect.TypeOf(input))
	onWire := map[string]bool{}
	for property, tag := range tags {
		onWire[tag.name], onWire[property] = true, true
		out.takesBody = out.takesBody || tag.place == "" && tag.name != "-"
		value, given := out.all[property]
		switch {
		case !given || tag.name == "-":
		case tag.place == "query":
			out.query[tag.name] = value
		default:
			out.body[tag.name] = value
		}
	}
	_, takesExtra := tags["extra"]
	out.takesBody = out.takesBody || takesExtra
	extra := Object{}
	if raw, ok := out.all["extra"]; ok && takesExtra && json.Unmarshal(raw, &extra) != nil {
		return out, Invalid("/extra", "it must be an object")
	}
	for property, value := range extra {
		if onWire[property] {
			return out, Invalid("/extra/"+Pointer(property), "%q is a parameter of this operation: give it beside extra, not in it", property)
		}
		out.body[property] = value
	}
	return out, nil
}

// wireTag is what a field's wire tag says.
type wireTag struct{ name, place string }

// wireTags reads the tags of a struct's fields, by JSON name.
func wireTags(t reflect.Type) map[string]wireTag {
	tags := map[string]wireTag{}
	for _, f := range properties(t) {
		name, place, _ := strings.Cut(f.Tag.Get("wire"), ",")
		tags[f.name] = wireTag{name: orString(name, f.name), place: place}
	}
	return tags
}

// Pointer escapes one token of a JSON Pointer (RFC 6901).
func Pointer(token string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(token)
}

// Text answers a JSON string, and "" for anything else.
func Text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// IsNull says whether a value is absent or the JSON null.
func IsNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }
