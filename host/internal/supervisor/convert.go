package supervisor

import (
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/egress"
	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

// The border to the generated types. What comes from an adapter is not trusted: it is checked, cut and cleaned here.

const (
	maxMessage    = 2000
	maxViolations = 100
	maxOperations = 5000
)

var operationName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)
var platformID = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)

// callContext converts a request's part that every RPC has.
func callContext(r catalog.Request) *adapterv1.CallContext {
	return &adapterv1.CallContext{CallId: r.CallID, Platform: r.Platform.ID,
		Credential: &adapterv1.Credential{AuthMethod: r.Credential.Method, Fields: r.Credential.Reveal()},
		Settings:   &adapterv1.Settings{BaseUrl: r.Settings.BaseURL, MinTlsVersion: r.Settings.MinTLS}}
}

func accountOf(r *adapterv1.VerifyResponse) catalog.Account {
	return catalog.Account{ID: clean(r.GetAccount().GetId(), 200), Name: clean(r.GetAccount().GetName(), 200), Scopes: r.GetScopes(), Observed: r.GetObserved()}
}

// unitsOf keeps the numbers that can be summed.
func unitsOf(u *adapterv1.Usage) map[string]float64 {
	if len(u.GetUnits()) == 0 {
		return nil
	}
	out := map[string]float64{}
	for name, n := range u.GetUnits() {
		if len(out) < 50 && !math.IsNaN(n) && !math.IsInf(n, 0) {
			out[clean(name, 64)] = n
		}
	}
	return out
}

var kinds = map[adapterv1.Kind]catalog.Kind{
	adapterv1.Kind_KIND_AUTH_EXPIRED: catalog.AuthExpired, adapterv1.Kind_KIND_AUTH_REVOKED: catalog.AuthRevoked,
	adapterv1.Kind_KIND_PERMISSION_DENIED: catalog.PermissionDenied, adapterv1.Kind_KIND_RATE_LIMITED: catalog.RateLimited,
	adapterv1.Kind_KIND_INVALID_INPUT: catalog.InvalidInput, adapterv1.Kind_KIND_NOT_FOUND: catalog.NotFound,
	adapterv1.Kind_KIND_CONFLICT: catalog.Conflict, adapterv1.Kind_KIND_PLATFORM_UNAVAILABLE: catalog.PlatformUnavailable,
	adapterv1.Kind_KIND_PLATFORM_ERROR: catalog.PlatformError, adapterv1.Kind_KIND_TIMEOUT: catalog.Timeout,
	adapterv1.Kind_KIND_OUTCOME_UNKNOWN: catalog.OutcomeUnknown, adapterv1.Kind_KIND_ADAPTER_BUG: catalog.AdapterBug,
}

// failureOf reads a failure off a gRPC error. One without the contract's details did not come from the adapter's code: the transport
// says that the process died or that the time is over.
func failureOf(ctx context.Context, err error) error {
	var own *catalog.Failure
	if errors.As(err, &own) {
		return own
	}
	st, ok := status.FromError(err)
	if !ok {
		return err
	}
	for _, detail := range st.Details() {
		if f, ok := detail.(*adapterv1.Failure); ok {
			return fromWire(st, f)
		}
	}
	switch {
	case ctx.Err() != nil || st.Code() == codes.DeadlineExceeded || st.Code() == codes.Canceled:
		return &catalog.Failure{Kind: catalog.Timeout, Message: "The call was not finished within its time."}
	case st.Code() == codes.Unavailable:
		return &catalog.Failure{Kind: catalog.AdapterUnavailable, Message: "The adapter stopped while it ran the call."}
	case st.Code() == codes.ResourceExhausted:
		return &catalog.Failure{Kind: catalog.AdapterBug, Message: fmt.Sprintf("A message of the adapter was larger than %d MiB.", adapterv1.MaxMessageBytes>>20)}
	}
	return &catalog.Failure{Kind: catalog.AdapterBug, Message: "The adapter failed on this call."}
}

func fromWire(st *status.Status, f *adapterv1.Failure) *catalog.Failure {
	out := &catalog.Failure{Kind: kinds[f.GetKind()], Message: clean(st.Message(), maxMessage), MissingScopes: f.GetMissingScopes(),
		PlatformCode: clean(f.GetPlatformCode(), 200), PlatformStatus: int(f.GetPlatformStatus()),
		PlatformRequestID: clean(f.GetPlatformRequestId(), 200), NotSent: f.GetNotSent()}
	if out.Kind == "" {
		out.Kind = catalog.AdapterBug // also a kind that only the host may say
	}
	for _, detail := range st.Details() {
		switch d := detail.(type) {
		case *errdetails.RetryInfo:
			out.RetryAfter = min(max(d.GetRetryDelay().AsDuration(), 0), 24*time.Hour)
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations()[:min(len(d.GetFieldViolations()), maxViolations)] {
				out.Violations = append(out.Violations, catalog.Violation{Pointer: clean(v.GetField(), 200), Detail: clean(v.GetDescription(), 500)})
			}
		}
	}
	return out
}

var effects = map[adapterv1.Effect]catalog.Effect{adapterv1.Effect_EFFECT_READ: catalog.Read,
	adapterv1.Effect_EFFECT_IDEMPOTENT: catalog.Idempotent, adapterv1.Effect_EFFECT_WRITE: catalog.Write}

