package egress

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

func slackWorld(t *testing.T, change func(c *Config)) *world {
	return newWorld(t, map[string][][]string{"slack.com": {{publicAddress}}}, change)
}

func TestThousandDials(t *testing.T) {
	before := openDescriptors(t)
	p := openPeer(t, slackWorld(t, nil).gate)
	dialID := p.admit(Rules{Hosts: []string{"slack.com"}})
	const dials, atOnce = 1000, 50
	for range dials / atOnce {
		for range atOnce {
			p.ask(dialID, "slack.com", 443)
		}
		for range atOnce {
			m, conn := p.answer()
			if conn == nil {
				t.Fatalf("refused: %v", m)
			}
			wantEcho(t, conn)
			_ = conn.SetLinger(0)
			_ = conn.Close()
		}
	}
	p.close()
	eventually(t, "all descriptors are closed", func() bool { return openDescriptors(t) <= before+1 }) // the listener
}

// An adapter that asks and never receives holds a bounded number of connections, and costs the host no more whatever it sends.
func TestUnreceivedDescriptorsAreBounded(t *testing.T) {
	w := slackWorld(t, nil)
	p := openPeer(t, w.gate)
	dialID := p.admit(Rules{Hosts: []string{"slack.com"}})
	const first = 60 // fewer than may be under way, so that none is refused
	for range first {
		p.ask(dialID, "slack.com", 443)
	}
	eventually(t, "all are dialled and the socket is full", func() bool {
		n, err := outstanding(p.session)
		return err == nil && n > sendBufferBytes && len(w.internet.addresses()) == first
	})
	var sending sync.WaitGroup
	flooding := make(chan struct{})
	sending.Go(func() {
		for id := uint64(1000); ; id++ {
			if id == 1100 {
				close(flooding)
			}
			if _, _, err := p.conn.WriteMsgUnix(p.request(id, dialID, "slack.com", 443), nil, nil); err != nil {
				return // the test has closed the session
			}
		}
	})
	<-flooding
	p.session.Close()
	unreceived := 0
	buffer, control := make([]byte, maxMessageBytes), make([]byte, 256)
	for {
		_, controlLength, _, _, err := p.conn.ReadMsgUnix(buffer, control)
		if errors.Is(err, io.EOF) {
			break
		} else if errors.Is(err, unix.ECONNRESET) {
			continue // told once, because the host left requests unread
		} else if err != nil {
			t.Fatal(err)
		}
		for _, fd := range rights(t, control[:controlLength]) {
			unreceived++
			_ = unix.Close(fd)
		}
	}
	p.close()
	sending.Wait()
	if unreceived == 0 || unreceived > 16 {
		t.Errorf("%d descriptors lay unreceived, want 1 to 16", unreceived)
	}
	if dialled := len(w.internet.addresses()); dialled > 64+16 {
		t.Errorf("the host dialled %d times for an adapter that receives nothing", dialled)
	}
}

// outstanding is what lies unreceived in the session's socket, in bytes of kernel memory.
func outstanding(s *Session) (n int, err error) {
	raw, err := s.conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	if controlErr := raw.Control(func(fd uintptr) { n, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) }); controlErr != nil {
		return 0, controlErr
	}
	return n, err
}

