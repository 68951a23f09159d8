package main

import (
	"context"

	"github.com/patchbay/patchbay/sdk"
)

// Script is the input of run_script.
type Script struct {
	Interpreter string   `json:"interpreter,omitempty" jsonschema:"what runs it; it must be installed on the server" enum:"sh,bash,zsh,python3,perl,ruby,node,php" default:"sh"`
	Script      string   `json:"script" jsonschema:"the script's text" minLength:"1" maxLength:"1000000"`
	Args        []string `json:"args,omitempty" jsonschema:"arguments of the script" maxItems:"256"`
	Place
}

// interpreter is how a program is told to read its script from standard input, with arguments.
type interpreter struct {
	words string
	// shell reads its script command by command, so that a command could read the rest of it as its own input.
	shell bool
}

func interpreters() map[string]interpreter {
	return map[string]interpreter{
		"sh":      {words: "sh -s --", shell: true},
		"bash":    {words: "bash -s --", shell: true},
		"zsh":     {words: "zsh -s --", shell: true},
		"python3": {words: "python3 -"},
		"perl":    {words: "perl -"},
		"ruby":    {words: "ruby -"},
		"node":    {words: "node -"},
		"php":     {words: "php --"},
	}
}

func runScript(ctx context.Context, call *sdk.Call, in Script) (Finished, error) {
	name := in.Interpreter
	if name == "" {
		name = "sh"
	}
	by, ok := interpreters()[name]
	if !ok {
		return Finished{}, sdk.Invalid("/interpreter", "it is not one of those offered")
	}
	j, err := in.place().program("/args", in.Args, by.words)
	if err != nil {
		return Finished{}, err
	}
	j.stdin, j.limit = by.wrap(in.Script), in.limit()
	return runJob(ctx, call, j)
}

// wrap makes a shell read a whole script before it runs any of it. Line numbers stay as they are.
func (i interpreter) wrap(script string) string {
	if !i.shell {
		return script
	}
	return "{ :; " + script + "\n}\n"
}
