package sdk

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

// The border to the generated types: nothing else in this package builds them from what an author wrote.

// manifestOf converts an adapter's manifest, after checking it.
func manifestOf(a Adapter) (*adapterv1.SchemaResponse, error) {
	if err := check(a); err != nil {
		return nil, err
	}
	out := &adapterv1.SchemaResponse{}
	for _, p := range a.Platforms {
		platform, err := wirePlatform(p)
		if err != nil {
			return nil, err
		}
		out.Platforms = append(out.Platforms, platform)
	}
	return out, nil
}

func wirePlatform(p Platform) (*adapterv1.Platform, error) {
	out := &adapterv1.Platform{Id: p.ID, Name: p.Name, Description: p.Description, Category: p.Category, Icon: p.Icon,
		Website: p.Website, BaseUrl: p.BaseURL, Hosts: p.Hosts, VerifyNote: p.VerifyNote}
	for _, m := range p.Auth {
		out.AuthMethods = append(out.AuthMethods, wireAuth(m))
	}
	for _, op := range p.Operations {
		operation, err := wireOperation(op)
		if err != nil {
			return nil, fmt.Errorf("operation %s of %s: %w", op.Name, p.ID, err)
		}
		out.Operations = append(out.Operations, operation)
	}
	for _, l := range p.RateLimits {
		out.RateLimits = append(out.RateLimits, &adapterv1.RateLimit{Calls: l.Calls, PerSeconds: l.PerSeconds, Operations: l.Operations})
	}
	return out, nil
}

func wireAuth(m AuthMethod) *adapterv1.AuthMethod {
	out := &adapterv1.AuthMethod{Type: m.Type, Label: m.Label, Help: m.Help,
		HostField: m.HostField, PortField: m.PortField, DefaultPort: uint32(m.DefaultPort)}
	for _, f := range m.Fields {
		out.Fields = append(out.Fields, &adapterv1.Field{Name: f.Name, Label: f.Label, Help: f.Help, Secret: f.Secret,
			Required: f.Required, Pattern: f.Pattern, DefaultValue: f.Default, Multiline: f.Multiline})
	}
	if o := m.OAuth2; o != nil {
		out.Oauth2 = &adapterv1.OAuth2{
			AuthorizationUrl: o.AuthorizationURL, TokenUrl: o.TokenURL, RevocationUrl: o.RevocationURL,
			DeviceAuthorizationUrl: o.DeviceAuthorizationURL, Scopes: o.Scopes, AuthorizeParameters: o.AuthorizeParameters,
			ScopeSeparator: o.ScopeSeparator, ScopeParameter: o.ScopeParameter, ClientAuthentication: o.ClientAuthentication,
			TokenRequestFormat: o.TokenRequestFormat, AccessTokenPointer: o.AccessTokenPointer, RefreshTokenPointer: o.RefreshTokenPointer,
			ExpiresInPointer: o.ExpiresInPointer, ScopePointer: o.ScopePointer, ErrorPointer: o.ErrorPointer,
			UserAgent: o.UserAgent, Grants: o.Grants, NoPkce: o.NoPKCE, Issuer: o.Issuer, TokenParameters: o.TokenParameters,
			RevocationToken: o.RevocationToken,
		}
	}
	return out
}

func wireOperation(op Operation) (*adapterv1.Operation, error) {
	input, err := json.Marshal(op.Run.input)
	if err != nil {
		return nil, fmt.Errorf("encoding the input schema: %w", err)
	}
	output, err := json.Marshal(op.Run.output)
	if err != nil {
		return nil, fmt.Errorf("encoding the output schema: %w", err)
	}
	return &adapterv1.Operation{Name: op.Name, Title: orString(op.Title, titleOf(op.Name)), Description: op.Description,
		Effect: adapterv1.Effect(op.Effect), InputSchema: input, OutputSchema: output, Scopes: op.Scopes, AnyScopes: scopeSets(op.AnyScopes),
		Streaming: op.Streaming, TakesFiles: op.TakesFiles, GivesFiles: op.GivesFiles}, nil
}

