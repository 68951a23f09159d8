package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/patchbay/patchbay/host/internal/supervisor/doctor/probe"
)

// launch is what one start of the program gets: its folders and descriptors.
type launch struct {
	dir, private string
	passed       []*os.File // from descriptor 3 on
	closers      []func()
}

// newLaunch makes folders as the supervisor does, connections, and an egress session.
func (s *scene) newLaunch(ctx context.Context) (*launch, error) {
	s.launches++
	l := &launch{dir: filepath.Join(s.dir, fmt.Sprint("adapter-", s.launches))}
	l.private = filepath.Join(l.dir, "private")
	if err := errors.Join(os.Mkdir(l.dir, 0o700), os.Mkdir(l.private, 0o700)); err != nil {
		return nil, err
	}
	for _, pass := range []func(context.Context) (*os.File, error){s.connected, s.reset, s.reset} {
		file, err := pass(ctx)
		if err != nil {
			l.close()
			return nil, fmt.Errorf("opening a connection to pass: %w", err)
		}
		l.passed = append(l.passed, file)
	}
	egress, leave, err := s.platform.admit(ctx)
	if err != nil {
		l.close()
		return nil, err
	}
	l.passed, l.closers = append(l.passed, egress), append(l.closers, leave)
	return l, nil
}

// command is one that runs the program, without saying how.
func (l *launch) command(ctx context.Context, scene probe.Scene, names []string) (*exec.Cmd, error) {
	scene.SocketDir = l.dir
	arguments, err := probe.Arguments(scene, names)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, arguments...)
	cmd.ExtraFiles = append([]*os.File{}, l.passed...)
	return cmd, nil
}

// started closes what the program has copies of.
func (l *launch) started() {
	for _, file := range l.passed {
		_ = file.Close() // a copy
	}
	l.passed = nil
}

func (l *launch) close() {
	l.started()
	for _, closer := range l.closers {
		closer()
	}
}

// connected is a connection to the echo.
func (s *scene) connected(ctx context.Context) (*os.File, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp4", s.echo.Addr().String())
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }() // the file is a copy
	return conn.(*net.TCPConn).File()
}

// reset is a connection that its peer has reset.
func (s *scene) reset(ctx context.Context) (*os.File, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer func() { _ = listener.Close() }()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp4", listener.Addr().String())
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }() // the file is a copy
	peer, err := listener.Accept()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(peer.(*net.TCPConn).SetLinger(0), peer.Close()); err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn).File()
}
