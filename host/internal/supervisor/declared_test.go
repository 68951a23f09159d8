package supervisor

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	spb "google.golang.org/genproto/googleapis/rpc/status"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/patchbay/patchbay/host/internal/catalog"
	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

func TestHostileManifests(t *testing.T) {
	platform := func(f func(*adapterv1.Platform)) func(*adapterv1.Manifest) {
		return func(m *adapterv1.Manifest) { f(m.Schema.Platforms[0]) }
	}
	operation := func(f func(*adapterv1.Operation)) func(*adapterv1.Manifest) {
		return platform(func(p *adapterv1.Platform) { f(p.Operations[0]) })
	}
	method := func(f func(*adapterv1.AuthMethod)) func(*adapterv1.Manifest) {
		return platform(func(p *adapterv1.Platform) { f(p.AuthMethods[0]) })
	}
	schema := func(s string) func(*adapterv1.Manifest) {
		return operation(func(op *adapterv1.Operation) { op.InputSchema = []byte(s) })
	}
	for name, change := range map[string]func(*adapterv1.Manifest){
		"no name":               func(m *adapterv1.Manifest) { m.Adapter.Name = "" },
		"name with a path":      func(m *adapterv1.Manifest) { m.Adapter.Name = "../one" },
		"name with an escape":   func(m *adapterv1.Manifest) { m.Adapter.Name = "one\x1b[2J" },
		"huge name":             func(m *adapterv1.Manifest) { m.Adapter.Name = strings.Repeat("a", 1<<20) },
		"no version":            func(m *adapterv1.Manifest) { m.Adapter.Version = "" },
		"huge version":          func(m *adapterv1.Manifest) { m.Adapter.Version = "1" + strings.Repeat("0", 1000) },
		"version with markup":   func(m *adapterv1.Manifest) { m.Adapter.Version = "1<script>" },
		"no platform":           func(m *adapterv1.Manifest) { m.Schema.Platforms = nil },
		"no schema":             func(m *adapterv1.Manifest) { m.Schema = nil },
		"no adapter":            func(m *adapterv1.Manifest) { m.Adapter = nil },
		"a platform twice":      func(m *adapterv1.Manifest) { m.Schema.Platforms = append(m.Schema.Platforms, m.Schema.Platforms[0]) },
		"platform id":           platform(func(p *adapterv1.Platform) { p.Id = "One Two" }),
		"no operation":          platform(func(p *adapterv1.Platform) { p.Operations = nil }),
		"too many operations":   platform(func(p *adapterv1.Platform) { p.Operations = make([]*adapterv1.Operation, maxOperations+1) }),
		"an operation twice":    platform(func(p *adapterv1.Platform) { p.Operations = append(p.Operations, p.Operations[0]) }),
		"huge icon":             platform(func(p *adapterv1.Platform) { p.Icon = make([]byte, maxIcon+1) }),
		"website that runs":     platform(func(p *adapterv1.Platform) { p.Website = "javascript:alert(1)" }),
		"plain base URL":        platform(func(p *adapterv1.Platform) { p.BaseUrl = "http://double.example" }),
		"base URL as a pattern": platform(func(p *adapterv1.Platform) { p.BaseUrl = "https://*.co.uk/" }),
		"base URL with a user":  platform(func(p *adapterv1.Platform) { p.BaseUrl = "https://a:b@double.example/" }),
		"host *":                platform(func(p *adapterv1.Platform) { p.Hosts = []string{"*"} }),
		"host *.com":            platform(func(p *adapterv1.Platform) { p.Hosts = []string{"*.com"} }),
		"host as a URL":         platform(func(p *adapterv1.Platform) { p.Hosts = []string{"https://double.example"} }),
		"odd IPv4":              platform(func(p *adapterv1.Platform) { p.Hosts = []string{"127.1"} }),
		"huge host":             platform(func(p *adapterv1.Platform) { p.Hosts = []string{strings.Repeat("a.", 1<<20)} }),
		"no auth method":        platform(func(p *adapterv1.Platform) { p.AuthMethods = nil }),
		"auth method twice":     platform(func(p *adapterv1.Platform) { p.AuthMethods = append(p.AuthMethods, p.AuthMethods[0]) }),
		"auth method":           method(func(a *adapterv1.AuthMethod) { a.Type = "magic" }),
		"oauth2 without one":    method(func(a *adapterv1.AuthMethod) { a.Type = "oauth2" }),
		"oauth2 in another":     method(func(a *adapterv1.AuthMethod) { a.Oauth2 = &adapterv1.OAuth2{} }),
		"token in clear": method(func(a *adapterv1.AuthMethod) {
			a.Type, a.Oauth2 = "oauth2", &adapterv1.OAuth2{TokenUrl: "http://double.example/token"}
		}),
		"field name":             method(func(a *adapterv1.AuthMethod) { a.Fields[0].Name = "a b" }),
		"field twice":            method(func(a *adapterv1.AuthMethod) { a.Fields[0].Name = "key" }),
		"field pattern":          method(func(a *adapterv1.AuthMethod) { a.Fields[0].Pattern = "(" }),
		"host of another field":  method(func(a *adapterv1.AuthMethod) { a.HostField = "elsewhere" }),
		"port":                   method(func(a *adapterv1.AuthMethod) { a.DefaultPort = 70000 }),
		"no operation name":      operation(func(op *adapterv1.Operation) { op.Name = "" }),
		"operation name":         operation(func(op *adapterv1.Operation) { op.Name = "send message" }),
		"long operation name":    operation(func(op *adapterv1.Operation) { op.Name = strings.Repeat("a", 128) }),
		"no effect":              operation(func(op *adapterv1.Operation) { op.Effect = 0 }),
		"unknown effect":         operation(func(op *adapterv1.Operation) { op.Effect = 77 }),
		"schema is no JSON":      schema(`{`),
		"no schema at all":       schema(``),
		"schema is a string":     schema(`"x"`),
		"remote $ref":            schema(`{"$ref":"https://evil.example/schema"}`),
		"$ref to a file":         schema(`{"$ref":"file:///etc/passwd"}`),
		"nested remote $ref":     schema(`{"properties":{"a":{"items":{"$dynamicRef":"http://169.254.169.254/#x"}}}}`),
		"remote $schema":         schema(`{"$schema":"https://evil.example/meta"}`),
		"bad pattern":            schema(`{"properties":{"a":{"pattern":"("}}}`),
		"bad type":               schema(`{"type":"strng"}`),
		"deeply nested":          schema(strings.Repeat(`{"not":`, 20_000) + `{}` + strings.Repeat(`}`, 20_000)),
		"huge schema":            schema(`{"description":"` + strings.Repeat("x", maxSchema) + `"}`),
		"output is no schema":    operation(func(op *adapterv1.Operation) { op.OutputSchema = []byte(`{"type":7}`) }),
		"output is no JSON":      operation(func(op *adapterv1.Operation) { op.OutputSchema = []byte(`nope`) }),
		"output with remote ref": operation(func(op *adapterv1.Operation) { op.OutputSchema = []byte(`{"$ref":"https://evil.example/"}`) }),
	} {
		m := manifestOf("one")
		change(m)
		platforms, err := platformsOf(m)
		if err == nil {
			err = checkSchemas(platforms)
		}
		if err == nil {
			t.Errorf("%s: it is taken", name)
			continue
		}
		if text := err.Error(); len(text) > 1500 || !utf8.ValidString(text) || strings.Contains(text, "\x1b") {
			t.Errorf("%s: the error has %d bytes: %.200q", name, len(text), text)
		}
	}
	if platforms, err := platformsOf(manifestOf("one")); err != nil || checkSchemas(platforms) != nil {
		t.Errorf("a good one is refused: %v", err)
	}
}

