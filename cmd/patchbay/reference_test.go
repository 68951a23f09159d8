package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

const referencePage = "../../host/docs/cli.md"

// reference makes the page of all commands from the grammar.
func reference(t *testing.T) string {
	t.Helper()
	var g grammar
	parser, err := newParser(&g, &console{out: &bytes.Buffer{}, err: &bytes.Buffer{}})
	if err != nil {
		t.Fatal(err)
	}
	var page strings.Builder
	page.WriteString("# The command line\n\nMade from the program itself, which tells the same with `--help`.\n\n## For every command\n\n")
	writeFlags(&page, parser.Model.Flags)
	page.WriteString("\n" + exitTable())
	for _, command := range parser.Model.Leaves(true) {
		fmt.Fprintf(&page, "\n## %s\n\n%s\n", strings.TrimPrefix(command.FullPath(), "patchbay "), command.Help)
		if detail := strings.TrimSpace(command.Detail); detail != "" {
			fmt.Fprintf(&page, "\n%s\n", strings.ReplaceAll(detail, "<", "&lt;"))
		}
		if len(command.Positional)+len(command.Flags) > 0 {
			page.WriteString("\n")
		}
		for _, argument := range command.Positional {
			fmt.Fprintf(&page, "- `%s`: %s\n", argument.Summary(), oneLine(argument.Help))
		}
		writeFlags(&page, command.Flags)
	}
	return page.String()
}

func writeFlags(page *strings.Builder, flags []*kong.Flag) {
	for _, flag := range flags {
		if !flag.Hidden {
			fmt.Fprintf(page, "- `%s`: %s\n", flag.Summary(), oneLine(flag.Help))
		}
	}
}

func oneLine(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "<", "&lt;")
}

// host/docs/cli.md is what the program says of itself. With PATCHBAY_UPDATE_DOCS set, it is written.
func TestReferenceIsOfThisProgram(t *testing.T) {
	want := reference(t)
	if os.Getenv("PATCHBAY_UPDATE_DOCS") != "" {
		if err := os.WriteFile(referencePage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(referencePage)
	if err != nil || string(got) != want {
		t.Errorf("host/docs/cli.md is not of this program: PATCHBAY_UPDATE_DOCS=1 go test ./cmd/patchbay -run TestReference writes it (%v)", err)
	}
	for _, command := range []string{"## adapter new", "## serve", "- `--allow-unsigned`"} {
		if !strings.Contains(want, command) {
			t.Errorf("the reference does not tell of %q", command)
		}
	}
}
