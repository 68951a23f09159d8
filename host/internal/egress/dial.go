package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// maxAddresses bounds the addresses of one name that are tried.
	maxAddresses = 16
	// minAttempt is the least time that an address gets while there are others to try.
	minAttempt = 2 * time.Second
)

// connect opens a connection that the permit and the rules of the call allow, and returns its descriptor. It fails with a *refusal.
func (g *Gate) connect(ctx context.Context, call Call, p permit) (int, error) {
	if p.self && g.self == "" {
		return -1, &refusal{reason: ReasonUnreachable, message: "the host's own API has no address to dial"}
	}
	if p.self {
		return g.dialFirst(ctx, p, []string{g.self})
	}
	addrs, err := g.resolve(ctx, p)
	if err != nil {
		return -1, err
	}
	allowed, err := g.screen(call, p, addrs)
	if err != nil {
		return -1, err
	}
	return g.dialFirst(ctx, p, allowed)
}

// resolve gives the addresses of the permit's target, none of them IPv4-mapped.
func (g *Gate) resolve(ctx context.Context, p permit) ([]netip.Addr, error) {
	if p.target.addr.IsValid() {
		return []netip.Addr{p.target.addr}, nil
	}
	name := p.target.name
	if p.rooted {
		name += "."
	}
	addrs, err := g.resolver.LookupNetIP(ctx, "ip", name)
	if err != nil {
		return nil, lookupRefusal(p, err)
	}
	if len(addrs) == 0 {
		return nil, &refusal{reason: ReasonNameNotFound, message: fmt.Sprintf("%s has no address", p.target)}
	}
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	return addrs, nil
}

func lookupRefusal(p permit, err error) error {
	var dns *net.DNSError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &dns) && dns.IsTimeout:
		return &refusal{reason: ReasonTimeout, message: fmt.Sprintf("looking up %s took too long", p.target)}
	case errors.As(err, &dns) && dns.IsNotFound:
		return &refusal{reason: ReasonNameNotFound, message: fmt.Sprintf("%s is not known to the host's name servers", p.target)}
	}
	return &refusal{reason: ReasonUnreachable, message: fmt.Sprintf("looking up %s failed on the host", p.target)}
}

// screen keeps the addresses that the rules admit, as "address:port", the two families in turn. It fails when none is left, with the
// refusal of the first.
func (g *Gate) screen(call Call, p permit, addrs []netip.Addr) ([]string, error) {
	var (
		allowed []netip.Addr
		refused error
	)
	for _, addr := range addrs {
		err := call.Rules.admits(g.classes, call.Platform, p.target, addr)
		if err == nil {
			allowed = append(allowed, addr)
		} else if refused == nil {
			refused = err
		}
	}
	if len(allowed) == 0 {
		return nil, refused
	}
	allowed = alternate(allowed)
	texts := make([]string, 0, min(len(allowed), maxAddresses))
	for _, addr := range allowed[:cap(texts)] {
		texts = append(texts, netip.AddrPortFrom(addr, uint16(p.port)).String())
	}
	return texts, nil
}

// alternate orders addresses so that the families take turns, beginning with that of the first: one broken family costs one attempt.
func alternate(addrs []netip.Addr) []netip.Addr {
	var first, second []netip.Addr
	for _, addr := range addrs {
		if addr.Is4() == addrs[0].Is4() {
			first = append(first, addr)
		} else {
			second = append(second, addr)
		}
	}
	ordered := make([]netip.Addr, 0, len(addrs))
	for i := range max(len(first), len(second)) {
		if i < len(first) {
			ordered = append(ordered, first[i])
		}
		if i < len(second) {
			ordered = append(ordered, second[i])
		}
	}
	return ordered
}

// dialFirst tries the addresses in turn and returns the descriptor of the first connection. Each attempt gets its share of the time
// left.
func (g *Gate) dialFirst(ctx context.Context, p permit, addresses []string) (int, error) {
	var last error
	for i, address := range addresses {
		fd, err := g.dialOne(ctx, address, len(addresses)-i)
		if err == nil {
			return fd, nil
		}
		last = err
		if ctx.Err() != nil {
			break
		}
	}
	g.logger.DebugContext(ctx, "egress dial failed", "host", p.target.String(), "port", p.port, "error", last)
	return -1, dialRefusal(p, last)
}

func (g *Gate) dialOne(ctx context.Context, address string, remaining int) (int, error) {
	if deadline, ok := ctx.Deadline(); ok && remaining > 1 {
		share := max(time.Until(deadline)/time.Duration(remaining), minAttempt)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, share)
		defer cancel()
	}
	conn, err := g.dial(ctx, "tcp", address)
	if err != nil {
		return -1, err
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		_ = conn.Close()
		return -1, fmt.Errorf("dialling gave a %T instead of a TCP connection", conn)
	}
	if err := tcp.SetKeepAliveConfig(keepAlive()); err != nil {
		_ = conn.Close()
		return -1, fmt.Errorf("setting keep-alive: %w", err)
	}
	return detach(tcp)
}

// keepAlive finds a dead peer within three minutes.
func keepAlive() net.KeepAliveConfig {
	return net.KeepAliveConfig{Enable: true, Idle: time.Minute, Interval: 20 * time.Second, Count: 6}
}

// dialRefusal tells what the network said, without the addresses.
func dialRefusal(p permit, err error) error {
	wanted := net.JoinHostPort(p.target.String(), strconv.Itoa(p.port))
	if p.self {
		wanted = "the host's own API"
	}
	var timeout net.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return &refusal{reason: ReasonTimeout, message: fmt.Sprintf("connecting to %s took too long", wanted)}
	case errors.Is(err, unix.ECONNREFUSED):
		return &refusal{reason: ReasonUnreachable, message: fmt.Sprintf("%s refused the connection", wanted)}
	}
	return &refusal{reason: ReasonUnreachable, message: fmt.Sprintf("%s cannot be reached", wanted)}
}
