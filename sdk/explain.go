package sdk

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Bounds of what is read of an answer.
const (
	// maxBodyBytes bounds an answer that is streamed on, such as a file.
	maxBodyBytes = 1 << 30
	// maxJSONBytes bounds an answer that is read into memory.
	maxJSONBytes = 16 << 20
	// maxErrorBytes bounds what is read of a failure.
	maxErrorBytes = 64 << 10
)

// explain turns an answer with a failing status into an error, by the platform's own words where it has some.
func (s *signer) explain(resp *http.Response) error {
	defer func() { _ = resp.Body.Close() }()                        // nothing more is read
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBytes)) // a cut body still has its status
	if s.call.platform.Explain != nil {
		if e := s.call.platform.Explain(resp.StatusCode, resp.Header, body); e != nil {
			return s.complete(e, resp)
		}
	}
	return s.complete(&Error{Kind: s.kindOf(resp.StatusCode), Message: statusMessage(resp.StatusCode)}, resp)
}

// complete fills in what every failed answer has.
func (s *signer) complete(e *Error, resp *http.Response) *Error {
	if e.PlatformStatus == 0 {
		e.PlatformStatus = resp.StatusCode
	}
	if e.PlatformRequestID == "" {
		e.PlatformRequestID = orString(resp.Header.Get("X-Request-Id"), resp.Header.Get("Request-Id"))
	}
	if e.RetryAfter == 0 && (e.Kind == RateLimited || e.Kind == PlatformUnavailable) {
		e.RetryAfter = RetryAfter(resp.Header, time.Now())
	}
	return e
}

// kindOf is what a status means when the platform does not say more.
func (s *signer) kindOf(status int) Kind { return KindOfStatus(status, s.call.Credential.Method) }

// KindOfStatus answers what an HTTP status of 400 and above means for a credential of a method, when the platform says no more.
func KindOfStatus(status int, method string) Kind {
	switch status {
	case http.StatusUnauthorized:
		if method == MethodOAuth2 {
			return AuthExpired
		}
		return AuthRevoked
	case http.StatusPaymentRequired, http.StatusForbidden:
		return PermissionDenied
	case http.StatusNotFound, http.StatusGone:
		return NotFound
	case http.StatusConflict, http.StatusPreconditionFailed, http.StatusLocked:
		return Conflict
	case http.StatusTooManyRequests:
		return RateLimited
	case http.StatusRequestTimeout, http.StatusServiceUnavailable, 529:
		return PlatformUnavailable
	}
	if status < http.StatusInternalServerError {
		return InvalidInput
	}
	return PlatformError
}

func statusMessage(status int) string {
	text := http.StatusText(status)
	if text == "" {
		return fmt.Sprintf("The platform answered with status %d.", status)
	}
	return fmt.Sprintf("The platform answered %d %s.", status, text)
}

// RetryAfter reads the Retry-After header (RFC 9110, 10.2.3), in seconds or as a date; 0 when there is none. It is capped at a day.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if value == "" {
		return 0
	}
	wait := time.Duration(0)
	if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds > 0 { // which NaN is not
		wait = time.Duration(min(seconds, 86400) * float64(time.Second))
	} else if at, err := http.ParseTime(value); err == nil {
		wait = at.Sub(now)
	}
	return max(0, min(wait, 24*time.Hour))
}
