package egress

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

func TestDecodeRequestRefuses(t *testing.T) {
	good := func() *adapterv1.DialRequest {
		return &adapterv1.DialRequest{Id: 7, DialId: "d", Host: "slack.com", Port: 443}
	}
	for name, spoil := range map[string]func(m *adapterv1.DialRequest){
		"no id":         func(m *adapterv1.DialRequest) { m.Id = 0 },
		"no dial id":    func(m *adapterv1.DialRequest) { m.DialId = "" },
		"long dial id":  func(m *adapterv1.DialRequest) { m.DialId = strings.Repeat("d", maxDialIDBytes+1) },
		"no port":       func(m *adapterv1.DialRequest) { m.Port = 0 },
		"large port":    func(m *adapterv1.DialRequest) { m.Port = 65536 },
		"wrapping port": func(m *adapterv1.DialRequest) { m.Port = 1<<32 - 65536 + 443 },
	} {
		m := good()
		spoil(m)
		raw, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decodeRequest(raw); err == nil {
			t.Errorf("%s: decodeRequest accepts it", name)
		}
	}
	raw, err := proto.Marshal(good())
	if err != nil {
		t.Fatal(err)
	}
	if r, err := decodeRequest(raw); err != nil || r.id != 7 || r.host != "slack.com" || r.port != 443 {
		t.Errorf("decodeRequest of a good message = %+v, %v", r, err)
	}
}

func TestEveryReasonHasItsWireValue(t *testing.T) {
	seen := map[adapterv1.Refusal]Reason{adapterv1.Refusal_REFUSAL_UNSPECIFIED: "success"}
	for _, r := range []Reason{ReasonHostNotAllowed, ReasonAddressNotAllowed, ReasonUnknownCall, ReasonTooMany, ReasonMalformed,
		ReasonNameNotFound, ReasonUnreachable, ReasonTimeout} {
		value := wireReason(r)
		if other, found := seen[value]; found {
			t.Errorf("%s and %s are both %s", r, other, value)
		}
		seen[value] = r
	}
	if len(seen) != len(adapterv1.Refusal_name) {
		t.Errorf("%d of %d wire values are used", len(seen), len(adapterv1.Refusal_name))
	}
}

func TestRefusalFitsOneMessage(t *testing.T) {
	message, err := encodeRefusal(1<<63, &refusal{reason: ReasonMalformed, message: strings.Repeat("ü", maxMessageBytes)})
	if err != nil || len(message) > maxMessageBytes {
		t.Fatalf("a long refusal has %d bytes, %v", len(message), err)
	}
}

func FuzzDecodeRequest(f *testing.F) {
	for _, m := range []*adapterv1.DialRequest{
		{Id: 1, DialId: "abc", Host: "slack.com", Port: 443, TimeoutMs: 1000},
		{Id: 1<<64 - 1, DialId: strings.Repeat("x", 200), Host: "127.1", Port: 70000, TimeoutMs: 1<<32 - 1},
	} {
		raw, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte{})
	f.Add([]byte{0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, message []byte) {
		r, err := decodeRequest(message)
		if err != nil {
			return
		}
		if r.id == 0 || r.port < 1 || r.port > 65535 || r.dialID == "" || len(r.dialID) > maxDialIDBytes || r.timeout < 0 {
			t.Fatalf("decodeRequest lets %+v through", r)
		}
		_, _ = Rules{Hosts: []string{"*.slack.com"}, Any: true}.decide("slack", r.host, r.port)
	})
}
