package sdk

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// anyJSON are the types that stand for any JSON value.
var anyJSON = &jsonschema.ForOptions{TypeSchemas: map[reflect.Type]*jsonschema.Schema{
	reflect.TypeFor[json.RawMessage](): {},
}}

// inputSchema infers an object schema without nulls: a value that is not given is left out.
func inputSchema(t reflect.Type) (*jsonschema.Schema, error) {
	if t.Kind() != reflect.Struct && t.Kind() != reflect.Map {
		return nil, fmt.Errorf("the input type %s is not a struct", t)
	}
	s, err := jsonschema.ForType(t, anyJSON)
	if err != nil {
		return nil, fmt.Errorf("inferring the input schema of %s: %w", t, err)
	}
	dropNull(s)
	if err := refine(s, t); err != nil {
		return nil, err
	}
	return s, usable(s)
}

// outputSchema infers the schema of an answer.
func outputSchema(t reflect.Type) (*jsonschema.Schema, error) {
	s, err := jsonschema.ForType(t, anyJSON)
	if err != nil {
		return nil, fmt.Errorf("inferring the output schema of %s: %w", t, err)
	}
	if err := refine(s, t); err != nil {
		return nil, err
	}
	return s, usable(s)
}

// usable says whether a schema compiles and its defaults fit it: what tags say may be wrong.
func usable(s *jsonschema.Schema) error {
	encoded, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encoding the schema: %w", err)
	}
	again := &jsonschema.Schema{} // Resolve keeps the one that it is given
	if err := json.Unmarshal(encoded, again); err != nil {
		return fmt.Errorf("reading the schema back: %w", err)
	}
	if _, err := again.Resolve(&jsonschema.ResolveOptions{ValidateDefaults: true}); err != nil {
		return fmt.Errorf("compiling the schema: %w", err)
	}
	return nil
}

// dropNull removes "null" from every type of a schema tree.
func dropNull(s *jsonschema.Schema) {
	if s == nil {
		return
	}
	if i := slices.Index(s.Types, "null"); i >= 0 {
		s.Types = slices.Delete(slices.Clone(s.Types), i, i+1)
		if len(s.Types) == 1 {
			s.Type, s.Types = s.Types[0], nil
		}
	}
	for _, p := range s.Properties {
		dropNull(p)
	}
	dropNull(s.Items)
	dropNull(s.AdditionalProperties)
}

// refine walks a type beside its schema and adds what the field tags say.
func refine(s *jsonschema.Schema, t reflect.Type) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Struct:
		return refineFields(s, t)
	case reflect.Slice, reflect.Array:
		if s.Items != nil {
			return refine(s.Items, t.Elem())
		}
	case reflect.Map:
		if s.AdditionalProperties != nil {
			return refine(s.AdditionalProperties, t.Elem())
		}
	}
	return nil
}

func refineFields(s *jsonschema.Schema, t reflect.Type) error {
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous && name == "" {
			if err := refine(s, field.Type); err != nil {
				return err
			}
			continue
		}
		if name == "" {
			name = field.Name
		}
		property := s.Properties[name]
		if property == nil {
			continue
		}
		if err := applyTags(property, field.Tag); err != nil {
			return fmt.Errorf("tags of field %s of %s: %w", field.Name, t, err)
		}
		if err := refine(property, field.Type); err != nil {
			return err
		}
	}
	return nil
}

// applyTags adds one field's constraints. An enum on a list constrains its items.
func applyTags(s *jsonschema.Schema, tag reflect.StructTag) error {
	if values, ok := tag.Lookup("enum"); ok {
		target := s
		if s.Items != nil {
			target = s.Items
		}
		for v := range strings.SplitSeq(values, ",") {
			value, err := constant(target, v)
			if err != nil {
				return err
			}
			target.Enum = append(target.Enum, value)
		}
	}
	if v, ok := tag.Lookup("default"); ok {
		value, err := constant(s, v)
		if err != nil {
			return err
		}
		s.Default, err = json.Marshal(value)
		if err != nil {
			return err
		}
	}
	s.Pattern, s.Format = tag.Get("pattern"), orString(tag.Get("format"), s.Format)
	return applyNumbers(s, tag)
}

func applyNumbers(s *jsonschema.Schema, tag reflect.StructTag) error {
	for name, target := range map[string]**float64{"minimum": &s.Minimum, "maximum": &s.Maximum} {
		if v, ok := tag.Lookup(name); ok {
			n, err := strconv.ParseFloat(v, 64)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			*target = &n
		}
	}
	for name, target := range map[string]**int{"minLength": &s.MinLength, "maxLength": &s.MaxLength, "minItems": &s.MinItems, "maxItems": &s.MaxItems} {
		if v, ok := tag.Lookup(name); ok {
			n, err := strconv.Atoi(v)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			*target = &n
		}
	}
	return nil
}

// constant reads a tag's value as the JSON type that the schema names.
func constant(s *jsonschema.Schema, v string) (any, error) {
	kind := s.Type
	if kind == "" && len(s.Types) > 0 {
		kind = s.Types[len(s.Types)-1]
	}
	switch kind {
	case "integer":
		return strconv.ParseInt(v, 10, 64)
	case "number":
		return strconv.ParseFloat(v, 64)
	case "boolean":
		return strconv.ParseBool(v)
	}
	return v, nil
}

func orString(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
