package egress

import (
	"errors"
	"fmt"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

// Info tells about a connection.
type Info struct {
	// IntegrationOnly is true where the connection belongs to the integration of the call: it serves no other call, and the host
	// cuts it when the call ends.
	IntegrationOnly bool
}

// RefusalError is the host's no to a dial.
type RefusalError struct {
	Refusal adapterv1.Refusal
	// Message says what is wrong and which setting changes it, for people.
	Message string
}

// Error gives the host's message.
func (e *RefusalError) Error() string {
	return fmt.Sprintf("the host refused the connection: %s", e.Message)
}

// Timeout reports whether the host gave up waiting for the network; it makes the error a net.Error.
func (e *RefusalError) Timeout() bool { return e.Refusal == adapterv1.Refusal_REFUSAL_TIMEOUT }

// Temporary is part of net.Error. No refusal is worth an immediate second dial but those for want of room.
func (e *RefusalError) Temporary() bool { return e.Refusal == adapterv1.Refusal_REFUSAL_TOO_MANY }

var (
	errNotTCP       = errors.New("the host passed no TCP connection")
	errNoDescriptor = errors.New("the host's answer carries no connection; this process may have too many files open")
)
