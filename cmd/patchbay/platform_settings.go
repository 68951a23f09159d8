package main

import (
	"context"
	"net/http"
	"os"
	"strconv"
	"strings"
)

type platformCmd struct {
	Add      platformAddCmd      `cmd:"" help:"Make a platform of an OpenAPI document, or a variant of an adapter's platform."`
	Update   platformUpdateCmd   `cmd:"" help:"Make another version of a platform that was added."`
	Remove   platformRemoveCmd   `cmd:"" help:"Remove a platform that was added."`
	Report   platformReportCmd   `cmd:"" help:"Show what a platform was made of, and what is not as it should be in it."`
	Set      platformSetCmd      `cmd:"" help:"Change settings of a platform; what is left out stays."`
	Settings platformSettingsCmd `cmd:"" help:"Show the settings of a platform."`
}

type platformSettingsCmd struct {
	ID string `arg:"" help:"The platform."`
}

type platformSettings struct {
	BaseURL      string   `json:"base_url"`
	AllowPrivate bool     `json:"allow_private_network"`
	AllowedCIDRs []string `json:"allowed_cidrs"`
	MinTLS       string   `json:"min_tls_version"`
	Enabled      bool     `json:"enabled"`
	OAuth        struct {
		ClientID         string   `json:"client_id"`
		HasClientSecret  bool     `json:"has_client_secret"`
		AuthorizationURL string   `json:"authorization_url"`
		TokenURL         string   `json:"token_url"`
		RevocationURL    string   `json:"revocation_url"`
		DeviceURL        string   `json:"device_authorization_url"`
		Issuer           string   `json:"issuer"`
		Scopes           []string `json:"scopes"`
	} `json:"oauth"`
}

// Run shows the settings.
func (c *platformSettingsCmd) Run(ctx context.Context, at *client, con *console) error {
	return show(ctx, at, con, get(nil, "v1", "platforms", c.ID, "settings"), con.settings)
}

func (c *console) settings(s platformSettings) {
	c.pairs("base URL", firstOf(s.BaseURL, "the platform's own"), "private network", allowed(s.AllowPrivate),
		"allowed ranges", strings.Join(s.AllowedCIDRs, ", "), "least TLS version", s.MinTLS, "enabled", strconv.FormatBool(s.Enabled),
		"OAuth client", s.OAuth.ClientID, "OAuth client secret", map[bool]string{true: "set"}[s.OAuth.HasClientSecret],
		"authorization URL", s.OAuth.AuthorizationURL, "token URL", s.OAuth.TokenURL, "revocation URL", s.OAuth.RevocationURL,
		"device URL", s.OAuth.DeviceURL, "issuer", s.OAuth.Issuer,
		"scopes", strings.Join(s.OAuth.Scopes, " "))
}

func allowed(is bool) string {
	if is {
		return "allowed"
	}
	return "refused"
}

type platformSetCmd struct {
	ID           string   `arg:"" help:"The platform."`
	BaseURL      *string  `name:"base-url" placeholder:"URL" help:"Where the platform is, instead of its own address; '' for its own."`
	AllowPrivate *bool    `name:"allow-private-network" negatable:"" help:"Let its adapter reach private and loopback addresses."`
	AllowCIDR    []string `name:"allow-cidr" placeholder:"RANGE" help:"Let it reach these addresses too, such as 169.254.0.0/16; replaces those before, '' for none."`
	MinTLS       *string  `name:"min-tls" enum:"1.2,1.3" help:"The least TLS version: 1.2 or 1.3."`
	RateLimit    []string `name:"rate-limit" placeholder:"CALLS/SECONDS" xor:"limits" help:"Send no more calls of one account than this, such as 50/60, in place of the platform's own limits; 'none' for no limit."`
	OwnLimits    bool     `name:"own-rate-limits" xor:"limits" help:"Go back to the platform's own rate limits."`
	Enable       bool     `xor:"enabled" help:"Let the platform be used."`
	Disable      bool     `xor:"enabled" help:"Hide the platform and refuse its calls."`

	ClientID          *string  `name:"client-id" help:"OAuth client that you registered with the platform."`
	ClientSecretStdin bool     `name:"client-secret-stdin" xor:"secret" help:"Read its secret from standard input."`
	ClientSecretFile  string   `name:"client-secret-file" xor:"secret" placeholder:"FILE" help:"Read its secret from a file."`
	AuthorizationURL  *string  `name:"authorization-url" placeholder:"URL" help:"OAuth authorization endpoint, instead of the platform's."`
	TokenURL          *string  `name:"token-url" placeholder:"URL" help:"OAuth token endpoint, instead of the platform's."`
	RevocationURL     *string  `name:"revocation-url" placeholder:"URL" help:"OAuth revocation endpoint, instead of the platform's."`
	DeviceURL         *string  `name:"device-url" placeholder:"URL" help:"OAuth device authorization endpoint, instead of the platform's."`
	Issuer            *string  `name:"issuer" placeholder:"URL" help:"The provider's issuer identifier, where it is not the host of its endpoints."`
	Scope             []string `placeholder:"SCOPE" help:"Scopes to ask for besides the platform's; replaces those before, '' for none."`
}

