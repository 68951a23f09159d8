package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/sdk/sdktest"
)

// discovery is one of Google's own descriptions of its APIs.
type discovery struct {
	ServicePath string                     `json:"servicePath"`
	Parameters  map[string]parameter       `json:"parameters"`
	Schemas     map[string]schema          `json:"schemas"`
	Resources   map[string]resource        `json:"resources"`
	Methods     map[string]describedMethod `json:"methods"`
}

type resource struct {
	Methods   map[string]describedMethod `json:"methods"`
	Resources map[string]resource        `json:"resources"`
}

type describedMethod struct {
	ID          string               `json:"id"`
	Path        string               `json:"path"`
	FlatPath    string               `json:"flatPath"`
	HTTPMethod  string               `json:"httpMethod"`
	Parameters  map[string]parameter `json:"parameters"`
	RawRequest  map[string]string    `json:"request"`
	Scopes      []string             `json:"scopes"`
	MediaUpload struct {
		Protocols map[string]struct {
			Path string `json:"path"`
		} `json:"protocols"`
	} `json:"mediaUpload"`
}

type parameter struct {
	Type     string   `json:"type"`
	Enum     []string `json:"enum"`
	Location string   `json:"location"`
	Required bool     `json:"required"`
	Repeated bool     `json:"repeated"`
}

type schema struct {
	Ref                  string            `json:"$ref"`
	Type                 string            `json:"type"`
	Format               string            `json:"format"`
	Enum                 []string          `json:"enum"`
	Properties           map[string]schema `json:"properties"`
	AdditionalProperties *schema           `json:"additionalProperties"`
	Items                *schema           `json:"items"`
}

func readDiscovery(t *testing.T, name string) *discovery {
	t.Helper()
	data, err := os.ReadFile(sdktest.Fixture(t, "specs/google-"+name+".discovery.json"))
	if err != nil {
		t.Fatal(err)
	}
	var d discovery
	if err := json.Unmarshal(data, &d); err != nil {
		t.Fatal(err)
	}
	return &d
}

// method finds the method that a request is of, and whether it came by its upload path.
func (d *discovery) method(r *http.Request) (*describedMethod, bool) {
	all := []describedMethod{}
	var walk func(resource)
	walk = func(r resource) {
		for _, m := range r.Methods {
			all = append(all, m)
		}
		for _, inner := range r.Resources {
			walk(inner)
		}
	}
	walk(resource{d.Methods, d.Resources})
	var best *describedMethod
	bestUpload, bestHoles, bestLength := false, 0, 0
	for i, m := range all {
		paths := map[string]bool{"/" + d.ServicePath + m.flat(): false}
		if p := m.MediaUpload.Protocols["simple"].Path; p != "" {
			paths[p] = true
		}
		for path, upload := range paths {
			holes := strings.Count(path, "{")
			if m.HTTPMethod == r.Method && matchesPath(path, r.URL.EscapedPath()) && (best == nil || holes < bestHoles || holes == bestHoles && len(path) > bestLength) {
				best, bestUpload, bestHoles, bestLength = &all[i], upload, holes, len(path)
			}
		}
	}
	return best, bestUpload
}

func (m describedMethod) flat() string {
	if m.FlatPath != "" {
		return m.FlatPath
	}
	return m.Path
}

// matchesPath says whether an escaped path is one of a template: each hole takes one segment, up to the verb that the template may have behind it.
func matchesPath(template, path string) bool {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		hole := strings.HasPrefix(want[i], "{")
		_, verb, _ := strings.Cut(want[i], "}")
		if hole && (!strings.HasSuffix(got[i], verb) || len(got[i]) == len(verb)) || !hole && want[i] != got[i] {
			return false
		}
	}
	return true
}

// complaints answers what the description does not have of a request.
func (d *discovery) complaints(m *describedMethod, upload bool, query url.Values, body []byte) (out []string) {
	for name, values := range query {
		p, ok := m.Parameters[name]
		if !ok {
			p, ok = d.Parameters[name]
		}
		switch {
		case !ok && !(upload && name == "uploadType"):
			out = append(out, m.ID+": no parameter "+name)
		case len(values) > 1 && !p.Repeated:
			out = append(out, m.ID+": "+name+" is not a list")
		case len(p.Enum) > 0 && name != "part" && !slices.Contains(p.Enum, values[0]):
			out = append(out, fmt.Sprintf("%s: %s is none of %s", m.ID, values[0], p.Enum))
		}
	}
	for name, p := range m.Parameters {
		if p.Required && p.Location == "query" && !query.Has(name) {
			out = append(out, m.ID+": "+name+" is missing")
		}
	}
	ref := m.RawRequest["$ref"]
	if len(body) == 0 || ref == "" {
		if len(body) > 0 {
			out = append(out, m.ID+": takes no body")
		}
		return out
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return append(out, m.ID+": the body is not JSON")
	}
	return append(out, d.objections(schema{Ref: ref}, value, m.ID)...)
}

// objections answers what of a value a schema does not have.
func (d *discovery) objections(s schema, value any, at string) (out []string) {
	if s.Ref != "" {
		s = d.Schemas[s.Ref]
	}
	wrong := func() []string { return append(out, fmt.Sprintf("%s: a %T is no %s", at, value, s.Type)) }
	switch v := value.(type) {
	case map[string]any:
		if s.Type != "object" && s.Type != "any" {
			return wrong()
		}
		for name, inner := range v {
			p, ok := s.Properties[name]
			switch {
			case ok:
				out = append(out, d.objections(p, inner, at+"."+name)...)
			case s.AdditionalProperties != nil:
				out = append(out, d.objections(*s.AdditionalProperties, inner, at+"."+name)...)
			case s.Type == "object":
				out = append(out, at+": no property "+name)
			}
		}
	case []any:
		if s.Type == "any" {
			return nil
		}
		if s.Type != "array" {
			return wrong()
		}
		for i, inner := range v {
			out = append(out, d.objections(*s.Items, inner, fmt.Sprintf("%s[%d]", at, i))...)
		}
	case string:
		if s.Type != "string" && s.Type != "any" {
			return wrong()
		}
		if len(s.Enum) > 0 && !slices.Contains(s.Enum, v) {
			out = append(out, fmt.Sprintf("%s: %q is none of %s", at, v, s.Enum))
		}
	case float64:
		if s.Type != "integer" && s.Type != "number" && s.Type != "any" {
			return wrong()
		}
	case bool:
		if s.Type != "boolean" && s.Type != "any" {
			return wrong()
		}
	}
	return out
}
