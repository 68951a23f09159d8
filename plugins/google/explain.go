package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
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

// maxViolations bounds what is passed on of Google's remarks.
const maxViolations = 10

var (
	codePattern   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,79}$`)
	scopesPattern = regexp.MustCompile(`error="insufficient_scope".*scope="([^"]{1,1000})"`)
)

// explain reads Google's own refusal out of an answer.
func explain(status int, header http.Header, body []byte) *sdk.Error {
	var r refusal
	if err := json.Unmarshal(body, &r); err != nil || r.Error.Message == "" && r.Error.Status == "" {
		return nil
	}
	code := r.code()
	e := reasons().Refusal("Google", code, r.Error.Message, status)
	switch e.Kind {
	case sdk.PermissionDenied:
		if m := scopesPattern.FindStringSubmatch(header.Get("WWW-Authenticate")); m != nil {
			e.MissingScopes = missing(strings.Fields(m[1]))
		}
	case sdk.RateLimited:
		e.RetryAfter = r.wait(code, header, time.Now())
	case sdk.InvalidInput:
		e.Violations = r.violations()
	}
	return e
}

// missing answers the one of the scopes that the adapter asks for: any one of those that Google names would be enough, and most of them give
// away more. One that only reads comes first.
func missing(enough []string) []string {
	var ours []string
	for _, names := range asked() {
		ours = append(ours, scope(names...)...)
	}
	for _, only := range []string{".readonly", ""} {
		for _, s := range enough {
			if strings.HasSuffix(s, only) && slices.Contains(ours, s) {
				return []string{s}
			}
		}
	}
	return nil
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
				out = append(out, sdk.Violation{Pointer: "/" + strings.ReplaceAll(strings.TrimSuffix(sdk.Words(v.Field), "."), ".", "/"), Detail: sdk.Words(v.Description)})
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

// reasons is the table of Google's codes. Sources: the error pages of the single APIs, google.rpc.Code and google.api.ErrorReason.
func reasons() sdk.Reasons {
	return sdk.Reasons{
		{Codes: "API_KEY_INVALID keyInvalid keyExpired API_KEY_EXPIRED", Kind: sdk.AuthRevoked, Advice: "Make another key and connect it."},
		{Codes: "API_KEY_SERVICE_BLOCKED API_KEY_HTTP_REFERRER_BLOCKED API_KEY_IP_ADDRESS_BLOCKED ipRefererBlocked refererNotAllowed", Kind: sdk.PermissionDenied, Advice: "The key's restrictions in Google Cloud forbid this."},
		{Codes: "authError UNAUTHENTICATED ACCESS_TOKEN_EXPIRED", Kind: sdk.AuthExpired},
		{Codes: "insufficientPermissions insufficientScopes ACCESS_TOKEN_SCOPE_INSUFFICIENT", Kind: sdk.PermissionDenied, Advice: "The person who connected the account did not allow this. Connect it again and tick it."},
		{Codes: "CREDENTIALS_MISSING", Kind: sdk.PermissionDenied, Advice: "This belongs to an account and needs its sign-in: Google takes no key for it."},
		{Codes: "youtubeSignupRequired", Kind: sdk.PermissionDenied, Advice: "The account has no YouTube channel."},
		{Codes: "accessNotConfigured SERVICE_DISABLED", Kind: sdk.PermissionDenied, Advice: "The operator has to enable this API in the Google Cloud project of the OAuth client or key."},
		{Codes: "rateLimitExceeded userRateLimitExceeded RATE_LIMIT_EXCEEDED RESOURCE_EXHAUSTED sharingRateLimitExceeded uploadRateLimitExceeded tooManyRequests", Kind: sdk.RateLimited, Advice: "Too many calls for now."},
		{Codes: "quotaExceeded dailyLimitExceeded dailyLimitExceededUnreg", Kind: sdk.RateLimited, Advice: "The quota of the operator's Google Cloud project for this day is used up."},
		{Codes: "storageQuotaExceeded uploadLimitExceeded numChildrenInNonRootLimitExceeded teamDriveFileLimitExceeded", Kind: sdk.Conflict, Advice: "There is no room for more."},
		{Codes: "FAILED_PRECONDITION failedPrecondition ABORTED conditionNotMet duplicate alreadyExists ALREADY_EXISTS fileNotDownloadable cannotCopyFile updatedMinTooLongAgo fullSyncRequired", Kind: sdk.Conflict},
		{Codes: "exportSizeLimitExceeded badRequest invalid required invalidParameter INVALID_ARGUMENT OUT_OF_RANGE parseError", Kind: sdk.InvalidInput},
		{Codes: "forbidden PERMISSION_DENIED domainPolicy appNotAuthorizedToFile insufficientFilePermissions cannotDownloadAbusiveFile commentsDisabled videoRatingDisabled", Kind: sdk.PermissionDenied},
		{Codes: "notFound NOT_FOUND videoNotFound channelNotFound playlistNotFound commentNotFound commentThreadNotFound subscriptionNotFound captionNotFound", Kind: sdk.NotFound},
		{Codes: "backendError internalError INTERNAL UNKNOWN DATA_LOSS", Kind: sdk.PlatformError},
		{Codes: "UNAVAILABLE", Kind: sdk.PlatformUnavailable},
	}
}

// shapeError says that an answer is not what Google documents.
func shapeError(what string) error {
	return sdk.Errorf(sdk.PlatformError, "%s", fmt.Sprintf("Google's answer does not have %s.", what))
}
