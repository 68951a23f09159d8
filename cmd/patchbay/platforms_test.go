package main

import "testing"

func TestNeededScopes(t *testing.T) {
	op := operation{Scopes: []string{"a", "b"}, AnyScopes: [][]string{{"c", "d"}, {"e"}}}
	if got := op.needed(); got != "a, b, c or d, e" {
		t.Errorf("got %q", got)
	}
}
