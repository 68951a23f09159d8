package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/dispatch"
	"github.com/patchbay/patchbay/host/internal/file"
	"github.com/patchbay/patchbay/host/internal/identity"
	"github.com/patchbay/patchbay/host/internal/integration"
	"github.com/patchbay/patchbay/host/internal/pool"
	"github.com/patchbay/patchbay/host/internal/sandbox"
	"github.com/patchbay/patchbay/host/internal/usage"
)

// Problem is an error as RFC 9457 has it, with a stable code.
type Problem struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail"`
	Code      string `json:"code" doc:"Stable; clients decide by it"`
	RequestID string `json:"request_id"`
	// Call is the id of the call that failed, where it was recorded.
	Call          string              `json:"call,omitempty"`
	Blame         string              `json:"blame,omitempty" doc:"caller, platform, adapter or host"`
	Errors        []catalog.Violation `json:"errors,omitempty"`
	MissingScopes []string            `json:"missing_scopes,omitempty"`
	// PlatformCode and PlatformStatus are the platform's own words.
	PlatformCode   string `json:"platform_code,omitempty"`
	PlatformStatus int    `json:"platform_status,omitempty"`

	retryAfter int    // seconds
	challenge  string // of a 401, in place of the usual one
}

// Error answers the detail.
func (p *Problem) Error() string { return p.Detail }

// GetStatus answers the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders adds Retry-After where it applies, and to a 401 how to authenticate.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", cmp.Or(p.challenge, `Bearer realm="patchbay"`))
	}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(p.retryAfter))
	}
	return h
}

// ContentType answers the type of RFC 9457.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// statuses is the one map from a kind to an HTTP status.
var statuses = map[catalog.Kind]int{
	catalog.AuthExpired: 409, catalog.AuthRevoked: 409, catalog.ReauthorizationRequired: 409, catalog.IntegrationInactive: 409,
	catalog.PermissionDenied: 403, catalog.RateLimited: 429, catalog.InvalidInput: 422, catalog.ValidationFailed: 422,
	catalog.NotFound: 404, catalog.IntegrationNotFound: 404, catalog.PlatformNotFound: 404, catalog.OperationNotFound: 404, pool.NotFound: 404,
	catalog.Conflict: 409, catalog.PlatformUnavailable: 502, catalog.PlatformError: 502, catalog.OutcomeUnknown: 502,
	integration.OAuthNotConfigured: 409, "authorization_refused": 409,
	sandbox.Unavailable: 503, catalog.Timeout: 504, catalog.AdapterBug: 502, catalog.AdapterUnavailable: 503,
	dispatch.Forbidden: 403, dispatch.KeyReused: 422, dispatch.InProgress: 409, dispatch.Internal: 500, dispatch.NotRecorded: 503,
}

// titles name the codes that are no kind of failure.
var titles = map[int]string{400: "bad_request", 401: "unauthenticated", 403: "forbidden", 404: "not_found", 405: "method_not_allowed",
	406: "not_acceptable", 408: "request_timeout", 409: "conflict", 413: "too_large", 415: "unsupported_media_type", 422: "validation_failed",
	429: "rate_limited", 500: "internal_error", 503: "unavailable"}

// newProblem makes a problem of a status and a code.
func newProblem(ctx context.Context, status int, code, detail string) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: code, Detail: detail, RequestID: requestID(ctx)}
}

// problem makes a problem of any error of a room. What no room meant for the caller is logged and answered as internal_error.
func (a *API) problem(ctx context.Context, err error) *Problem {
	var p *Problem
	var f *catalog.Failure
	var invalid *identity.InvalidError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &f):
		return failureProblem(ctx, f)
	case errors.As(err, &invalid):
		p := newProblem(ctx, 422, "validation_failed", invalid.Pointer+" "+invalid.Detail+".")
		p.Errors = []catalog.Violation{{Pointer: invalid.Pointer, Detail: invalid.Detail}}
		return p
	case errors.Is(err, identity.ErrUnauthenticated):
		return newProblem(ctx, 401, "unauthenticated", "The token is missing, wrong, expired or revoked. Send `Authorization: Bearer pb_...`.")
	case errors.Is(err, identity.ErrNotFound), errors.Is(err, usage.ErrNotFound), errors.Is(err, file.ErrNotFound):
		return newProblem(ctx, 404, "not_found", "There is no such thing, or it is not yours.")
	case errors.Is(err, usage.ErrGroup):
		return newProblem(ctx, 422, "validation_failed", err.Error()+".")
	}
	for _, room := range []func(context.Context, error) *Problem{eventProblem, alertProblem, poolProblem, workflowProblem} {
		if p := room(ctx, err); p != nil {
			return p
		}
	}
	a.cfg.Logger.Error("a request failed inside the host", "request_id", requestID(ctx), "error", err)
	if notReady := a.cfg.Ready(context.WithoutCancel(ctx)); notReady != nil {
		p := newProblem(ctx, 503, "unavailable", "The host cannot serve now: "+notReady.Error()+". Try again.")
		p.retryAfter = 1
		return p
	}
	return newProblem(ctx, 500, "internal_error", "The host failed on this request. Its log says more under this request_id.")
}

// failureProblem makes a problem of a failure of a call.
func failureProblem(ctx context.Context, f *catalog.Failure) *Problem {
	status := statuses[f.Kind]
	if status == 0 {
		status = 500
	}
	p := newProblem(ctx, status, string(f.Kind), f.Message)
	p.Errors, p.MissingScopes, p.Blame = f.Violations, f.MissingScopes, f.Kind.Blame()
	p.PlatformCode, p.PlatformStatus = f.PlatformCode, f.PlatformStatus
	if f.Kind == dispatch.Internal || f.Kind == dispatch.NotRecorded {
		p.Blame = "host"
	}
	if f.RetryAfter > 0 {
		p.retryAfter = int(math.Ceil(f.RetryAfter.Seconds()))
	}
	return p
}

// write answers with the problem, for handlers that huma does not run.
func (p *Problem) write(w http.ResponseWriter) {
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // a caller that went away
}

var problemsOnce sync.Once

// useProblems makes huma's own errors (validation, unknown bodies) problems too, and lists what they are in the document. Both are globals of the library.
func useProblems() {
	problemsOnce.Do(func() {
		huma.DefaultArrayNullable = false // lists are never null here
		huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
			p := newProblem(context.Background(), status, titles[status], message)
			for _, err := range errs {
				var detail *huma.ErrorDetail
				if errors.As(err, &detail) {
					p.Errors = append(p.Errors, catalog.Violation{Pointer: pointerOf(detail.Location), Detail: detail.Message})
				} else if err != nil {
					p.Errors = append(p.Errors, catalog.Violation{Detail: err.Error()})
				}
			}
			return p
		}
		huma.NewErrorWithContext = func(hc huma.Context, status int, message string, errs ...error) huma.StatusError {
			err := huma.NewError(status, message, errs...)
			if p, ok := err.(*Problem); ok && hc != nil {
				p.RequestID = requestID(hc.Context())
			}
			return err
		}
	})
}
