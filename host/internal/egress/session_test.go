package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

const publicAddress = "93.184.215.14"

// world is a gate whose names and network are the test's.
type world struct {
	gate     *Gate
	names    *names
	internet *internet

	mu     sync.Mutex
	events []Event
}

func newWorld(t *testing.T, answers map[string][][]string, change func(c *Config)) *world {
	t.Helper()
	w := &world{names: &names{answers: answers}, internet: &internet{listener: echo(t)}}
	config := Config{
		Resolver: w.names,
		Dial:     w.internet.dial,
		Events: func(_ context.Context, e Event) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.events = append(w.events, e)
		},
	}
	if change != nil {
		change(&config)
	}
	w.gate = New(config)
	return w
}

func (w *world) lastEvent(t *testing.T) Event {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.events) == 0 {
		t.Fatal("there is no event")
	}
	return w.events[len(w.events)-1]
}

func TestDialOfDeclaredHost(t *testing.T) {
	w := newWorld(t, map[string][][]string{"slack.com": {{publicAddress}}}, nil)
	p := openPeer(t, w.gate)
	m, conn := p.connected(p.admit(Rules{Hosts: []string{"slack.com"}}), "Slack.com.", 443)
	wantEcho(t, conn)
	if m.GetIntegrationOnly() {
		t.Error("a connection to the platform's own host is marked integration_only")
	}
	if diff := cmp.Diff([]string{publicAddress + ":443"}, w.internet.addresses()); diff != "" {
		t.Errorf("dialled (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"ip slack.com."}, w.names.asked); diff != "" {
		t.Errorf("looked up (-want +got):\n%s", diff)
	}
}

func TestRefusalIsAnEvent(t *testing.T) {
	w := newWorld(t, nil, nil)
	p := openPeer(t, w.gate)
	m := p.refused(p.admit(Rules{Hosts: []string{"slack.com"}}), "evil.example", 443, adapterv1.Refusal_REFUSAL_HOST_NOT_ALLOWED)
	want := Event{
		Adapter: "probe", CallID: "call_1", Platform: "slack", Host: "evil.example", Port: 443, Reason: ReasonHostNotAllowed,
		Message: m.GetMessage(), Setting: "patchbay platform set slack --base-url URL",
	}
	if diff := cmp.Diff(want, w.lastEvent(t), cmp.Comparer(func(a, b Event) bool { return a == b })); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
	if got := w.internet.addresses(); len(got) > 0 {
		t.Errorf("dialled %v", got)
	}
	if len(w.names.asked) > 0 {
		t.Errorf("looked up %v", w.names.asked)
	}
}

func TestRebinding(t *testing.T) {
	w := newWorld(t, map[string][][]string{"slack.com": {{publicAddress}, {"127.0.0.1"}, {"169.254.169.254"}}}, nil)
	p := openPeer(t, w.gate)
	dialID := p.admit(Rules{Hosts: []string{"slack.com"}})
	p.connected(dialID, "slack.com", 443)
	m := p.refused(dialID, "slack.com", 443, adapterv1.Refusal_REFUSAL_ADDRESS_NOT_ALLOWED)
	if !strings.Contains(m.GetMessage(), "patchbay platform set slack --allow-private-network") {
		t.Errorf("the message %q does not name the setting", m.GetMessage())
	}
	if got := w.lastEvent(t); got.Address.String() != "127.0.0.1" {
		t.Errorf("the event names the address %s", got.Address)
	}
	p.refused(dialID, "slack.com", 443, adapterv1.Refusal_REFUSAL_ADDRESS_NOT_ALLOWED)
	if diff := cmp.Diff([]string{publicAddress + ":443"}, w.internet.addresses()); diff != "" {
		t.Errorf("dialled (-want +got):\n%s", diff)
	}
}

// A name with good and bad addresses gets dialled at the good ones alone, even when those fail.
func TestMixedAddresses(t *testing.T) {
	answers := map[string][][]string{"slack.com": {{"127.0.0.1", "::ffff:10.0.0.1", "8.8.8.8", "8.8.4.4", "2606:4700::1111", "64:ff9b::7f00:1"}}}
	var mu sync.Mutex
	var dialled []string
	w := newWorld(t, answers, func(c *Config) {
		c.Dial = func(_ context.Context, _, address string) (net.Conn, error) {
			mu.Lock()
			defer mu.Unlock()
			dialled = append(dialled, address)
			return nil, errors.New("no route")
		}
	})
	p := openPeer(t, w.gate)
	p.refused(p.admit(Rules{Hosts: []string{"slack.com"}}), "slack.com", 443, adapterv1.Refusal_REFUSAL_UNREACHABLE)
	mu.Lock()
	defer mu.Unlock()
	if diff := cmp.Diff([]string{"8.8.8.8:443", "[2606:4700::1111]:443", "8.8.4.4:443"}, dialled); diff != "" {
		t.Errorf("dialled (-want +got):\n%s", diff)
	}
}

func TestPrivateNetworkByItsSetting(t *testing.T) {
	listener := echo(t)
	_, portText, _ := net.SplitHostPort(listener.String())
	port, _ := strconv.Atoi(portText)
	g := New(Config{}) // the real resolver and dialler
	p := openPeer(t, g)
	integration := []string{"127.0.0.1:" + portText}
	p.refused(p.admit(Rules{IntegrationHosts: integration}), "127.0.0.1", port, adapterv1.Refusal_REFUSAL_ADDRESS_NOT_ALLOWED)
	m, conn := p.connected(p.admit(Rules{IntegrationHosts: integration, AllowPrivate: true}), "127.0.0.1", port)
	wantEcho(t, conn)
	if !m.GetIntegrationOnly() {
		t.Error("a connection to an integration's host is not marked integration_only")
	}
}

func TestUnknownDialIDs(t *testing.T) {
	w := newWorld(t, map[string][][]string{"slack.com": {{publicAddress}}}, nil)
	rules := Rules{Hosts: []string{"slack.com"}}
	mine, other := openPeer(t, w.gate), openPeer(t, w.gate)
	dialID := mine.admit(rules)
	released := mine.admit(rules)
	mine.session.Release(released)
	for name, try := range map[string]string{
		"another session's": other.admit(rules), "a released one": released, "a shortened one": dialID[:len(dialID)-1],
		"another case": strings.ToUpper(dialID), "a guess": NewDialID(),
	} {
		m := mine.refused(try, "slack.com", 443, adapterv1.Refusal_REFUSAL_UNKNOWN_CALL)
		if m.GetMessage() == "" {
			t.Errorf("%s: no message", name)
		}
	}
	mine.connected(dialID, "slack.com", 443)
}

func TestDialIDsAreUnguessable(t *testing.T) {
	a, b := NewDialID(), NewDialID()
	if a == b || len(a) < 22 {
		t.Errorf("NewDialID gives %q and %q", a, b)
	}
}

func TestAdmitRefuses(t *testing.T) {
	p := openPeer(t, New(Config{}))
	dialID := p.admit(Rules{})
	for name, id := range map[string]string{"no id": "", "an id in use": dialID, "a long id": strings.Repeat("x", 1000)} {
		if err := p.session.Admit(Call{DialID: id}); err == nil {
			t.Errorf("Admit takes %s", name)
		}
	}
	p.close()
	if err := p.session.Admit(Call{DialID: NewDialID()}); !errors.Is(err, errSessionClosed) {
		t.Errorf("Admit after Close: %v", err)
	}
}

func TestSelf(t *testing.T) {
	api := echo(t)
	w := newWorld(t, nil, func(c *Config) { c.SelfAddress = api.String() })
	p := openPeer(t, w.gate)
	p.refused(p.admit(Rules{Any: true}), "self", 443, adapterv1.Refusal_REFUSAL_HOST_NOT_ALLOWED)
	p.connected(p.admit(Rules{Self: true}), "self", 80)
	if diff := cmp.Diff([]string{api.String()}, w.internet.addresses()); diff != "" {
		t.Errorf("dialled (-want +got):\n%s", diff)
	}
	nowhere := openPeer(t, newWorld(t, nil, nil).gate)
	nowhere.refused(nowhere.admit(Rules{Self: true}), "self", 80, adapterv1.Refusal_REFUSAL_UNREACHABLE)
}

func TestNetworkFailures(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	w := newWorld(t, map[string][][]string{"gone.example": {{publicAddress}}, "slow.example": {{"8.8.8.8"}}, "empty.example": {{}}},
		func(c *Config) {
			c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				if strings.HasPrefix(address, "8.8.8.8") {
					<-ctx.Done()
					return nil, ctx.Err()
				}
				return new(net.Dialer).DialContext(ctx, network, closed.Addr().String())
			}
			c.Limits.Timeout = 50e6
		})
	p := openPeer(t, w.gate)
	dialID := p.admit(Rules{Hosts: []string{"*.example.com", "gone.example", "slow.example", "empty.example", "missing.example"}})
	p.refused(dialID, "missing.example", 443, adapterv1.Refusal_REFUSAL_NAME_NOT_FOUND)
	p.refused(dialID, "empty.example", 443, adapterv1.Refusal_REFUSAL_NAME_NOT_FOUND)
	p.refused(dialID, "slow.example", 443, adapterv1.Refusal_REFUSAL_TIMEOUT)
	p.refused(dialID, "gone.example", 443, adapterv1.Refusal_REFUSAL_UNREACHABLE)
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.events) > 0 {
		t.Errorf("what the network said became events: %v", w.events)
	}
}

