package egress

import (
	"net"
	"net/netip"
	"strings"
	"testing"
)

func TestParseTarget(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"slack.com", "slack.com"},
		{"SLACK.Com.", "slack.com"},
		{"my_service", "my_service"},
		{"xn--bcher-kva.example", "xn--bcher-kva.example"},
		{"bücher.example", "xn--bcher-kva.example"},
		{"8.8.8.8", "8.8.8.8"},
		{"2001:4860:4860:0::8888", "2001:4860:4860::8888"},
		{"::ffff:127.0.0.1", "127.0.0.1"},
		{"::ffff:7f00:1", "127.0.0.1"},
		{"1.2.3.com", "1.2.3.com"},
		{"0xbeef.example", "0xbeef.example"},
		// Full-width digits and the ideographic full stop are an ordinary address once they are read; it is judged as such.
		{"１２７.0.0.1", "127.0.0.1"},
		{"127。0。0。1", "127.0.0.1"},
	} {
		got, err := parseTarget(c.in)
		if err != nil || got.String() != c.want {
			t.Errorf("parseTarget(%q) = %q, %v; want %q", c.in, got, err, c.want)
		}
	}
}

func TestParseTargetRefuses(t *testing.T) {
	for _, in := range []string{
		"", ".", "..", "a..b", ".a", "-a.com", "a-.com", "a b.com", "a.com/", "user@a.com", "a.com\x00.b.com", "a.com\n", "a%2ecom",
		"127.1", "127.0.1", "0x7f.1", "0x7f000001", "0X7F000001", "2130706433", "0177.0.0.1", "0177.1", "127.0.0.01", "1.2.3.4.5",
		"0x", "example.0x", "127.0.0.0x1", "256.1.1.1", "127.0.0.1..", "127.0.0.1.", "１２７.1",
		"fe80::1%eth0", "fe80::1%25eth0", "[::1]", "::1]", ":::", "1:2:3", "::ffff:127.1", "*", "*.slack.com", "slack.*",
		strings.Repeat("a", 64) + ".com", strings.Repeat("a.", 127) + "toolong", strings.Repeat("a", 5000), "\xff\xfe.com", "a\u202e.com",
	} {
		if got, err := parseTarget(in); err == nil {
			t.Errorf("parseTarget(%q) = %q, want an error", in, got)
		}
	}
}

func TestPatternMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, host string
		port          int
		want          bool
	}{
		{"slack.com", "slack.com", 443, true},
		{"Slack.COM.", "slack.com", 443, true},
		{"slack.com", "SLACK.com.", 443, true},
		{"slack.com", "slack.com", 80, false},
		{"slack.com:8443", "slack.com", 8443, true},
		{"slack.com:8443", "slack.com", 443, false},
		{"slack.com", "evilslack.com", 443, false},
		{"slack.com", "slack.com.evil.example", 443, false},
		{"slack.com", "a.slack.com", 443, false},
		{"*.googleapis.com", "www.googleapis.com", 443, true},
		{"*.googleapis.com", "a.b.googleapis.com", 443, true},
		{"*.googleapis.com", "googleapis.com", 443, false},
		{"*.googleapis.com", "evilgoogleapis.com", 443, false},
		{"*.googleapis.com:993", "imap.googleapis.com", 993, true},
		{"*.googleapis.com:993", "imap.googleapis.com", 443, false},
		{"bücher.example", "xn--bcher-kva.example", 443, true},
		{"8.8.8.8", "8.8.8.8", 443, true},
		{"8.8.8.8", "::ffff:8.8.8.8", 443, true},
		{"8.8.8.8:53", "8.8.8.8", 53, true},
		{"[2606:4700::1111]:853", "2606:4700::1111", 853, true},
		{"[2606:4700::1111]", "2606:4700:0::1111", 443, true},
		{"2606:4700::1111", "2606:4700::1111", 443, true},
	} {
		p, err := parsePattern(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		host, err := parseTarget(c.host)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.matches(host, c.port); got != c.want {
			t.Errorf("%q matches %q port %d: %v, want %v", c.pattern, c.host, c.port, got, c.want)
		}
	}
}

func TestCheckPatternRefuses(t *testing.T) {
	for _, in := range []string{
		"", "*", "*.", "*.com", "*.*.com", "a.*.com", "*a.com", "*.8.8.8", "*.127.0.0.1", "*.::1", "slack.com:0", "slack.com:65536",
		"slack.com:", "slack.com:https", "https://slack.com", "slack.com/api", "[::1", "[::1]x", "*:443",
	} {
		if CheckPattern(in) == nil {
			t.Errorf("CheckPattern(%q) accepts it", in)
		}
	}
}

// FuzzParseTarget looks for a spelling that is taken for a name although somebody reads it as an address, and for one that changes
// when it is read again.
func FuzzParseTarget(f *testing.F) {
	for _, seed := range []string{"slack.com", "127.1", "0x7f.1", "::ffff:1.2.3.4", "fe80::1%lo", "bücher.example", "１２７。１", "a.b.", "xn--a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got, err := parseTarget(in)
		if err != nil {
			return
		}
		text := got.String()
		if again, err := parseTarget(text); err != nil || again != got {
			t.Fatalf("parseTarget(%q) gives %q, which reads as %v, %v", in, text, again, err)
		}
		if got.addr.IsValid() {
			if got.name != "" || got.addr.Zone() != "" || got.addr.Is4In6() {
				t.Fatalf("parseTarget(%q) gives the odd address %v", in, got)
			}
			return
		}
		if _, err := netip.ParseAddr(text); err == nil || net.ParseIP(text) != nil {
			t.Fatalf("parseTarget(%q) takes an address for the name %q", in, text)
		}
		last := text[strings.LastIndex(text, ".")+1:]
		if strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x") && strings.Trim(last[2:], "0123456789abcdef") == "" {
			t.Fatalf("parseTarget(%q) gives %q, which inet_aton may read as an address", in, text)
		}
		if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("%/\\@[]:*?#", r) }) {
			t.Fatalf("parseTarget(%q) lets %q through", in, text)
		}
	})
}
