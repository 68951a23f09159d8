package catalog

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
)

func operation(t testing.TB, schema string) *Operation {
	t.Helper()
	op := &Operation{Name: "op", InputSchema: json.RawMessage(schema)}
	if err := op.CheckSchema(); err != nil {
		t.Fatal(err)
	}
	return op
}

func TestCheckInputTellsEverything(t *testing.T) {
	op := operation(t, `{"type":"object","required":["a"],"additionalProperties":false,"properties":{"a":{"type":"string"},
		"b":{"type":"array","items":{"type":"integer"}},"c/d":{"enum":["x","y"]}}}`)
	err := op.CheckInput([]byte(`{"b":[1,"two"],"c/d":"z","e":1}`))
	var f *Failure
	if !errors.As(err, &f) || f.Kind != ValidationFailed {
		t.Fatalf("the error is %v", err)
	}
	var pointers []string
	for _, v := range f.Violations {
		pointers = append(pointers, v.Pointer)
	}
	slices.Sort(pointers)
	if want := []string{"", "", "/b/1", "/c~1d"}; !slices.Equal(pointers, want) {
		t.Errorf("the violations are at %q, want %q: %+v", pointers, want, f.Violations)
	}
	if err := op.CheckInput([]byte(`{"a":"x","b":[1],"c/d":"y"}`)); err != nil {
		t.Errorf("a valid input answers %v", err)
	}
}

// A schema is an adapter's: it must not make the host read files or addresses.
func TestSchemaLoadsNothing(t *testing.T) {
	for _, ref := range []string{"file:///etc/passwd", "http://127.0.0.1:1/x", "https://example.com/schema"} {
		op := &Operation{Name: "op", InputSchema: json.RawMessage(`{"$ref":"` + ref + `"}`)}
		if err := op.CheckSchema(); err == nil || !strings.Contains(err.Error(), "outside of it") {
			t.Errorf("a schema that refers to %s answers %v", ref, err)
		}
	}
}

func FuzzCheckInput(f *testing.F) {
	op := operation(f, `{"type":"object","properties":{"a":{"type":"string","pattern":"^x+$"},"b":{"type":"array","items":{"type":"number","maximum":5}}}}`)
	for _, seed := range []string{`{}`, `{"a":"xx","b":[1,2]}`, `[`, `{"a":1e999}`, "\xff", `{"b":[6,7,8,9,"x"]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		if err := op.CheckInput(input); err != nil {
			var failure *Failure
			if !errors.As(err, &failure) {
				t.Errorf("the error is no failure: %v", err)
			}
		}
	})
}
