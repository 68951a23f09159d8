package main

import (
	"context"
	"time"

	"github.com/patchbay/patchbay/sdk"
)

// commandOperations run programs on the server.
func commandOperations() []sdk.Operation {
	const output = " Of stdout and stderr the first 1 MiB each is given; text that is not UTF-8 has its bytes replaced. " +
		"When the time is up the program and its process group are ended (SIGTERM, then SIGKILL) and the call fails with timeout; what has detached itself stays. " +
		"There is no terminal: programs that ask questions fail or wait. A program left in the background must have its output redirected, or the call waits for it."
	return []sdk.Operation{
		{
			Name: "execute_command", Effect: sdk.Write, Streaming: true, Run: sdk.Func(executeCommand),
			Description: "Runs one command line in the user's login shell and answers its output and exit code; an exit code other than 0 is no error of the call." + output +
				" Variables are visible in the server's process list while the command runs: do not pass secrets in them.",
		},
		{
			Name: "run_script", Effect: sdk.Write, Streaming: true, Run: sdk.Func(runScript),
			Description: "Runs a script of several lines with an interpreter of the server. The script arrives on the interpreter's standard input and leaves no file behind; it cannot read input of its own." + output,
		},
		{
			Name: "system_info", Effect: sdk.Read, Run: sdk.Func(systemInfo),
			Description: "Answers what the server is: host name, operating system, kernel, processors, memory, load, uptime, the root disk, and the user signed in. What the server does not tell is left out.",
		},
	}
}

// Place is where and with what a program runs.
type Place struct {
	Cwd     string            `json:"cwd,omitempty" jsonschema:"directory to run in: absolute, or relative to the user's home; ~ is the home" maxLength:"4096"`
	Env     map[string]string `json:"env,omitempty" jsonschema:"environment variables to set"`
	Timeout int               `json:"timeout,omitempty" jsonschema:"seconds that it may run" minimum:"1" maximum:"840" default:"30"`
}

func (p Place) place() place { return place{cwd: p.Cwd, env: p.Env} }

func (p Place) limit() time.Duration {
	if p.Timeout <= 0 {
		return defaultLimit
	}
	return min(time.Duration(p.Timeout)*time.Second, maxLimit)
}

// Command is the input of execute_command.
type Command struct {
	Command string `json:"command" jsonschema:"command line for the login shell" minLength:"1" maxLength:"120000"`
	Place
}

func executeCommand(ctx context.Context, call *sdk.Call, in Command) (Finished, error) {
	j, err := in.place().command(in.Command)
	if err != nil {
		return Finished{}, err
	}
	j.limit = in.limit()
	return runJob(ctx, call, j)
}

// runJob runs a job on a connection of its own and passes its output on as it comes.
func runJob(ctx context.Context, call *sdk.Call, j job) (Finished, error) {
	m, err := connect(ctx, call)
	if err != nil {
		return Finished{}, err
	}
	defer m.leave()
	j.emit = func(p piece) error { return call.Emit(p) }
	return m.run(ctx, j)
}
