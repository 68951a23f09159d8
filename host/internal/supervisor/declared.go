package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/egress"
	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

// What a binary declares is as foreign as what it answers: these are its bounds. Within them a manifest cannot be larger than one message.
const (
	maxPlatforms  = 1000
	maxOperations = 5000
	maxMounted    = 20000 // of a document
	maxSchema     = 1 << 20
	maxIcon       = 64 << 10
	maxAddress    = 2000
	maxPattern    = 1000
)

var (
	operationName  = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)
	platformID     = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)
	adapterVersion = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.+-]{0,63}$`)
	fieldName      = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]{0,63}$`)
)

var effects = map[adapterv1.Effect]catalog.Effect{adapterv1.Effect_EFFECT_READ: catalog.Read,
	adapterv1.Effect_EFFECT_IDEMPOTENT: catalog.Idempotent, adapterv1.Effect_EFFECT_WRITE: catalog.Write}

// platformsOf converts a manifest, or says what is wrong with it.
func platformsOf(m *adapterv1.Manifest) ([]*catalog.Platform, error) {
	if !platformID.MatchString(m.GetAdapter().GetName()) {
		return nil, fmt.Errorf("it calls itself %q, which is no name for an adapter", clip(m.GetAdapter().GetName(), 64))
	}
	if !adapterVersion.MatchString(m.GetAdapter().GetVersion()) {
		return nil, fmt.Errorf("it calls its version %q, which is none", clip(m.GetAdapter().GetVersion(), 64))
	}
	declared := m.GetSchema().GetPlatforms()
	mounts := slices.Contains(m.GetAdapter().GetCapabilities(), adapterv1.CapabilityMount)
	if len(declared) == 0 && !mounts || len(declared) > maxPlatforms {
		return nil, fmt.Errorf("it declares %d platforms; it may have 1 to %d", len(declared), maxPlatforms)
	}
	out := []*catalog.Platform{} // not nil, which means that nothing is known
	seen := map[string]bool{}
	for _, p := range declared {
		if !platformID.MatchString(p.GetId()) || seen[p.GetId()] {
			return nil, fmt.Errorf("it declares a platform %q, which is no id for one or stands twice", clip(p.GetId(), 64))
		}
		seen[p.GetId()] = true
		platform, err := platformOf(p)
		if err != nil {
			return nil, fmt.Errorf("platform %s: %w", p.GetId(), err)
		}
		out = append(out, platform)
	}
	return out, nil
}

func platformOf(p *adapterv1.Platform) (*catalog.Platform, error) {
	out := &catalog.Platform{ID: p.GetId(), Name: clean(p.GetName(), 100), Description: clean(p.GetDescription(), 2000),
		Category: clean(p.GetCategory(), 50), Icon: p.GetIcon(), Website: p.GetWebsite(), BaseURL: p.GetBaseUrl(), Hosts: p.GetHosts(),
		VerifyNote: clean(p.GetVerifyNote(), 1000), Plan: p.GetPlan()}
	most := maxOperations
	if p.GetPlan() != nil {
		most = maxMounted
	}
	switch {
	case len(p.GetOperations()) == 0 || len(p.GetOperations()) > most:
		return nil, fmt.Errorf("it has %d operations; it may have 1 to %d", len(p.GetOperations()), most)
	case len(p.GetAuthMethods()) == 0:
		return nil, errors.New("it has no auth method")
	case len(p.GetIcon()) > maxIcon:
		return nil, fmt.Errorf("its icon is larger than %d KiB", maxIcon>>10)
	case out.Website != "" && !webAddress(out.Website):
		return nil, errors.New("its website is no https:// address")
	case out.BaseURL != "" && !webAddress(out.BaseURL):
		return nil, errors.New("its base URL is no https:// address")
	}
	for _, host := range p.GetHosts() {
		if err := egress.CheckPattern(host); err != nil {
			return nil, fmt.Errorf("it declares a host that is not valid: %s", clip(err.Error(), 300))
		}
	}
	for _, a := range p.GetAuthMethods() {
		method, err := authOf(a)
		if err == nil && out.AuthMethod(method.Type) != nil {
			err = errors.New("it stands twice")
		}
		if err != nil {
			return nil, fmt.Errorf("auth method %q: %w", clip(a.GetType(), 64), err)
		}
		out.AuthMethods = append(out.AuthMethods, method)
	}
	seen := map[string]bool{}
	for _, op := range p.GetOperations() {
		operation, err := operationOf(p.GetId(), op)
		if err == nil && seen[op.GetName()] {
			err = errors.New("it stands twice")
		}
		if err != nil {
			return nil, fmt.Errorf("operation %q: %w", clip(op.GetName(), 64), err)
		}
		seen[op.GetName()] = true
		out.Operations = append(out.Operations, operation)
	}
	for _, l := range p.GetRateLimits() {
		out.RateLimits = append(out.RateLimits, catalog.RateLimit{Calls: l.GetCalls(), PerSeconds: l.GetPerSeconds(), Operations: l.GetOperations()})
	}
	return out, nil
}

