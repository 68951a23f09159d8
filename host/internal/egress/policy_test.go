package egress

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDecide(t *testing.T) {
	rules := Rules{
		Hosts:            []string{"slack.com", "*.slack.com", "files.example:8443", "93.184.215.14", "not a host"},
		BaseURLHost:      "proxy.internal:9000",
		IntegrationHosts: []string{"shell.example:22", "*.wild.example:22", "broken:host:22", "self:22"},
	}
	type answer struct {
		Reason                  Reason
		IntegrationOnly, Rooted bool
	}
	allowed := answer{}
	for _, c := range []struct {
		name  string
		rules Rules
		host  string
		port  int
		want  answer
	}{
		{"declared", rules, "slack.com", 443, answer{Rooted: true}},
		{"declared wildcard", rules, "files.SLACK.com.", 443, answer{Rooted: true}},
		{"declared port", rules, "files.example", 8443, answer{Rooted: true}},
		{"declared address", rules, "93.184.215.14", 443, answer{Rooted: true}},
		{"declared, port 80", rules, "slack.com", 80, answer{Reason: ReasonHostNotAllowed}},
		{"base URL", rules, "proxy.internal", 9000, allowed},
		{"base URL, other port", rules, "proxy.internal", 9001, answer{Reason: ReasonHostNotAllowed}},
		{"integration", rules, "shell.example", 22, answer{IntegrationOnly: true}},
		{"integration, other port", rules, "shell.example", 443, answer{Reason: ReasonHostNotAllowed}},
		{"integration gives no wildcard", rules, "a.wild.example", 22, answer{Reason: ReasonHostNotAllowed}},
		{"integration does not give self", rules, "self", 22, answer{Reason: ReasonHostNotAllowed}},
		{"undeclared", rules, "evil.example", 443, answer{Reason: ReasonHostNotAllowed}},
		{"undeclared address", rules, "8.8.8.8", 443, answer{Reason: ReasonHostNotAllowed}},
		{"no rules", Rules{}, "slack.com", 443, answer{Reason: ReasonHostNotAllowed}},
		{"odd address", rules, "127.1", 443, answer{Reason: ReasonMalformed}},
		{"any", Rules{Any: true}, "evil.example", 443, answer{Rooted: true}},
		{"any, port 80", Rules{Any: true}, "evil.example", 80, answer{Reason: ReasonHostNotAllowed}},
		{"any does not give self", Rules{Any: true}, "SELF.", 443, answer{Reason: ReasonHostNotAllowed}},
		{"self", Rules{Self: true}, "self", 80, allowed},
		{"integration before declared", Rules{Hosts: []string{"a.example"}, IntegrationHosts: []string{"a.example:443"}}, "a.example", 443,
			answer{IntegrationOnly: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := c.rules.decide("slack", c.host, c.port)
			got := answer{IntegrationOnly: p.integrationOnly, Rooted: p.rooted}
			if err != nil {
				got.Reason = asRefusal(err).reason
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("decide(%s, %d) (-want +got):\n%s", c.host, c.port, diff)
			}
		})
	}
}

func TestUndeclaredHostIsExplained(t *testing.T) {
	_, err := Rules{Hosts: []string{"slack.com", "*.slack.com"}}.decide("slack", "evil.example", 443)
	want := "evil.example:443 is not a host of platform slack, which declares slack.com, *.slack.com; " +
		"the operator may set its base URL: patchbay platform set slack --base-url URL"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

func TestAdmits(t *testing.T) {
	const (
		privateSetting = "patchbay platform set shell --allow-private-network"
		cidrSetting    = "patchbay platform set shell --allow-cidr CIDR"
	)
	closed := Rules{}
	open := Rules{AllowPrivate: true}
	cidrs := Rules{AllowedCIDRs: []netip.Prefix{
		netip.MustParsePrefix("169.254.169.254/32"), netip.MustParsePrefix("::ffff:10.1.0.0/112"), netip.MustParsePrefix("fe80::/10")}}
	for _, c := range []struct {
		name    string
		rules   Rules
		addr    string
		setting string // of the refusal; empty where the address is admitted
	}{
		{"public", closed, "8.8.8.8", ""},
		{"private", closed, "10.0.0.1", privateSetting},
		{"loopback", closed, "127.0.0.1", privateSetting},
		{"unspecified", closed, "0.0.0.0", privateSetting},
		{"unspecified v6", closed, "::", privateSetting},
		{"mapped loopback", closed, "::ffff:127.0.0.1", privateSetting},
		{"translated loopback", closed, "64:ff9b::7f00:1", privateSetting},
		{"metadata", closed, "169.254.169.254", cidrSetting},
		{"private opened", open, "10.0.0.1", ""},
		{"carrier-grade opened", open, "100.64.0.1", ""},
		{"loopback opened", open, "::1", ""},
		{"metadata not opened", open, "169.254.169.254", cidrSetting},
		{"translated metadata not opened", open, "64:ff9b::a9fe:a9fe", cidrSetting},
		{"unique local metadata not opened", open, "fd00:ec2::254", cidrSetting},
		{"carrier-grade metadata not opened", open, "100.100.100.200", cidrSetting},
		{"link-local not opened", open, "fe80::1", cidrSetting},
		{"multicast not opened", open, "224.0.0.1", cidrSetting},
		{"broadcast not opened", open, "255.255.255.255", cidrSetting},
		{"metadata by CIDR", cidrs, "169.254.169.254", ""},
		{"mapped metadata by CIDR", cidrs, "::ffff:169.254.169.254", ""},
		{"neighbour of a CIDR", cidrs, "169.254.169.253", cidrSetting},
		{"private by mapped CIDR", cidrs, "10.1.2.3", ""},
		{"private outside of CIDR", cidrs, "10.2.2.3", privateSetting},
		{"link-local by CIDR", cidrs, "fe80::1", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.rules.admits(newClassifier(), "shell", target{name: "shell.example"}, netip.MustParseAddr(c.addr))
			var got refusal
			if err != nil && !errors.As(err, new(*refusal)) {
				t.Fatalf("admits gives %T", err)
			} else if err != nil {
				got = *asRefusal(err)
			}
			if got.setting != c.setting {
				t.Errorf("admits(%s) names the setting %q, want %q", c.addr, got.setting, c.setting)
			}
			if err != nil && got.reason != ReasonAddressNotAllowed {
				t.Errorf("admits(%s) gives reason %s", c.addr, got.reason)
			}
		})
	}
}

func TestPrivateAddressIsExplainedWithoutIt(t *testing.T) {
	err := Rules{}.admits(newClassifier(), "remote-server", target{name: "db.internal"}, netip.MustParseAddr("10.9.8.7"))
	want := "db.internal leads to a private address; the operator may allow it: patchbay platform set remote-server --allow-private-network"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}
