package egress

import (
	"errors"
	"net/netip"
	"strconv"
)

// Reason says, in one stable word, why there is no connection.
type Reason string

// The reasons. The first five are decisions of the host and become events; the rest is what the network said.
const (
	ReasonHostNotAllowed    Reason = "host_not_allowed"
	ReasonAddressNotAllowed Reason = "address_not_allowed"
	ReasonUnknownCall       Reason = "unknown_call"
	ReasonTooMany           Reason = "too_many"
	ReasonMalformed         Reason = "malformed"
	ReasonNameNotFound      Reason = "name_not_found"
	ReasonUnreachable       Reason = "unreachable"
	ReasonTimeout           Reason = "timeout"
)

// decided reports whether the host refused, rather than the network.
func (r Reason) decided() bool {
	switch r {
	case ReasonNameNotFound, ReasonUnreachable, ReasonTimeout:
		return false
	}
	return true
}

// refusal is the error of a dial that gives no connection. Its message goes to the adapter, so it holds no address that the
// adapter does not know already.
type refusal struct {
	reason  Reason
	message string
	setting string     // what an operator would run or give; may be empty
	address netip.Addr // for the operator's eyes only
}

func (r *refusal) Error() string { return r.message }

// asRefusal finds the refusal in err; anything else is told as unreachable, without detail.
func asRefusal(err error) *refusal {
	var r *refusal
	if errors.As(err, &r) {
		return r
	}
	return &refusal{reason: ReasonUnreachable, message: "the host could not hand over a connection"}
}

// Event is one refusal, for the operator's event log.
type Event struct {
	// Adapter is the name given to Gate.Open.
	Adapter string
	// CallID and Platform are empty where the dial id names no admitted call.
	CallID   string
	Platform string
	// Host and Port are what the adapter asked for, at most 253 bytes of printable ASCII; anything else is shown quoted and cut.
	Host string
	Port int
	// Address is what the host resolved to, where that was the trouble.
	Address netip.Addr
	Reason  Reason
	// Message is what the adapter was told.
	Message string
	// Setting is the operator's command or grant that would allow the dial; may be empty.
	Setting string
	// Suppressed counts refusals since the last event of this session that made none, because there were too many.
	Suppressed int
}

// printable gives a host name from outside a form that is fit for logs.
func printable(host string) string {
	if t, err := parseTarget(host); err == nil {
		return t.String()
	}
	if len(host) > 100 {
		host = host[:100]
	}
	return strconv.QuoteToASCII(host)
}
