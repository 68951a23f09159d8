package host_test

import (
	"errors"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

// A database that cannot be reached for a while fails no call: they wait for it.
func TestCallsWaitForTheDatabase(t *testing.T) {
	t.Parallel()
	line := newLine(t, database(t))
	s := start(t, config(t, dataDir(t), line.URL))
	i := s.connectSlack(newSlackDouble(t))
	s.must("POST", "/v1/calls", message(i, "before"), nil)

	line.cut()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if status, raw, err := s.try(s.Token, "POST", "/v1/calls", message(i, "during")); err != nil || status != 200 {
				t.Errorf("a call while the database was away answered %d: %s %v", status, raw, err)
			}
		})
		wg.Go(func() {
			if status, raw, err := s.try(s.Token, "GET", "/v1/integrations/"+i.ID, nil); err != nil || status != 200 {
				t.Errorf("a read while the database was away answered %d: %s %v", status, raw, err)
			}
		})
	}
	refused := line.refused.Load()
	eventually(t, "the host tries to reach its database", func() bool { return line.refused.Load() >= refused+8 })
	line.restore()
	wg.Wait()
}

// line is a way to a database that can be cut. It is a Unix socket in a folder of its own.
type line struct {
	URL     string
	refused atomic.Int64 // connections that came while it was cut
	target  string       // path of the server's socket

	mu    sync.Mutex
	isCut bool
	open  []net.Conn
}

func newLine(t *testing.T, databaseURL string) *line {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	const socket = ".s.PGSQL.5432"
	dir, q := t.TempDir(), u.Query()
	l := &line{target: filepath.Join(q.Get("host"), socket)}
	q.Set("host", dir)
	u.RawQuery = q.Encode()
	l.URL = u.String()
	listener, err := net.Listen("unix", filepath.Join(dir, socket))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go l.serve(listener)
	return l
}

func (l *line) serve(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			l.join(conn)
		}
	}
}

func (l *line) join(conn net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	server, err := net.Dial("unix", l.target)
	if l.isCut || err != nil {
		l.refused.Add(1)
		_ = conn.Close()
		if err == nil {
			_ = server.Close()
		}
		return
	}
	l.open = append(l.open, conn, server)
	for _, way := range [][2]net.Conn{{conn, server}, {server, conn}} {
		go func() {
			_, _ = io.Copy(way[0], way[1])
			_ = way[0].Close()
		}()
	}
}

// cut ends all connections and refuses new ones until restore.
func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isCut = true
	for _, conn := range l.open {
		_ = conn.Close()
	}
	l.open = nil
}

func (l *line) restore() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isCut = false
}
