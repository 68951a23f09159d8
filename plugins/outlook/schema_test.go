package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/sdk/sdktest"
)

// graphSchema is as much of Microsoft's description as says what a body may hold. The mock server looks at the types of its outermost
// properties alone: that the description lets null stand for an object lets it take any object.
type graphSchema struct {
	Ref        string                 `json:"$ref"`
	Type       string                 `json:"type"`
	Enum       []string               `json:"enum"`
	AllOf      []graphSchema          `json:"allOf"`
	AnyOf      []graphSchema          `json:"anyOf"`
	Items      *graphSchema           `json:"items"`
	Properties map[string]graphSchema `json:"properties"`
}

type graphSchemas map[string]graphSchema

func readSchemas(t *testing.T) graphSchemas {
	t.Helper()
	data, err := os.ReadFile(sdktest.Fixture(t, "specs/outlook-graph-slice.json"))
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Components struct {
			Schemas graphSchemas `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(data, &document); err != nil {
		t.Fatal(err)
	}
	return document.Components.Schemas
}

// plain answers a schema with its references followed and its parts put together.
func (all graphSchemas) plain(s graphSchema) graphSchema {
	if s.Ref != "" {
		return all.plain(all[strings.TrimPrefix(s.Ref, "#/components/schemas/")])
	}
	if len(s.AnyOf) > 0 {
		return all.plain(s.AnyOf[0]) // the others are null
	}
	out := graphSchema{Type: s.Type, Enum: s.Enum, Items: s.Items, Properties: map[string]graphSchema{}}
	for _, part := range append(slices.Clone(s.AllOf), graphSchema{Properties: s.Properties, Type: s.Type}) {
		if len(s.AllOf) > 0 && part.Properties == nil || part.Ref != "" {
			part = all.plain(part)
		}
		for name, p := range part.Properties {
			out.Properties[name] = p
		}
		if out.Type == "" {
			out.Type = part.Type
		}
	}
	return out
}

// objections answers what of a value a schema does not have.
func (all graphSchemas) objections(s graphSchema, value any, at string) (out []string) {
	s = all.plain(s)
	switch v := value.(type) {
	case map[string]any:
		kind, _ := v["@odata.type"].(string)
		if named, ok := all[strings.TrimPrefix(kind, "#")]; ok {
			s = all.plain(named)
		}
		for name, inner := range v {
			p, ok := s.Properties[name]
			// The part of the description that is at hand lacks the attachments that are files, and these have contentBytes.
			if !ok && !strings.HasPrefix(name, "@") && !(name == "contentBytes" && kind == "#microsoft.graph.fileAttachment") {
				out = append(out, at+": no property "+name)
			}
			if ok {
				out = append(out, all.objections(p, inner, at+"."+name)...)
			}
		}
	case []any:
		if s.Type != "array" || s.Items == nil {
			return append(out, at+": it is no list")
		}
		for i, inner := range v {
			out = append(out, all.objections(*s.Items, inner, fmt.Sprintf("%s[%d]", at, i))...)
		}
	case string:
		if s.Type != "string" && s.Type != "" || len(s.Enum) > 0 && !slices.Contains(s.Enum, v) {
			out = append(out, fmt.Sprintf("%s: %q is no %s %v", at, v, s.Type, s.Enum))
		}
	case bool:
		if s.Type != "boolean" {
			out = append(out, at+": it is no boolean")
		}
	case float64:
		if s.Type != "integer" && s.Type != "number" {
			out = append(out, at+": it is no number")
		}
	}
	return out
}

// bodyOf answers the schema of the bodies at a path, "" where there is none of a thing.
func bodyOf(path string) string {
	for part, name := range map[string]string{"/me/messages": "message", "/me/events": "event", "/me/contacts": "contact", "/me/mailFolders": "mailFolder"} {
		if rest, ok := strings.CutPrefix(path, part); ok && strings.Count(rest, "/") <= 1 {
			return "microsoft.graph." + name
		}
	}
	if strings.HasSuffix(path, "/attachments") {
		return "microsoft.graph.attachment"
	}
	return ""
}

// check holds the body of a request against the description.
func (all graphSchemas) check(path string, body []byte) []string {
	var value map[string]any
	if len(body) == 0 || json.Unmarshal(body, &value) != nil {
		return nil
	}
	if strings.HasSuffix(path, "/sendMail") {
		return all.objections(graphSchema{Ref: "#/components/schemas/microsoft.graph.message"}, value["message"], "message")
	}
	if name := bodyOf(path); name != "" {
		return all.objections(graphSchema{Ref: "#/components/schemas/" + name}, value, name)
	}
	if people, ok := value["toRecipients"]; ok {
		return all.objections(graphSchema{Type: "array", Items: &graphSchema{Ref: "#/components/schemas/microsoft.graph.recipient"}}, people, "toRecipients")
	}
	return nil
}

func TestSchemasObject(t *testing.T) {
	all := readSchemas(t)
	for body, want := range map[string]string{
		`{"colour":1}`: "no property colour", `{"isRead":"yes"}`: "isRead", `{"toRecipients":[{"emailAddress":{"address":7}}]}`: "toRecipients[0].emailAddress.address",
		`{"flag":{"flagStatus":"red"}}`: "flagStatus", `{"body":{"contentType":"markdown"}}`: "contentType", `{"attachments":[{"@odata.type":"#microsoft.graph.fileAttachment","bytes":"x"}]}`: "no property bytes",
	} {
		if got := strings.Join(all.check("/me/messages", []byte(body)), "\n"); !strings.Contains(got, want) {
			t.Errorf("%s: want an objection to %s, got %q", body, want, got)
		}
	}
}
