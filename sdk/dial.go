package sdk

import (
	"context"
	"errors"
	"net"
	"strconv"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
	"github.com/patchbay/patchbay/sdk/internal/egress"
)

// Dial opens a TCP connection for a call, through the host where the host confines the adapter. The host allows the platform's
// declared hosts, the operator's base URL, and the integration's own host; a refusal says which setting changes it.
func Dial(ctx context.Context, call *Call, address string) (net.Conn, error) {
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return nil, Errorf(AdapterBug, "The adapter dialled an address without a port.")
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, Errorf(AdapterBug, "The adapter dialled an address whose port is not a number.")
	}
	if call.dialer == nil {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		return conn, dialError(ctx, err)
	}
	conn, info, err := call.dialer.Dial(ctx, call.dialID, host, int(port))
	if err != nil {
		return nil, dialError(ctx, err)
	}
	if info.IntegrationOnly {
		call.Defer(func() { _ = conn.Close() }) // closing twice is harmless
	}
	return conn, nil
}

// dialError gives a failed dial its kind. Nothing was sent.
func dialError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	var refused *egress.RefusalError
	switch {
	case errors.As(err, &refused):
		return refusal(refused)
	case ctx.Err() != nil:
		return &Error{Kind: Timeout, Message: "The platform did not take the connection in time.", NotSent: true}
	}
	return &Error{Kind: PlatformUnavailable, Message: "The platform cannot be reached: " + withoutAddress(err) + ".", NotSent: true}
}

func refusal(r *egress.RefusalError) *Error {
	e := &Error{Kind: PlatformUnavailable, Message: r.Message, NotSent: true}
	switch r.Refusal {
	case adapterv1.Refusal_REFUSAL_HOST_NOT_ALLOWED, adapterv1.Refusal_REFUSAL_ADDRESS_NOT_ALLOWED:
		e.Kind = PermissionDenied
	case adapterv1.Refusal_REFUSAL_UNKNOWN_CALL, adapterv1.Refusal_REFUSAL_MALFORMED:
		e.Kind = AdapterBug
	}
	return e
}

// withoutAddress keeps the reason of a network error and drops names and addresses.
func withoutAddress(err error) string {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return "its name is not known"
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err.Error()
	}
	return "the connection failed"
}
