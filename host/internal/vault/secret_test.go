package vault

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

const plain = "Zq9-hunter2-Xw7"

// leaks says in which form out shows the secret.
func leaks(out string) string {
	b := []byte(plain)
	forms := map[string]string{
		"as it is":      plain,
		"a part":        "hunter2",
		"hex":           hex.EncodeToString(b)[:12],
		"spaced hex":    fmt.Sprintf("% x", b[:4]),
		"hex list":      fmt.Sprintf("%#v", b[:3])[len("[]byte{"):][:14],
		"decimal list":  strings.Trim(fmt.Sprint(b[:3]), "[]"),
		"json list":     strings.ReplaceAll(strings.Trim(fmt.Sprint(b[:3]), "[]"), " ", ","),
		"octal list":    strings.Trim(fmt.Sprintf("%o", b[:3]), "[]"),
		"binary list":   strings.Trim(fmt.Sprintf("%b", b[:3]), "[]"),
		"base64":        base64.StdEncoding.EncodeToString(b)[:12],
		"unicode list":  strings.Trim(fmt.Sprintf("%U", b[:3]), "[]"),
		"quoted runes":  strings.Trim(fmt.Sprintf("%q", []rune(plain[:3])), "[]"),
		"separate text": strings.Trim(fmt.Sprintf("%c", b[:3]), "[]"),
	}
	for name, form := range forms {
		if strings.Contains(strings.ToLower(out), strings.ToLower(form)) {
			return name
		}
	}
	return ""
}

type open struct {
	Name string
	Key  Secret
}

type closed struct {
	name string
	key  Secret
}

type deep struct {
	Open *open
	List []Secret
	Map  map[string]Secret
	Any  any
	in   *closed
	fn   struct{ s *Secret }
}

type secretError struct{ key Secret }

func (e secretError) Error() string { return fmt.Sprintf("failed with %v", e.key) }

// holders are a secret in every place it could be printed from.
func holders() map[string]any {
	s := SecretString(plain)
	p := &s
	return map[string]any{
		"value": s, "pointer": p, "pointer to pointer": &p, "exported field": open{"n", s},
		"pointer to struct": &open{"n", s}, "unexported field": closed{"n", s},
		"pointer to unexported": &closed{"n", s}, "slice": []Secret{s}, "array": [2]Secret{s, s},
		"slice of pointers": []*Secret{p}, "map value": map[string]Secret{"k": s},
		"map key": map[Secret]int{s: 1}, "any": []any{s, p},
		"deep":  deep{&open{"n", s}, []Secret{s}, map[string]Secret{"k": s}, s, &closed{"n", s}, struct{ s *Secret }{p}},
		"error": secretError{s}, "wrapped error": fmt.Errorf("outer: %w", secretError{s}),
		"joined": errors.Join(secretError{s}, errors.New("x")), "embedded": struct{ Secret }{s},
		"reflected": reflect.ValueOf(s), "reflected field": reflect.ValueOf(s).Field(0),
		"reflected target": reflect.ValueOf(s).Field(0).Elem(), "reflected struct": reflect.ValueOf(closed{"n", s}),
		"anonymous": struct{ s Secret }{s}, "channel": make(chan Secret), "logged": slog.Any("k", s),
	}
}

func TestSecretIsPrintedByNoVerb(t *testing.T) {
	verbs := "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!"
	flags := []string{"", "+", "#", "-", " ", "0", "+#", "# ", "20", ".3", "-20.5", "[1]"}
	for name, holder := range holders() {
		for _, verb := range verbs {
			for _, flag := range flags {
				format := "%" + flag + string(verb)
				out := fmt.Sprintf(format, holder)
				if form := leaks(out); form != "" {
					t.Errorf("%s with %s shows the secret (%s): %s", name, format, form, out)
				}
			}
		}
		if form := leaks(fmt.Sprint(holder) + fmt.Sprintln(holder)); form != "" {
			t.Errorf("%s printed shows the secret (%s)", name, form)
		}
	}
}

func TestSecretPrintsAsRedacted(t *testing.T) {
	s := SecretString(plain)
	for _, format := range []string{"%v", "%s", "%+v", "%#v", "%q", "%x", "%d", "%t"} {
		if got := fmt.Sprintf(format, s); got != redacted {
			t.Errorf("%s: got %q, want %q", format, got, redacted)
		}
	}
	if got := fmt.Sprintf("%v", open{"n", s}); got != "{n [secret]}" {
		t.Errorf("in a struct: got %q", got)
	}
	if s.String() != redacted || s.GoString() != redacted {
		t.Error("String or GoString is not redacted")
	}
}

// TestLeaksSeesLeaks keeps the tests above honest: a plain byte slice in the
// same places is seen.
func TestLeaksSeesLeaks(t *testing.T) {
	b := []byte(plain)
	for _, format := range []string{"%v", "%s", "%x", "% x", "%#v", "%q", "%d", "%o", "%b", "%X", "%U", "%c"} {
		if out := fmt.Sprintf(format, b); leaks(out) == "" {
			t.Errorf("%s of plain bytes is not seen: %s", format, out)
		}
	}
	encoded, err := json.Marshal(b)
	if err != nil || leaks(string(encoded)) == "" {
		t.Errorf("JSON of plain bytes is not seen: %s, %v", encoded, err)
	}
}

