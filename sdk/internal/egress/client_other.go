//go:build !linux

package egress

import (
	"context"
	"errors"
	"net"
	"os"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

var errUnsupported = errors.New("descriptor passing works on Linux only")

// Client exists on Linux only.
type Client struct{}

// FromEnvironment returns nil where PATCHBAY_EGRESS_FD is unset, and fails otherwise.
func FromEnvironment() (*Client, error) {
	if _, found := os.LookupEnv(adapterv1.EgressFDVariable); found {
		return nil, errUnsupported
	}
	return nil, nil
}

// NewClient fails.
func NewClient(int) (*Client, error) { return nil, errUnsupported }

// Close does nothing.
func (*Client) Close() error { return nil }

// Dial fails.
func (*Client) Dial(context.Context, string, string, int) (net.Conn, Info, error) {
	return nil, Info{}, errUnsupported
}
