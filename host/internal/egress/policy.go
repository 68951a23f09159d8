package egress

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Rules say what one call may reach. Requests are matched in the order of the fields below Self. A host that no parser accepts
// (see CheckPattern) matches nothing.
type Rules struct {
	// Self opens the reserved name "self", which stands for the host's own API at any port.
	Self bool
	// IntegrationHosts are "host:port" from the integration's own fields. They match exactly, and a connection to one is
	// integration_only: it is cut when the call ends.
	IntegrationHosts []string
	// BaseURLHost is "host" (port 443) or "host:port" of the base URL that the operator set; empty means none.
	BaseURLHost string
	// Hosts are the platform's declared patterns: "slack.com", "*.googleapis.com", "host:port".
	Hosts []string
	// Any is the grant "*": every host, at port 443 only.
	Any bool

	// AllowPrivate opens private and loopback addresses.
	AllowPrivate bool
	// AllowedCIDRs open the addresses inside them, whatever they are. Nothing else opens link-local and metadata addresses.
	AllowedCIDRs []netip.Prefix
}

// permit is the policy's yes to a host; the addresses are still to be checked.
type permit struct {
	target          target
	port            int
	self            bool
	integrationOnly bool
	// rooted names are looked up without the machine's search domains: what an adapter declares is a full name.
	rooted bool
}

// decide says whether a call with these rules may dial host and port. A no is a *refusal.
func (r Rules) decide(platform, host string, port int) (permit, error) {
	t, err := parseTarget(host)
	if err != nil {
		return permit{}, &refusal{reason: ReasonMalformed, message: err.Error()}
	}
	if t.name == selfName {
		return r.decideSelf(platform)
	}
	p := permit{target: t, port: port}
	switch {
	case matchesAny(r.IntegrationHosts, t, port):
		p.integrationOnly = true
	case matchesExactly(r.BaseURLHost, t, port):
	case matchesPattern(r.Hosts, t, port), r.Any && port == defaultPort:
		p.rooted = true
	default:
		return permit{}, r.undeclared(platform, t, port)
	}
	return p, nil
}

func (r Rules) decideSelf(platform string) (permit, error) {
	if !r.Self {
		return permit{}, &refusal{
			reason:  ReasonHostNotAllowed,
			message: fmt.Sprintf("%q is the host's own API, which platform %s has no grant for", selfName, platform),
			setting: "the grant self",
		}
	}
	return permit{target: target{name: selfName}, self: true}, nil
}

func matchesAny(hosts []string, t target, port int) bool {
	for _, host := range hosts {
		if matchesExactly(host, t, port) {
			return true
		}
	}
	return false
}

// matchesExactly compares with one host that is no pattern: users write it, and theirs is no wildcard to give.
func matchesExactly(host string, t target, port int) bool {
	name, wantPort, err := splitPort(host)
	if err != nil || wantPort != port {
		return false
	}
	want, err := parseTarget(name)
	return err == nil && want == t
}

func matchesPattern(hosts []string, t target, port int) bool {
	for _, host := range hosts {
		if p, err := parsePattern(host); err == nil && p.matches(t, port) {
			return true
		}
	}
	return false
}

// maxListed bounds the declared hosts that a refusal lists.
const maxListed = 10

func (r Rules) undeclared(platform string, t target, port int) *refusal {
	setting := fmt.Sprintf("patchbay platform set %s --base-url URL", platform)
	wanted := net.JoinHostPort(t.String(), strconv.Itoa(port))
	return &refusal{
		reason:  ReasonHostNotAllowed,
		setting: setting,
		message: fmt.Sprintf("%s is not a host of platform %s, which declares %s; the operator may set its base URL: %s",
			wanted, platform, r.declared(), setting),
	}
}

// declared lists the declared hosts for people.
func (r Rules) declared() string {
	list := r.Hosts
	if r.Any {
		list = append([]string{"* (port 443)"}, list...)
	}
	if len(list) == 0 {
		return "none"
	}
	more := ""
	if len(list) > maxListed {
		more = fmt.Sprintf(" and %d more", len(list)-maxListed)
		list = list[:maxListed]
	}
	return strings.Join(list, ", ") + more
}

// admits says whether an address that t stands for may be dialled: public ones, and what the platform's settings open. A no is a
// *refusal that names the setting.
func (r Rules) admits(classes classifier, platform string, t target, addr netip.Addr) error {
	c := classes.classify(addr)
	if c == public || (r.AllowPrivate && !c.needsCIDR()) || contains(r.AllowedCIDRs, addr) {
		return nil
	}
	setting := fmt.Sprintf("patchbay platform set %s --allow-private-network", platform)
	if c.needsCIDR() {
		setting = fmt.Sprintf("patchbay platform set %s --allow-cidr CIDR", platform)
	}
	return &refusal{
		reason:  ReasonAddressNotAllowed,
		setting: setting,
		address: addr,
		message: fmt.Sprintf("%s leads to %s address; the operator may allow it: %s", t, c, setting),
	}
}

func contains(cidrs []netip.Prefix, addr netip.Addr) bool {
	for _, cidr := range cidrs {
		if unmapPrefix(cidr).Contains(addr.Unmap()) {
			return true
		}
	}
	return false
}

// unmapPrefix turns ::ffff:10.0.0.0/104 into 10.0.0.0/8.
func unmapPrefix(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p
}