// A binary with a hostile manifest is reported and put nowhere.
func TestHostileManifestOfABinary(t *testing.T) {
	r := newRig(t, "one")
	m := manifestOf("one")
	m.Schema.Platforms[0].Operations[0].InputSchema = []byte(`{"$ref":"https://evil.example/schema"}`)
	r.tell("manifest", string(encoded(t, m)))
	r.open()
	if s := r.only(); s.State != "broken" || !strings.Contains(s.Problem, "evil.example") || len(r.manifests.kept) != 0 {
		t.Errorf("the status is %+v, kept are %d", s, len(r.manifests.kept))
	}
	if got := r.cfg.Catalog.Search("", ""); len(got) != 0 {
		t.Errorf("the catalog has %v", got)
	}
}

// A failure without the contract's details came from the transport.
func TestFailureOf(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		ctx     context.Context
		err     error
		kind    catalog.Kind
		notSent bool
	}{
		{t.Context(), status.Error(codes.Unavailable, "EOF"), catalog.AdapterUnavailable, false},
		{ended, status.Error(codes.Unavailable, "EOF"), catalog.Timeout, false},
		{t.Context(), status.Error(codes.DeadlineExceeded, ""), catalog.Timeout, false},
		{t.Context(), status.Error(codes.Canceled, ""), catalog.AdapterUnavailable, false},
		{t.Context(), status.Error(codes.ResourceExhausted, ""), catalog.AdapterBug, false},
		{t.Context(), status.Error(codes.Unimplemented, ""), catalog.AdapterBug, false},
		{t.Context(), &catalog.Failure{Kind: catalog.Conflict}, catalog.Conflict, false},
		{t.Context(), failed(t, codes.Unavailable, &adapterv1.Failure{Kind: adapterv1.Kind_KIND_RATE_LIMITED}), catalog.RateLimited, false},
		{t.Context(), failed(t, codes.OK+7, &adapterv1.Failure{Kind: adapterv1.Kind_KIND_NOT_FOUND, NotSent: true}), catalog.NotFound, true},
		// Only the host may say that an adapter is unavailable; what it does not know is the adapter's bug.
		{t.Context(), failed(t, codes.Unavailable, &adapterv1.Failure{Kind: adapterv1.Kind_KIND_ADAPTER_UNAVAILABLE}), catalog.AdapterBug, false},
		{t.Context(), failed(t, codes.Unavailable, &adapterv1.Failure{Kind: 99}), catalog.AdapterBug, false},
	} {
		if f := failure(t, failureOf(c.ctx, c.err)); f.Kind != c.kind || f.NotSent != c.notSent {
			t.Errorf("%v is %+v", c.err, f)
		}
	}
	plain := errors.New("of the host itself")
	if got := failureOf(t.Context(), plain); got != plain {
		t.Errorf("an error of the host became %v", got)
	}
	f := failure(t, failureOf(t.Context(), failed(t, codes.ResourceExhausted, &adapterv1.Failure{Kind: adapterv1.Kind_KIND_RATE_LIMITED},
		&errdetails.RetryInfo{RetryDelay: durationpb.New(90 * time.Second)},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "/a", Description: "is\x00 odd"}}})))
	if f.RetryAfter != 90*time.Second || len(f.Violations) != 1 || f.Violations[0].Detail != "is odd" {
		t.Errorf("the details are %+v", f)
	}
}

