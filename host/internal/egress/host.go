package egress

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// selfName is the reserved host name of the host's own API.
const selfName = "self"

// defaultPort is the port of a pattern that names none.
const defaultPort = 443

// maxNameBytes is the longest host name of the domain name system, without the final dot.
const maxNameBytes = 253

// target is a host as policy sees it: either a name in lower-case ASCII without a final dot, or an address without zone and not
// IPv4-mapped. The zero value is no host.
type target struct {
	name string
	addr netip.Addr
}

// String gives the form that a message shows.
func (t target) String() string {
	if t.addr.IsValid() {
		return t.addr.String()
	}
	return t.name
}

// parseTarget reads the host of a request or of a rule. It refuses every spelling that a resolver or a socket library somewhere
// reads as an address although it is not one in the usual form (127.1, 0x7f.1, 2130706433, 0177.0.0.1), zones, brackets and
// control characters. What it returns is the only form that is matched, resolved and dialled.
func parseTarget(s string) (target, error) {
	if s == "" || len(s) > 4*maxNameBytes || !utf8.ValidString(s) {
		return target{}, errors.New("the host is empty, too long or no text")
	}
	if strings.Contains(s, ":") {
		return parseIPv6(s)
	}
	if !isASCII(s) {
		ascii, err := idna.Lookup.ToASCII(s)
		if err != nil {
			return target{}, errors.New("the host is no valid international name")
		}
		s = ascii
	}
	if addr, err := netip.ParseAddr(s); err == nil {
		return target{addr: addr}, nil
	}
	return parseName(s)
}

func parseIPv6(s string) (target, error) {
	addr, err := netip.ParseAddr(s)
	if err != nil {
		return target{}, errors.New("the host is no valid IPv6 address")
	}
	if addr.Zone() != "" {
		return target{}, errors.New("an address with a zone is not dialled")
	}
	return target{addr: addr.Unmap()}, nil
}

func parseName(s string) (target, error) {
	name := strings.ToLower(strings.TrimSuffix(s, "."))
	if name == "" || len(name) > maxNameBytes {
		return target{}, errors.New("the host name is empty or too long")
	}
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if !validLabel(label) {
			return target{}, errors.New("the host name has an empty or invalid label")
		}
	}
	if numeric(labels[len(labels)-1]) {
		return target{}, errors.New("the host looks like an address in an unusual form; write four decimal numbers")
	}
	return target{name: name}, nil
}

func validLabel(label string) bool {
	if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	for i := range len(label) {
		c := label[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// numeric reports whether a last label makes some resolvers read the whole name as an IPv4 address: decimal, octal or hexadecimal.
func numeric(label string) bool {
	if strings.Trim(label, "0123456789") == "" {
		return true
	}
	digits, found := strings.CutPrefix(label, "0x")
	return found && strings.Trim(digits, "0123456789abcdef") == ""
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// pattern is a declared host: one target, or every name below a domain.
type pattern struct {
	exact  target
	suffix string // ".googleapis.com" for "*.googleapis.com"
	port   int
}

// CheckPattern says whether a declared host can be used in Rules.Hosts: "slack.com", "*.googleapis.com", an address, each with an
// optional ":port" (443 where there is none). A wildcard stands first, alone in its label, before at least two labels.
func CheckPattern(s string) error {
	_, err := parsePattern(s)
	return err
}

func parsePattern(s string) (pattern, error) {
	host, port, err := splitPort(s)
	if err != nil {
		return pattern{}, err
	}
	base, wildcard := strings.CutPrefix(host, "*.")
	exact, err := parseTarget(base)
	if err != nil {
		return pattern{}, fmt.Errorf("reading host pattern %q: %w", s, err)
	}
	if !wildcard {
		return pattern{exact: exact, port: port}, nil
	}
	if exact.addr.IsValid() || !strings.Contains(exact.name, ".") {
		return pattern{}, fmt.Errorf("reading host pattern %q: a wildcard needs a domain of two labels or more", s)
	}
	return pattern{suffix: "." + exact.name, port: port}, nil
}

// matches reports whether a request for t and port falls under the pattern. A wildcard covers one or more labels, never the bare
// domain and never an address.
func (p pattern) matches(t target, port int) bool {
	if port != p.port {
		return false
	}
	if p.suffix != "" {
		return len(t.name) > len(p.suffix) && strings.HasSuffix(t.name, p.suffix)
	}
	return t == p.exact
}

// splitPort separates "host:port", "[v6]:port", "host", "v6" and "[v6]"; the port is 443 where there is none.
func splitPort(s string) (string, int, error) {
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		return s[1 : len(s)-1], defaultPort, nil
	}
	if !strings.HasPrefix(s, "[") && strings.Count(s, ":") != 1 {
		return s, defaultPort, nil
	}
	host, text, err := net.SplitHostPort(s)
	if err != nil {
		return "", 0, fmt.Errorf("reading host and port %q: %w", s, err)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return "", 0, fmt.Errorf("reading host and port %q: the port is not between 1 and 65535", s)
	}
	return host, int(port), nil
}
