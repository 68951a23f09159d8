package egress

import (
	"net/netip"
	"testing"
)

func TestClassify(t *testing.T) {
	classes := newClassifier()
	for _, c := range []struct {
		addr string
		want class
	}{
		{"8.8.8.8", public}, {"1.1.1.1", public}, {"172.32.0.1", public}, {"100.128.0.1", public}, {"2606:4700::1111", public},
		{"10.0.0.1", private}, {"172.16.0.1", private}, {"172.31.255.255", private}, {"192.168.1.1", private},
		{"100.64.0.1", private}, {"100.127.255.255", private}, {"fd12::1", private}, {"fc00::1", private}, {"fec0::1", private},
		{"127.0.0.1", loopback}, {"127.255.255.254", loopback}, {"::1", loopback}, {"0.0.0.0", loopback}, {"::", loopback},
		{"169.254.0.1", linkLocal}, {"fe80::1", linkLocal}, {"fe80::1%eth0", linkLocal}, {"febf::1", linkLocal},
		{"169.254.169.254", metadata}, {"169.254.170.2", metadata}, {"fd00:ec2::254", metadata}, {"100.100.100.200", metadata},
		{"168.63.129.16", metadata}, {"192.0.0.192", metadata}, {"fd20:ce::254", metadata},
		{"224.0.0.1", multicast}, {"239.255.255.255", multicast}, {"ff02::1", multicast},
		{"255.255.255.255", reserved}, {"240.0.0.1", reserved}, {"0.1.2.3", reserved}, {"192.0.2.1", reserved},
		{"198.18.0.1", reserved}, {"198.51.100.1", reserved}, {"203.0.113.1", reserved}, {"2001:db8::1", reserved},
		{"2001::1", reserved}, {"100::1", reserved}, {"64:ff9b:1::7f00:1", reserved}, {"4000::1", reserved}, {"5f00::1", reserved},
		// An IPv4 address inside is what counts.
		{"::ffff:127.0.0.1", loopback}, {"::ffff:169.254.169.254", metadata}, {"::ffff:8.8.8.8", public},
		{"64:ff9b::127.0.0.1", loopback}, {"64:ff9b::a9fe:a9fe", metadata}, {"64:ff9b::10.1.2.3", private}, {"64:ff9b::8.8.8.8", public},
		{"2002:7f00:1::1", loopback}, {"2002:a9fe:a9fe::", metadata}, {"2002:c0a8:101::1", private}, {"2002:808:808::1", public},
		{"::127.0.0.1", loopback}, {"::169.254.169.254", metadata}, {"::ffff:0:127.0.0.1", loopback}, {"::ffff:0:10.0.0.1", private},
	} {
		if got := classes.classify(netip.MustParseAddr(c.addr)); got != c.want {
			t.Errorf("classify(%s) = %s address, want %s", c.addr, got, c.want)
		}
	}
}