func failed(t *testing.T, code codes.Code, details ...proto.Message) error {
	t.Helper()
	st := &spb.Status{Code: int32(code), Message: "no"}
	for _, d := range details {
		packed, err := anypb.New(d)
		if err != nil {
			t.Fatal(err)
		}
		st.Details = append(st.Details, packed)
	}
	return status.ErrorProto(st)
}

// Whatever status an adapter sends, the failure is one of the contract, bounded and fit to be shown.
func FuzzFailureOf(f *testing.F) {
	seed := func(kind adapterv1.Kind, more ...proto.Message) {
		st := &spb.Status{Code: 14, Message: "no \xe2\x98\x83"}
		for _, m := range append([]proto.Message{&adapterv1.Failure{Kind: kind, MissingScopes: []string{"a", "b"}, PlatformCode: "x"}}, more...) {
			packed, err := anypb.New(m)
			if err != nil {
				f.Fatal(err)
			}
			st.Details = append(st.Details, packed)
		}
		raw, err := proto.Marshal(st)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	seed(adapterv1.Kind_KIND_RATE_LIMITED, &errdetails.RetryInfo{RetryDelay: &durationpb.Duration{Seconds: math.MaxInt64, Nanos: -1}})
	seed(adapterv1.Kind_KIND_INVALID_INPUT, &errdetails.BadRequest{FieldViolations: make([]*errdetails.BadRequest_FieldViolation, 200)})
	seed(adapterv1.Kind_KIND_ADAPTER_UNAVAILABLE)
	seed(-5)
	f.Fuzz(func(t *testing.T, raw []byte) {
		var st spb.Status
		if proto.Unmarshal(raw, &st) != nil || st.GetCode() == 0 {
			return
		}
		var out *catalog.Failure
		if !errors.As(failureOf(t.Context(), status.ErrorProto(&st)), &out) {
			t.Fatal("it is no failure")
		}
		known := out.Kind == catalog.AdapterUnavailable || out.Kind == catalog.Timeout
		for _, kind := range kinds {
			known = known || out.Kind == kind
		}
		if !known || out.RetryAfter < 0 || out.RetryAfter > 24*time.Hour || len(out.Violations) > maxViolations || len(out.MissingScopes) > maxScopes {
			t.Fatalf("the failure is %+v", out)
		}
		texts := append([]string{out.Message, out.PlatformCode, out.PlatformRequestID}, out.MissingScopes...)
		for _, v := range out.Violations {
			texts = append(texts, v.Pointer, v.Detail)
		}
		for _, text := range texts {
			if !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\x1b\x7f") || len(text) > maxMessage+10 {
				t.Fatalf("the text %q", text)
			}
		}
	})
}

// Whatever a binary declares, it is refused or it is within the bounds.
func FuzzPlatformsOf(f *testing.F) {
	for _, m := range []*adapterv1.Manifest{manifestOf("one"), {}, {Adapter: manifestOf("one").GetAdapter(), Schema: &adapterv1.SchemaResponse{Platforms: []*adapterv1.Platform{nil}}}} {
		raw, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := &adapterv1.Manifest{}
		if proto.Unmarshal(raw, m) != nil {
			return
		}
		platforms, err := platformsOf(m)
		if err != nil {
			if len(err.Error()) > 3000 {
				t.Fatalf("the error has %d bytes", len(err.Error()))
			}
			return
		}
		for _, p := range platforms {
			if !platformID.MatchString(p.ID) || len(p.Operations) == 0 || len(p.AuthMethods) == 0 {
				t.Fatalf("the platform is %+v", p)
			}
			for _, op := range p.Operations {
				if !operationName.MatchString(p.ID+"__"+op.Name) || op.Effect == "" || len(op.Description) > 4010 {
					t.Fatalf("the operation is %+v", op)
				}
			}
		}
		_ = checkSchemas(platforms) // must return
	})
}
