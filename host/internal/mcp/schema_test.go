package mcp

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

func TestInputSchemaIsAnObject(t *testing.T) {
	for in, want := range map[string]string{
		`{"type":"object","properties":{"a":{}}}`: `{"type":"object","properties":{"a":{}}}`,
		`{"required":["a"]}`:                      `{"required":["a"],"type":"object"}`,
		`{"type":"string"}`:                       `{"type":"object"}`,
		`{"type":["object","null"]}`:              `{"type":"object"}`,
		`true`:                                    `{"type":"object"}`,
		`null`:                                    `{"type":"object"}`,
		``:                                        `{"type":"object"}`,
		`nonsense`:                                `{"type":"object"}`,
	} {
		if got := string(inputSchema(json.RawMessage(in))); got != want {
			t.Errorf("%s becomes %s", in, got)
		}
	}
}

func TestOutputSchemaTakesTheOutputOrAFile(t *testing.T) {
	for _, in := range []string{`true`, ``, `{"type":"array"}`, `{"type":"object","properties":{"a":{"$ref":"#/$defs/x"}},"$defs":{"x":{}}}`, `{"type":"object","$id":"urn:x"}`} {
		if got := outputSchema(json.RawMessage(in)); got != nil {
			t.Errorf("%s becomes %s", in, got)
		}
	}
	encoded := outputSchema(json.RawMessage(`{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}`))
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("urn:test", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("urn:test")
	if err != nil {
		t.Fatal(err)
	}
	for value, fits := range map[string]bool{`{"a":"x"}`: true, `{"output_file":"https://host/f","size":3}`: true, `{}`: false, `{"a":1}`: false, `[]`: false} {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(value)))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); (err == nil) != fits {
			t.Errorf("%s: %v", value, err)
		}
	}
}

func TestSchemasSayWhatPeopleSee(t *testing.T) {
	hidden := `{"type":"object","description":"a\u202eb","properties":{"description":{"type":"string","title":"x\n​y","enum":["​"]},"n":{"multipleOf":0.10000000000000000001,"anyOf":[{"description":"󠁁"}]}}}`
	want := `{"description":"ab","properties":{"description":{"enum":["​"],"title":"x y","type":"string"},"n":{"anyOf":[{"description":""}],"multipleOf":0.10000000000000000001}},"type":"object"}`
	if got := string(inputSchema(json.RawMessage(hidden))); got != want {
		t.Errorf("it becomes %s", got)
	}
	plain := json.RawMessage(`{ "type":"object", "b":1, "a":2 }`)
	if got := readable(plain); !bytes.Equal(got, plain) {
		t.Errorf("a plain one becomes %s", got)
	}
}
