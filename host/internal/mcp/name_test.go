package mcp

import (
	"crypto/rand"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/integration"
)

var valid = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)

func accountsOf(labels ...string) []integration.Integration {
	var out []integration.Integration
	for _, label := range labels {
		out = append(out, integration.Integration{ID: "int_" + strings.ToLower(rand.Text()), Platform: "p", Label: label, Enabled: true})
	}
	return out
}

func namesOf(offers []offer) []string {
	var out []string
	for _, o := range offers {
		out = append(out, o.name)
	}
	return out
}

func TestNames(t *testing.T) {
	p := &catalog.Platform{ID: "p", Operations: []*catalog.Operation{{Name: "send"}, {Name: "read"}}}
	if got := namesOf(offersOf(p, accountsOf("Work"))); !cmp.Equal(got, []string{"p__send", "p__read"}) {
		t.Errorf("one account's names are %v", got)
	}
	if got := namesOf(offersOf(p, accountsOf("Work", " My Team_2! "))); !cmp.Equal(got, []string{"p__send__work", "p__read__work", "p__send__my-team-2", "p__read__my-team-2"}) {
		t.Errorf("two accounts' names are %v", got)
	}
}

// Whatever labels and adapters choose, each name is valid, its own, the same in any order, and leads to its platform.
func TestNamesAreApart(t *testing.T) {
	long := strings.Repeat("x", 128)
	p := &catalog.Platform{ID: "p", Operations: []*catalog.Operation{{Name: "a"}, {Name: "a__b"}, {Name: "a__b__c"}, {Name: long}, {Name: long[:127] + "y"}}}
	accounts := accountsOf("b", "c", "b__c", "b c", "", "", "ж", strings.Repeat("long ", 40))
	accounts = append(accounts, accountsOf("b-"+accounts[0].ID[len(accounts[0].ID)-tailBytes:])...)
	got := namesOf(offersOf(p, accounts))
	slices.Reverse(accounts)
	again := namesOf(offersOf(p, accounts))
	slices.Sort(got)
	slices.Sort(again)
	if diff := cmp.Diff(got, again); diff != "" {
		t.Errorf("the order of accounts changes names:\n%s", diff)
	}
	if n := len(slices.Compact(slices.Clone(got))); n != len(accounts)*len(p.Operations) {
		t.Errorf("%d offers have %d names", len(accounts)*len(p.Operations), n)
	}
	for _, name := range got {
		if platform, ok := platformOf(name); !valid.MatchString(name) || !ok || platform != "p" {
			t.Errorf("a name is %q", name)
		}
	}
}

func FuzzLabels(f *testing.F) {
	f.Add("Work", "work")
	f.Add("\u202e\x00__", "日本")
	f.Fuzz(func(t *testing.T, one, two string) {
		p := &catalog.Platform{ID: "p", Name: one, Operations: []*catalog.Operation{{Name: "a", Title: two, Description: one}, {Name: "a__b"}}}
		seen := map[string]bool{}
		for _, o := range offersOf(p, accountsOf(one, two)) {
			if !valid.MatchString(o.name) || seen[o.name] {
				t.Errorf("a name is %q", o.name)
			}
			seen[o.name] = true
			for _, s := range []string{o.title(), o.description()} {
				if !utf8.ValidString(s) || strings.ContainsAny(s, "\n\r\x00\u202e\u200b") {
					t.Errorf("a text is %q", s)
				}
			}
		}
	})
}

func TestPages(t *testing.T) {
	var ops []*catalog.Operation
	for n := range 450 {
		ops = append(ops, &catalog.Operation{Name: fmt.Sprintf("op%03d", n), Effect: catalog.Read})
	}
	offers := offersOf(&catalog.Platform{ID: "p", Operations: ops}, accountsOf("x"))
	others := []*sdk.Tool{{Name: "authenticate"}, {Name: "z"}}
	var got []string
	after, pages := "", 0
	for {
		list := page(offers, others, after)
		pages++
		if len(list.Tools) > pageSize || list.CacheScope != "private" {
			t.Fatalf("a page holds %d tools, for %q", len(list.Tools), list.CacheScope)
		}
		for _, tool := range list.Tools {
			got = append(got, tool.Name)
		}
		if list.NextCursor == "" {
			break
		}
		var err error
		if after, err = readCursor(&sdk.ListToolsParams{Cursor: list.NextCursor}); err != nil {
			t.Fatal(err)
		}
	}
	if len(got) != 452 || pages != 3 || !slices.IsSorted(got) || got[0] != "authenticate" || got[451] != "z" {
		t.Errorf("%d tools stand on %d pages", len(got), pages)
	}
}
