package main

import (
	"encoding/json"
	"net/http"
	"regexp"

	"github.com/patchbay/patchbay/sdk"
)

// refusal is what Notion answers when it refuses.
type refusal struct {
	Object    string `json:"object"`
	Code      string `json:"code"`
	Message   string `json:"message"`
	RequestID string `json:"request_id"`
}

var (
	codePattern    = regexp.MustCompile(`^[a-z][a-z0-9_]{0,79}$`)
	requestPattern = regexp.MustCompile(`^[A-Za-z0-9-]{1,80}$`)
)

// reasons is the table of Notion's codes (developers.notion.com/reference/status-codes).
func reasons() sdk.Reasons {
	return sdk.Reasons{
		{Codes: "restricted_resource", Kind: sdk.PermissionDenied, Advice: "The connection lacks the capability for this, or the workspace's plan does not have it."},
		{Codes: "object_not_found", Kind: sdk.NotFound, Advice: "There is none, or it was not shared with this connection (the page's menu, Connections)."},
		{Codes: "conflict_error", Kind: sdk.Conflict, Advice: "Something else changed it at the same time; try again."},
		{Codes: "rate_limited", Kind: sdk.RateLimited},
		{Codes: "validation_error invalid_json invalid_request invalid_request_url", Kind: sdk.InvalidInput},
		{Codes: "missing_version", Kind: sdk.AdapterBug},
		{Codes: "internal_server_error", Kind: sdk.PlatformError},
		{Codes: "service_unavailable database_connection_unavailable", Kind: sdk.PlatformUnavailable},
	}
}

// explain reads Notion's own refusal out of an answer. What unauthorized means depends on the auth method, which the status knows.
func explain(status int, _ http.Header, body []byte) *sdk.Error {
	var r refusal
	if err := json.Unmarshal(body, &r); err != nil || !codePattern.MatchString(r.Code) {
		return nil
	}
	if status == http.StatusUnauthorized {
		return nil
	}
	e := reasons().Refusal("Notion", r.Code, r.Message, status)
	if requestPattern.MatchString(r.RequestID) {
		e.PlatformRequestID = r.RequestID
	}
	return e
}