func TestSecretIsEncodedByNoEncoder(t *testing.T) {
	encoders := map[string]func(v any) (string, error){
		"json":   func(v any) (string, error) { b, err := json.Marshal(v); return string(b), err },
		"indent": func(v any) (string, error) { b, err := json.MarshalIndent(v, "", " "); return string(b), err },
		"xml":    func(v any) (string, error) { b, err := xml.Marshal(v); return string(b), err },
		"yaml":   func(v any) (string, error) { b, err := yaml.Marshal(v); return string(b), err },
		"gob": func(v any) (string, error) {
			var b bytes.Buffer
			err := gob.NewEncoder(&b).Encode(v)
			return b.String(), err
		},
		"binary": func(v any) (string, error) {
			var b bytes.Buffer
			err := binary.Write(&b, binary.LittleEndian, v)
			return b.String(), err
		},
		"text template": func(v any) (string, error) {
			var b strings.Builder
			err := template.Must(template.New("").Parse(`{{.}} {{printf "%s %x" . .}} {{print .}} {{js .}}`)).Execute(&b, v)
			return b.String(), err
		},
		"html template": func(v any) (string, error) {
			var b strings.Builder
			page := `<p title="{{.}}" onclick="f({{.}})">{{.}}</p><script>{{.}}</script>`
			err := htmltemplate.Must(htmltemplate.New("").Parse(page)).Execute(&b, v)
			return b.String(), err
		},
		"slog text": func(v any) (string, error) {
			var b strings.Builder
			slog.New(slog.NewTextHandler(&b, nil)).With("w", v).Info("m", "k", v, slog.Group("g", "k", v))
			return b.String(), nil
		},
		"slog json": func(v any) (string, error) {
			var b strings.Builder
			slog.New(slog.NewJSONHandler(&b, nil)).With("w", v).Info("m", "k", v, slog.Group("g", "k", v))
			return b.String(), nil
		},
		"diff": encodeDiff,
	}
	for encoder, encode := range encoders {
		for name, holder := range holders() {
			out, err := guarded(encode, holder)
			if form := leaks(out); form != "" {
				t.Errorf("%s of %s shows the secret (%s): %s", encoder, name, form, out)
			}
			if err != nil && leaks(err.Error()) != "" {
				t.Errorf("%s of %s shows the secret in its error: %v", encoder, name, err)
			}
		}
	}
}

// guarded turns the panics by which encoders refuse some types into errors.
func guarded(encode func(any) (string, error), v any) (out string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	return encode(v)
}

// encodeDiff compares with a reflecting library that may read every field.
func encodeDiff(v any) (string, error) {
	all := cmp.Exporter(func(reflect.Type) bool { return true })
	return cmp.Diff(v, nil, all) + cmp.Diff(v, reflect.Zero(reflect.TypeOf(v)).Interface(), all), nil
}

func TestSecretEncodesAsRedacted(t *testing.T) {
	s := open{"n", SecretString(plain)}
	if b, err := json.Marshal(s); err != nil || string(b) != `{"Name":"n","Key":"[secret]"}` {
		t.Errorf("json: %s, %v", b, err)
	}
	if b, err := xml.Marshal(s); err != nil || string(b) != `<open><Name>n</Name><Key>[secret]</Key></open>` {
		t.Errorf("xml: %s, %v", b, err)
	}
	if b, err := yaml.Marshal(s); err != nil || !strings.Contains(string(b), "key: '[secret]'") {
		t.Errorf("yaml: %s, %v", b, err)
	}
	if err := gob.NewEncoder(&bytes.Buffer{}).Encode(s); err == nil {
		t.Error("gob encoded a secret")
	}
	if _, err := s.Key.MarshalBinary(); err == nil {
		t.Error("MarshalBinary encoded a secret")
	}
}

func TestSecretLife(t *testing.T) {
	source := []byte(plain)
	s := NewSecret(source)
	clear(source)
	if s.RevealString() != plain || s.Len() != len(plain) || s.IsZero() {
		t.Fatal("a secret does not outlive its source")
	}
	copied := s.Reveal()
	copied[0] = 'x'
	if s.RevealString() != plain {
		t.Error("Reveal gave out the secret's own bytes")
	}
	own, twin := s.bytes(), s
	s.Wipe()
	if !bytes.Equal(own, make([]byte, len(plain))) {
		t.Error("Wipe left the bytes in memory")
	}
	if !s.IsZero() || !twin.IsZero() || twin.Reveal() != nil || twin.RevealString() != "" {
		t.Error("a wiped secret still holds something")
	}
	s.Wipe()
	Secret{}.Wipe()
	for _, empty := range []Secret{{}, NewSecret(nil), NewSecret([]byte{}), SecretString("")} {
		if !empty.IsZero() || empty.Len() != 0 {
			t.Error("an empty secret is not zero")
		}
	}
}