// platformsOf converts a manifest, or says what is wrong with it.
func platformsOf(m *adapterv1.Manifest) ([]*catalog.Platform, error) {
	var out []*catalog.Platform
	for _, p := range m.GetSchema().GetPlatforms() {
		if !platformID.MatchString(p.GetId()) || len(p.GetOperations()) > maxOperations || len(p.GetIcon()) > 64<<10 {
			return nil, fmt.Errorf("it declares a platform %q that is not valid", clip(p.GetId(), 64))
		}
		platform := &catalog.Platform{ID: p.GetId(), Name: clean(p.GetName(), 100), Description: clean(p.GetDescription(), 2000),
			Category: clean(p.GetCategory(), 50), Icon: p.GetIcon(), Website: p.GetWebsite(), BaseURL: p.GetBaseUrl(), Hosts: p.GetHosts(),
			VerifyNote: clean(p.GetVerifyNote(), 1000)}
		for _, host := range p.GetHosts() {
			if err := egress.CheckPattern(host); err != nil {
				return nil, fmt.Errorf("platform %s declares a host that is not valid: %w", p.GetId(), err)
			}
		}
		for _, a := range p.GetAuthMethods() {
			platform.AuthMethods = append(platform.AuthMethods, authOf(a))
		}
		for _, op := range p.GetOperations() {
			operation, err := operationOf(p.GetId(), op)
			if err != nil {
				return nil, err
			}
			platform.Operations = append(platform.Operations, operation)
		}
		for _, l := range p.GetRateLimits() {
			platform.RateLimits = append(platform.RateLimits, catalog.RateLimit{Calls: l.GetCalls(), PerSeconds: l.GetPerSeconds(), Operations: l.GetOperations()})
		}
		out = append(out, platform)
	}
	if len(out) == 0 {
		return nil, errors.New("it declares no platform")
	}
	return out, nil
}

// checkSchemas compiles the input schemas of a binary that is seen for the first time.
func checkSchemas(platforms []*catalog.Platform) error {
	for _, p := range platforms {
		for _, op := range p.Operations {
			if err := op.CheckSchema(); err != nil {
				return fmt.Errorf("operation %s of %s: %w", op.Name, p.ID, err)
			}
		}
	}
	return nil
}

func authOf(a *adapterv1.AuthMethod) catalog.AuthMethod {
	out := catalog.AuthMethod{Type: a.GetType(), Label: clean(a.GetLabel(), 100), Help: clean(a.GetHelp(), 4000),
		HostField: a.GetHostField(), PortField: a.GetPortField(), DefaultPort: a.GetDefaultPort()}
	for _, f := range a.GetFields() {
		out.Fields = append(out.Fields, catalog.Field{Name: f.GetName(), Label: clean(f.GetLabel(), 100), Help: clean(f.GetHelp(), 2000),
			Secret: f.GetSecret(), Required: f.GetRequired(), Pattern: f.GetPattern(), Default: f.GetDefaultValue(), Multiline: f.GetMultiline()})
	}
	if o := a.GetOauth2(); o != nil {
		out.OAuth2 = &catalog.OAuth2{
			AuthorizationURL: o.GetAuthorizationUrl(), TokenURL: o.GetTokenUrl(), RevocationURL: o.GetRevocationUrl(),
			DeviceAuthorizationURL: o.GetDeviceAuthorizationUrl(), Scopes: o.GetScopes(), AuthorizeParameters: o.GetAuthorizeParameters(),
			ScopeSeparator: o.GetScopeSeparator(), ScopeParameter: o.GetScopeParameter(), ClientAuthentication: o.GetClientAuthentication(),
			TokenRequestFormat: o.GetTokenRequestFormat(), AccessTokenPointer: o.GetAccessTokenPointer(), RefreshTokenPointer: o.GetRefreshTokenPointer(),
			ExpiresInPointer: o.GetExpiresInPointer(), ScopePointer: o.GetScopePointer(), ErrorPointer: o.GetErrorPointer(),
			UserAgent: o.GetUserAgent(), Grants: o.GetGrants(), NoPKCE: o.GetNoPkce(),
		}
	}
	return out
}

func operationOf(platform string, op *adapterv1.Operation) (*catalog.Operation, error) {
	effect := effects[op.GetEffect()]
	if effect == "" || !operationName.MatchString(platform+"__"+op.GetName()) {
		return nil, fmt.Errorf("operation %q of %s needs an effect and a name that a language model can use", clip(op.GetName(), 64), platform)
	}
	out := &catalog.Operation{Name: op.GetName(), Title: clean(op.GetTitle(), 200), Description: clean(op.GetDescription(), 4000), Effect: effect,
		InputSchema: op.GetInputSchema(), OutputSchema: op.GetOutputSchema(), Scopes: op.GetScopes(),
		Streaming: op.GetStreaming(), TakesFiles: op.GetTakesFiles(), GivesFiles: op.GetGivesFiles()}
	return out, nil
}

// clean makes foreign text fit to be stored and shown: valid, without control characters, bounded.
func clean(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return clip(s, most)
}
