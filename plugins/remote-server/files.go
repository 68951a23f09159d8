package main

import (
	"context"
	"errors"
	"io"
	"math"
	"path"
	"strings"
	"sync/atomic"

	"github.com/pkg/sftp"

	"github.com/patchbay/patchbay/sdk"
)

// maxListingBytes bounds what one directory's listing may take on the wire: some 300,000 entries.
const maxListingBytes = 32 << 20

// session is SFTP on a connection of its own, for one call.
type session struct {
	*sftp.Client
	call   *sdk.Call
	answer *meter
}

// overSFTP makes an operation of a function that works with files.
func overSFTP[In, Out any](f func(context.Context, *session, In) (Out, error)) sdk.Handler {
	return sdk.Func(func(ctx context.Context, call *sdk.Call, in In) (Out, error) {
		var out Out
		m, err := connect(ctx, call)
		if err != nil {
			return out, err
		}
		defer m.leave()
		stop := context.AfterFunc(ctx, func() { _ = m.Client.Close() }) // unblocks whatever waits for an answer
		defer stop()
		s, err := m.openSFTP(ctx)
		if err != nil {
			return out, err
		}
		s.call = call
		out, err = f(ctx, s, in)
		if err != nil && s.answer.spent.Load() {
			err = errTooLarge
		}
		return out, explainFile(ctx, err)
	})
}

// openSFTP starts the server's SFTP. It ends with the connection.
func (m *machine) openSFTP(ctx context.Context) (*session, error) {
	channel, err := m.NewSession()
	if err != nil {
		return nil, explainChannel(ctx, err, "open a session")
	}
	in, err := channel.StdinPipe()
	if err != nil {
		return nil, sdk.Errorf(sdk.AdapterBug, "The adapter could not open a channel.")
	}
	out, err := channel.StdoutPipe()
	if err != nil {
		return nil, sdk.Errorf(sdk.AdapterBug, "The adapter could not open a channel.")
	}
	if err := channel.RequestSubsystem("sftp"); err != nil {
		if ctx.Err() != nil {
			return nil, explainChannel(ctx, err, "use SFTP")
		}
		return nil, notSent(sdk.PermissionDenied, "The server does not let this user use SFTP (a line such as \"Subsystem sftp internal-sftp\" in sshd_config offers it).")
	}
	answer := newMeter(out)
	client, err := sftp.NewClientPipe(answer, in)
	if err != nil {
		if ctx.Err() != nil {
			return nil, explainChannel(ctx, err, "use SFTP")
		}
		return nil, notSent(sdk.PlatformError, "What the server offers as SFTP does not answer as SFTP. A line printed by the user's shell profile can cause that.")
	}
	return &session{Client: client, answer: answer}, nil
}

// errTooLarge ends the reading of an answer beyond its bound.
var errTooLarge = errors.New("the answer is too large")

// meter bounds what is read of a server's answer while something gathers it in memory.
type meter struct {
	from  io.Reader
	left  atomic.Int64
	spent atomic.Bool
}

func newMeter(r io.Reader) *meter {
	m := &meter{from: r}
	m.left.Store(math.MaxInt64)
	return m
}

// Read fails for good when the bound is passed.
func (m *meter) Read(p []byte) (int, error) {
	n, err := m.from.Read(p)
	if m.left.Add(-int64(n)) < 0 {
		m.spent.Store(true)
		return 0, errTooLarge
	}
	return n, err
}

// remotePath reads a path of an input: absolute, or relative to the directory that SFTP starts in, the user's home.
func remotePath(pointer, p string) (string, error) {
	if strings.ContainsRune(p, 0) {
		return "", sdk.Invalid(pointer, "a path has no NUL character")
	}
	if p = fromHome(p); p == "" {
		return "", sdk.Invalid(pointer, "it is empty")
	}
	return p, nil
}

// parent makes the directory that a path lies in, and those above, if asked to.
func (s *session) parent(p string, create bool) error {
	if !create {
		return nil
	}
	return s.MkdirAll(path.Dir(p))
}
