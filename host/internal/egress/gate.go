package egress

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"time"
)

// Resolver looks names up; *net.Resolver is one. The network is always "ip". A name that an adapter declared comes with a final
// dot, so that the machine's search domains do not apply to it; the operator's and the users' hosts come without.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Config is what a Gate needs.
type Config struct {
	// Resolver is optional; net.DefaultResolver when nil.
	Resolver Resolver
	// Dial is optional; a plain net.Dialer when nil. It gets network "tcp" and "address:port", never a name, but for SelfAddress.
	// What it returns must be a *net.TCPConn.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// SelfAddress is "host:port" of the host's own API, for the name "self". Optional; when empty, self cannot be reached.
	SelfAddress string
	// Events is optional. It is told of each refusal that was the host's decision, from the goroutine of the request, and must be
	// safe for concurrent use. A slow one slows the adapter's dials down.
	Events func(ctx context.Context, event Event)
	// Logger is optional; nothing is logged when nil.
	Logger *slog.Logger
	// Limits is optional; see there.
	Limits Limits
}

// Limits bound what one session may ask of the host. A field that is zero has its default.
type Limits struct {
	// Requests is how many may be under way at once; 64. One more is refused with too_many.
	Requests int
	// DialsPerMinute is how many may be tried, refused ones not counted, with as large a burst; 1200. One more is refused with
	// too_many.
	DialsPerMinute int
	// MessagesPerSecond is how many are read, whatever they say, with twice as large a burst; 1000. The rest waits in the adapter's
	// send buffer.
	MessagesPerSecond int
	// EventsPerMinute is how many refusals become events; 60. The rest is counted.
	EventsPerMinute int
	// IntegrationConnections is how many integration_only connections one call may have open; 32.
	IntegrationConnections int
	// Timeout caps and replaces a missing timeout of a request; 30 seconds.
	Timeout time.Duration
}

func (l Limits) withDefaults() Limits {
	for _, field := range []struct {
		value    *int
		standard int
	}{
		{&l.Requests, 64},
		{&l.DialsPerMinute, 1200},
		{&l.MessagesPerSecond, 1000},
		{&l.EventsPerMinute, 60},
		{&l.IntegrationConnections, 32},
	} {
		if *field.value <= 0 {
			*field.value = field.standard
		}
	}
	if l.Timeout <= 0 {
		l.Timeout = 30 * time.Second
	}
	return l
}

// Gate opens sessions and dials for them. It holds no resources of its own and is safe for concurrent use.
type Gate struct {
	resolver Resolver
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	self     string
	events   func(ctx context.Context, event Event)
	logger   *slog.Logger
	limits   Limits
	classes  classifier
}

// New makes the gate of a host.
func New(config Config) *Gate {
	g := &Gate{
		resolver: config.Resolver,
		dial:     config.Dial,
		self:     config.SelfAddress,
		events:   config.Events,
		logger:   config.Logger,
		limits:   config.Limits.withDefaults(),
		classes:  newClassifier(),
	}
	if g.resolver == nil {
		g.resolver = net.DefaultResolver
	}
	if g.dial == nil {
		dialer := &net.Dialer{KeepAliveConfig: keepAlive()}
		dialer.SetMultipathTCP(false) // an adapter could add paths to other addresses
		g.dial = dialer.DialContext
	}
	if g.events == nil {
		g.events = func(context.Context, Event) {}
	}
	if g.logger == nil {
		g.logger = slog.New(slog.DiscardHandler)
	}
	return g
}

// Open makes the session of one launch of the adapter so named, and the adapter's end of its socket for exec.Cmd.ExtraFiles. The
// caller closes the file once the process is started (or was not), lets Run serve, and calls Close in any case. It fails where the
// host has no descriptors left.
func (g *Gate) Open(adapter string) (*Session, *os.File, error) {
	conn, file, err := socketpair()
	if err != nil {
		return nil, nil, err
	}
	return newSession(g, adapter, conn), file, nil
}
