package sdktest

import (
	"os"
	"slices"
	"strings"
	"testing"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

// ReadmeRows says how the rows of operations in a README are written.
type ReadmeRows struct {
	// Scopes says that a third cell holds the operation's scopes, of a set of which one suffices the first.
	Scopes bool
	// Cut is left out of scopes, such as the address with which all of a platform's begin. Optional.
	Cut string
}

// Readme fails the test unless the README.md in the working folder has one row for each operation, "| `name` | effect |", with its effect (read, idempotent, write)
// and, where the rows say so, its scopes. It fails too for a row that no operation has. The rows of several platforms stand under headings "### platform".
func (h *Harness) Readme(t testing.TB, rows ReadmeRows) {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, complaint := range rows.complaints(string(readme), h.Platforms) {
		t.Error(complaint)
	}
}

// complaints answers where a README differs from a manifest.
func (rows ReadmeRows) complaints(readme string, platforms []*adapterv1.Platform) (all []string) {
	section, told := "", map[string]string{}
	for line := range strings.Lines(readme) {
		if name, ok := strings.CutPrefix(line, "### "); ok && len(platforms) > 1 {
			section = strings.TrimSpace(name) + "."
		}
		cells := strings.Split(line, "|")
		if !strings.HasPrefix(line, "| `") || len(cells) < 4 {
			continue
		}
		name, row := section+strings.Trim(cells[1], " `"), strings.TrimSpace(cells[2])
		if !slices.Contains([]string{"read", "idempotent", "write"}, row) {
			continue // another table
		}
		if rows.Scopes {
			row += " | " + strings.TrimSpace(cells[3])
		}
		if _, twice := told[name]; twice {
			all = append(all, name+" has two rows")
		}
		told[name] = row
	}
	for _, p := range platforms {
		for _, op := range p.GetOperations() {
			name := op.GetName()
			if len(platforms) > 1 {
				name = p.GetId() + "." + name
			}
			if want := rows.row(op); !rows.says(told[name], want) {
				all = append(all, name+": want a row with "+want+", got "+told[name])
			}
			delete(told, name)
		}
	}
	for name := range told {
		all = append(all, "there is a row for "+name+", which no operation is")
	}
	return all
}

// says compares a row with what it must say: after scopes a note may follow, such as where it depends on the input which are needed.
func (rows ReadmeRows) says(got, want string) bool {
	return got == want || rows.Scopes && strings.HasPrefix(got, strings.TrimSuffix(want, " ")) && !strings.HasPrefix(strings.TrimPrefix(got, want), ", `")
}

// row answers what the README must say of an operation.
func (rows ReadmeRows) row(op *adapterv1.Operation) string {
	row := strings.ToLower(strings.TrimPrefix(op.GetEffect().String(), "EFFECT_"))
	if !rows.Scopes {
		return row
	}
	scopes := slices.Clone(op.GetScopes())
	for _, set := range op.GetAnyScopes() {
		scopes = append(scopes, set.GetScopes()[0])
	}
	if row += " | "; len(scopes) > 0 {
		row += "`" + strings.ReplaceAll(strings.Join(scopes, "`, `"), rows.Cut, "") + "`"
	}
	return row
}
