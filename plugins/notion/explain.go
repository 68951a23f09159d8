package main

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// refusal is what Notion answers when it refuses.
type refusal struct {
	Object    string `json:"object"`
	Code      string `json:"code"`
	Message   string `json:"message"`
	RequestID string `json:"request_id"`
}

// maxWords bounds what is passed on of Notion's own words.
const maxWords = 500

var codePattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,79}$`)

// reason is what a code means and what to do about it.
type reason struct {
	kind   sdk.Kind
	advice string
}

// reasonOf answers what a code means (developers.notion.com/reference/status-codes); nil for one that is not known.
func reasonOf(code string) *reason {
	switch code {
	case "restricted_resource":
		return &reason{sdk.PermissionDenied, "The connection lacks the capability for this, or the workspace's plan does not have it."}
	case "object_not_found":
		return &reason{sdk.NotFound, "There is none, or it was not shared with this connection (the page's menu, Connections)."}
	case "conflict_error":
		return &reason{sdk.Conflict, "Something else changed it at the same time; try again."}
	case "rate_limited":
		return &reason{sdk.RateLimited, ""}
	case "validation_error", "invalid_json", "invalid_request", "invalid_request_url":
		return &reason{sdk.InvalidInput, ""}
	case "missing_version", "invalid_grant":
		return &reason{sdk.AdapterBug, ""}
	case "internal_server_error":
		return &reason{sdk.PlatformError, ""}
	case "service_unavailable", "database_connection_unavailable":
		return &reason{sdk.PlatformUnavailable, ""}
	}
	return nil
}

// explain reads Notion's own refusal out of an answer. What unauthorized means depends on the auth method, which the status knows.
func explain(status int, _ http.Header, body []byte) *sdk.Error {
	var r refusal
	if err := json.Unmarshal(body, &r); err != nil || !codePattern.MatchString(r.Code) {
		return nil
	}
	why := reasonOf(r.Code)
	if why == nil || status == http.StatusUnauthorized {
		return nil
	}
	e := sdk.Errorf(why.kind, "Notion refused with %s: %s %s", r.Code, plain(r.Message), why.advice)
	e.Message, e.PlatformCode, e.PlatformRequestID = strings.TrimSpace(e.Message), r.Code, plain(r.RequestID)
	return e
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
	return strings.ToValidUTF8(strings.TrimSpace(s), "")
}
