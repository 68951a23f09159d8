package egress

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

// This file is the only one that knows the generated messages.

// maxMessageBytes bounds one message of the socket, both ways.
const maxMessageBytes = adapterv1.MaxDialMessageBytes

// maxDialIDBytes is the longest dial id that is looked at; NewDialID makes shorter ones.
const maxDialIDBytes = 128

// request is a decoded DialRequest whose fields are within their bounds.
type request struct {
	id      uint64
	dialID  string
	host    string
	port    int
	timeout time.Duration // 0 where the adapter gives none
}

// decodeRequest reads one message. With an error the request holds the id where there was one to read (else 0, which gets no
// answer) and the host for the event.
func decodeRequest(message []byte) (request, error) {
	var m adapterv1.DialRequest
	if len(message) > maxMessageBytes {
		return request{}, errors.New("the message is too long")
	}
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(message, &m); err != nil {
		return request{}, errors.New("the message is no DialRequest")
	}
	r := request{
		id:      m.GetId(),
		dialID:  m.GetDialId(),
		host:    m.GetHost(),
		port:    int(m.GetPort()),
		timeout: time.Duration(m.GetTimeoutMs()) * time.Millisecond,
	}
	switch {
	case r.id == 0:
		return r, errors.New("the id is missing")
	case r.dialID == "" || len(r.dialID) > maxDialIDBytes:
		return r, errors.New("the dial id is missing or too long")
	case m.GetPort() == 0 || m.GetPort() > 65535:
		r.port = 0
		return r, errors.New("the port is not between 1 and 65535")
	}
	return r, nil
}

// maxRefusalBytes keeps a refusal with its other fields well within one message.
const maxRefusalBytes = 2 << 10

func encodeRefusal(id uint64, r *refusal) ([]byte, error) {
	text := r.message
	if len(text) > maxRefusalBytes {
		text = text[:maxRefusalBytes]
	}
	return encode(&adapterv1.DialResponse{Id: id, Refusal: wireReason(r.reason), Message: strings.ToValidUTF8(text, "")})
}

func encodeConnected(id uint64, integrationOnly bool) ([]byte, error) {
	return encode(&adapterv1.DialResponse{Id: id, IntegrationOnly: integrationOnly})
}

func encode(m *adapterv1.DialResponse) ([]byte, error) {
	message, err := proto.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encoding dial response: %w", err)
	}
	return message, nil
}

func wireReason(r Reason) adapterv1.Refusal {
	switch r {
	case ReasonHostNotAllowed:
		return adapterv1.Refusal_REFUSAL_HOST_NOT_ALLOWED
	case ReasonAddressNotAllowed:
		return adapterv1.Refusal_REFUSAL_ADDRESS_NOT_ALLOWED
	case ReasonUnknownCall:
		return adapterv1.Refusal_REFUSAL_UNKNOWN_CALL
	case ReasonTooMany:
		return adapterv1.Refusal_REFUSAL_TOO_MANY
	case ReasonMalformed:
		return adapterv1.Refusal_REFUSAL_MALFORMED
	case ReasonNameNotFound:
		return adapterv1.Refusal_REFUSAL_NAME_NOT_FOUND
	case ReasonTimeout:
		return adapterv1.Refusal_REFUSAL_TIMEOUT
	case ReasonUnreachable:
	}
	return adapterv1.Refusal_REFUSAL_UNREACHABLE
}
