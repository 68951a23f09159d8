package egress

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

// peer plays the adapter at its end of a session's socket, with nothing between the test and the wire.
type peer struct {
	t       testing.TB
	conn    *net.UnixConn
	session *Session
	lastID  uint64
	ran     chan error
}

// openPeer opens a session, runs it, and checks at the end of the test that it ends without error and leaks no descriptor.
func openPeer(t testing.TB, g *Gate) *peer {
	t.Helper()
	session, file, err := g.Open("probe")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.FileConn(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, conn: conn.(*net.UnixConn), session: session, ran: make(chan error, 1)}
	go func() { p.ran <- session.Run(context.Background()) }()
	t.Cleanup(p.close)
	return p
}

func (p *peer) close() {
	_ = p.conn.Close()
	p.session.Close()
	if p.ran == nil {
		return
	}
	if err := <-p.ran; err != nil {
		p.t.Errorf("Run: %v", err)
	}
	p.ran = nil
}

// admit admits a call with the rules and returns its dial id.
func (p *peer) admit(rules Rules) string {
	p.t.Helper()
	call := Call{DialID: NewDialID(), CallID: "call_1", Platform: "slack", Rules: rules}
	if err := p.session.Admit(call); err != nil {
		p.t.Fatal(err)
	}
	return call.DialID
}

// ask sends a request without waiting for the answer.
func (p *peer) ask(dialID, host string, port int) uint64 {
	p.t.Helper()
	p.lastID++
	p.write(p.request(p.lastID, dialID, host, port), nil)
	return p.lastID
}

func (p *peer) request(id uint64, dialID, host string, port int) []byte {
	p.t.Helper()
	raw, err := proto.Marshal(&adapterv1.DialRequest{Id: id, DialId: dialID, Host: host, Port: uint32(port), TimeoutMs: 5000})
	if err != nil {
		p.t.Fatal(err)
	}
	return raw
}

func (p *peer) write(message, control []byte) {
	p.t.Helper()
	if _, _, err := p.conn.WriteMsgUnix(message, control, nil); err != nil {
		p.t.Fatal(err)
	}
}

// answer receives one answer and its connection, nil with a refusal.
func (p *peer) answer() (*adapterv1.DialResponse, *net.TCPConn) {
	p.t.Helper()
	if err := p.conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		p.t.Fatal(err)
	}
	var m adapterv1.DialResponse
	buffer, control := make([]byte, maxMessageBytes), make([]byte, 256)
	n, controlLength, _, _, err := p.conn.ReadMsgUnix(buffer, control)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := proto.Unmarshal(buffer[:n], &m); err != nil {
		p.t.Fatal(err)
	}
	fds := rights(p.t, control[:controlLength])
	if refused := m.GetRefusal() != 0; refused != (len(fds) == 0) || len(fds) > 1 {
		p.t.Fatalf("the answer %v comes with %d descriptors", &m, len(fds))
	} else if refused {
		return &m, nil
	}
	file := os.NewFile(uintptr(fds[0]), "")
	conn, err := net.FileConn(file)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = conn.Close() })
	return &m, conn.(*net.TCPConn)
}

func rights(t testing.TB, control []byte) []int {
	t.Helper()
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		t.Fatal(err)
	}
	var fds []int
	for i := range messages {
		got, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			t.Fatal(err)
		}
		fds = append(fds, got...)
	}
	return fds
}

// dial asks and waits.
func (p *peer) dial(dialID, host string, port int) (*adapterv1.DialResponse, *net.TCPConn) {
	p.t.Helper()
	id := p.ask(dialID, host, port)
	m, conn := p.answer()
	if m.GetId() != id {
		p.t.Fatalf("the answer has id %d, want %d", m.GetId(), id)
	}
	return m, conn
}

// refused asks and wants that refusal.
func (p *peer) refused(dialID, host string, port int, want adapterv1.Refusal) *adapterv1.DialResponse {
	p.t.Helper()
	m, _ := p.dial(dialID, host, port)
	if m.GetRefusal() != want {
		p.t.Errorf("dialling %s port %d: %v %q, want %v", host, port, m.GetRefusal(), m.GetMessage(), want)
	}
	return m
}

// connected asks and wants a connection.
func (p *peer) connected(dialID, host string, port int) (*adapterv1.DialResponse, *net.TCPConn) {
	p.t.Helper()
	m, conn := p.dial(dialID, host, port)
	if conn == nil {
		p.t.Fatalf("dialling %s port %d: %v %q", host, port, m.GetRefusal(), m.GetMessage())
	}
	return m, conn
}

// names is a resolver whose answers take turns; the last stays. Names are given without the final dot.
type names struct {
	mu      sync.Mutex
	answers map[string][][]string
	asked   []string
}

func (n *names) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked = append(n.asked, network+" "+host)
	answers := n.answers[trimDot(host)]
	if len(answers) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if len(answers) > 1 {
		n.answers[trimDot(host)] = answers[1:]
	}
	var addrs []netip.Addr
	for _, text := range answers[0] {
		addrs = append(addrs, netip.MustParseAddr(text))
	}
	return addrs, nil
}

func trimDot(s string) string {
	if s != "" && s[len(s)-1] == '.' {
		return s[:len(s)-1]
	}
	return s
}

// internet dials a listener of the test whatever the address, and remembers the addresses.
type internet struct {
	listener net.Addr
	mu       sync.Mutex
	dialled  []string
}

func (i *internet) dial(ctx context.Context, network, address string) (net.Conn, error) {
	i.mu.Lock()
	i.dialled = append(i.dialled, address)
	i.mu.Unlock()
	return new(net.Dialer).DialContext(ctx, network, i.listener.String())
}

func (i *internet) addresses() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.dialled)
}

// echo listens on loopback and sends back what it gets.
func echo(t testing.TB) net.Addr {
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
	return listener.Addr()
}

// wantEcho checks that bytes come back over the connection.
func wantEcho(t testing.TB, conn net.Conn) {
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

// wantDead checks that nothing goes over the connection any more.
func wantDead(t *testing.T, conn net.Conn) {
	t.Helper()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "ping"); !errors.Is(err, unix.EPIPE) && !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("writing to a dead connection: %v", err)
	}
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("reading from a dead connection: %d bytes, %v", n, err)
	}
}

// openDescriptors counts this process' descriptors of sockets and pipes; what the runtime keeps for itself is neither.
func openDescriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, entry := range entries {
		link, err := os.Readlink(filepath.Join("/proc/self/fd", entry.Name()))
		if err == nil && (len(link) > 7 && link[:7] == "socket:" || len(link) > 5 && link[:5] == "pipe:") {
			count++
		}
	}
	return count
}

// eventually waits for a condition that another goroutine or the kernel brings about.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}
