//go:build linux

package egress

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

type result struct {
	conn net.Conn
	info Info
	err  error
}

// dial starts a dial and returns where its result comes.
func (h *host) dial(ctx context.Context, hostName string) <-chan result {
	results := make(chan result, 1)
	go func() {
		conn, info, err := h.client.Dial(ctx, "dial-id", hostName, 443)
		results <- result{conn, info, err}
	}()
	return results
}

func TestDial(t *testing.T) {
	h := openHost(t)
	fd := connection(t, echo(t))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	results := h.dial(ctx, "slack.com")
	m := h.request()
	if m.GetDialId() != "dial-id" || m.GetHost() != "slack.com" || m.GetPort() != 443 || m.GetId() == 0 {
		t.Errorf("the request is %v", m)
	}
	if ms := m.GetTimeoutMs(); ms < 1 || ms > 10_000 {
		t.Errorf("the request waits %d ms", ms)
	}
	h.answer(&adapterv1.DialResponse{Id: m.GetId()}, fd)
	r := <-results
	if r.err != nil {
		t.Fatal(r.err)
	}
	if _, ok := r.conn.(*net.TCPConn); !ok || r.info.IntegrationOnly {
		t.Errorf("the connection is a %T, %+v", r.conn, r.info)
	}
	wantEcho(t, r.conn)
	if err := r.conn.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestDialWithoutDeadline(t *testing.T) {
	h := openHost(t)
	results := h.dial(context.Background(), "slack.com")
	m := h.request()
	if ms := m.GetTimeoutMs(); ms == 0 || ms > 30_000 {
		t.Errorf("the request waits %d ms", ms)
	}
	h.answer(&adapterv1.DialResponse{Id: m.GetId(), Refusal: adapterv1.Refusal_REFUSAL_TIMEOUT, Message: "took too long"})
	var refused *RefusalError
	if r := <-results; !errors.As(r.err, &refused) || refused.Message != "took too long" || !refused.Timeout() {
		t.Errorf("Dial: %v", r.err)
	}
}

// The connection of an integration's host ends for the peer when the adapter closes it, although the host has a descriptor too.
func TestIntegrationConnectionEndsForThePeer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	h := openHost(t)
	fd := connection(t, listener.Addr().String())
	peer, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = peer.Close() }()
	results := h.dial(t.Context(), "shell.example")
	h.answer(&adapterv1.DialResponse{Id: h.request().GetId(), IntegrationOnly: true}, fd)
	r := <-results
	if r.err != nil || !r.info.IntegrationOnly {
		t.Fatalf("Dial: %+v", r)
	}
	if _, err := io.WriteString(r.conn, "last words"); err != nil {
		t.Fatal(err)
	}
	if err := r.conn.Close(); err != nil {
		t.Fatal(err)
	}
	if err := peer.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(peer); err != nil || string(got) != "last words" {
		t.Errorf("the peer reads %q, %v", got, err)
	}
}

func TestAnswersInAnyOrder(t *testing.T) {
	h := openHost(t)
	const dials = 200
	var dialling sync.WaitGroup
	for i := range dials {
		dialling.Go(func() {
			name := "host-" + strconv.Itoa(i)
			_, _, err := h.client.Dial(context.Background(), "d", name, 443)
			var refused *RefusalError
			if !errors.As(err, &refused) || refused.Message != name {
				t.Errorf("the dial of %s ends with %v", name, err)
			}
		})
	}
	var requests []*adapterv1.DialRequest
	for range dials {
		requests = append(requests, h.request())
	}
	for i := range requests {
		m := requests[dials-1-i]
		h.answer(&adapterv1.DialResponse{Id: m.GetId(), Refusal: adapterv1.Refusal_REFUSAL_UNREACHABLE, Message: m.GetHost()})
	}
	dialling.Wait()
}

// A descriptor that comes after its dial was given up is closed.
func TestCancelledDialClosesLateDescriptor(t *testing.T) {
	h := openHost(t)
	fd := connection(t, echo(t))
	before := openSockets(t)
	for range 50 {
		ctx, cancel := context.WithCancel(t.Context())
		results := h.dial(ctx, "slack.com")
		m := h.request()
		cancel()
		if r := <-results; !errors.Is(r.err, context.Canceled) {
			t.Fatalf("Dial: %+v", r)
		}
		h.answer(&adapterv1.DialResponse{Id: m.GetId()}, fd)
	}
	// Cancelled while the answer is on its way: either way nothing stays open.
	for range 200 {
		ctx, cancel := context.WithCancel(t.Context())
		results := h.dial(ctx, "slack.com")
		m := h.request()
		go cancel()
		h.answer(&adapterv1.DialResponse{Id: m.GetId()}, fd)
		if r := <-results; r.conn != nil {
			_ = r.conn.Close()
		}
	}
	eventually(t, "late descriptors are closed", func() bool { return openSockets(t) == before })
}