func TestHTTPOverPassedConnections(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
	})
	plain, secure := httptest.NewServer(handler), httptest.NewUnstartedServer(handler)
	secure.EnableHTTP2 = true
	secure.StartTLS()
	defer plain.Close()
	defer secure.Close()
	for _, server := range []*httptest.Server{plain, secure} {
		t.Run(server.URL[:5], func(t *testing.T) {
			w := newWorld(t, map[string][][]string{"example.com": {{publicAddress}}}, func(c *Config) {
				c.Dial = (&internet{listener: server.Listener.Addr()}).dial
			})
			p := openPeer(t, w.gate)
			dialID := p.admit(Rules{Hosts: []string{"example.com", "example.com:80"}})
			transport := server.Client().Transport.(*http.Transport).Clone()
			transport.DialContext = func(_ context.Context, _, address string) (net.Conn, error) {
				_, port, _ := net.SplitHostPort(address)
				number, _ := strconv.Atoi(port)
				_, conn := p.connected(dialID, "example.com", number)
				return conn, nil
			}
			transport.ForceAttemptHTTP2 = true
			if transport.TLSClientConfig != nil {
				transport.TLSClientConfig.MinVersion = tls.VersionTLS13
			}
			defer transport.CloseIdleConnections()
			client := &http.Client{Transport: transport}
			sent := strings.Repeat("payload ", 100_000)
			response, err := client.Post(strings.SplitAfter(server.URL, "//")[0]+"example.com/", "text/plain", strings.NewReader(sent))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }()
			if got, err := io.ReadAll(response.Body); err != nil || string(got) != sent {
				t.Errorf("%d bytes come back, %v", len(got), err)
			}
		})
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	session, file, err := New(Config{}).Open("probe")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- session.Run(ctx) }()
	cancel()
	if err := <-ran; err != nil {
		t.Errorf("Run: %v", err)
	}
}

func BenchmarkDial(b *testing.B) {
	g := New(Config{
		Resolver: &names{answers: map[string][][]string{"slack.com": {{publicAddress}}}},
		Dial:     (&internet{listener: echo(b)}).dial,
		Limits:   Limits{DialsPerMinute: 1 << 30, MessagesPerSecond: 1 << 30},
	})
	p := openPeer(b, g)
	dialID := p.admit(Rules{Hosts: []string{"slack.com"}})
	for b.Loop() {
		_, conn := p.dial(dialID, "slack.com", 443)
		_ = conn.SetLinger(0) // leaves no port waiting
		_ = conn.Close()
	}
}
