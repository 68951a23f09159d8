package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// inputChecker compiles an operation's input schema when it is first needed.
type inputChecker struct {
	compile func() (*jsonschema.Schema, error)
}

func newInputChecker(platform string, op *Operation) *inputChecker {
	return &inputChecker{compile: sync.OnceValues(func() (*jsonschema.Schema, error) {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(op.InputSchema))
		if err != nil {
			return nil, fmt.Errorf("reading the input schema of %s.%s: %w", platform, op.Name, err)
		}
		c := jsonschema.NewCompiler()
		c.DefaultDraft(jsonschema.Draft2020)
		c.UseLoader(noLoader{}) // a schema from an adapter must not make the host read files or URLs
		url := "urn:patchbay:" + platform + ":" + op.Name
		if err := c.AddResource(url, doc); err != nil {
			return nil, fmt.Errorf("adding the input schema of %s.%s: %w", platform, op.Name, err)
		}
		return c.Compile(url)
	})}
}

type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("the schema refers to %s, which is outside of it", url)
}

// CheckSchema says whether an operation's input schema compiles.
func (op *Operation) CheckSchema() error {
	if op.input == nil {
		op.input = newInputChecker("", op)
	}
	_, err := op.input.compile()
	return err
}

// CheckInput checks an input against the operation's schema and answers a Failure of kind validation_failed with everything
// that is wrong, each with its JSON Pointer.
func (op *Operation) CheckInput(input []byte) error {
	schema, err := op.input.compile()
	if err != nil {
		return &Failure{Kind: AdapterBug, Message: "The operation's input schema is not valid; its adapter must be mended."}
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(input))
	if err != nil {
		return &Failure{Kind: ValidationFailed, Message: "The input is not JSON.", Violations: []Violation{{"", "not JSON"}}}
	}
	var invalid *jsonschema.ValidationError
	if err := schema.Validate(value); errors.As(err, &invalid) {
		violations := collect(invalid, nil)
		return &Failure{Kind: ValidationFailed, Violations: violations,
			Message: fmt.Sprintf("The input does not fit the schema of %s: %s.", op.Name, summary(violations))}
	} else if err != nil {
		return &Failure{Kind: ValidationFailed, Message: "The input cannot be checked against the operation's schema."}
	}
	return nil
}

var printer = message.NewPrinter(language.English)

// collect answers the leaves of a validation error: what really is wrong.
func collect(e *jsonschema.ValidationError, out []Violation) []Violation {
	if len(out) >= 100 {
		return out
	}
	if len(e.Causes) == 0 {
		v := Violation{Pointer: pointer(e.InstanceLocation), Detail: clipText(e.ErrorKind.LocalizedString(printer))}
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
		return out
	}
	for _, cause := range e.Causes {
		out = collect(cause, out)
	}
	return out
}

func pointer(path []string) string {
	var b strings.Builder
	for _, part := range path {
		b.WriteByte('/')
		b.WriteString(strings.NewReplacer("~", "~0", "/", "~1").Replace(part))
	}
	return b.String()
}

func clipText(s string) string {
	if len(s) > 200 {
		return strings.ToValidUTF8(s[:200], "") + "…"
	}
	return s
}

// summary names the first few violations in a sentence.
func summary(violations []Violation) string {
	var parts []string
	for _, v := range violations[:min(3, len(violations))] {
		where := v.Pointer
		if where == "" {
			where = "the input"
		}
		parts = append(parts, where+": "+v.Detail)
	}
	if more := len(violations) - len(parts); more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, "; ")
}
