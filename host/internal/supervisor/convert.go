package supervisor

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/patchbay/patchbay/host/internal/catalog"
	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

// The border to the generated types. What comes from an adapter is not trusted: it is checked, cut and cleaned here.

const (
	maxMessage    = 2000
	maxViolations = 100
	maxScopes     = 200
	maxObserved   = 50
)

// callContext converts a request's part that every RPC has.
func callContext(r catalog.Request) *adapterv1.CallContext {
	out := &adapterv1.CallContext{CallId: r.CallID, Platform: r.Platform.Served(),
		Credential: &adapterv1.Credential{AuthMethod: r.Credential.Method, Fields: r.Credential.Reveal()},
		Settings:   &adapterv1.Settings{BaseUrl: r.Settings.BaseURL, MinTlsVersion: r.Settings.MinTLS}}
	if r.Platform.Plan != nil {
		out.Mount = &adapterv1.Mount{Plan: r.Platform.Plan, BaseUrl: r.Platform.BaseURL, Hosts: r.Platform.Hosts}
	}
	return out
}

func accountOf(r *adapterv1.VerifyResponse) catalog.Account {
	out := catalog.Account{ID: clean(r.GetAccount().GetId(), 200), Name: clean(r.GetAccount().GetName(), 200), Scopes: scopesOf(r.GetScopes())}
	for name, value := range r.GetObserved() {
		if len(out.Observed) >= maxObserved {
			break
		}
		if out.Observed == nil {
			out.Observed = map[string]string{}
		}
		out.Observed[clean(name, 64)] = clean(value, 8<<10)
	}
	return out
}

// scopesOf keeps as many scopes as a platform may plausibly have.
func scopesOf(scopes []string) []string {
	var out []string
	for _, scope := range scopes[:min(len(scopes), maxScopes)] {
		out = append(out, clean(scope, 300))
	}
	return out
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
	case ctx.Err() != nil || st.Code() == codes.DeadlineExceeded:
		return &catalog.Failure{Kind: catalog.Timeout, Message: "The call was not finished within its time."}
	case st.Code() == codes.Unavailable || st.Code() == codes.Canceled: // the latter where the connection was closed on this side first
		return &catalog.Failure{Kind: catalog.AdapterUnavailable, Message: "The adapter stopped while it ran the call."}
	case st.Code() == codes.ResourceExhausted:
		return &catalog.Failure{Kind: catalog.AdapterBug, Message: fmt.Sprintf("A message to or from the adapter was larger than %d MiB.", adapterv1.MaxMessageBytes>>20)}
	}
	return &catalog.Failure{Kind: catalog.AdapterBug, Message: "The adapter failed on this call."}
}

func fromWire(st *status.Status, f *adapterv1.Failure) *catalog.Failure {
	out := &catalog.Failure{Kind: kinds[f.GetKind()], Message: clean(st.Message(), maxMessage), MissingScopes: scopesOf(f.GetMissingScopes()),
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

// clean makes foreign text fit to be stored and shown: valid, without control characters, bounded.
func clean(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r <= 0x9f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return clip(s, most)
}