func scopeSets(sets [][]string) []*adapterv1.ScopeSet {
	var out []*adapterv1.ScopeSet
	for _, set := range sets {
		out = append(out, &adapterv1.ScopeSet{Scopes: validTexts(set)})
	}
	return out
}

// wireError converts a failure to a gRPC status with its details. An error that is no *Error is the adapter's bug, and its text,
// which may hold anything, stays here.
func wireError(err error) error {
	var e *Error
	if !errors.As(err, &e) {
		e = Errorf(AdapterBug, "The adapter failed on this call.")
	}
	details := []protoadapt.MessageV1{protoadapt.MessageV1Of(&adapterv1.Failure{
		Kind: adapterv1.Kind(e.Kind), Blame: blameOf(e.Kind), MissingScopes: validTexts(e.MissingScopes), PlatformCode: shortText(e.PlatformCode),
		PlatformStatus: int32(e.PlatformStatus), PlatformRequestId: shortText(e.PlatformRequestID), NotSent: e.NotSent})}
	if e.RetryAfter > 0 {
		details = append(details, protoadapt.MessageV1Of(&errdetails.RetryInfo{RetryDelay: durationpb.New(e.RetryAfter)}))
	}
	if len(e.Violations) > 0 {
		bad := &errdetails.BadRequest{}
		for _, v := range e.Violations {
			bad.FieldViolations = append(bad.FieldViolations, &errdetails.BadRequest_FieldViolation{Field: shortText(v.Pointer), Description: shortText(v.Detail)})
		}
		details = append(details, protoadapt.MessageV1Of(bad))
	}
	st := status.New(codeOf(e.Kind), shortText(e.Message))
	if full, detailErr := st.WithDetails(details...); detailErr == nil {
		st = full
	}
	return st.Err()
}

// maxText bounds one text of a failure. A platform's own words may be a whole page.
const maxText = 4 << 10

// shortText makes a text fit for the wire: a message with one that is not valid is not sent at all, and the failure's kind with it.
func shortText(s string) string {
	if len(s) > maxText {
		s = s[:maxText] + "…"
	}
	return validText(s)
}

func validText(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func validTexts(texts []string) []string {
	var out []string
	for _, s := range texts {
		out = append(out, shortText(s))
	}
	return out
}

func wireAccount(a Account) *adapterv1.VerifyResponse {
	out := &adapterv1.VerifyResponse{Account: &adapterv1.Account{Id: shortText(a.ID), Name: shortText(a.Name)}, Scopes: validTexts(a.Scopes)}
	for name, value := range a.Observed {
		if out.Observed == nil {
			out.Observed = map[string]string{}
		}
		out.Observed[validText(name)] = validText(value)
	}
	return out
}

// blameOf says whose fault a kind is.
func blameOf(k Kind) adapterv1.Blame {
	switch k {
	case AuthExpired, AuthRevoked, PermissionDenied, InvalidInput, NotFound, Conflict:
		return adapterv1.Blame_BLAME_CALLER
	case AdapterBug:
		return adapterv1.Blame_BLAME_ADAPTER
	}
	return adapterv1.Blame_BLAME_PLATFORM
}

// codeOf answers the gRPC code that stands for a kind, for tools that know nothing of kinds.
func codeOf(k Kind) codes.Code {
	switch k {
	case AuthExpired, AuthRevoked:
		return codes.Unauthenticated
	case PermissionDenied:
		return codes.PermissionDenied
	case RateLimited:
		return codes.ResourceExhausted
	case InvalidInput:
		return codes.InvalidArgument
	case NotFound:
		return codes.NotFound
	case Conflict:
		return codes.FailedPrecondition
	case PlatformUnavailable:
		return codes.Unavailable
	case Timeout:
		return codes.DeadlineExceeded
	case OutcomeUnknown:
		return codes.Aborted
	case AdapterBug:
		return codes.Internal
	}
	return codes.Unknown
}
