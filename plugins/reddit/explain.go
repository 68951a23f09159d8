package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/patchbay/patchbay/sdk"
)

// refusal is what Reddit's failures look like: those of forms stand in json.errors, with status 200, the others at the top.
type refusal struct {
	JSON struct {
		Errors    [][]any `json:"errors"` // code, words, field
		RateLimit float64 `json:"ratelimit"`
	} `json:"json"`
	Message     string   `json:"message"`
	Reason      string   `json:"reason"`
	Explanation string   `json:"explanation"`
	Fields      []string `json:"fields"`
}

var (
	codePattern  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,79}$`)
	breakPattern = regexp.MustCompile(`(\d+) (millisecond|second|minute|hour)`)
)

// explain reads Reddit's own refusal out of an answer.
func explain(status int, header http.Header, body []byte) *sdk.Error {
	failed := status >= http.StatusBadRequest
	if !failed && !bytes.Contains(body[:min(len(body), 200)], []byte(`"errors"`)) {
		return nil
	}
	var r refusal
	_ = json.Unmarshal(body, &r) // a list, a page of HTML: then the status decides
	switch {
	case len(r.JSON.Errors) > 0:
		return r.ofForm()
	case !failed:
		return nil
	case status == http.StatusTooManyRequests:
		e := sdk.Errorf(sdk.RateLimited, "Reddit takes no more calls of this client for now.")
		e.RetryAfter = untilReset(header)
		return e
	case status == http.StatusForbidden && strings.Contains(header.Get("WWW-Authenticate"), "insufficient_scope"):
		return sdk.Errorf(sdk.PermissionDenied, "The connection lacks a scope that this needs. The operator adds it to the platform's scopes, and the account is connected again.")
	case r.Explanation != "" && len(r.Fields) > 0:
		return r.ofFields()
	case codePattern.MatchString(r.Reason):
		return reasons().Refusal("Reddit", r.Reason, r.Message, status)
	}
	return nil
}

// ofForm reads the first refusal of a form, which decides the kind.
func (r refusal) ofForm() *sdk.Error {
	code, words, field := text(r.JSON.Errors[0], 0), text(r.JSON.Errors[0], 1), text(r.JSON.Errors[0], 2)
	if !codePattern.MatchString(code) {
		code = "an unknown code"
	}
	e := reasons().Refusal("Reddit", code, words, http.StatusBadRequest)
	switch e.Kind {
	case sdk.RateLimited:
		e.RetryAfter = time.Duration(min(max(r.JSON.RateLimit, 0), 86400) * float64(time.Second))
		if e.RetryAfter == 0 {
			e.RetryAfter = breakOf(words)
		}
	case sdk.InvalidInput:
		if codePattern.MatchString(field) {
			e.Violations = []sdk.Violation{{Pointer: pointer(field), Detail: sdk.Words(words)}}
		}
	}
	return e
}

// ofFields reads the refusal of a subreddit's own posting rules.
func (r refusal) ofFields() *sdk.Error {
	e := sdk.Errorf(sdk.InvalidInput, "Reddit refused it: %s", sdk.Words(r.Explanation))
	if codePattern.MatchString(r.Reason) {
		e.PlatformCode = r.Reason
	}
	for _, field := range r.Fields[:min(len(r.Fields), 10)] {
		if codePattern.MatchString(field) {
			e.Violations = append(e.Violations, sdk.Violation{Pointer: pointer(field), Detail: sdk.Words(r.Explanation)})
		}
	}
	return e
}

// pointer answers where a field of Reddit's forms stands in an operation's input.
func pointer(field string) string {
	names := map[string]string{"sr": "/subreddit", "body": "/text", "parent": "/parent", "thing_id": "/parent", "api_type": "", "flair": "/flair_id", "crosspost_fullname": "/crosspost_of"}
	if name, ok := names[field]; ok {
		return name
	}
	return "/" + field
}

// reasons is the table of codes. Nearly all of those that it lacks are complaints about the input. Sources: the list of errors in Reddit's
// open source (r2/lib/errors.py), recorded answers, and the reasons that refusals by status give.
func reasons() sdk.Reasons {
	return sdk.Reasons{
		{Codes: "RATELIMIT", Kind: sdk.RateLimited, Advice: "The account does this too often."},
		{Codes: "QUOTA_FILLED", Kind: sdk.RateLimited, Advice: "The account has posted as much as it may for now."},
		{Codes: "USER_REQUIRED WRONG_DOMAIN", Kind: sdk.PermissionDenied, Advice: "This needs a signed-in account. Connect it again."},
		{Codes: "SUBREDDIT_NOTALLOWED SUBREDDIT_LINKING_DISABLED NO_SELFS NO_LINKS NO_CROSSPOSTS SUBREDDIT_DISABLED_ADS NOT_AUTHOR NO_API BANNED_FROM_SUBREDDIT USER_BLOCKED " +
			"USER_MUTED MUTED_FROM_SUBREDDIT NOT_WHITELISTED_BY_USER_MESSAGE RESTRICTED_TO_PM PRIVATE BANNED QUARANTINED GATED GOLD_ONLY PREMIUM_ONLY SUBREDDIT_NOTALLOWED_BANNED INSUFFICIENT_COINS",
			Kind: sdk.PermissionDenied, Advice: "This account may not do this here."},
		{Codes: "SUBREDDIT_NOEXIST USER_DOESNT_EXIST NOT_USER NO_THING_ID NO_SUCH_THING DELETED_LINK DELETED_THING PARENT_THING_ID_NOT_FOUND INVALID_CROSSPOST_THING PAGE_NOT_CREATED",
			Kind: sdk.NotFound, Advice: "There is none of that name, or this account may not see it."},
		{Codes: "ALREADY_SUB SUBREDDIT_EXISTS", Kind: sdk.Conflict, Advice: "It was posted here before. Give resubmit to post it all the same."},
		{Codes: "THREAD_LOCKED TOO_OLD DELETED_COMMENT COMMENT_NOT_STICKYABLE POST_ARCHIVED CANNOT_REPLY_TO_ARCHIVED_THING LOCKED ARCHIVED", Kind: sdk.Conflict, Advice: "It is locked, archived or deleted."},
		{Codes: "SUBMIT_VALIDATION_FLAIR_REQUIRED", Kind: sdk.InvalidInput, Advice: "This subreddit wants a flair: give flair_id (list_flairs)."},
		{Codes: "BAD_CAPTCHA", Kind: sdk.PermissionDenied, Advice: "Reddit wants to see that a person is there. Verify the account's e-mail address."},
		{Codes: "SERVER_ERROR", Kind: sdk.PlatformError, Advice: "Reddit failed."},
	}
}

// text answers one text of a refusal, or "".
func text(parts []any, i int) string {
	if i >= len(parts) || parts[i] == nil {
		return ""
	}
	return fmt.Sprint(parts[i])
}

// untilReset answers how long the client's allowance is used up.
func untilReset(h http.Header) time.Duration {
	seconds, err := strconv.ParseFloat(h.Get("X-Ratelimit-Reset"), 64)
	if err != nil || seconds < 0 || seconds > 86400 {
		return sdk.RetryAfter(h, time.Now())
	}
	return time.Duration(seconds * float64(time.Second))
}

// breakOf reads how long to wait out of words such as "Take a break for 9 minutes before trying again."
func breakOf(words string) time.Duration {
	m := breakPattern.FindStringSubmatch(words)
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(m[1])
	unit := map[string]time.Duration{"millisecond": time.Millisecond, "second": time.Second, "minute": time.Minute, "hour": time.Hour}[m[2]]
	if err != nil || n > 86400 {
		return 0
	}
	return time.Duration(n) * unit
}
