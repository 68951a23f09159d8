package catalog

import "time"

// Kind classifies how a call failed. The names are stable: they are the codes that clients see.
type Kind string

// Kinds of the contract.
const (
	AuthExpired         Kind = "auth_expired"
	AuthRevoked         Kind = "auth_revoked"
	PermissionDenied    Kind = "permission_denied"
	RateLimited         Kind = "rate_limited"
	InvalidInput        Kind = "invalid_input"
	NotFound            Kind = "not_found"
	Conflict            Kind = "conflict"
	PlatformUnavailable Kind = "platform_unavailable"
	PlatformError       Kind = "platform_error"
	Timeout             Kind = "timeout"
	OutcomeUnknown      Kind = "outcome_unknown"
	AdapterBug          Kind = "adapter_bug"
	// AdapterUnavailable is said by the host alone.
	AdapterUnavailable Kind = "adapter_unavailable"
	// The rest are found by the host before an adapter is asked.
	IntegrationNotFound     Kind = "integration_not_found"
	IntegrationInactive     Kind = "integration_inactive"
	ReauthorizationRequired Kind = "reauthorization_required"
	PlatformNotFound        Kind = "platform_not_found"
	OperationNotFound       Kind = "operation_not_found"
	ValidationFailed        Kind = "validation_failed"
)

// Failure is how a call failed. Its message is for people and holds no secret.
type Failure struct {
	Kind    Kind
	Message string
	// RetryAfter is how long to wait before another try; 0 when unknown.
	RetryAfter    time.Duration
	MissingScopes []string
	Violations    []Violation
	// PlatformCode, PlatformStatus and PlatformRequestID are the platform's own words.
	PlatformCode      string
	PlatformStatus    int
	PlatformRequestID string
	// NotSent is true where the request certainly did not reach the platform.
	NotSent bool
}

// Violation is one thing wrong with an input; Pointer is a JSON Pointer (RFC 6901) into it.
type Violation struct {
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
}

// Error answers the message.
func (f *Failure) Error() string { return f.Message }

// Blame answers whose fault a kind is: "caller", "platform", "adapter" or "host".
func (k Kind) Blame() string {
	switch k {
	case PlatformUnavailable, PlatformError, RateLimited, Timeout, OutcomeUnknown:
		return "platform"
	case AdapterBug, AdapterUnavailable:
		return "adapter"
	}
	return "caller"
}
