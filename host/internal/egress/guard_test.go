package egress

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

// The host's own requests reach no private address by any spelling, unless it is allowed.
func TestReach(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	get := func(r Reach, host string) error {
		transport := &http.Transport{DialContext: r.Dialer().DialContext}
		defer transport.CloseIdleConnections()
		resp, err := (&http.Client{Transport: transport}).Get("http://" + net.JoinHostPort(host, port))
		if err != nil {
			return err
		}
		return resp.Body.Close()
	}
	for _, host := range []string{"127.0.0.1", "localhost", "::ffff:127.0.0.1", "0.0.0.0"} {
		var refused *AddressError
		if err := get(Reach{Setting: "allow it"}, host); !errors.As(err, &refused) || refused.Setting != "allow it" {
			t.Errorf("dialling %s answers %v", host, err)
		}
		if err := get(Reach{AllowPrivate: true}, host); err != nil {
			t.Errorf("dialling %s, which is allowed, answers %v", host, err)
		}
	}
	if err := get(Reach{AllowedCIDRs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, "127.0.0.1"); err != nil {
		t.Errorf("dialling an allowed range answers %v", err)
	}
	classes := newClassifier()
	for _, address := range []string{"169.254.169.254", "fd00:ec2::254", "64:ff9b::a9fe:a9fe"} {
		if (Reach{AllowPrivate: true}).admits(classes, netip.MustParseAddr(address)) == nil {
			t.Errorf("the metadata address %s is dialled", address)
		}
	}
}
