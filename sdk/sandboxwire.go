package sdk

import (
	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
	"github.com/patchbay/patchbay/sdk/sandbox"
)

func sizeOf(s *adapterv1.TerminalSize) *sandbox.TerminalSize {
	if s == nil {
		return nil
	}
	return &sandbox.TerminalSize{Rows: s.GetRows(), Columns: s.GetColumns()}
}

func openOf(o *adapterv1.WorkOpen) sandbox.Open {
	switch w := o.GetWork().(type) {
	case *adapterv1.WorkOpen_Start:
		c := w.Start
		return sandbox.Open{Start: &sandbox.Command{Argv: c.GetArgv(), Cwd: c.GetCwd(), Env: c.GetEnv(), TimeoutMilliseconds: c.GetTimeoutMilliseconds(),
			Terminal: sizeOf(c.GetTerminal()), ID: c.GetCommandId(), Background: c.GetBackground(), MaxOutputBytes: c.GetMaxOutputBytes()}}
	case *adapterv1.WorkOpen_Attach:
		a := w.Attach
		return sandbox.Open{Attach: &sandbox.Attach{Command: a.GetCommandId(), StdoutOffset: a.GetStdoutOffset(), StderrOffset: a.GetStderrOffset(), Now: a.GetNow()}}
	case *adapterv1.WorkOpen_File:
		f := w.File
		return sandbox.Open{File: &sandbox.FileWork{Action: f.GetAction(), Path: f.GetPath(), To: f.GetTo(), Offset: f.GetOffset(), Limit: f.GetLimit(),
			Mode: f.GetMode(), Recursive: f.GetRecursive(), Pattern: f.GetPattern()}}
	case *adapterv1.WorkOpen_Commands:
		return sandbox.Open{Commands: true}
	}
	return sandbox.Open{}
}

func stateOf(c *sandbox.CommandState) *adapterv1.CommandState {
	return &adapterv1.CommandState{CommandId: c.ID, Running: c.Running, ExitCode: c.ExitCode, TimedOut: c.TimedOut, StdoutTruncated: c.StdoutTruncated,
		StderrTruncated: c.StderrTruncated, DurationMilliseconds: c.Milliseconds, Summary: c.Summary}
}

func outputOf(o *sandbox.Output) *adapterv1.Output {
	return &adapterv1.Output{Offset: o.Offset, Data: o.Data}
}

func answerOf(a sandbox.Answer) *adapterv1.WorkResponse {
	switch {
	case a.Started != nil:
		return &adapterv1.WorkResponse{Message: &adapterv1.WorkResponse_Started{Started: stateOf(a.Started)}}
	case a.Stdout != nil:
		return &adapterv1.WorkResponse{Message: &adapterv1.WorkResponse_Stdout{Stdout: outputOf(a.Stdout)}}
	case a.Stderr != nil:
		return &adapterv1.WorkResponse{Message: &adapterv1.WorkResponse_Stderr{Stderr: outputOf(a.Stderr)}}
	case a.Ended != nil:
		return &adapterv1.WorkResponse{Message: &adapterv1.WorkResponse_Ended{Ended: stateOf(a.Ended)}}
	case a.Entry != nil:
		e := a.Entry
		return &adapterv1.WorkResponse{Message: &adapterv1.WorkResponse_Entry{Entry: &adapterv1.FileEntry{Path: e.Path, Kind: e.Kind, Size: e.Size,
			Mode: e.Mode, ModifiedUnixMilliseconds: e.Modified, Target: e.Target}}}
	case a.Command != nil:
		return &adapterv1.WorkResponse{Message: &adapterv1.WorkResponse_Command{Command: stateOf(a.Command)}}
	case a.Failure != nil:
		return &adapterv1.WorkResponse{Message: &adapterv1.WorkResponse_Failure{Failure: &adapterv1.WorkFailure{Reason: a.Failure.Reason, Detail: a.Failure.Detail}}}
	case a.Done:
		return &adapterv1.WorkResponse{Message: &adapterv1.WorkResponse_Done{Done: true}}
	}
	return &adapterv1.WorkResponse{Message: &adapterv1.WorkResponse_Data{Data: a.Data}}
}
