package sdktest

import (
	"fmt"
	"slices"
	"testing"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

// complaints keeps what a check finds wrong.
type complaints struct {
	testing.TB
	all []string
}

func (c *complaints) Helper() {}

func (c *complaints) Errorf(format string, args ...any) {
	c.all = append(c.all, fmt.Sprintf(format, args...))
}

func TestDeclared(t *testing.T) {
	sets := []*adapterv1.ScopeSet{{Scopes: []string{"d", "a"}}}
	p := &adapterv1.Platform{Id: "p", Icon: []byte("no icon"), AuthMethods: []*adapterv1.AuthMethod{{Oauth2: &adapterv1.OAuth2{Scopes: []string{"a"}}}},
		Operations: []*Operation{{Name: "good", Scopes: []string{"a"}}, {Name: "added", Scopes: []string{"b"}}, {Name: "wrong", Scopes: []string{"c"}},
			{Name: "narrow", AnyScopes: sets}, {Name: "public"}, {Name: "forgotten"}}}
	found := &complaints{TB: t}
	(&Harness{Platforms: []*adapterv1.Platform{p}}).Declared(found, []string{"public"}, []string{"b"})
	want := []string{"p: the icon is not XML: EOF", "p.wrong needs c, which is never asked for", "p.narrow needs d, which is never asked for", "p.forgotten declares no scope"}
	if !slices.Equal(found.all, want) {
		t.Errorf("got %q, want %q", found.all, want)
	}
}