// Help is the longer help.
func (platformSetCmd) Help() string {
	return `Adapters reach only the hosts that their platform declares. A server in your own network needs leave:

    patchbay platform set remote-server --allow-private-network
    patchbay platform set slack --base-url https://slack-proxy.example.com/api
    patchbay platform set reddit --client-id abc --client-secret-file ./secret`
}

// settingsChange is a change of settings; nil fields are left as they are.
type settingsChange struct {
	BaseURL      *string      `json:"base_url,omitempty"`
	AllowPrivate *bool        `json:"allow_private_network,omitempty"`
	AllowedCIDRs *[]string    `json:"allowed_cidrs,omitempty"`
	MinTLS       *string      `json:"min_tls_version,omitempty"`
	Enabled      *bool        `json:"enabled,omitempty"`
	RateLimits   *[]rateLimit `json:"rate_limits,omitempty"`
	OwnLimits    bool         `json:"platform_rate_limits,omitempty"`
	OAuth        *oauthChange `json:"oauth,omitempty"`
}

// rateLimit is a number of calls in a time.
type rateLimit struct {
	Calls      int `json:"calls"`
	PerSeconds int `json:"per_seconds"`
}

// rateLimits reads limits such as 50/60; nil where none is given.
func rateLimits(given []string) (*[]rateLimit, error) {
	if len(given) == 0 {
		return nil, nil
	}
	out := []rateLimit{}
	for _, text := range given {
		if text == "none" || text == "" {
			continue
		}
		calls, seconds, _ := strings.Cut(text, "/")
		n, err := strconv.Atoi(calls)
		per, err2 := strconv.Atoi(strings.TrimSuffix(seconds, "s"))
		if err != nil || err2 != nil || n < 1 || per < 1 {
			return nil, usageError("--rate-limit wants calls and seconds such as 50/60, not %q", text)
		}
		out = append(out, rateLimit{n, per})
	}
	return &out, nil
}

type oauthChange struct {
	ClientID         *string   `json:"client_id,omitempty"`
	ClientSecret     *string   `json:"client_secret,omitempty"`
	AuthorizationURL *string   `json:"authorization_url,omitempty"`
	TokenURL         *string   `json:"token_url,omitempty"`
	RevocationURL    *string   `json:"revocation_url,omitempty"`
	DeviceURL        *string   `json:"device_authorization_url,omitempty"`
	Issuer           *string   `json:"issuer,omitempty"`
	Scopes           *[]string `json:"scopes,omitempty"`
}

// Run sends the changes.
func (c *platformSetCmd) Run(ctx context.Context, at *client, con *console) error {
	change, err := c.change(con)
	if err != nil {
		return err
	}
	r := request{method: http.MethodPut, path: []string{"v1", "platforms", c.ID, "settings"}, in: change}
	return show(ctx, at, con, r, con.settings)
}

func (c *platformSetCmd) change(con *console) (settingsChange, error) {
	out := settingsChange{BaseURL: c.BaseURL, AllowPrivate: c.AllowPrivate, AllowedCIDRs: orNil(c.AllowCIDR), MinTLS: c.MinTLS}
	if c.Enable || c.Disable {
		out.Enabled = &c.Enable
	}
	var err error
	if out.RateLimits, err = rateLimits(c.RateLimit); err != nil {
		return out, err
	}
	out.OwnLimits = c.OwnLimits
	oauth := oauthChange{ClientID: c.ClientID, AuthorizationURL: c.AuthorizationURL, TokenURL: c.TokenURL, RevocationURL: c.RevocationURL, DeviceURL: c.DeviceURL, Issuer: c.Issuer,
		Scopes: orNil(c.Scope)}
	secret, err := c.secret(con)
	if err != nil {
		return out, err
	}
	oauth.ClientSecret = secret
	if oauth != (oauthChange{}) {
		out.OAuth = &oauth
	}
	if out == (settingsChange{}) {
		return out, usageError("nothing to change: name a setting, such as --allow-private-network")
	}
	return out, nil
}

// secret reads the client's secret, or answers nil where there is none to change.
func (c *platformSetCmd) secret(con *console) (*string, error) {
	var raw []byte
	var err error
	switch {
	case c.ClientSecretStdin:
		raw, err = readBounded(con.in)
	case c.ClientSecretFile != "":
		raw, err = readGiven(c.ClientSecretFile)
	default:
		return nil, nil
	}
	if err != nil {
		return nil, usageError("reading the client secret: %w", err)
	}
	secret := strings.TrimSpace(string(raw))
	if secret == "" {
		return nil, usageError("the client secret is empty")
	}
	return &secret, nil
}

// readGiven reads a small file that the user named.
func readGiven(path string) ([]byte, error) {
	home, err := os.UserHomeDir()
	if err == nil {
		path = expandHome(path, home)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	return readBounded(f)
}

// orNil answers nil for a list that was not given, and an empty list for one that was given as ”.
func orNil(list []string) *[]string {
	if list == nil {
		return nil
	}
	out := []string{}
	for _, s := range list {
		if s != "" {
			out = append(out, s)
		}
	}
	return &out
}
