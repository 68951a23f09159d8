package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// maxCommandBytes is what the kernel of Linux takes as one argument (128 KiB), less room for the shell around it.
const maxCommandBytes = 120 << 10

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// word makes one word of any text for every login shell, known or not. Within single quotes almost nothing means anything to a
// shell; what does to some (the quote, the backslash, to csh the exclamation mark and the end of a line) is written as an octal
// escape, which the launcher undoes.
func word(text string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for i := range len(text) {
		switch c := text[i]; {
		case c == '\'', c == '\\', c == '!', c < ' ', c == 0x7f:
			fmt.Fprintf(&b, `\0%03o`, c)
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

// launcher is what every program is started by, in a POSIX shell that the program then takes the place of. It announces the
// process, so that it can be ended (see announcement), undoes the escapes of its words, changes the directory where one is
// given, and becomes the program. No text of a caller is ever part of a script. It holds no quote, exclamation mark or end of a line.
const launcher = `echo "$1 $$" >&2; shift; _pb_n=$#; while [ "$_pb_n" -gt 0 ]; do ` +
	`case $1 in *\\*) _pb_w=$(printf "%bx" "$1"); _pb_w=${_pb_w%x};; *) _pb_w=$1;; esac; ` + // the x keeps line feeds at the end
	`set -- "$@" "$_pb_w"; shift; _pb_n=$((_pb_n-1)); done; ` +
	`if [ -n "$1" ]; then cd "$1" || exit 1; fi; shift; exec "$@"`

// command makes the job of a command line, which the user's login shell reads.
func (p place) command(text string) (job, error) {
	return p.program("/command", []string{"-c", text}, `"$SHELL"`)
}

// program makes the job of a program, named by words of this package, with arguments. What is too long is blamed on the field at pointer.
func (p place) program(pointer string, args []string, program string) (job, error) {
	j := job{announced: newWord(), limit: defaultLimit}
	words := []string{"exec sh -c '" + strings.ReplaceAll(launcher, `\`, `'\\'`) + "' sh", j.announced, word(directory(p.cwd))}
	texts := append([]string{p.cwd}, args...)
	if len(p.env) > 0 {
		words = append(words, "env")
	}
	for _, name := range slices.Sorted(maps.Keys(p.env)) {
		if !variableName.MatchString(name) {
			return job{}, sdk.Invalid("/env", "a name of a variable has letters, digits and _ only, and does not begin with a digit")
		}
		words = append(words, word(name+"="+p.env[name]))
		texts = append(texts, p.env[name])
	}
	words = append(words, program)
	for _, arg := range args {
		words = append(words, word(arg))
	}
	for _, text := range texts {
		if strings.ContainsRune(text, 0) {
			return job{}, sdk.Invalid(pointer, "the command, its directory, its variables and its arguments can hold no NUL character")
		}
	}
	if j.line = strings.Join(words, " "); len(j.line) > maxCommandBytes {
		return job{}, sdk.Invalid(pointer, "it is longer than the %d KiB that a command may have, with its variables and arguments; send long text by write_file or run_script", maxCommandBytes>>10)
	}
	return j, nil
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
