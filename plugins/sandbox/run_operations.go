package main

import "github.com/patchbay/patchbay/sdk"

type codeInput struct {
	boxIDInput
	Language string            `json:"language" enum:"python,node,bash"`
	Code     string            `json:"code" maxLength:"1048576"`
	Packages []string          `json:"packages,omitempty" jsonschema:"packages to install first, by pip or npm; wheels in /workspace/wheels are found without a network" maxItems:"50"`
	Env      map[string]string `json:"env,omitempty"`
	Stdin    string            `json:"stdin,omitempty" maxLength:"1048576"`
	Timeout  int               `json:"timeout,omitempty" jsonschema:"seconds" minimum:"1" maximum:"300" default:"30"`
}

type commandInput struct {
	boxIDInput
	Command    string            `json:"command" jsonschema:"for the shell" maxLength:"131072"`
	Cwd        string            `json:"cwd,omitempty" jsonschema:"/workspace when left out" maxLength:"4096"`
	Env        map[string]string `json:"env,omitempty"`
	Stdin      string            `json:"stdin,omitempty" maxLength:"1048576"`
	Timeout    int               `json:"timeout,omitempty" jsonschema:"seconds; in the background 0 means without end" minimum:"0" maximum:"86400"`
	Background bool              `json:"background,omitempty" jsonschema:"answer at once with an operation_id"`
}

type outputInput struct {
	boxIDInput
	OperationID  string `json:"operation_id" maxLength:"64"`
	StdoutOffset int64  `json:"stdout_offset,omitempty" minimum:"0"`
	StderrOffset int64  `json:"stderr_offset,omitempty" minimum:"0"`
	Wait         bool   `json:"wait,omitempty" jsonschema:"wait for its end"`
}

type killInput struct {
	boxIDInput
	OperationID string `json:"operation_id" maxLength:"64"`
	Signal      int    `json:"signal,omitempty" minimum:"1" maximum:"64" default:"15"`
}

type runOutput struct {
	OperationID     string   `json:"operation_id"`
	Running         bool     `json:"running"`
	Stdout          string   `json:"stdout"`
	Stderr          string   `json:"stderr"`
	ExitCode        int      `json:"exit_code"`
	DurationMS      int64    `json:"duration_ms"`
	TimedOut        bool     `json:"timed_out,omitempty"`
	StdoutTruncated bool     `json:"stdout_truncated,omitempty"`
	StderrTruncated bool     `json:"stderr_truncated,omitempty"`
	StdoutOffset    int64    `json:"stdout_offset" jsonschema:"where to go on reading"`
	StderrOffset    int64    `json:"stderr_offset"`
	Files           []string `json:"files,omitempty" jsonschema:"files that were made in /workspace"`
}

type operationsOutput struct {
	Items []operationOutput `json:"items"`
}

type operationOutput struct {
	OperationID string `json:"operation_id"`
	Running     bool   `json:"running"`
	ExitCode    int    `json:"exit_code"`
	DurationMS  int64  `json:"duration_ms"`
	Command     string `json:"command"`
}

func runOperations() []sdk.Operation {
	return []sdk.Operation{
		{Name: "run_code", Effect: sdk.Write, Streaming: true, Run: sdk.Hosted[codeInput, runOutput](),
			Description: "Runs a program in Python, JavaScript (Node) or bash in /workspace, and tells which files it made there."},
		{Name: "run_command", Effect: sdk.Write, Streaming: true, Run: sdk.Hosted[commandInput, runOutput](),
			Description: "Runs a command of the shell. In the background it goes on by itself; get_output follows it."},
		{Name: "get_output", Effect: sdk.Read, Streaming: true, Run: sdk.Hosted[outputInput, runOutput](), Description: "Reads the output of a command from an offset on."},
		{Name: "list_operations", Effect: sdk.Read, Run: sdk.Hosted[boxInput, operationsOutput](), Description: "Lists the commands that were started in a sandbox."},
		{Name: "send_signal", Effect: sdk.Idempotent, Run: sdk.Hosted[killInput, sdk.None](), Description: "Sends a signal to a command and its children."},
	}
}
