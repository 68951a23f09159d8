package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"

	"crypto/tls"

	"golang.org/x/term"
)

// terminalProtocol is what the connection of a terminal becomes. Frames are a byte of kind, four of length, and content.
const terminalProtocol = "patchbay-terminal"

type sandboxShellCmd struct {
	sandboxArg
	Command []string `arg:"" optional:"" passthrough:"" help:"The program; bash when left out."`
}

// Help is the longer help.
func (sandboxShellCmd) Help() string {
	return `Your terminal becomes one in the sandbox until the program there ends; its exit code is this program's. What you start in the background
there goes on when you leave.

    patchbay sandbox shell sbx_... python3`
}

// Run connects the terminal.
func (c *sandboxShellCmd) Run(ctx context.Context, at *client, con *console) error {
	rows, columns := 24, 80
	fd, interactive := con.terminal()
	if interactive {
		if w, h, err := term.GetSize(fd); err == nil {
			rows, columns = h, w
		}
	}
	q := query("rows", strconv.Itoa(rows), "columns", strconv.Itoa(columns))
	args := c.Command
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	for _, a := range args {
		q.Add("argv", a)
	}
	conn, in, err := at.upgrade(ctx, request{method: http.MethodPost, path: []string{"v1", "sandboxes", c.ID, "terminal"}, query: q})
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // ends the session
	if interactive {
		state, err := term.MakeRaw(fd)
		if err != nil {
			return fmt.Errorf("preparing the terminal: %w", err)
		}
		defer func() { _ = term.Restore(fd, state) }() // the terminal is gone otherwise
	}
	s := &terminalSession{conn: conn}
	if interactive {
		stop := s.followSize(fd)
		defer stop()
	}
	go s.typed(con.in)
	return s.show(in, con.out)
}

// upgrade sends a request over a connection of its own, which becomes a terminal's.
func (c *client) upgrade(ctx context.Context, r request) (net.Conn, *bufio.Reader, error) {
	if err := c.open(); err != nil {
		return nil, nil, err
	}
	out, err := c.build(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	out.Header.Set("Connection", "Upgrade")
	out.Header.Set("Upgrade", terminalProtocol)
	conn, err := c.connect(ctx)
	if err != nil {
		return nil, nil, c.unreachable(ctx, err)
	}
	in := bufio.NewReader(conn)
	if err := out.Write(conn); err != nil {
		_ = conn.Close()
		return nil, nil, c.unreachable(ctx, err)
	}
	answer, err := http.ReadResponse(in, out) //nolint:bodyclose // the body of an upgraded connection is the connection
	if err != nil {
		_ = conn.Close()
		return nil, nil, c.unreachable(ctx, err)
	}
	if answer.StatusCode == http.StatusSwitchingProtocols {
		return conn, in, nil
	}
	defer func() { _, _ = answer.Body.Close(), conn.Close() }() // read as far as it is wanted
	raw, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if p := decodeProblem(raw); err == nil && p != nil {
		return nil, nil, p
	}
	return nil, nil, c.strange(answer)
}

// connect opens a connection to the host, as its other requests do.
func (c *client) connect(ctx context.Context) (net.Conn, error) {
	port := c.base.Port()
	if c.base.Scheme != "https" {
		if port == "" {
			port = "80"
		}
		return new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(c.base.Hostname(), port))
	}
	if port == "" {
		port = "443"
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"}}
	if t, ok := c.http.Transport.(*http.Transport); ok {
		cfg.RootCAs = t.TLSClientConfig.RootCAs
	}
	return (&tls.Dialer{Config: cfg}).DialContext(ctx, "tcp", net.JoinHostPort(c.base.Hostname(), port))
}

// terminalSession writes frames from two sides.
type terminalSession struct {
	mu   sync.Mutex
	conn net.Conn
}

func (s *terminalSession) frame(kind byte, content []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.conn.Write(append(binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(content))), content...))
	return err
}

// typed sends what is typed. At the end of input that is no terminal's it sends the character that ends it there.
func (s *terminalSession) typed(in io.Reader) {
	buffer := make([]byte, 16<<10)
	for {
		n, err := in.Read(buffer)
		if n > 0 && s.frame(0, buffer[:n]) != nil {
			return
		}
		if err != nil {
			_ = s.frame(0, []byte{4}) // the connection may have ended
			return
		}
	}
}

// followSize tells the size of the terminal whenever it changes.
func (s *terminalSession) followSize(fd int) (stop func()) {
	changed := make(chan os.Signal, 1)
	signal.Notify(changed, syscall.SIGWINCH)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-changed:
				if w, h, err := term.GetSize(fd); err == nil {
					_ = s.frame(1, binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, uint16(h)), uint16(w))) // as above
				}
			}
		}
	}()
	return func() { signal.Stop(changed); close(done) }
}

// show prints what the program says until it ends.
func (s *terminalSession) show(in *bufio.Reader, out io.Writer) error {
	for {
		var head [5]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return errors.New("the connection to the sandbox ended")
		}
		size := binary.BigEndian.Uint32(head[1:])
		if size > 1<<20 {
			return errors.New("the host sent what is no terminal's")
		}
		content := make([]byte, size)
		if _, err := io.ReadFull(in, content); err != nil {
			return errors.New("the connection to the sandbox ended")
		}
		switch {
		case head[0] == 3 && size == 4:
			if code := int(int32(binary.BigEndian.Uint32(content))); code != 0 {
				return &exitError{code: max(code, 1), err: fmt.Errorf("the program ended with exit code %d", code)}
			}
			return nil
		case head[0] == 4:
			if p := decodeProblem(json.RawMessage(content)); p != nil {
				return p
			}
			return errors.New("the host failed")
		default:
			if _, err := out.Write(content); err != nil {
				return err
			}
		}
	}
}
