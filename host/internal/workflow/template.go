package workflow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// template is a value of a document, with expressions in it. The zero template is null.
type template struct {
	line  int
	plain any         // a value without expressions
	whole *expression // a text that is one expression: it keeps the type of what that gives
	parts []piece     // a text with expressions in it
	list  []template
	// keys and values of an object.
	keys   []string
	values []template
	kind   templateKind
}

type templateKind int

const (
	plainValue templateKind = iota
	wholeExpression
	mixedText
	listOf
	objectOf
)

// piece is a part of a text: literal, or an expression.
type piece struct {
	text string
	expr *expression
}

// lineError says at which line of a document something is wrong.
type lineError struct {
	line   int
	where  string // a JSON Pointer
	detail string
}

func (e *lineError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.detail) }

func wrong(at *yaml.Node, where, format string, args ...any) error {
	line := 1
	if at != nil && at.Line > 0 {
		line = at.Line
	}
	return &lineError{line, where, fmt.Sprintf(format, args...)}
}

// newTemplate reads a value of a document.
func newTemplate(n *yaml.Node, where string) (template, error) {
	t := template{line: n.Line}
	switch n.Kind {
	case yaml.SequenceNode:
		t.kind = listOf
		for i, child := range n.Content {
			c, err := newTemplate(child, fmt.Sprintf("%s/%d", where, i))
			if err != nil {
				return t, err
			}
			t.list = append(t.list, c)
		}
	case yaml.MappingNode:
		t.kind = objectOf
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i].Value
			if n.Content[i].Kind != yaml.ScalarNode || slices.Contains(t.keys, key) {
				return t, wrong(n.Content[i], where, "the key %q is no text or stands here twice", clip(key))
			}
			c, err := newTemplate(n.Content[i+1], where+"/"+key)
			if err != nil {
				return t, err
			}
			t.keys, t.values = append(t.keys, key), append(t.values, c)
		}
	case yaml.ScalarNode:
		return newScalar(n, where)
	default:
		return t, wrong(n, where, "aliases and anchors are not taken")
	}
	return t, nil
}

func newScalar(n *yaml.Node, where string) (template, error) {
	t := template{line: n.Line}
	if n.ShortTag() == "!!str" || strings.Contains(n.Value, "${{") {
		return newText(n, where)
	}
	var v any
	if err := n.Decode(&v); err != nil {
		return t, wrong(n, where, "the value cannot be read")
	}
	switch v := v.(type) {
	case nil, bool, float64:
		t.plain = v
	case int:
		t.plain = int64(v)
	case int64:
		t.plain = v
	case uint64:
		t.plain = v
	default: // a date: JSON has none, so it is the text that stands there
		t.plain = n.Value
	}
	return t, nil
}

// newText reads a text with expressions between ${{ and }}.
func newText(n *yaml.Node, where string) (template, error) {
	t := template{line: n.Line}
	parts, err := pieces(n.Value)
	if err != nil {
		return t, wrong(n, where, "%v", err)
	}
	switch {
	case len(parts) == 0:
		t.plain = ""
	case len(parts) == 1 && parts[0].expr == nil:
		t.plain = parts[0].text
	case len(parts) == 1:
		t.kind, t.whole = wholeExpression, parts[0].expr
	default:
		t.kind, t.parts = mixedText, parts
	}
	return t, nil
}

func pieces(text string) ([]piece, error) {
	var out []piece
	for text != "" {
		before, after, found := strings.Cut(text, "${{")
		if before != "" {
			out = append(out, piece{text: before})
		}
		if !found {
			break
		}
		end := endOf(after)
		if end < 0 {
			return nil, errors.New("an expression begins with ${{ and does not end with }}")
		}
		e, err := compile(strings.TrimSpace(after[:end]))
		if err != nil {
			return nil, err
		}
		out = append(out, piece{expr: e})
		text = after[end+2:]
	}
	// A whole expression may stand with spaces around it, as YAML's block texts have.
	if trimmed := slices.DeleteFunc(slices.Clone(out), func(p piece) bool { return p.expr == nil && strings.TrimSpace(p.text) == "" }); len(trimmed) == 1 && trimmed[0].expr != nil {
		return trimmed, nil
	}
	return out, nil
}

// endOf finds the }} that ends an expression: not within quotes, and not while a brace is open.
func endOf(s string) int {
	open := 0
	var quote byte
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote != 0 && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '{':
			open++
		case c == '}' && open > 0:
			open--
		case c == '}' && i+1 < len(s) && s[i+1] == '}':
			return i
		}
	}
	return -1
}

// expressions calls f for each expression.
func (t *template) expressions(f func(*template, *expression)) {
	if t.whole != nil {
		f(t, t.whole)
	}
	for _, p := range t.parts {
		if p.expr != nil {
			f(t, p.expr)
		}
	}
	for i := range t.list {
		t.list[i].expressions(f)
	}
	for i := range t.values {
		t.values[i].expressions(f)
	}
}

// fill evaluates the template.
func (t *template) fill(ctx context.Context, variables map[string]any) (any, error) {
	switch t.kind {
	case wholeExpression:
		return t.whole.eval(ctx, variables)
	case mixedText:
		return t.fillText(ctx, variables)
	case listOf:
		out := make([]any, 0, len(t.list))
		for i := range t.list {
			v, err := t.list[i].fill(ctx, variables)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	case objectOf:
		out := make(map[string]any, len(t.keys))
		for i, key := range t.keys {
			v, err := t.values[i].fill(ctx, variables)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", clip(key), err)
			}
			out[key] = v
		}
		return out, nil
	}
	return t.plain, nil
}

func (t *template) fillText(ctx context.Context, variables map[string]any) (any, error) {
	var b strings.Builder
	for _, p := range t.parts {
		text := p.text
		if p.expr != nil {
			v, err := p.expr.eval(ctx, variables)
			if err != nil {
				return nil, err
			}
			if text, err = inText(v); err != nil {
				return nil, err
			}
		}
		if b.WriteString(text); b.Len() > maxValue {
			return nil, errTooLarge
		}
	}
	return b.String(), nil
}
