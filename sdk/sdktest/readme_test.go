package sdktest

import (
	"errors"
	"slices"
	"strings"
	"testing"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
	"github.com/patchbay/patchbay/sdk"
)

func TestReadmeRows(t *testing.T) {
	op := func(name string, effect adapterv1.Effect, scopes ...string) *adapterv1.Operation {
		return &adapterv1.Operation{Name: name, Effect: effect, Scopes: scopes}
	}
	wider := op("get", adapterv1.Effect_EFFECT_READ, "x/a")
	wider.AnyScopes = []*adapterv1.ScopeSet{{Scopes: []string{"x/b", "x/c"}}}
	one := []*adapterv1.Platform{{Id: "p", Operations: []*adapterv1.Operation{wider}}}
	two := append(one, &adapterv1.Platform{Id: "q", Operations: []*adapterv1.Operation{op("get", adapterv1.Effect_EFFECT_WRITE)}})
	scopes := ReadmeRows{Scopes: true, Cut: "x/"}
	const good = "| `get` | read | `a`, `b` | text |\n"
	tests := map[string]struct {
		rows      ReadmeRows
		platforms []*adapterv1.Platform
		readme    string
		want      string
	}{
		"good":              {scopes, one, "| field | |\n| `key` | a secret |\n" + good, ""},
		"no scopes":         {ReadmeRows{}, one, "| `get` | read | text |\n", ""},
		"a missing row":     {scopes, one, "", "get: want a row"},
		"another effect":    {ReadmeRows{}, one, "| `get` | write | text |\n", "get: want a row with read, got write"},
		"another scope":     {scopes, one, "| `get` | read | `a` | text |\n", "get: want a row"},
		"a further row":     {scopes, one, good + "| `gone` | read | | |\n", "a row for gone"},
		"two rows":          {scopes, one, good + good, "get has two rows"},
		"several platforms": {scopes, two, "### p\n" + good + "### q\n| `get` | write |  | text |\n", ""},
		"the wrong heading": {scopes, two, "### q\n" + good + "### p\n| `get` | write |  | text |\n", "p.get: want a row"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(test.rows.complaints(test.readme, test.platforms), "\n")
			if test.want == "" && got != "" || !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestIndiscreet(t *testing.T) {
	r := Request{Fields: map[string]string{"api_key": "k<1>", "user": "", "endpoint": "https://mine.example"}, BaseURL: "http://localhost:9"}
	tests := map[string]struct {
		err  error
		want string
	}{
		"nothing":           {nil, ""},
		"plain":             {&sdk.Error{Kind: sdk.NotFound, Message: "there is none at https://mine.example"}, ""},
		"the key":           {&sdk.Error{Kind: sdk.NotFound, Message: "k<1> is none"}, "api_key"},
		"the key elsewhere": {&sdk.Error{Kind: sdk.InvalidInput, Message: "no", Violations: []sdk.Violation{{Pointer: "/a", Detail: "k<1>"}}}, "api_key"},
		"a text alone":      {errors.New("asking localhost:9: no"), "the server's address"},
		"planted":           {&sdk.Error{Kind: sdk.NotFound, Message: "no", PlatformCode: "planted-1"}, "planted"},
	}
	for name, test := range tests {
		all := indiscreet(r, test.err)
		if test.want == "" && all != nil || test.want != "" && !slices.ContainsFunc(all, func(s string) bool { return strings.Contains(s, test.want) }) {
			t.Errorf("%s: got %q, want one of %q", name, all, test.want)
		}
	}
}
