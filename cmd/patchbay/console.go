package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/term"
)

// console is where a command reads and writes.
type console struct {
	in       io.Reader
	out, err io.Writer
	json     bool
	now      func() time.Time
	local    *time.Location
}

// terminal answers the descriptor of standard input where a person sits at it.
func (c *console) terminal() (int, bool) {
	f, ok := c.in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	return int(f.Fd()), true
}

// say prints a line of the result.
func (c *console) say(format string, args ...any) {
	_, _ = fmt.Fprintf(c.out, format+"\n", args...) // a closed pipe: there is nobody to tell
}

// note prints a line beside the result.
func (c *console) note(format string, args ...any) {
	_, _ = fmt.Fprintf(c.err, format+"\n", args...) // as above
}

// document prints JSON for a person or a program to read.
func (c *console) document(raw json.RawMessage) error {
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return errors.New("the host's answer is not JSON")
	}
	b.WriteByte('\n')
	_, err := c.out.Write(b.Bytes())
	return err
}

// value prints a value of this program's own as JSON.
func (c *console) value(v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return c.document(raw)
}

// report prints an error, if there is one, and answers the exit code.
func (c *console) report(err error) int {
	code := exitCode(err)
	if err == nil {
		return code
	}
	var p *problem
	known := errors.As(err, &p)
	switch {
	case c.json && known:
		_ = (&console{out: c.err}).document(p.raw) // as in say
	case c.json:
		_ = (&console{out: c.err}).value(map[string]string{"code": exitName(code), "detail": message(err)}) // as in say
	case known:
		c.note("%s", p.text())
	default:
		c.note("patchbay: %s", cleanLines(message(err)))
		c.hint(err)
	}
	return code
}

// message is the text of an error. kong quotes an argument that is too many, which may be a secret in the wrong place.
func message(err error) string {
	var parse *kong.ParseError
	if errors.As(err, &parse) && strings.HasPrefix(err.Error(), "unexpected argument") && parse.Context != nil {
		if command := parse.Context.Selected(); command != nil && len(command.Children) == 0 {
			return "there is an argument too many"
		}
	}
	return err.Error()
}

// hint says where the help is, when the command was wrong.
func (c *console) hint(err error) {
	var parse *kong.ParseError
	if !errors.As(err, &parse) {
		return
	}
	command := "patchbay"
	if parse.Context != nil && parse.Context.Selected() != nil {
		command = parse.Context.Selected().FullPath()
	}
	c.note("Run `%s --help` to see how it is used.", command)
}

func exitName(code int) string {
	for _, e := range exitMeanings {
		if e.code == code {
			return e.name
		}
	}
	return "failed"
}