func TestOddAnswersLeakNothing(t *testing.T) {
	h := openHost(t)
	fd := connection(t, echo(t))
	before := openSockets(t)
	h.write([]byte("\xff\xff\xff"), fd)
	h.answer(&adapterv1.DialResponse{Id: 999}, fd)
	h.answer(&adapterv1.DialResponse{}, fd)
	for name, c := range map[string]struct {
		refusal adapterv1.Refusal
		fds     []int
	}{
		"refusal with a descriptor":    {adapterv1.Refusal_REFUSAL_TIMEOUT, []int{fd}},
		"success without a descriptor": {0, nil},
		"success with two":             {0, []int{fd, fd}},
		"success with a hundred":       {0, repeat(fd, 100)},
		"success with the wrong kind":  {0, []int{0}},
	} {
		results := h.dial(t.Context(), "slack.com")
		h.answer(&adapterv1.DialResponse{Id: h.request().GetId(), Refusal: c.refusal}, c.fds...)
		if r := <-results; r.err == nil {
			t.Errorf("%s: Dial gives a connection", name)
		}
	}
	eventually(t, "what came is closed", func() bool { return openSockets(t) == before })
}

func repeat(fd, n int) []int {
	fds := make([]int, n)
	for i := range fds {
		fds[i] = fd
	}
	return fds
}

func TestHostGone(t *testing.T) {
	h := openHost(t)
	results := h.dial(t.Context(), "slack.com")
	h.request()
	_ = h.conn.Close()
	if r := <-results; r.err == nil {
		t.Error("a dial under way succeeds without a host")
	}
	if _, _, err := h.client.Dial(t.Context(), "d", "slack.com", 443); err == nil {
		t.Error("a new dial succeeds without a host")
	}
}

func TestCloseEndsDials(t *testing.T) {
	h := openHost(t)
	results := h.dial(t.Context(), "slack.com")
	h.request()
	if err := h.client.Close(); err != nil {
		t.Fatal(err)
	}
	if r := <-results; r.err == nil {
		t.Error("a dial succeeds on a closed client")
	}
}

// The host does not read: a dial waits for room no longer than its context.
func TestFullSocketRespectsTheContext(t *testing.T) {
	h := openHost(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var dialling sync.WaitGroup
	for range 2000 {
		dialling.Go(func() {
			if _, _, err := h.client.Dial(ctx, strings.Repeat("d", 100), "slack.com", 443); !errors.Is(err, context.Canceled) {
				t.Errorf("Dial: %v", err)
			}
		})
	}
	eventually(t, "all are registered and one waits for room", func() bool {
		h.client.mu.Lock()
		defer h.client.mu.Unlock()
		return len(h.client.waiting) == 2000 && len(h.client.socket.turn) == 1
	})
	cancel()
	dialling.Wait()
	h.client.mu.Lock()
	defer h.client.mu.Unlock()
	if n := len(h.client.waiting); n > 0 {
		t.Errorf("%d dials are still registered", n)
	}
}

func TestDialRefusesBadArguments(t *testing.T) {
	h := openHost(t)
	for _, c := range []struct {
		host string
		port int
	}{{"slack.com", 0}, {"slack.com", 65536}, {"slack.com", -1}, {strings.Repeat("a", 5000), 443}} {
		if _, _, err := h.client.Dial(t.Context(), "d", c.host, c.port); err == nil {
			t.Errorf("Dial takes a host of %d bytes and port %d", len(c.host), c.port)
		}
	}
}

func TestFromEnvironment(t *testing.T) {
	t.Setenv(adapterv1.EgressFDVariable, "")
	_ = os.Unsetenv(adapterv1.EgressFDVariable)
	if c, err := FromEnvironment(); c != nil || err != nil {
		t.Errorf("unset: %v, %v", c, err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = null.Close() }()
	for _, text := range []string{"", "three", "-1", "9999", strconv.Itoa(int(null.Fd()))} {
		t.Setenv(adapterv1.EgressFDVariable, text)
		if _, err := FromEnvironment(); err == nil {
			t.Errorf("%q is taken for a socket", text)
		}
	}
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(fds[0]) }()
	t.Setenv(adapterv1.EgressFDVariable, strconv.Itoa(fds[1]))
	c, err := FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fds[1]), syscall.F_GETFD, 0)
	if errno != 0 || flags&syscall.FD_CLOEXEC == 0 {
		t.Errorf("the descriptor's flags are %#x, %v: programs would inherit it", flags, errno)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func FuzzDecodeResponse(f *testing.F) {
	raw, err := proto.Marshal(&adapterv1.DialResponse{Id: 7, Message: "no", Refusal: 3, IntegrationOnly: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte("\xff\xff"))
	f.Fuzz(func(t *testing.T, message []byte) {
		if _, a := decodeResponse(message, nil); a.fd >= 0 {
			t.Fatalf("an answer without descriptors gives %+v", a)
		}
	})
}
