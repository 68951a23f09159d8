package main

import (
	"bufio"
	"context"
	"fmt"
	"os/signal"
	"strings"
	"syscall"

	"golang.org/x/term"
)

// form asks a person for the fields of a credential that the command line left out.
type form struct {
	console *console
	title   string
	fields  []field
	// given is what is known already; answers are added to it.
	given map[string]string
	// stdinTaken is true where standard input gave a field, so that nobody can be asked on it.
	stdinTaken bool
	// keep is true where a blank answer keeps the stored value, so that no field is required.
	keep bool
}

// complete asks for what is missing. Where nobody can be asked, missing required fields are an error that names the flags.
func (f *form) complete(ctx context.Context) error {
	missing := f.missing()
	fd, person := f.console.terminal()
	if !person || f.stdinTaken {
		if len(missing) == 0 {
			return nil
		}
		return usageError("%s: these fields are missing\n%s", f.title, flagsFor(missing))
	}
	ask := missing
	if len(f.given) == 0 {
		ask = f.fields // a person who gave nothing sees everything that can be given
	}
	if len(ask) == 0 {
		return nil
	}
	f.console.note("%s", clean(f.title))
	t := &prompt{console: f.console, fd: fd, lines: bufio.NewReader(f.console.in)}
	for _, field := range ask {
		value, err := t.ask(ctx, field, f.keep)
		if err != nil {
			return err
		}
		if value != "" {
			f.given[field.Name] = value
		}
	}
	return nil
}

// missing answers the required fields without a value or a default.
func (f *form) missing() []field {
	var out []field
	for _, field := range f.fields {
		if field.Required && field.Default == "" && f.given[field.Name] == "" && !f.keep {
			out = append(out, field)
		}
	}
	return out
}

// flagsFor says with which flags fields are given.
func flagsFor(fields []field) string {
	var lines []string
	for _, f := range fields {
		flag := "--field " + f.Name + "=..."
		if f.Secret || f.Multiline {
			flag = fmt.Sprintf("--field-file %s=PATH or --field-stdin %s", f.Name, f.Name)
		}
		lines = append(lines, fmt.Sprintf("  %s: %s", firstOf(f.Label, f.Name), flag))
	}
	return strings.Join(lines, "\n")
}

// prompt asks questions on a terminal.
type prompt struct {
	console *console
	fd      int
	lines   *bufio.Reader
}

// ask asks for one field until there is an answer, where one is needed. Secrets are not shown; long texts come from a file.
func (p *prompt) ask(ctx context.Context, f field, keep bool) (string, error) {
	question := firstOf(f.Label, f.Name)
	switch {
	case f.Multiline:
		question += " (path of a file)"
	case f.Default != "" && !keep:
		question += " [" + f.Default + "]"
	}
	if keep {
		question += " (blank keeps it)"
	} else if !f.Required {
		question += " (optional)"
	}
	for {
		answer, err := p.read(ctx, clean(question)+": ", f.Secret && !f.Multiline)
		if err != nil {
			return "", err
		}
		if answer == "" && f.Required && f.Default == "" && !keep {
			p.console.note("It is required.")
			continue
		}
		if answer == "" || !f.Multiline {
			return answer, nil
		}
		raw, err := readGiven(answer)
		if err == nil {
			return string(raw), nil
		}
		p.console.note("%s", clean(err.Error()))
	}
}

// read reads a line. A signal at a question ends the program, with the terminal as it was before.
func (p *prompt) read(ctx context.Context, question string, hidden bool) (string, error) {
	state, err := term.GetState(p.fd)
	if err != nil {
		return "", fmt.Errorf("asking: %w", err)
	}
	end := context.AfterFunc(ctx, func() {
		_ = term.Restore(p.fd, state) // it is closed otherwise
		signal.Reset()
		_ = syscall.Kill(syscall.Getpid(), syscall.SIGINT) // of oneself: always allowed
	})
	defer end()
	_, _ = fmt.Fprint(p.console.err, question) // as in say
	if !hidden {
		line, err := p.lines.ReadString('\n')
		if err != nil && line == "" {
			return "", usageError("the input ended at a question")
		}
		return strings.TrimSpace(line), nil
	}
	secret, err := term.ReadPassword(p.fd)
	p.console.note("")
	if err != nil {
		return "", usageError("the input ended at a question")
	}
	return strings.TrimSpace(string(secret)), nil
}
