package sdk_test

import (
	"context"
	"strings"
	"testing"

	"github.com/patchbay/patchbay/sdk"
)

// Everything that is wrong with a manifest is told at once, each in words that name it.
func TestCheck(t *testing.T) {
	for want, change := range map[string]func(*sdk.Adapter, *sdk.Platform){
		`Name "Test": want lower case`:                               func(a *sdk.Adapter, _ *sdk.Platform) { a.Name = "Test" },
		`Version "1": want a semantic version`:                       func(a *sdk.Adapter, _ *sdk.Platform) { a.Version = "1" },
		`Platforms: want at least one`:                               func(a *sdk.Adapter, _ *sdk.Platform) { a.Platforms = nil },
		`platform "test" stands twice`:                               func(a *sdk.Adapter, p *sdk.Platform) { a.Platforms = []sdk.Platform{*p, *p} },
		`ID "a b": want lower case`:                                  func(_ *sdk.Adapter, p *sdk.Platform) { p.ID = "a b" },
		`platform test: Name and Description are required`:           func(_ *sdk.Adapter, p *sdk.Platform) { p.Description = "" },
		`Category "": want one of Internal, Social`:                  func(_ *sdk.Adapter, p *sdk.Platform) { p.Category = "" },
		`Icon is larger than 64 KiB`:                                 func(_ *sdk.Adapter, p *sdk.Platform) { p.Icon = make([]byte, 65<<10) },
		`BaseURL "http://x.example": want https://`:                  func(_ *sdk.Adapter, p *sdk.Platform) { p.BaseURL = "http://x.example" },
		`BaseURL "https://*.x.example": want https://`:               func(_ *sdk.Adapter, p *sdk.Platform) { p.BaseURL = "https://*.x.example" },
		`Website "javascript:alert(1)": want https://`:               func(_ *sdk.Adapter, p *sdk.Platform) { p.Website = "javascript:alert(1)" },
		`Hosts "https://x.example": want a name`:                     func(_ *sdk.Adapter, p *sdk.Platform) { p.Hosts = []string{"https://x.example"} },
		`Hosts "*": want a name`:                                     func(_ *sdk.Adapter, p *sdk.Platform) { p.Hosts = []string{"*"} },
		`Hosts "*.com": want a name`:                                 func(_ *sdk.Adapter, p *sdk.Platform) { p.Hosts = []string{"*.com"} },
		`Hosts "a.*.com": want a name`:                               func(_ *sdk.Adapter, p *sdk.Platform) { p.Hosts = []string{"a.*.com"} },
		`Auth and Operations need at least one entry`:                func(_ *sdk.Adapter, p *sdk.Platform) { p.Auth = nil },
		`auth method "magic": want one of oauth2`:                    func(_ *sdk.Adapter, p *sdk.Platform) { p.Auth[0].Type = "magic" },
		`auth method "api_key" stands twice`:                         func(_ *sdk.Adapter, p *sdk.Platform) { p.Auth = append(p.Auth, p.Auth[0]) },
		`OAuth2 goes with oauth2 and only with it`:                   func(_ *sdk.Adapter, p *sdk.Platform) { p.Auth[0].Type = sdk.MethodOAuth2 },
		`endpoint "http://x.example/token": want https://`:           oauth2(&sdk.OAuth2{TokenURL: "http://x.example/token"}),
		`field "api_key" needs a name`:                               func(_ *sdk.Adapter, p *sdk.Platform) { p.Auth[0].Fields[0].Pattern = "(" },
		`field "a b" needs a name`:                                   func(_ *sdk.Adapter, p *sdk.Platform) { p.Auth[0].Fields[0].Name = "a b" },
		`HostField and PortField must name fields`:                   func(_ *sdk.Adapter, p *sdk.Platform) { p.Auth[0].HostField = "host" },
		`RateLimits: want calls`:                                     func(_ *sdk.Adapter, p *sdk.Platform) { p.RateLimits = []sdk.RateLimit{{Calls: 1}} },
		`operation "run" stands twice`:                               func(_ *sdk.Adapter, p *sdk.Platform) { p.Operations = append(p.Operations, p.Operations[0]) },
		`operation "Send it": want a snake_case name`:                func(_ *sdk.Adapter, p *sdk.Platform) { p.Operations[0].Name = "Send it" },
		`operation "run": a Description is required`:                 func(_ *sdk.Adapter, p *sdk.Platform) { p.Operations[0].Description = "" },
		`operation "run": want an Effect: Read, Idempotent or Write`: func(_ *sdk.Adapter, p *sdk.Platform) { p.Operations[0].Effect = 0 },
		`operation "run": want Run: sdk.Func(...)`:                   func(_ *sdk.Adapter, p *sdk.Platform) { p.Operations[0].Run = sdk.Handler{} },
		`operation "run": the input type string is not a struct`: func(_ *sdk.Adapter, p *sdk.Platform) {
			p.Operations[0].Run = sdk.Func(func(context.Context, *sdk.Call, string) (sdk.None, error) { return sdk.None{}, nil })
		},
	} {
		a := adapter(platform(nil))
		change(&a, &a.Platforms[0])
		_, err := sdk.NewServer(a)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "%!") {
			t.Errorf("%v, want %q", err, want)
		}
	}
	a := adapter(platform(nil))
	a.Name, a.Version, a.Platforms[0].Category = "", "", ""
	if _, err := sdk.NewServer(a); err == nil || len(strings.Split(err.Error(), "\n")) != 3 {
		t.Errorf("three mistakes: %v", err)
	}
	a = adapter(platform(nil))
	p := &a.Platforms[0]
	p.Hosts, p.BaseURL, p.Website = []string{"a.example", "*.b.example", "c.example:8443"}, "https://api.example:8443/v1", "https://www.example/docs?x"
	if _, err := sdk.NewServer(a); err != nil {
		t.Errorf("a good one: %v", err)
	}
}

func oauth2(o *sdk.OAuth2) func(*sdk.Adapter, *sdk.Platform) {
	return func(_ *sdk.Adapter, p *sdk.Platform) { p.Auth[0] = sdk.AuthMethod{Type: sdk.MethodOAuth2, OAuth2: o} }
}
