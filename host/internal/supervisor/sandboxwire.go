package supervisor

import (
	"github.com/patchbay/patchbay/host/internal/sandbox/box"
	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

func sizeOf(s *box.Size) *adapterv1.TerminalSize {
	if s == nil {
		return nil
	}
	return &adapterv1.TerminalSize{Rows: s.Rows, Columns: s.Columns}
}

func openOf(at box.Place, id string, o box.Open) *adapterv1.WorkRequest {
	w := &adapterv1.WorkOpen{Place: placeOf(at), SandboxId: id}
	switch {
	case o.Start != nil:
		c := o.Start
		w.Work = &adapterv1.WorkOpen_Start{Start: &adapterv1.Command{Argv: c.Argv, Cwd: c.Cwd, Env: c.Env, TimeoutMilliseconds: c.TimeoutMilliseconds,
			Terminal: sizeOf(c.Terminal), CommandId: c.ID, Background: c.Background, MaxOutputBytes: c.MaxOutputBytes}}
	case o.Attach != nil:
		a := o.Attach
		w.Work = &adapterv1.WorkOpen_Attach{Attach: &adapterv1.Attach{CommandId: a.Command, StdoutOffset: a.StdoutOffset, StderrOffset: a.StderrOffset, Now: a.Now}}
	case o.File != nil:
		f := o.File
		w.Work = &adapterv1.WorkOpen_File{File: &adapterv1.FileWork{Action: f.Action, Path: f.Path, To: f.To, Offset: f.Offset, Limit: f.Limit, Mode: f.Mode,
			Recursive: f.Recursive, Pattern: f.Pattern}}
	default:
		w.Work = &adapterv1.WorkOpen_Commands{Commands: true}
	}
	return &adapterv1.WorkRequest{Message: &adapterv1.WorkRequest_Open{Open: w}}
}

func feedOf(f box.Feed) *adapterv1.WorkRequest {
	switch {
	case f.Resize != nil:
		return &adapterv1.WorkRequest{Message: &adapterv1.WorkRequest_Resize{Resize: sizeOf(f.Resize)}}
	case f.Signal != 0:
		return &adapterv1.WorkRequest{Message: &adapterv1.WorkRequest_Signal{Signal: f.Signal}}
	case f.End:
		return &adapterv1.WorkRequest{Message: &adapterv1.WorkRequest_End{End: true}}
	}
	return &adapterv1.WorkRequest{Message: &adapterv1.WorkRequest_Data{Data: f.Data}}
}

func commandOf(c *adapterv1.CommandState) *box.CommandState {
	return &box.CommandState{ID: clean(c.GetCommandId(), 64), Running: c.GetRunning(), TimedOut: c.GetTimedOut(), ExitCode: int(c.GetExitCode()),
		StdoutTruncated: c.GetStdoutTruncated(), StderrTruncated: c.GetStderrTruncated(), Milliseconds: int64(min(c.GetDurationMilliseconds(), 1<<50)),
		Summary: clean(c.GetSummary(), 200)}
}

func outputOf(o *adapterv1.Output) *box.Output {
	return &box.Output{Offset: o.GetOffset(), Data: o.GetData()}
}

func answerOf(r *adapterv1.WorkResponse) box.Answer {
	switch m := r.GetMessage().(type) {
	case *adapterv1.WorkResponse_Started:
		return box.Answer{Started: commandOf(m.Started)}
	case *adapterv1.WorkResponse_Ended:
		return box.Answer{Ended: commandOf(m.Ended)}
	case *adapterv1.WorkResponse_Command:
		return box.Answer{Command: commandOf(m.Command)}
	case *adapterv1.WorkResponse_Stdout:
		return box.Answer{Stdout: outputOf(m.Stdout)}
	case *adapterv1.WorkResponse_Stderr:
		return box.Answer{Stderr: outputOf(m.Stderr)}
	case *adapterv1.WorkResponse_Data:
		return box.Answer{Data: m.Data}
	case *adapterv1.WorkResponse_Entry:
		e := m.Entry
		return box.Answer{Entry: &box.File{Path: clean(e.GetPath(), 4096), Kind: clean(e.GetKind(), 16), Target: clean(e.GetTarget(), 4096),
			Size: int64(min(e.GetSize(), 1<<62)), Mode: e.GetMode(), ModifiedMS: e.GetModifiedUnixMilliseconds()}}
	case *adapterv1.WorkResponse_Done:
		return box.Answer{Done: true}
	case *adapterv1.WorkResponse_Failure:
		return box.Answer{Failure: &box.Failure{Reason: clean(m.Failure.GetReason(), 32), Detail: clean(m.Failure.GetDetail(), 500)}}
	}
	return box.Answer{}
}
