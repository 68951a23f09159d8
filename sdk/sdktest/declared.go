package sdktest

import (
	"encoding/xml"
	"slices"
	"testing"
)

// ScopesOf answers what an operation needs as sets of which one scope suffices.
func ScopesOf(op *Operation) (sets [][]string) {
	for _, one := range op.GetScopes() {
		sets = append(sets, []string{one})
	}
	for _, set := range op.GetAnyScopes() {
		sets = append(sets, set.GetScopes())
	}
	return sets
}

// Declared fails the test where a platform's icon is not XML, and, where its sign-in asks for scopes, where an operation needs none or one that is neither
// asked for nor among further. unscoped are the operations that need none, further the scopes that an operator may add.
func (h *Harness) Declared(t testing.TB, unscoped, further []string) {
	t.Helper()
	for _, p := range h.Platforms {
		if err := xml.Unmarshal(p.GetIcon(), new(struct{})); err != nil {
			t.Errorf("%s: the icon is not XML: %v", p.GetId(), err)
		}
		for _, m := range p.GetAuthMethods() {
			asked := m.GetOauth2().GetScopes()
			if len(asked) == 0 {
				continue
			}
			for _, op := range p.GetOperations() {
				needed := ScopesOf(op)
				if len(needed) == 0 && !slices.Contains(unscoped, op.GetName()) {
					t.Errorf("%s.%s declares no scope", p.GetId(), op.GetName())
				}
				for _, set := range needed {
					if !slices.Contains(asked, set[0]) && !slices.Contains(further, set[0]) {
						t.Errorf("%s.%s needs %s, which is never asked for", p.GetId(), op.GetName(), set[0])
					}
				}
			}
		}
	}
}
