//go:build linux

package egress

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

// host plays the host at its end of the socket.
type host struct {
	t      *testing.T
	conn   *net.UnixConn
	client *Client
}

func openHost(t *testing.T) *host {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(fds[0]), "")
	conn, err := net.FileConn(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	client, err := NewClient(fds[1])
	if err != nil {
		t.Fatal(err)
	}
	h := &host{t: t, conn: conn.(*net.UnixConn), client: client}
	t.Cleanup(h.close)
	return h
}

func (h *host) close() {
	if err := h.client.Close(); err != nil {
		h.t.Errorf("Close: %v", err)
	}
	_ = h.conn.Close()
}

// request receives one.
func (h *host) request() *adapterv1.DialRequest {
	h.t.Helper()
	if err := h.conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		h.t.Fatal(err)
	}
	buffer := make([]byte, adapterv1.MaxDialMessageBytes)
	n, err := h.conn.Read(buffer)
	if err != nil {
		h.t.Fatal(err)
	}
	var m adapterv1.DialRequest
	if err := proto.Unmarshal(buffer[:n], &m); err != nil {
		h.t.Fatal(err)
	}
	return &m
}

// answer sends m with the descriptors fds, which stay open here.
func (h *host) answer(m *adapterv1.DialResponse, fds ...int) {
	h.t.Helper()
	raw, err := proto.Marshal(m)
	if err != nil {
		h.t.Fatal(err)
	}
	h.write(raw, fds...)
}

func (h *host) write(raw []byte, fds ...int) {
	h.t.Helper()
	var rights []byte
	if len(fds) > 0 {
		rights = syscall.UnixRights(fds...)
	}
	if _, _, err := h.conn.WriteMsgUnix(raw, rights, nil); err != nil {
		h.t.Fatal(err)
	}
}

// connection is a TCP connection to address, as a descriptor that the test closes at its end.
func connection(t *testing.T, address string) int {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	descriptor := -1
	if err := raw.Control(func(fd uintptr) { descriptor = int(fd) }); err != nil {
		t.Fatal(err)
	}
	return descriptor
}

// echo listens on loopback and sends back what it gets.
func echo(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer func() { _ = conn.Close() }()
				_, _ = io.Copy(conn, conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		serving.Wait()
	})
	return listener.Addr().String()
}

func wantEcho(t *testing.T, conn net.Conn) {
	t.Helper()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "ping"); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 4)
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != "ping" {
		t.Fatalf("the echo is %q, %v", got, err)
	}
}

// openSockets counts this process' descriptors of sockets.
func openSockets(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, entry := range entries {
		if link, err := os.Readlink(filepath.Join("/proc/self/fd", entry.Name())); err == nil && strings.HasPrefix(link, "socket:") {
			count++
		}
	}
	return count
}

// eventually waits for a condition that another goroutine brings about.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}
