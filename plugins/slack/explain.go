package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/patchbay/patchbay/sdk"
)

// refusal is what every answer of the Web API begins with.
type refusal struct {
	OK       bool   `json:"ok"`
	Error    string `json:"error"`
	Needed   string `json:"needed"`
	Metadata struct {
		Messages []string `json:"messages"`
	} `json:"response_metadata"`
}

// Bounds of what is passed on of a refusal's own words.
const (
	maxScopes      = 20
	maxDetails     = 5
	maxDetailBytes = 300
)

var (
	codePattern    = regexp.MustCompile(`^[a-z][a-z0-9_]{0,79}$`)
	scopePattern   = regexp.MustCompile(`^[a-z][a-z0-9_.:-]{0,63}$`)
	pointerPattern = regexp.MustCompile(`\s*\[json-pointer:([^\]]*)\]`)
	tokenPattern   = regexp.MustCompile(`xox[a-z][.-]\S*|xapp-\S*`)
)

// explain reads Slack's own refusal out of an answer. Nil means: no refusal, or, with a failing status, none of Slack's.
func explain(status int, header http.Header, body []byte) *sdk.Error {
	failed := status >= http.StatusBadRequest
	if !failed && bytes.HasPrefix(bytes.TrimSpace(body), []byte(`{"ok":true`)) {
		return nil // how Slack begins all its answers: not worth parsing twice
	}
	var r refusal
	if err := json.Unmarshal(body, &r); err != nil || (!r.OK && !codePattern.MatchString(r.Error)) {
		if failed {
			return nil
		}
		return sdk.Errorf(sdk.PlatformError, "The answer is not one of Slack's Web API. An operator should look at the platform's base URL.")
	}
	if r.OK {
		return nil
	}
	e := r.explain()
	if failed && e.Kind == sdk.PlatformError { // a code that says nothing, or less than the status
		e.Kind = sdk.KindOfStatus(status, sdk.MethodBearer)
	}
	e.PlatformStatus, e.PlatformRequestID = status, plain(header.Get("X-Slack-Req-Id"))
	if e.Kind == sdk.RateLimited || e.Kind == sdk.PlatformUnavailable {
		e.RetryAfter = sdk.RetryAfter(header, time.Now())
	}
	return e
}

// explain gives a refusal its kind and says what to do.
func (r refusal) explain() *sdk.Error {
	why := reasonOf(r.Error)
	e := sdk.Errorf(why.kind, "Slack refused with %s: %s", r.Error, why.advice)
	e.PlatformCode = r.Error
	if r.Error == "missing_scope" {
		for scope := range strings.SplitSeq(r.Needed, ",") {
			scope = strings.TrimSpace(scope)
			if scopePattern.MatchString(scope) && !tokenPattern.MatchString(scope) && len(e.MissingScopes) < maxScopes {
				e.MissingScopes = append(e.MissingScopes, scope)
			}
		}
		if len(e.MissingScopes) > 0 {
			e.Message += " Needed: " + strings.Join(e.MissingScopes, ", ") + "."
		}
	}
	if why.kind == sdk.InvalidInput {
		e.Violations = r.violations()
		for _, v := range e.Violations {
			e.Message += " " + strings.TrimSpace(v.Pointer+" "+v.Detail) + "."
		}
	}
	return e
}

// violations are Slack's remarks on single arguments, such as "[ERROR] must be less than 3001 characters [json-pointer:/blocks/0]".
func (r refusal) violations() []sdk.Violation {
	var out []sdk.Violation
	for _, message := range r.Metadata.Messages {
		message, isError := strings.CutPrefix(message, "[ERROR] ")
		if !isError || len(out) == maxDetails {
			continue
		}
		var v sdk.Violation
		if m := pointerPattern.FindStringSubmatch(message); m != nil {
			v.Pointer = plain(m[1])
		}
		if v.Detail = plain(pointerPattern.ReplaceAllString(message, "")); v.Detail != "" {
			out = append(out, v)
		}
	}
	return out
}

// plain bounds foreign words and takes out control characters and what looks like a token.
func plain(s string) string {
	s = tokenPattern.ReplaceAllString(s, "...")
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	if len(s) > maxDetailBytes {
		s = s[:maxDetailBytes]
	}
	return strings.ToValidUTF8(strings.TrimSpace(s), "")
}
