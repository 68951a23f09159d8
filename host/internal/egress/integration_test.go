package egress

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

func shellRules() Rules { return Rules{IntegrationHosts: []string{"shell.example:22"}} }

func shellWorld(t *testing.T, change func(c *Config)) *world {
	return newWorld(t, map[string][][]string{"shell.example": {{publicAddress}}}, change)
}

func TestReleaseCutsIntegrationConnections(t *testing.T) {
	p := openPeer(t, shellWorld(t, nil).gate)
	mine, others := p.admit(shellRules()), p.admit(shellRules())
	m, conn := p.connected(mine, "shell.example", 22)
	if !m.GetIntegrationOnly() {
		t.Fatal("the connection is not marked integration_only")
	}
	_, kept := p.connected(others, "shell.example", 22)
	wantEcho(t, conn)
	p.session.Release(mine)
	wantDead(t, conn)
	wantEcho(t, kept)
	p.refused(mine, "shell.example", 22, adapterv1.Refusal_REFUSAL_UNKNOWN_CALL)
	p.session.Close()
	wantDead(t, kept)
}

// A connection that is over, whoever ended it, cannot be turned towards another peer by who holds it.
func TestPassedConnectionStaysWithItsPeer(t *testing.T) {
	for name, end := range map[string]func(p *peer, dialID string, peer *net.TCPConn){
		"cut": func(p *peer, dialID string, _ *net.TCPConn) { p.session.Release(dialID) },
		"reset": func(_ *peer, _ string, peer *net.TCPConn) {
			_ = peer.SetLinger(0)
			_ = peer.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = listener.Close() }()
			p := openPeer(t, shellWorld(t, func(c *Config) { c.Dial = (&internet{listener: listener.Addr()}).dial }).gate)
			dialID := p.admit(shellRules())
			_, conn := p.connected(dialID, "shell.example", 22)
			peer, err := listener.Accept()
			if err != nil {
				t.Fatal(err)
			}
			end(p, dialID, peer.(*net.TCPConn))
			if _, err := conn.Read(make([]byte, 1)); err == nil {
				t.Fatal("the connection is not over")
			}
			_ = peer.Close()
			wantNoReuse(t, conn, echo(t))
		})
	}
}

// wantNoReuse tries to connect the socket anew, twice because the first time may only tell of the reset, and to listen on it.
func wantNoReuse(t *testing.T, conn *net.TCPConn, other net.Addr) {
	t.Helper()
	defer func() { _ = conn.Close() }()
	to := other.(*net.TCPAddr).AddrPort()
	address := &unix.SockaddrInet4{Addr: to.Addr().Unmap().As4(), Port: int(to.Port())}
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) {
		for range 2 {
			if err := unix.Connect(int(fd), address); err == nil || errors.Is(err, unix.EINPROGRESS) {
				t.Errorf("connecting it to another peer: %v", err)
			}
			if err := unix.Sendto(int(fd), []byte("x"), unix.MSG_FASTOPEN, address); err == nil || errors.Is(err, unix.EINPROGRESS) {
				t.Errorf("sending to another peer: %v", err)
			}
		}
		if err := unix.Listen(int(fd), 1); err == nil {
			t.Error("it became a listener")
		}
	}); err != nil {
		t.Fatal(err)
	}
}

func TestReleaseKeepsPlatformConnections(t *testing.T) {
	w := newWorld(t, map[string][][]string{"slack.com": {{publicAddress}}}, nil)
	p := openPeer(t, w.gate)
	dialID := p.admit(Rules{Hosts: []string{"slack.com"}})
	_, conn := p.connected(dialID, "slack.com", 443)
	p.session.Release(dialID)
	wantEcho(t, conn)
}

// The call ends while its dial is under way: the connection is not handed over.
func TestReleaseDuringDial(t *testing.T) {
	dialling := make(chan struct{})
	for name, ignoreContext := range map[string]bool{"cancelled": false, "connected all the same": true} {
		t.Run(name, func(t *testing.T) {
			address := echo(t)
			w := shellWorld(t, func(c *Config) {
				c.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
					dialling <- struct{}{}
					<-ctx.Done()
					if ignoreContext {
						ctx = context.WithoutCancel(ctx)
					}
					return new(net.Dialer).DialContext(ctx, network, address.String())
				}
			})
			before := openDescriptors(t)
			p := openPeer(t, w.gate)
			dialID := p.admit(shellRules())
			p.ask(dialID, "shell.example", 22)
			<-dialling
			p.session.Release(dialID)
			if m, _ := p.answer(); m.GetRefusal() != adapterv1.Refusal_REFUSAL_UNKNOWN_CALL {
				t.Errorf("the answer is %v", m)
			}
			p.close()
			eventually(t, "the host's descriptors are closed", func() bool { return openDescriptors(t) <= before })
		})
	}
}

func TestIntegrationConnectionsAreBounded(t *testing.T) {
	p := openPeer(t, shellWorld(t, func(c *Config) { c.Limits.IntegrationConnections = 2 }).gate)
	dialID := p.admit(shellRules())
	_, first := p.connected(dialID, "shell.example", 22)
	_, second := p.connected(dialID, "shell.example", 22)
	p.refused(dialID, "shell.example", 22, adapterv1.Refusal_REFUSAL_TOO_MANY)
	// One that is over on both sides makes room.
	if err := first.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(first); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a finished connection makes room", func() bool {
		m, _ := p.dial(dialID, "shell.example", 22)
		return m.GetRefusal() == 0
	})
	wantEcho(t, second)
	p.session.Release(dialID)
	wantDead(t, second)
}

// An adapter that sets a linger time on a connection with unsent bytes and closes it must not make the host wait in Release.
func TestReleaseDoesNotLinger(t *testing.T) {
	deaf, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = deaf.Close() }()
	p := openPeer(t, shellWorld(t, func(c *Config) { c.Dial = (&internet{listener: deaf.Addr()}).dial }).gate)
	dialID := p.admit(shellRules())
	_, conn := p.connected(dialID, "shell.example", 22)
	if err := conn.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for err == nil { // fills every buffer on the way: nobody reads
		_, err = conn.Write(make([]byte, 1<<20))
	}
	if err := conn.SetLinger(3600); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	released := make(chan struct{})
	go func() {
		p.session.Release(dialID)
		close(released)
	}()
	select {
	case <-released:
	case <-time.After(20 * time.Second):
		t.Fatal("Release waits for the adapter's linger time")
	}
}
