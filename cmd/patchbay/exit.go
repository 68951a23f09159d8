package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// Exit codes. Their meanings stand in exitMeanings.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitUnreachable = 3
	exitForbidden   = 4
)

// exitMeanings is the one table of exit codes: the help prints it, and --json errors use its names.
var exitMeanings = []struct {
	code          int
	name, meaning string
}{
	{exitOK, "ok", "it worked"},
	{exitFailed, "failed", "the host or the platform refused or failed"},
	{exitUsage, "usage", "the command was wrong; nothing was done"},
	{exitUnreachable, "unreachable", "the host cannot be reached"},
	{exitForbidden, "forbidden", "not signed in, or not allowed"},
}

func exitTable() string {
	var b strings.Builder
	b.WriteString("Exit codes:\n\n")
	for _, e := range exitMeanings {
		fmt.Fprintf(&b, "    %d  %s\n", e.code, e.meaning)
	}
	return b.String()
}

// exitError is an error that knows its exit code.
type exitError struct {
	code int
	err  error
	// sent is true where the request had left for the host when it failed.
	sent bool
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func usageError(format string, args ...any) error {
	return &exitError{code: exitUsage, err: fmt.Errorf(format, args...)}
}

func unreachableError(format string, args ...any) error {
	return &exitError{code: exitUnreachable, err: fmt.Errorf(format, args...)}
}

func forbiddenError(format string, args ...any) error {
	return &exitError{code: exitForbidden, err: fmt.Errorf(format, args...)}
}

// exitCode answers the code of an error.
func exitCode(err error) int {
	var coded *exitError
	var p *problem
	var parse *kong.ParseError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &coded):
		return coded.code
	case errors.As(err, &p) && p.forbids():
		return exitForbidden
	case errors.As(err, &p):
		return exitFailed
	case errors.As(err, &parse):
		return exitUsage
	}
	return exitFailed
}
