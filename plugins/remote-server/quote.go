package main

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// maxCommandBytes is what the kernel of Linux takes as one argument (128 KiB), less room for the shell around it.
const maxCommandBytes = 120 << 10

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// quote makes one word of any text, in the words of every login shell: within single quotes nothing means anything but the quote
// itself, the backslash (to fish) and the exclamation mark (to csh), which stand outside, each behind a backslash.
func quote(text string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for i := range len(text) {
		switch c := text[i]; c {
		case '\'', '\\', '!':
			b.WriteString(`'\`)
			b.WriteByte(c)
			b.WriteByte('\'')
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('\'')
	return b.String()
}

// place is where and with what a program runs.
type place struct {
	cwd string
	env map[string]string
}

// launcher is what every program is started by, in a POSIX shell that the program then takes the place of: it announces the
// process, so that it can be ended (see announcement), and changes the directory. Its arguments are the announcement's word, the directory or "", and
// the program with its own; no text of a caller is ever part of a script.
const launcher = `printf "%s %s\n" "$1" "$$" >&2; if [ -n "$2" ]; then cd "$2" || exit 1; fi; shift 2; exec "$@"`

// command makes the job of a command line, which the user's login shell reads.
func (p place) command(text string) (job, error) {
	return p.program("/command", `"$SHELL" -c `+quote(text))
}

// program makes the job of a program, given as words that are quoted already. What is too long is blamed on the field at pointer.
func (p place) program(pointer, words string) (job, error) {
	j := job{word: newWord(), limit: defaultLimit}
	var b strings.Builder
	b.WriteString("exec sh -c " + quote(launcher) + " sh " + j.word + " " + quote(directory(p.cwd)) + " ")
	if len(p.env) > 0 {
		b.WriteString("env ")
	}
	for _, name := range slices.Sorted(maps.Keys(p.env)) {
		if !variableName.MatchString(name) {
			return job{}, sdk.Invalid("/env", "a name of a variable has letters, digits and _ only, and does not begin with a digit")
		}
		b.WriteString(quote(name+"="+p.env[name]) + " ")
	}
	b.WriteString(words)
	j.line = b.String()
	return j, checkLine(pointer, j.line)
}

// directory writes a directory so that cd takes it for nothing else: not for an option, not for "the one before", not for one of CDPATH.
func directory(path string) string {
	if path == "" {
		return ""
	}
	path = fromHome(path)
	if strings.HasPrefix(path, "/") {
		return path
	}
	return "./" + path
}

// fromHome resolves a leading ~: sessions start in the user's home directory.
func fromHome(path string) string {
	if path == "~" {
		return "."
	}
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if rest = strings.TrimLeft(rest, "/"); rest == "" {
			return "."
		}
		return rest
	}
	return path
}

// checkLine refuses what a server would cut or not take.
func checkLine(pointer, line string) error {
	if strings.ContainsRune(line, 0) {
		return sdk.Invalid(pointer, "it holds a NUL character")
	}
	if len(line) > maxCommandBytes {
		return sdk.Invalid(pointer, "it is longer than the %d KiB that a command may have, with its variables; send long text by write_file or run_script", maxCommandBytes>>10)
	}
	return nil
}
