package workflow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/patchbay/patchbay/host/internal/catalog"
)

// check compares a document with the platforms that its nodes use, as far as that is known before it runs.
func (s *Service) check(ctx context.Context, user, name string, doc *Document, bound map[string]Binding) error {
	operations := map[string]*catalog.Operation{}
	for _, n := range doc.nodes {
		if n.operation == "" {
			continue
		}
		platform, _, err := s.cfg.Catalog.Platform(bound[n.reference()].Platform)
		if err != nil {
			return &lineError{n.line, "/nodes/" + n.name, fmt.Sprintf("the node %s: %v", n.name, err)}
		}
		if operations[n.name] = platform.Operation(n.operation); operations[n.name] == nil {
			return &lineError{n.line, "/nodes/" + n.name + "/operation", fmt.Sprintf("the node %s: %s has no operation %q", n.name, platform.Name, clip(n.operation))}
		}
	}
	for _, n := range doc.nodes {
		if op := operations[n.name]; op != nil {
			if err := checkInput(n, op, doc, operations); err != nil {
				return err
			}
		}
		if n.child != "" && n.child != name {
			if _, err := s.store.Workflow(ctx, user, n.child); errors.Is(err, ErrNotFound) {
				return &lineError{n.line, "/nodes/" + n.name + "/workflow", fmt.Sprintf("the node %s: you have no workflow %q", n.name, clip(n.child))}
			} else if err != nil {
				return fmt.Errorf("reading a workflow: %w", err)
			}
		}
	}
	return nil
}

// checkInput checks the input of a node against the operation's schema: what stands there as it is, what is missing, and the types of
// expressions where they are known.
func checkInput(n *node, op *catalog.Operation, doc *Document, operations map[string]*catalog.Operation) error {
	if n.input.kind != objectOf {
		return nil // one expression: it is checked when it runs
	}
	unknown := map[string]*template{}
	sample := sampleOf(&n.input, "", unknown)
	raw, err := encode(sample)
	if err != nil {
		return fmt.Errorf("encoding an input: %w", err)
	}
	var f *catalog.Failure
	if err := op.CheckInput(raw); errors.As(err, &f) {
		for _, v := range f.Violations {
			if !below(v.Pointer, unknown) {
				at := n.input.at(v.Pointer)
				return &lineError{at.line, "/nodes/" + n.name + "/input" + v.Pointer, fmt.Sprintf("the input of %s does not fit %s: %s %s", n.name, op.Name, orInput(v.Pointer), v.Detail)}
			}
		}
	}
	for pointer, t := range unknown {
		want := typesAt(op.InputSchema, strings.Split(strings.TrimPrefix(pointer, "/"), "/"))
		got := typesOf(t, doc, operations)
		if len(want) > 0 && len(got) > 0 && !fits(got, want) {
			return &lineError{t.line, "/nodes/" + n.name + "/input" + pointer, fmt.Sprintf("the input of %s does not fit %s: %s gives %s where %s is wanted",
				n.name, op.Name, pointer, strings.Join(got, " or "), strings.Join(want, " or "))}
		}
	}
	return nil
}

func orInput(pointer string) string {
	if pointer == "" {
		return "the input"
	}
	return pointer
}

// sampleOf answers the template with nulls where nothing is known, and notes where those are.
func sampleOf(t *template, pointer string, unknown map[string]*template) any {
	switch t.kind {
	case plainValue:
		return t.plain
	case listOf:
		out := make([]any, 0, len(t.list))
		for i := range t.list {
			out = append(out, sampleOf(&t.list[i], fmt.Sprintf("%s/%d", pointer, i), unknown))
		}
		return out
	case objectOf:
		out := map[string]any{}
		for i, key := range t.keys {
			out[key] = sampleOf(&t.values[i], pointer+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(key), unknown)
		}
		return out
	}
	unknown[pointer] = t
	return nil
}

// below says whether a violation may be the fault of what is not known yet: it is at such a value, or at something that holds one, but for
// what is certainly missing or too much.
func below(pointer string, unknown map[string]*template) bool {
	for at := range unknown {
		if pointer == at || strings.HasPrefix(pointer, at+"/") {
			return true
		}
	}
	return false
}

// at answers the part of the template that a pointer names, or the deepest part above it.
func (t *template) at(pointer string) *template {
	for step := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
		i := slices.Index(t.keys, step)
		if i < 0 {
			return t
		}
		t = &t.values[i]
	}
	return t
}

// schema is what is read of a JSON Schema here.
type schema struct {
	Type       any                        `json:"type"`
	Properties map[string]json.RawMessage `json:"properties"`
	Ref        string                     `json:"$ref"`
	AnyOf      []json.RawMessage          `json:"anyOf"`
	OneOf      []json.RawMessage          `json:"oneOf"`
}

// typesAt answers the JSON types that a schema wants at a path, or nil where that is not plain.
func typesAt(raw json.RawMessage, path []string) []string {
	for _, step := range path {
		var s schema
		if json.Unmarshal(raw, &s) != nil || s.Ref != "" || len(s.AnyOf)+len(s.OneOf) > 0 {
			return nil
		}
		next, ok := s.Properties[strings.NewReplacer("~1", "/", "~0", "~").Replace(step)]
		if !ok {
			return nil
		}
		raw = next
	}
	var s schema
	if json.Unmarshal(raw, &s) != nil {
		return nil
	}
	switch t := s.Type.(type) {
	case string:
		return []string{t}
	case []any:
		var out []string
		for _, one := range t {
			if name, ok := one.(string); ok {
				out = append(out, name)
			}
		}
		return out
	}
	return nil
}

// typesOf answers the JSON types that an expression can give, or nil where they are not known.
func typesOf(t *template, doc *Document, operations map[string]*catalog.Operation) []string {
	if t.kind == mixedText {
		return []string{"string"}
	}
	e := t.whole
	if len(e.path) > 0 {
		from := doc.byName[e.nodes[0]]
		if op := operations[e.nodes[0]]; op != nil && from.forEach == nil {
			return typesAt(op.OutputSchema, e.path)
		}
		return nil
	}
	if name := e.typeName(); name != "" {
		return []string{name}
	}
	return nil
}

// fits says whether one of the types that are given is one of those that are wanted.
func fits(got, want []string) bool {
	for _, g := range got {
		for _, w := range want {
			if g == w || (g == "integer" && w == "number") || (g == "number" && w == "integer") {
				return true
			}
		}
	}
	return false
}
