package probe

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

// egress are the ways to talk the host into a connection.
func egress() []Attempt {
	dialling := func(name string, dial func(t trial) (int, error)) Attempt {
		return Attempt{Name: name, Egress: true, try: func(t trial) (string, error) { return opened(dial(t)) }}
	}
	return []Attempt{
		dialling("dial-undeclared-host", func(t trial) (int, error) {
			return t.dial(t.Egress.Call, "elsewhere."+t.Egress.Declared, t.Egress.Port)
		}),
		dialling("dial-undeclared-port", func(t trial) (int, error) { return t.dial(t.Egress.Call, t.Egress.Declared, t.Egress.Port^1) }),
		dialling("dial-undeclared-address", func(t trial) (int, error) { return t.dial(t.Egress.Call, "127.0.0.1", t.Egress.Port) }),
		dialling("dial-name-of-loopback", func(t trial) (int, error) { return t.dial(t.Egress.Strict, t.Egress.Declared, t.Egress.Port) }),
		dialling("dial-name-of-metadata-service", func(t trial) (int, error) { return t.dial(t.Egress.Call, t.Egress.Metadata, 80) }),
		dialling("dial-for-ended-call", func(t trial) (int, error) { return t.dial(t.Egress.Ended, t.Egress.Declared, t.Egress.Port) }),
		dialling("hand-descriptor-to-host", func(t trial) (int, error) {
			return t.ask(t.Egress.Call, t.Egress.Declared, t.Egress.Port, unix.UnixRights(0)) // which is /dev/null
		}),
	}
}

// dial asks the host for a connection and answers its descriptor.
func (t trial) dial(call, host string, port int) (int, error) { return t.ask(call, host, port, nil) }

func (t trial) ask(call, host string, port int, rights []byte) (int, error) {
	message, err := proto.Marshal(&adapterv1.DialRequest{Id: 1, DialId: call, Host: host, Port: uint32(port), TimeoutMs: uint32(patience.Milliseconds())})
	if err != nil {
		return -1, err
	}
	if err := unix.Sendmsg(EgressFD, message, rights, nil, 0); err != nil {
		return -1, fmt.Errorf("asking: %w", err)
	}
	answer := make([]byte, adapterv1.MaxDialMessageBytes)
	ancillary := make([]byte, unix.CmsgSpace(4))
	n, ancillaryBytes, err := receive(answer, ancillary)
	if err != nil {
		return -1, fmt.Errorf("waiting for an answer: %w", err)
	}
	var response adapterv1.DialResponse
	if err := proto.Unmarshal(answer[:n], &response); err != nil {
		return -1, err
	}
	if response.GetRefusal() != adapterv1.Refusal_REFUSAL_UNSPECIFIED {
		return -1, refusal(response.GetRefusal())
	}
	return passed(ancillary[:ancillaryBytes])
}

// receive waits for one message.
func receive(answer, ancillary []byte) (n, ancillaryBytes int, err error) {
	for {
		ready, err := unix.Poll([]unix.PollFd{{Fd: EgressFD, Events: unix.POLLIN}}, int(patience.Milliseconds()))
		if err == unix.EINTR {
			continue
		}
		if err == nil && ready == 0 {
			err = unix.ETIMEDOUT
		}
		if err != nil {
			return 0, 0, err
		}
		n, ancillaryBytes, _, _, err := unix.Recvmsg(EgressFD, answer, ancillary, unix.MSG_CMSG_CLOEXEC)
		if err != unix.EINTR {
			return n, ancillaryBytes, err
		}
	}
}

// refusal tells decisions of the policy from failures, which prove nothing about it.
func refusal(code adapterv1.Refusal) error {
	reason := strings.ToLower(strings.TrimPrefix(code.String(), "REFUSAL_"))
	switch code {
	case adapterv1.Refusal_REFUSAL_HOST_NOT_ALLOWED, adapterv1.Refusal_REFUSAL_ADDRESS_NOT_ALLOWED, adapterv1.Refusal_REFUSAL_UNKNOWN_CALL,
		adapterv1.Refusal_REFUSAL_MALFORMED:
		return &errStopped{by: "egress policy", detail: reason}
	}
	return errors.New(reason)
}

// passed takes the descriptor out of a message.
func passed(ancillary []byte) (int, error) {
	messages, err := unix.ParseSocketControlMessage(ancillary)
	if err != nil {
		return -1, err
	}
	for _, m := range messages {
		if fds, err := unix.ParseUnixRights(&m); err == nil && len(fds) == 1 {
			return fds[0], nil
		}
	}
	return -1, errors.New("the answer carries no descriptor")
}
