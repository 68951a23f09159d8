package catalog

import (
	"slices"
	"testing"
)

func TestMissingScopes(t *testing.T) {
	op := &Operation{Scopes: []string{"Mail.Read"}, AnyScopes: [][]string{{"write", "admin"}}}
	for _, c := range []struct{ granted, missing []string }{
		{nil, nil}, // the platform never said
		{[]string{"Mail.Read", "admin"}, nil},
		{[]string{"https://graph.microsoft.com/mail.read", "write"}, nil},
		{[]string{"xMail.Read", "write"}, []string{"Mail.Read"}},
		{[]string{"Mail.Read"}, []string{"write"}},
		{[]string{"other"}, []string{"Mail.Read", "write"}},
	} {
		if got := op.Missing(c.granted); !slices.Equal(got, c.missing) {
			t.Errorf("with %q granted %q is missing, want %q", c.granted, got, c.missing)
		}
	}
}
