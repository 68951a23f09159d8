//go:build linux

package egress

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"google.golang.org/protobuf/proto"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

func encodeRequest(id uint64, dialID, host string, port int, timeout time.Duration) ([]byte, error) {
	if port < 1 || port > 65535 {
		return nil, fmt.Errorf("port %d is not between 1 and 65535", port)
	}
	message, err := proto.Marshal(&adapterv1.DialRequest{
		Id: id, DialId: dialID, Host: host, Port: uint32(port), TimeoutMs: milliseconds(timeout),
	})
	if err != nil {
		return nil, fmt.Errorf("encoding dial request: %w", err)
	}
	if len(message) > adapterv1.MaxDialMessageBytes {
		return nil, errors.New("the host name is too long")
	}
	return message, nil
}

// milliseconds is at least one: zero would ask for the host's default.
func milliseconds(d time.Duration) uint32 {
	return uint32(max(min(d, defaultTimeout)/time.Millisecond, 1))
}

// decodeResponse reads one message and the descriptors that came with it, which it closes where they are not what the message
// announces. The id is 0, which no dial has, where the message cannot be read.
func decodeResponse(message []byte, fds []int) (uint64, answer) {
	var m adapterv1.DialResponse
	if err := proto.Unmarshal(message, &m); err != nil {
		closeAll(fds)
		return 0, answer{fd: -1}
	}
	switch {
	case m.GetRefusal() != adapterv1.Refusal_REFUSAL_UNSPECIFIED:
		closeAll(fds)
		return m.GetId(), answer{fd: -1, err: &RefusalError{Refusal: m.GetRefusal(), Message: m.GetMessage()}}
	case len(fds) != 1:
		closeAll(fds)
		return m.GetId(), answer{fd: -1, err: errNoDescriptor}
	}
	return m.GetId(), answer{fd: fds[0], info: Info{IntegrationOnly: m.GetIntegrationOnly()}}
}

func closeAll(fds []int) {
	for _, fd := range fds {
		_ = syscall.Close(fd)
	}
}
