package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/patchbay/patchbay/sdk"
)

// refusal is what all of Google's APIs answer when they refuse.
type refusal struct {
	Error struct {
		Message string `json:"message"`
		Status  string `json:"status"`
		Errors  []struct {
			Reason   string `json:"reason"`
			Location string `json:"location"`
		} `json:"errors"`
		Details []struct {
			Type       string `json:"@type"`
			Reason     string `json:"reason"`
			RetryDelay string `json:"retryDelay"`
			Violations []struct {
				Field       string `json:"field"`
				Description string `json:"description"`
			} `json:"fieldViolations"`
		} `json:"details"`
	} `json:"error"`
}

// Bounds of what is passed on of Google's own words.
const (
	maxWords      = 500
	maxViolations = 10
)

var (
	codePattern   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,79}$`)
	scopesPattern = regexp.MustCompile(`scope="([^"]{1,1000})"`)
)

// explain reads Google's own refusal out of an answer.
func explain(status int, header http.Header, body []byte) *sdk.Error {
	var r refusal
	if err := json.Unmarshal(body, &r); err != nil || r.Error.Message == "" && r.Error.Status == "" {
		return nil
	}
	code := r.code()
	why := reasonOf(code, status)
	e := sdk.Errorf(why.kind, "Google refused with %s: %s %s", code, plain(r.Error.Message), why.advice)
	e.Message, e.PlatformCode = strings.TrimSpace(e.Message), code
	switch why.kind {
	case sdk.PermissionDenied:
		if m := scopesPattern.FindStringSubmatch(header.Get("WWW-Authenticate")); m != nil && why.scopes {
			// Any one of these is enough; the narrowest is the last one that Google names.
			all := strings.Fields(m[1])
			e.MissingScopes = all[len(all)-1:]
		}
	case sdk.RateLimited:
		e.RetryAfter = r.wait(code, header, time.Now())
	case sdk.InvalidInput:
		e.Violations = r.violations()
	}
	return e
}

// code is the most telling of the names that Google gives a refusal.
func (r refusal) code() string {
	for _, d := range r.Error.Details {
		if strings.HasSuffix(d.Type, ".ErrorInfo") && codePattern.MatchString(d.Reason) {
			return d.Reason
		}
	}
	if len(r.Error.Errors) > 0 && codePattern.MatchString(r.Error.Errors[0].Reason) {
		return r.Error.Errors[0].Reason
	}
	if codePattern.MatchString(r.Error.Status) {
		return r.Error.Status
	}
	return "no reason"
}

// violations are Google's remarks on single fields, which it names as it has them.
func (r refusal) violations() (out []sdk.Violation) {
	for _, d := range r.Error.Details {
		for _, v := range d.Violations {
			if len(out) < maxViolations {
				out = append(out, sdk.Violation{Pointer: "/" + strings.ReplaceAll(plain(v.Field), ".", "/"), Detail: plain(v.Description)})
			}
		}
	}
	return out
}

// wait answers how long Google takes no more: what it says, or until the day ends in California, where daily quotas begin anew.
func (r refusal) wait(code string, header http.Header, now time.Time) time.Duration {
	if wait := sdk.RetryAfter(header, now); wait > 0 {
		return wait
	}
	for _, d := range r.Error.Details {
		if wait, err := time.ParseDuration(d.RetryDelay); err == nil && wait > 0 {
			return min(wait, 24*time.Hour)
		}
	}
	if strings.HasPrefix(code, "dailyLimit") || code == "quotaExceeded" {
		pacific := now.In(time.FixedZone("PST", -8*60*60))
		return time.Date(pacific.Year(), pacific.Month(), pacific.Day()+1, 0, 0, 0, 0, pacific.Location()).Sub(now)
	}
	return 0
}

// reason is what a code means and what to do about it.
type reason struct {
	kind   sdk.Kind
	advice string
	// scopes says that the refusal is about the scopes of the token.
	scopes bool
}

