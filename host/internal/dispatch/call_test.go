package dispatch

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/patchbay/patchbay/host/internal/file"
)

func TestAnswerJSONSaysWhatItsFieldsSay(t *testing.T) {
	for name, a := range map[string]Answer{
		"empty":   {},
		"plain":   {ID: "call_1", Output: json.RawMessage(`{"ok":true}`), Files: []file.File{}, Attempts: 1, DurationMS: 1.5, Usage: map[string]float64{"tokens": 3}},
		"pretty":  {ID: "call_2", Output: json.RawMessage(" {\n\t\"a\" : \"<&>\u2028\" } ")},
		"tricky":  {ID: "call_3", Output: json.RawMessage(`{"output":null,"id":"\"output\":null"}`), OutputFile: "file_1"},
		"a file":  {ID: "call_4", Output: json.RawMessage("null"), Files: []file.File{{Name: `"output":null`}}},
		"a quote": {ID: `"output":null`, Output: json.RawMessage(`"x"`)},
	} {
		got, err := a.JSON()
		if err != nil {
			t.Fatal(err)
		}
		want, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(decoded(t, want), decoded(t, got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if !bytes.HasSuffix(got, []byte("}\n")) || !bytes.HasPrefix(got, []byte(`{"id":`)) {
			t.Errorf("%s is %q", name, got)
		}
	}
}

func decoded(t *testing.T, encoded []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(encoded, &v); err != nil {
		t.Fatalf("%q: %v", encoded, err)
	}
	return v
}
