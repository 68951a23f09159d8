package sdk_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
	"github.com/patchbay/patchbay/sdk"
)

type paging struct {
	Cursor string `json:"cursor,omitempty"`
}

type address struct {
	Street string `json:"street" minLength:"1"`
}

type everything struct {
	paging
	Text     string             `json:"text" jsonschema:"what to say" minLength:"1" maxLength:"9" pattern:"^a" format:"uri"`
	Colour   string             `json:"colour,omitempty" enum:"red,green" default:"red"`
	Number   *int               `json:"number,omitempty" minimum:"-1" maximum:"5" default:"3" enum:"3,5"`
	Ratio    float64            `json:"ratio,omitempty" default:"0.5"`
	Flag     bool               `json:"flag,omitempty" default:"true"`
	Colours  []string           `json:"colours,omitempty" enum:"red,green" minItems:"1" maxItems:"2"`
	Place    address            `json:"place"`
	Places   []*address         `json:"places,omitempty"`
	Named    map[string]address `json:"named,omitempty"`
	Raw      json.RawMessage    `json:"raw,omitempty" jsonschema:"anything"`
	Other    json.RawMessage    `json:"other,omitempty"`
	Any      any                `json:"any,omitempty"`
	When     time.Time          `json:"when,omitzero"`
	Hidden   string             `json:"-"`
	Plain    string
	internal string
}

const everythingSchema = `{"type":"object","additionalProperties":false,"required":["text","place","Plain"],"properties":{
	"cursor":{"type":"string"},
	"text":{"type":"string","description":"what to say","minLength":1,"maxLength":9,"pattern":"^a","format":"uri"},
	"colour":{"type":"string","enum":["red","green"],"default":"red"},
	"number":{"type":"integer","minimum":-1,"maximum":5,"default":3,"enum":[3,5]},
	"ratio":{"type":"number","default":0.5},
	"flag":{"type":"boolean","default":true},
	"colours":{"type":"array","minItems":1,"maxItems":2,"items":{"type":"string","enum":["red","green"]}},
	"place":{"type":"object","additionalProperties":false,"required":["street"],"properties":{"street":{"type":"string","minLength":1}}},
	"places":{"type":"array","items":{"type":"object","additionalProperties":false,"required":["street"],"properties":{"street":{"type":"string","minLength":1}}}},
	"named":{"type":"object","additionalProperties":{"type":"object","additionalProperties":false,"required":["street"],"properties":{"street":{"type":"string","minLength":1}}}},
	"raw":{"description":"anything"},
	"other":true,
	"any":true,
	"when":{"type":"string"},
	"Plain":{"type":"string"}}}`

// schemaOf answers the input schema of a function as the host gets it.
func schemaOf[In any](t *testing.T) (any, error) {
	t.Helper()
	p := platform(nil)
	p.Operations[0].Run = sdk.Func(func(context.Context, *sdk.Call, In) (sdk.None, error) { return sdk.None{}, nil })
	s, err := sdk.NewServer(adapter(p))
	if err != nil {
		return nil, err
	}
	m, err := s.Schema(t.Context(), &adapterv1.SchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(m.GetPlatforms()[0].GetOperations()[0].GetInputSchema(), &out); err != nil {
		t.Fatal(err)
	}
	return out, nil
}

func TestSchemaOfTags(t *testing.T) {
	_ = everything{internal: ""}
	got, err := schemaOf[everything](t)
	if err != nil {
		t.Fatal(err)
	}
	var want any
	if err := json.Unmarshal([]byte(everythingSchema), &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the schema (-want +got):\n%s", diff)
	}
	got, err = schemaOf[sdk.None](t)
	if diff := cmp.Diff(map[string]any{"type": "object", "additionalProperties": false}, got); diff != "" || err != nil {
		t.Errorf("of nothing: %v (-want +got):\n%s", err, diff)
	}
}

// A tag that cannot be meant is told when the adapter starts, not when a call comes.
func TestBadTags(t *testing.T) {
	for name, c := range map[string]struct {
		schema func(*testing.T) (any, error)
		want   string
	}{
		"minimum": {schemaOf[struct {
			A int `minimum:"one"`
		}], "minimum"},
		"maxLength": {schemaOf[struct {
			A string `maxLength:"1.5"`
		}], "maxLength"},
		"pattern": {schemaOf[struct {
			A string `pattern:"("`
		}], "pattern"},
		"default of a kind": {schemaOf[struct {
			A int `default:"x"`
		}], "field A"},
		"default not in enum": {schemaOf[struct {
			A string `enum:"a,b" default:"c"`
		}], "enum: c"},
		"default too large": {schemaOf[struct {
			A int `maximum:"5" default:"6"`
		}], "maximum"},
		"enum of a kind": {schemaOf[struct {
			A int `enum:"a"`
		}], "field A"},
		"not a struct": {schemaOf[string], "not a struct"},
		"a channel":    {schemaOf[struct{ A chan int }], "input schema"},
		"endless":      {schemaOf[endless], "input schema"},
		"nested": {schemaOf[struct {
			A []struct {
				B int `minimum:"x"`
			}
		}], "field B"},
	} {
		if _, err := c.schema(t); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

type endless struct{ Next *endless }