// webAddress says whether an address that an adapter declares is https:// with one plain host: a pattern in it would open more than
// its operator reads.
func webAddress(address string) bool {
	u, err := url.Parse(address)
	return err == nil && len(address) <= maxAddress && u.Scheme == "https" && u.User == nil && u.Opaque == "" &&
		!strings.Contains(u.Host, "*") && egress.CheckPattern(hostOf(address)) == nil
}

// checkSchemas compiles the schemas of a binary that is seen for the first time.
func checkSchemas(platforms []*catalog.Platform) error {
	for _, p := range platforms {
		for _, op := range p.Operations {
			if err := op.CheckSchema(); err != nil {
				return fmt.Errorf("operation %s of %s: %s", op.Name, p.ID, clean(err.Error(), 500))
			}
			output := &catalog.Operation{Name: op.Name, InputSchema: op.OutputSchema}
			if err := output.CheckSchema(); err != nil {
				return fmt.Errorf("operation %s of %s: its output: %s", op.Name, p.ID, clean(err.Error(), 500))
			}
		}
	}
	return nil
}

func authOf(a *adapterv1.AuthMethod) (catalog.AuthMethod, error) {
	out := catalog.AuthMethod{Type: a.GetType(), Label: clean(a.GetLabel(), 100), Help: clean(a.GetHelp(), 4000),
		HostField: a.GetHostField(), PortField: a.GetPortField(), DefaultPort: a.GetDefaultPort()}
	switch out.Type {
	case "oauth2", "api_key", "bearer", "custom", "none":
	default:
		return out, errors.New("it is none of oauth2, api_key, bearer, custom and none")
	}
	if (out.Type == "oauth2") != (a.GetOauth2() != nil) {
		return out, errors.New("the description of a provider goes with oauth2, and with it alone")
	}
	fields := map[string]bool{"": true}
	for _, f := range a.GetFields() {
		field, err := fieldOf(f)
		if err == nil && fields[field.Name] {
			err = errors.New("it stands twice")
		}
		if err != nil {
			return out, fmt.Errorf("field %q: %w", clip(f.GetName(), 64), err)
		}
		fields[field.Name] = true
		out.Fields = append(out.Fields, field)
	}
	if !fields[out.HostField] || !fields[out.PortField] || out.DefaultPort > 65535 {
		return out, errors.New("its host and port must be fields of it, and its default port a port")
	}
	if o := a.GetOauth2(); o != nil {
		out.OAuth2 = oauth2Of(o)
		return out, checkProvider(out.OAuth2)
	}
	return out, nil
}

