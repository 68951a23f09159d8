package egress

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// Reach says which addresses the host itself may dial when somebody else named the address: an adapter its provider's endpoints, a user
// the target of a webhook.
type Reach struct {
	// AllowPrivate opens private and loopback addresses, AllowedCIDRs the addresses inside them, whatever they are.
	AllowPrivate bool
	AllowedCIDRs []netip.Prefix
	// Setting is what an operator would run to open more, for the error.
	Setting string
}

// AddressError says that a name led to an address that the host does not dial.
type AddressError struct {
	// Class is what the address is, such as "a loopback".
	Class   string
	Setting string
}

// Error names the setting and not the address.
func (e *AddressError) Error() string {
	if e.Setting == "" {
		return fmt.Sprintf("it leads to %s address, which the host does not dial", e.Class)
	}
	return fmt.Sprintf("it leads to %s address; the operator may allow it: %s", e.Class, e.Setting)
}

// Dialer answers a dialer for the host's own requests within a reach. Addresses are checked after resolution, on every dial, so that a
// name cannot lead elsewhere the second time. A refused address is an *AddressError inside the dial's error.
func (r Reach) Dialer() *net.Dialer {
	classes := newClassifier()
	return &net.Dialer{Timeout: 10 * time.Second, KeepAliveConfig: keepAlive(),
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil {
				return fmt.Errorf("reading the address to dial: %w", err)
			}
			return r.admits(classes, to.Addr())
		}}
}

// Refused answers the same words, for those who know only that an error can say it.
func (e *AddressError) Refused() string { return e.Error() }

func (r Reach) admits(classes classifier, addr netip.Addr) error {
	c := classes.classify(addr)
	if c == public || (r.AllowPrivate && !c.needsCIDR()) || contains(r.AllowedCIDRs, addr) {
		return nil
	}
	return &AddressError{Class: c.String(), Setting: r.Setting}
}
