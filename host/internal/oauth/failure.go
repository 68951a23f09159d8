package oauth

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Meaning says what a failed request to a provider means.
type Meaning int

// Meanings.
const (
	// Transient failures pass: the grant is unharmed.
	Transient Meaning = iota
	// Dead grants are refused for good: the person must connect again.
	Dead
	// Misconfigured clients are the operator's to mend: the grant is unharmed.
	Misconfigured
	// Pending device codes wait for their person.
	Pending
)

// Failure is how a request to a provider failed. Its texts hold no secret: of the provider's answer only the error code and its
// description are kept, cleaned and cut.
type Failure struct {
	Meaning Meaning
	// Code is the provider's error code, such as invalid_grant; empty where there is none.
	Code string
	// Message is for people.
	Message string
	// Status of the HTTP answer; 0 where there was none.
	Status int
	// RetryAfter is how long the provider wants to be left alone; 0 when it does not say.
	RetryAfter time.Duration
	// NotSent is true where the request certainly did not leave.
	NotSent bool
	// HeldBack is true where it did not leave because the lease was about to end.
	HeldBack bool
	// SlowDown asks a device flow for a longer pause.
	SlowDown bool
}

// Error answers the message.
func (f *Failure) Error() string { return f.Message }

// deadCodes are error codes by which a provider refuses a grant for good: invalid_grant (RFC 6749, 5.2) and what providers say in its
// place: Slack (docs.slack.dev, oauth.v2.access), GitHub (bad_refresh_token), Meta and others (token_revoked, token_expired).
var deadCodes = []string{"invalid_grant", "invalid_refresh_token", "bad_refresh_token", "token_revoked", "token_expired",
	"account_inactive", "access_denied", "expired_token", "invalid_code", "code_already_used", "bad_verification_code"}

// clientCodes are those by which it refuses the client or the request (RFC 6749, 5.2; Slack's invalid_client_id, bad_client_secret,
// bad_redirect_uri).
var clientCodes = []string{"invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_request", "invalid_scope",
	"invalid_client_id", "bad_client_secret", "bad_redirect_uri", "redirect_uri_mismatch", "incorrect_client_credentials"}

// refusal makes a failure of an error code that a provider answered.
func refusal(status int, code, description string) *Failure {
	f := &Failure{Code: code, Status: status}
	said := code
	if description != "" {
		said = code + ": " + description
	}
	switch {
	case code == "authorization_pending":
		f.Meaning, f.Message = Pending, "The person has not decided yet."
	case code == "slow_down":
		f.Meaning, f.SlowDown, f.Message = Pending, true, "The provider asks for a longer pause."
	case slices.Contains(deadCodes, code):
		f.Meaning, f.Message = Dead, "The provider refuses the grant ("+said+")."
	case slices.Contains(clientCodes, code):
		f.Meaning, f.Message = Misconfigured, "The provider refuses the OAuth client or its request ("+said+"): an operator must look at the platform's settings."
	default:
		f.Meaning, f.Message = Transient, "The provider answered an error ("+said+")."
	}
	return f
}

// unusable makes a failure of an answer that is none.
func unusable(status int, format string, args ...any) *Failure {
	return &Failure{Meaning: Transient, Status: status, Message: "The provider's token endpoint " + fmt.Sprintf(format, args...) + "."}
}

// clean makes a provider's text fit to be stored and shown.
func clean(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r <= 0x9f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}