func fieldOf(f *adapterv1.Field) (catalog.Field, error) {
	out := catalog.Field{Name: f.GetName(), Label: clean(f.GetLabel(), 100), Help: clean(f.GetHelp(), 2000), Secret: f.GetSecret(),
		Required: f.GetRequired(), Pattern: f.GetPattern(), Default: clean(f.GetDefaultValue(), 1000), Multiline: f.GetMultiline()}
	if !fieldName.MatchString(out.Name) {
		return out, errors.New("it is no name for a field")
	}
	if len(out.Pattern) > maxPattern {
		return out, errors.New("its pattern is too long")
	}
	if _, err := regexp.Compile(out.Pattern); err != nil {
		return out, errors.New("its pattern is no RE2 expression")
	}
	return out, nil
}

func oauth2Of(o *adapterv1.OAuth2) *catalog.OAuth2 {
	return &catalog.OAuth2{
		AuthorizationURL: o.GetAuthorizationUrl(), TokenURL: o.GetTokenUrl(), RevocationURL: o.GetRevocationUrl(),
		DeviceAuthorizationURL: o.GetDeviceAuthorizationUrl(), Scopes: o.GetScopes(), AuthorizeParameters: o.GetAuthorizeParameters(),
		ScopeSeparator: o.GetScopeSeparator(), ScopeParameter: o.GetScopeParameter(), ClientAuthentication: o.GetClientAuthentication(),
		TokenRequestFormat: o.GetTokenRequestFormat(), AccessTokenPointer: o.GetAccessTokenPointer(), RefreshTokenPointer: o.GetRefreshTokenPointer(),
		ExpiresInPointer: o.GetExpiresInPointer(), ScopePointer: o.GetScopePointer(), ErrorPointer: o.GetErrorPointer(),
		UserAgent: o.GetUserAgent(), Grants: o.GetGrants(), NoPKCE: o.GetNoPkce(),
		Issuer: o.GetIssuer(), TokenParameters: o.GetTokenParameters(), RevocationToken: o.GetRevocationToken(),
	}
}

// checkProvider refuses endpoints to which the host would send a client's secret in clear.
func checkProvider(o *catalog.OAuth2) error {
	for _, endpoint := range []string{o.AuthorizationURL, o.TokenURL, o.RevocationURL, o.DeviceAuthorizationURL} {
		if endpoint != "" && !webAddress(endpoint) {
			return errors.New("an endpoint is no https:// address")
		}
	}
	return nil
}

func scopeSetsOf(sets []*adapterv1.ScopeSet) [][]string {
	var out [][]string
	for _, set := range sets[:min(len(sets), maxScopes)] {
		if scopes := scopesOf(set.GetScopes()); len(scopes) > 0 {
			out = append(out, scopes)
		}
	}
	return out
}

func operationOf(platform string, op *adapterv1.Operation) (*catalog.Operation, error) {
	effect := effects[op.GetEffect()]
	switch {
	case op.GetName() == "" || !operationName.MatchString(platform+"__"+op.GetName()):
		return nil, errors.New("it is no name that a language model can use")
	case effect == "":
		return nil, errors.New("it does not say what repeating it does")
	case len(op.GetInputSchema()) > maxSchema || len(op.GetOutputSchema()) > maxSchema:
		return nil, fmt.Errorf("a schema is larger than %d KiB", maxSchema>>10)
	case !json.Valid(op.GetInputSchema()) || !json.Valid(op.GetOutputSchema()):
		return nil, errors.New("a schema is not JSON")
	}
	return &catalog.Operation{Name: op.GetName(), Title: clean(op.GetTitle(), 200), Description: clean(op.GetDescription(), 4000), Effect: effect,
		InputSchema: op.GetInputSchema(), OutputSchema: op.GetOutputSchema(), Scopes: scopesOf(op.GetScopes()), AnyScopes: scopeSetsOf(op.GetAnyScopes()),
		Streaming: op.GetStreaming(), TakesFiles: op.GetTakesFiles(), GivesFiles: op.GetGivesFiles(), Plan: op.GetPlan()}, nil
}