func TestRequestsUnderWayAreBounded(t *testing.T) {
	var mu sync.Mutex
	atOnce, most := 0, 0
	address := echo(t)
	w := slackWorld(t, func(c *Config) {
		c.Limits.Requests = 3
		c.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			mu.Lock()
			atOnce++
			most = max(most, atOnce)
			mu.Unlock()
			<-ctx.Done() // until the call is released
			mu.Lock()
			atOnce--
			mu.Unlock()
			return new(net.Dialer).DialContext(ctx, network, address.String())
		}
	})
	p := openPeer(t, w.gate)
	dialID := p.admit(Rules{Hosts: []string{"slack.com"}})
	for range 10 {
		p.ask(dialID, "slack.com", 443)
	}
	for range 7 {
		if m, _ := p.answer(); m.GetRefusal() != adapterv1.Refusal_REFUSAL_TOO_MANY {
			t.Errorf("the answer is %v, want too many", m)
		}
	}
	p.session.Release(dialID)
	for range 3 {
		if m, _ := p.answer(); m.GetRefusal() != adapterv1.Refusal_REFUSAL_UNKNOWN_CALL {
			t.Errorf("the answer is %v, want an unknown call", m)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if most != 3 {
		t.Errorf("%d dials were under way at once", most)
	}
}

func TestDialsPerMinuteAreBounded(t *testing.T) {
	p := openPeer(t, slackWorld(t, func(c *Config) { c.Limits.DialsPerMinute = 5 }).gate)
	dialID := p.admit(Rules{Hosts: []string{"slack.com"}})
	for range 5 {
		p.connected(dialID, "slack.com", 443)
	}
	p.refused(dialID, "slack.com", 443, adapterv1.Refusal_REFUSAL_TOO_MANY)
}

func TestEventsAreBounded(t *testing.T) {
	w := slackWorld(t, func(c *Config) { c.Limits.EventsPerMinute = 3 })
	p := openPeer(t, w.gate)
	dialID := p.admit(Rules{})
	for range 50 {
		p.refused(dialID, "evil.example", 443, adapterv1.Refusal_REFUSAL_HOST_NOT_ALLOWED)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.events) != 3 {
		t.Errorf("50 refusals made %d events, want 3", len(w.events))
	}
}

func TestSuppressedEventsAreCounted(t *testing.T) {
	var events []Event
	p := newSession(New(Config{Limits: Limits{EventsPerMinute: 1}, Events: func(_ context.Context, e Event) { events = append(events, e) }}),
		"probe", nil).reporter
	why := &refusal{reason: ReasonHostNotAllowed}
	for range 5 {
		p.report(context.Background(), nil, request{host: "a\nb"}, why)
	}
	p.limiter.SetBurst(10)
	p.limiter.SetLimit(1e9)
	eventually(t, "another event passes", func() bool {
		p.report(context.Background(), nil, request{}, why)
		return len(events) > 1
	})
	if events[0].Suppressed != 0 || events[1].Suppressed < 4 {
		t.Errorf("suppressed counts are %d and %d, want 0 and at least 4", events[0].Suppressed, events[1].Suppressed)
	}
	if events[0].Host != `"a\nb"` {
		t.Errorf("the event shows the host as %s", events[0].Host)
	}
}

// Descriptors that the adapter sends never stay with the host.
func TestDescriptorsFromTheAdapterAreDiscarded(t *testing.T) {
	w := slackWorld(t, nil)
	p := openPeer(t, w.gate)
	dialID := p.admit(Rules{Hosts: []string{"slack.com"}})
	r, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	many := make([]int, 200)
	for i := range many {
		many[i] = int(writer.Fd())
	}
	before := openDescriptors(t)
	for _, fds := range [][]int{many[:1], many[:2], many} {
		id := p.lastID + 1
		p.lastID = id
		p.write(p.request(id, dialID, "slack.com", 443), unix.UnixRights(fds...))
		if m, _ := p.answer(); m.GetId() != id || m.GetRefusal() != adapterv1.Refusal_REFUSAL_MALFORMED {
			t.Errorf("a request with %d descriptors is answered %v", len(fds), m)
		}
		p.write([]byte("junk"), unix.UnixRights(fds...))
	}
	p.refused(dialID, "evil.example", 443, adapterv1.Refusal_REFUSAL_HOST_NOT_ALLOWED) // what was before is received by now
	if after := openDescriptors(t); after != before {
		t.Errorf("%d descriptors are open, %d were before", after, before)
	}
	// When the test closes its own, nobody has the pipe any more.
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("reading from the pipe: %d, %v; want its end", n, err)
	}
}

func TestMalformedMessages(t *testing.T) {
	p := openPeer(t, slackWorld(t, nil).gate)
	dialID := p.admit(Rules{Hosts: []string{"slack.com"}})
	marshal := func(m *adapterv1.DialRequest) []byte {
		raw, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	// Without an id that can be read there is no answer.
	p.write([]byte("\xff\xff\xff\xff"), nil)
	p.write(make([]byte, maxMessageBytes), nil)
	p.write(marshal(&adapterv1.DialRequest{DialId: dialID, Host: "slack.com", Port: 443}), nil)
	p.write(append(marshal(&adapterv1.DialRequest{Id: 90, DialId: dialID, Port: 443}), make([]byte, 5*maxMessageBytes)...), nil)
	p.write([]byte("\x08\x63\x1a\x02\xff\xfe"), nil) // id 99, a host that is no text
	for id, m := range map[uint64]*adapterv1.DialRequest{
		101: {DialId: dialID, Host: "slack.com"},
		102: {DialId: dialID, Host: "slack.com", Port: 1 << 20},
		103: {DialId: dialID, Port: 443},
		104: {DialId: strings.Repeat("x", 1000), Host: "slack.com", Port: 443},
		105: {Host: "slack.com", Port: 443},
		106: {DialId: dialID, Host: "0x7f.1", Port: 443},
		107: {DialId: dialID, Host: strings.Repeat("a", 2000), Port: 443},
	} {
		m.Id = id
		p.write(marshal(m), nil)
		if got, _ := p.answer(); got.GetId() != id || got.GetRefusal() != adapterv1.Refusal_REFUSAL_MALFORMED {
			t.Errorf("message %d is answered %v", id, got)
		}
	}
	p.connected(dialID, "slack.com", 443)
}

// An adapter that goes away with answers unread is no error of the host's, nor is an empty message, which ends the session.
func TestAdapterLeaves(t *testing.T) {
	for name, leave := range map[string]func(p *peer){
		"closed":        func(p *peer) { _ = p.conn.Close() },
		"unread answer": func(p *peer) { p.ask("unknown", "a.example", 1); waitForAnswer(p); _ = p.conn.Close() },
		"empty message": func(p *peer) { p.write(nil, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			p := openPeer(t, shellWorld(t, nil).gate)
			_, conn := p.connected(p.admit(shellRules()), "shell.example", 22)
			leave(p)
			if err := <-p.ran; err != nil {
				t.Errorf("Run: %v", err)
			}
			p.ran = nil
			wantDead(t, conn)
		})
	}
}

func waitForAnswer(p *peer) {
	p.t.Helper()
	raw, err := p.conn.SyscallConn()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := raw.Read(func(fd uintptr) bool {
		n, _, err := unix.Recvfrom(int(fd), make([]byte, 1), unix.MSG_PEEK)
		return err != unix.EAGAIN && n > 0
	}); err != nil {
		p.t.Fatal(err)
	}
}
