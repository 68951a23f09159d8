package sdk

import (
	"errors"
	"fmt"
	"time"
)

// Kind classifies a failure. The host decides by it what to do: refresh, wait, repeat, or tell the caller.
type Kind int

// Kinds, with the numbers of the contract.
const (
	// AuthExpired: the access token is no longer good. The host refreshes it and runs the call once more.
	AuthExpired Kind = iota + 1
	// AuthRevoked: the credential is dead; only its owner can help.
	AuthRevoked
	// PermissionDenied: the credential may not do this (see Error.MissingScopes).
	PermissionDenied
	// RateLimited: the platform did not run the call because there were too many (see Error.RetryAfter).
	RateLimited
	// InvalidInput: the caller's input is wrong (see Error.Violations).
	InvalidInput
	// NotFound: the thing named does not exist, or not for this credential.
	NotFound
	// Conflict: the thing is in a state that does not allow this.
	Conflict
	// PlatformUnavailable: the platform cannot be reached or cannot serve now; it did not run the call.
	PlatformUnavailable
	// PlatformError: the platform failed.
	PlatformError
	// Timeout: the work was given up at its deadline.
	Timeout
	// OutcomeUnknown: the request went out and no answer came; it may have run.
	OutcomeUnknown
	// AdapterBug: the adapter itself is wrong. An error that is no *Error counts as this.
	AdapterBug
)

// Error is how an adapter fails. Its text reaches the caller: it must hold no secret and no URL with one.
type Error struct {
	Kind Kind
	// Message says what is wrong and what to do, for people.
	Message string
	// RetryAfter is how long to wait, with RateLimited and PlatformUnavailable; 0 when unknown.
	RetryAfter time.Duration
	// MissingScopes is for PermissionDenied.
	MissingScopes []string
	// Violations is for InvalidInput.
	Violations []Violation
	// PlatformCode, PlatformStatus and PlatformRequestID are the platform's own words.
	PlatformCode      string
	PlatformStatus    int
	PlatformRequestID string
	// NotSent is true where the request certainly did not reach the platform.
	NotSent bool
}

// Violation is one thing wrong with the input.
type Violation struct {
	// Pointer is a JSON Pointer (RFC 6901) into the input.
	Pointer string
	Detail  string
}

// Error answers the message.
func (e *Error) Error() string { return e.Message }

// Errorf makes an Error of a kind.
func Errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Invalid makes an InvalidInput error about one field of the input, named by a JSON Pointer.
func Invalid(pointer, format string, args ...any) *Error {
	detail := fmt.Sprintf(format, args...)
	return &Error{Kind: InvalidInput, Message: "The input is not valid: " + detail,
		Violations: []Violation{{Pointer: pointer, Detail: detail}}}
}

// KindOf answers the kind of an error made by this package, and AdapterBug for any other.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return AdapterBug
}
