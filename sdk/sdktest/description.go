package sdktest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// changed writes a changed copy of a description.
func changed(t testing.TB, file string, change func(map[string]any)) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("reading a description: %v", err)
	}
	var description map[string]any
	if err := yaml.Unmarshal(data, &description); err != nil { // JSON is YAML
		t.Fatalf("reading %s: %v", file, err)
	}
	change(description)
	if data, err = json.Marshal(description); err != nil {
		t.Fatalf("writing %s: %v", file, err)
	}
	copied := filepath.Join(t.TempDir(), "description.json")
	if err := os.WriteFile(copied, data, 0o600); err != nil {
		t.Fatalf("writing a description: %v", err)
	}
	return copied
}

// WholeAnswers changes a description so that the stand-in's answers hold every property that they may have. Schemas that requests use too
// are copied for the answers.
func WholeAnswers(description map[string]any) {
	components, _ := description["components"].(map[string]any) // what is not there has no answers
	schemas, _ := components["schemas"].(map[string]any)
	paths, _ := description["paths"].(map[string]any)
	for _, path := range paths {
		operations, _ := path.(map[string]any)
		for _, operation := range operations {
			fields, _ := operation.(map[string]any)
			requireAll(fields["responses"], schemas)
		}
	}
}

// requireAll makes every property below a value required, through references.
func requireAll(value any, schemas map[string]any) {
	switch v := value.(type) {
	case []any:
		for _, one := range v {
			requireAll(one, schemas)
		}
	case map[string]any:
		if name, ok := v["$ref"].(string); ok {
			v["$ref"] = wholeCopy(name, schemas)
			return
		}
		if properties, ok := v["properties"].(map[string]any); ok {
			var names []any
			for name := range properties {
				names = append(names, name)
			}
			v["required"] = names
		}
		for _, one := range v {
			requireAll(one, schemas)
		}
	}
}

// wholeCopy answers a reference to a copy of a schema in which everything is required.
func wholeCopy(reference string, schemas map[string]any) string {
	name, ours := strings.CutPrefix(reference, "#/components/schemas/")
	const suffix = "Whole"
	if !ours || strings.HasSuffix(name, suffix) {
		return reference
	}
	if schemas[name+suffix] == nil {
		var copied any
		encoded, err := json.Marshal(schemas[name])
		if err != nil || json.Unmarshal(encoded, &copied) != nil {
			return reference // it came out of JSON, so it does not fail
		}
		schemas[name+suffix] = copied
		requireAll(copied, schemas)
	}
	return reference + suffix
}
