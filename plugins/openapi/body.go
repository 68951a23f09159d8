package main

import (
	"strings"
)

// body plans an operation's body and adds its property.
func (d *document) body(op *operation, parameters []declaredParameter, s *schemas, properties object, required *[]any) error {
	kind, schema, def := d.bodyOf(op, parameters)
	if kind == "" {
		return nil
	}
	plan := &bodyPlan{Type: kind, Kind: bodyKind(kind), Required: truth(def["required"])}
	if plan.Type == "*/*" {
		plan.Type = "application/json"
	}
	op.plan.Body = plan
	switch plan.Kind {
	case bodyBinary:
		return nil // the call's file
	case bodyText:
		properties["body"] = object{"type": "string", "description": "The content, of type " + cutText(kind, 100)}
	case bodyForm, bodyMultipart:
		fields := d.flat(schema)
		d.planFields(plan, fields, obj(def["encoding"]))
		converted, ok := s.convert(without(fields, plan.Files), 0).(object)
		if !ok {
			converted = object{}
		}
		if converted["type"] == nil {
			converted["type"] = "object"
		}
		properties["body"] = converted
		if plan.Kind == bodyMultipart && len(list(converted["required"])) == 0 {
			return nil // files alone may suffice
		}
	default:
		properties["body"] = s.convert(schema, 0)
	}
	if plan.Required {
		*required = append(*required, "body")
	}
	return nil
}

// bodyOf answers the media type that is sent, its schema, and what holds required and encoding; "" where there is no body.
func (d *document) bodyOf(op *operation, parameters []declaredParameter) (kind string, schema any, def object) {
	if d.old {
		return d.oldBody(op, parameters)
	}
	body := d.resolve(op.def["requestBody"])
	content := obj(body["content"])
	kind = preferred(keys(content))
	if kind == "" {
		return "", nil, nil
	}
	media := obj(content[kind])
	return strings.TrimSpace(kind), media["schema"], object{"required": body["required"], "encoding": media["encoding"]}
}

// oldBody makes one body of the parameters of Swagger 2.0 that stand in it.
func (d *document) oldBody(op *operation, parameters []declaredParameter) (kind string, schema any, def object) {
	consumes := texts(op.def["consumes"])
	if op.def["consumes"] == nil {
		consumes = texts(d.root["consumes"])
	}
	fields, needed, encoding, file := object{}, []any{}, object{}, false
	for _, p := range parameters {
		switch p.in {
		case "body":
			return or(preferred(consumes), "application/json"), p.def["schema"], object{"required": p.def["required"]}
		case "formData":
			field := object{}
			for key, value := range p.def {
				if key != "in" && key != "name" && key != "required" && key != "collectionFormat" {
					field[key] = value
				}
			}
			if text(p.def["type"]) == "file" {
				field["type"], field["format"], file = "string", "binary", true
			}
			if truth(p.def["required"]) {
				needed = append(needed, p.name)
			}
			style, explode := collection(text(p.def["collectionFormat"]), "form")
			encoding[p.name] = object{"style": style, "explode": explode}
			fields[p.name] = field
		}
	}
	if len(fields) == 0 {
		return "", nil, nil
	}
	kind = "application/x-www-form-urlencoded"
	if file || !contains(consumes, kind) && contains(consumes, "multipart/form-data") {
		kind = "multipart/form-data"
	}
	return kind, object{"type": "object", "properties": fields, "required": needed}, object{"required": len(needed) > 0, "encoding": encoding}
}

// preferred answers the media type that is sent of those that a platform takes.
func preferred(kinds []string) string {
	for _, fits := range []func(string) bool{
		func(k string) bool { return strings.HasPrefix(k, "application/json") }, isJSONType,
		func(k string) bool { return strings.HasPrefix(k, "application/x-www-form-urlencoded") },
		func(k string) bool { return strings.HasPrefix(k, "multipart/") },
		func(k string) bool { return k == "*/*" },
		func(k string) bool { return strings.HasPrefix(k, "text/plain") },
	} {
		for _, kind := range kinds {
			if fits(strings.ToLower(strings.TrimSpace(kind))) {
				return kind
			}
		}
	}
	if len(kinds) > 0 {
		return kinds[0]
	}
	return ""
}

func bodyKind(kind string) string {
	lower := strings.ToLower(kind)
	switch {
	case isJSONType(lower) || lower == "*/*":
		return bodyJSON
	case strings.HasPrefix(lower, "application/x-www-form-urlencoded"):
		return bodyForm
	case strings.HasPrefix(lower, "multipart/"):
		return bodyMultipart
	case strings.HasPrefix(lower, "text/") || strings.Contains(lower, "xml") || strings.Contains(lower, "yaml") || strings.Contains(lower, "graphql"):
		return bodyText
	}
	return bodyBinary
}

// takesFiles says whether a call's files go into the body.
func (b *bodyPlan) takesFiles() bool {
	return b != nil && (b.Kind == bodyBinary || b.Kind == bodyMultipart)
}

// flat answers a form's schema as one object: its references followed, the members of allOf together.
func (d *document) flat(schema any) object {
	o := d.resolve(schema)
	members := list(o["allOf"])
	if len(members) == 0 {
		return o
	}
	properties, required := object{}, []any{}
	for _, member := range append([]any{object{"properties": o["properties"], "required": o["required"]}}, members...) {
		m := d.resolve(member)
		for name, p := range obj(m["properties"]) {
			properties[name] = p
		}
		required = append(required, list(m["required"])...)
	}
	return object{"type": "object", "properties": properties, "required": required}
}

// planFields says how a form's fields are written, and which are files.
func (d *document) planFields(plan *bodyPlan, schema, encoding object) {
	properties := obj(schema["properties"])
	for _, name := range keys(properties) {
		p := d.resolve(properties[name])
		items := d.resolve(p["items"])
		if plan.Kind == bodyMultipart && (binary(p) || binary(items)) {
			plan.Files = append(plan.Files, name)
			continue
		}
		e := obj(encoding[name])
		field := fieldPlan{Style: or(text(e["style"]), "form"), Explode: true}
		if v, ok := e["explode"]; ok {
			field.Explode = truth(v)
		}
		field.JSON = isJSONType(text(e["contentType"])) || plan.Kind == bodyMultipart && e["contentType"] == nil && (p["properties"] != nil || text(p["type"]) == "object")
		if field != (fieldPlan{Style: "form", Explode: true}) {
			if plan.Fields == nil {
				plan.Fields = map[string]fieldPlan{}
			}
			plan.Fields[name] = field
		}
	}
}

// binary says whether a field of a form is a file.
func binary(p object) bool {
	return text(p["format"]) == "binary" || text(p["type"]) == "file" || text(p["contentMediaType"]) == "application/octet-stream"
}

// without answers an object's schema without some properties.
func without(schema object, names []string) object {
	if len(names) == 0 {
		return schema
	}
	out, properties, required := object{}, object{}, []any{}
	for key, value := range schema {
		out[key] = value
	}
	for name, p := range obj(schema["properties"]) {
		if !contains(names, name) {
			properties[name] = p
		}
	}
	for _, name := range texts(schema["required"]) {
		if !contains(names, name) {
			required = append(required, name)
		}
	}
	out["properties"], out["required"] = properties, required
	return out
}
