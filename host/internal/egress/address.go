package egress

import "net/netip"

// class says what an address is to the policy. A greater class is a more dangerous one.
type class int

const (
	public    class = iota // anyone's on the internet
	private                // of the operator's networks: needs allow_private_network
	loopback               // of this machine: needs allow_private_network
	linkLocal              // the rest need an explicit CIDR
	metadata
	multicast
	reserved
)

// String names the class in a refusal.
func (c class) String() string {
	return [...]string{"a public", "a private", "a loopback", "a link-local", "a cloud metadata", "a multicast", "a reserved"}[c]
}

// needsCIDR reports whether only an explicit CIDR opens the class.
func (c class) needsCIDR() bool { return c >= linkLocal }

type classedPrefix struct {
	prefix netip.Prefix
	class  class
}

func prefixes(c class, texts ...string) []classedPrefix {
	var list []classedPrefix
	for _, text := range texts {
		list = append(list, classedPrefix{netip.MustParsePrefix(text), c})
	}
	return list
}

// special lists what is not public, after the IANA special-purpose registries and the cloud vendors' documentation. The first
// match decides, so that single addresses stand before the ranges around them.
func special() []classedPrefix {
	var list []classedPrefix
	list = append(list, prefixes(metadata,
		"169.254.169.254/32", "169.254.170.2/32", "169.254.170.23/32", "fd00:ec2::254/128", "fd00:ec2::23/128", // AWS and most others
		"100.100.100.200/32",      // Alibaba
		"168.63.129.16/32",        // Azure's wire server, a public address by number
		"192.0.0.192/32",          // Oracle, classic
		"fd20:ce::254/128",        // Google
		"fd00:42::42/128",         // Scaleway
		"fd00:a9fe:a9fe::1/128",   // some OpenStack clouds
		"fe80::a9fe:a9fe/128")...) // OpenStack
	list = append(list, prefixes(loopback, "127.0.0.0/8", "0.0.0.0/32", "::1/128", "::/128")...)
	list = append(list, prefixes(private, "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fec0::/10")...)
	list = append(list, prefixes(linkLocal, "169.254.0.0/16", "fe80::/10")...)
	list = append(list, prefixes(multicast, "224.0.0.0/4", "ff00::/8")...)
	return append(list, prefixes(reserved, "0.0.0.0/8", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
		"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "3fff::/20")...)
}

// classifier knows the class of every address.
type classifier struct {
	special       []classedPrefix
	globalUnicast netip.Prefix
	sixToFour     netip.Prefix
	carriers      []netip.Prefix // with an IPv4 address in the last 32 bits
}

func newClassifier() classifier {
	return classifier{
		special:       special(),
		globalUnicast: netip.MustParsePrefix("2000::/3"),
		sixToFour:     netip.MustParsePrefix("2002::/16"),
		carriers: []netip.Prefix{
			netip.MustParsePrefix("64:ff9b::/96"),    // NAT64
			netip.MustParsePrefix("::ffff:0:0:0/96"), // SIIT
			netip.MustParsePrefix("::/96"),           // IPv4-compatible
		},
	}
}

// classify gives the class of an address. Translated (NAT64, SIIT), compatible, mapped and 6to4 addresses are what the IPv4 address
// is that they carry.
func (c classifier) classify(addr netip.Addr) class {
	addr = addr.WithZone("").Unmap()
	for _, s := range c.special {
		if s.prefix.Contains(addr) {
			return s.class
		}
	}
	if inner, ok := c.embedded(addr); ok {
		return c.classify(inner)
	}
	if addr.Is6() && !c.globalUnicast.Contains(addr) {
		return reserved
	}
	return public
}

// embedded finds the IPv4 address that an IPv6 address carries. Prefixes whose form is the operator's own are reserved instead.
func (c classifier) embedded(addr netip.Addr) (netip.Addr, bool) {
	if !addr.Is6() {
		return netip.Addr{}, false
	}
	raw := addr.As16()
	if c.sixToFour.Contains(addr) {
		return netip.AddrFrom4([4]byte(raw[2:6])), true
	}
	for _, carrier := range c.carriers {
		if carrier.Contains(addr) {
			return netip.AddrFrom4([4]byte(raw[12:16])), true
		}
	}
	return netip.Addr{}, false
}