// reasonOf answers what a code means; for those that the table lacks the status decides.
func reasonOf(code string, status int) reason {
	for _, row := range reasons {
		for known := range strings.FieldsSeq(row.codes) {
			if known == code {
				return row.reason
			}
		}
	}
	return reason{kind: sdk.KindOfStatus(status, sdk.MethodOAuth2)}
}

// reasons is the table of Google's codes, those of one meaning in a row. Sources: the error pages of the single APIs, google.rpc.Code and
// google.api.ErrorReason.
var reasons = []struct {
	codes string
	reason
}{
	{"API_KEY_INVALID keyInvalid keyExpired API_KEY_EXPIRED", reason{kind: sdk.AuthRevoked, advice: "Make another key and connect it."}},
	{"API_KEY_SERVICE_BLOCKED API_KEY_HTTP_REFERRER_BLOCKED API_KEY_IP_ADDRESS_BLOCKED ipRefererBlocked refererNotAllowed", reason{kind: sdk.PermissionDenied, advice: "The key's restrictions in Google Cloud forbid this."}},
	{"authError UNAUTHENTICATED ACCESS_TOKEN_EXPIRED CREDENTIALS_MISSING youtubeSignupRequired", reason{kind: sdk.AuthExpired}},
	{"insufficientPermissions insufficientScopes ACCESS_TOKEN_SCOPE_INSUFFICIENT", reason{kind: sdk.PermissionDenied, advice: "The person who connected the account did not allow this. Connect it again and tick it.", scopes: true}},
	{"accessNotConfigured SERVICE_DISABLED", reason{kind: sdk.PermissionDenied, advice: "The operator has to enable this API in the Google Cloud project of the OAuth client or key."}},
	{"rateLimitExceeded userRateLimitExceeded RATE_LIMIT_EXCEEDED RESOURCE_EXHAUSTED sharingRateLimitExceeded uploadRateLimitExceeded tooManyRequests", reason{kind: sdk.RateLimited, advice: "Too many calls for now."}},
	{"quotaExceeded dailyLimitExceeded dailyLimitExceededUnreg", reason{kind: sdk.RateLimited, advice: "The quota of the operator's Google Cloud project for this day is used up."}},
	{"storageQuotaExceeded uploadLimitExceeded numChildrenInNonRootLimitExceeded teamDriveFileLimitExceeded", reason{kind: sdk.Conflict, advice: "There is no room for more."}},
	{"FAILED_PRECONDITION failedPrecondition ABORTED conditionNotMet duplicate alreadyExists ALREADY_EXISTS fileNotDownloadable cannotCopyFile updatedMinTooLongAgo fullSyncRequired", reason{kind: sdk.Conflict}},
	{"exportSizeLimitExceeded badRequest invalid required invalidParameter INVALID_ARGUMENT OUT_OF_RANGE parseError", reason{kind: sdk.InvalidInput}},
	{"forbidden PERMISSION_DENIED domainPolicy appNotAuthorizedToFile insufficientFilePermissions cannotDownloadAbusiveFile commentsDisabled videoRatingDisabled", reason{kind: sdk.PermissionDenied}},
	{"notFound NOT_FOUND videoNotFound channelNotFound playlistNotFound commentNotFound commentThreadNotFound subscriptionNotFound captionNotFound", reason{kind: sdk.NotFound}},
	{"backendError internalError INTERNAL UNKNOWN DATA_LOSS", reason{kind: sdk.PlatformError}},
	{"UNAVAILABLE", reason{kind: sdk.PlatformUnavailable}},
}

// plain bounds foreign words and takes out control characters.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	if len(s) > maxWords {
		s = s[:maxWords]
	}
	s = strings.ToValidUTF8(strings.TrimSpace(s), "")
	if s != "" && !strings.ContainsAny(s[len(s)-1:], ".!?") {
		s += "."
	}
	return s
}

// shapeError says that an answer is not what Google documents.
func shapeError(what string) error {
	return sdk.Errorf(sdk.PlatformError, "%s", fmt.Sprintf("Google's answer does not have %s.", what))
}
