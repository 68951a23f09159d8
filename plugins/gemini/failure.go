package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/patchbay/patchbay/sdk"
)

// failure is Google's error: {"error": {"code", "message", "status", "details"}}.
type failure struct {
	Error struct {
		Code    int      `json:"code"`
		Message string   `json:"message"`
		Status  string   `json:"status"`
		Details []detail `json:"details"`
	} `json:"error"`
}

// detail is any of google.rpc's.
type detail struct {
	Reason          string `json:"reason"`     // of ErrorInfo
	RetryDelay      string `json:"retryDelay"` // of RetryInfo
	FieldViolations []struct {
		Field       string `json:"field"`
		Description string `json:"description"`
	} `json:"fieldViolations"` // of BadRequest
}

// kinds are what google.rpc's codes mean.
var kinds = map[string]sdk.Kind{
	"INVALID_ARGUMENT": sdk.InvalidInput, "OUT_OF_RANGE": sdk.InvalidInput, "UNAUTHENTICATED": sdk.AuthRevoked, "PERMISSION_DENIED": sdk.PermissionDenied,
	"NOT_FOUND": sdk.NotFound, "ALREADY_EXISTS": sdk.Conflict, "ABORTED": sdk.Conflict, "FAILED_PRECONDITION": sdk.Conflict, "RESOURCE_EXHAUSTED": sdk.RateLimited,
	"UNAVAILABLE": sdk.PlatformUnavailable, "DEADLINE_EXCEEDED": sdk.Timeout, "INTERNAL": sdk.PlatformError, "UNKNOWN": sdk.PlatformError, "UNIMPLEMENTED": sdk.InvalidInput,
}

// explain reads an answer with a failing status.
func explain(status int, header http.Header, body []byte) *sdk.Error {
	var f failure
	if json.Unmarshal(body, &f) != nil || f.Error.Status == "" && f.Error.Message == "" {
		return nil
	}
	e := f.explain(status)
	if e.Kind == sdk.RateLimited && e.RetryAfter == 0 {
		e.RetryAfter = sdk.RetryAfter(header, time.Now())
	}
	return e
}

// failureIn reads the error of an event.
func failureIn(data []byte) *sdk.Error {
	var f failure
	if json.Unmarshal(data, &f) != nil {
		return sdk.Errorf(sdk.PlatformError, "Gemini broke the stream off with an error.")
	}
	return f.explain(f.Error.Code)
}

func (f failure) explain(status int) *sdk.Error {
	kind, known := kinds[f.Error.Status]
	if !known {
		kind = sdk.PlatformError
		if status >= http.StatusBadRequest {
			kind = sdk.KindOfStatus(status, sdk.MethodAPIKey)
		}
	}
	e := &sdk.Error{Kind: kind, PlatformCode: sdk.Said(f.Error.Status), PlatformStatus: status}
	for _, d := range f.Error.Details {
		switch d.Reason {
		case "API_KEY_INVALID", "API_KEY_EXPIRED":
			e.Kind = sdk.AuthRevoked // which comes as an invalid argument
		}
		if d.Reason != "" {
			e.PlatformCode = sdk.Said(d.Reason)
		}
		if wait, err := time.ParseDuration(d.RetryDelay); err == nil {
			e.RetryAfter = max(0, min(wait, 24*time.Hour))
		}
		for _, v := range d.FieldViolations[:min(len(d.FieldViolations), 20)] {
			e.Violations = append(e.Violations, sdk.Violation{Pointer: pointerOf(v.Field), Detail: sdk.Said(v.Description)})
		}
	}
	switch reason := sdk.Said(f.Error.Message); {
	case e.Kind == sdk.AuthRevoked:
		e.Message = "Gemini refuses the API key (" + e.PlatformCode + "). Make a new one and update the integration."
	case reason == "":
		e.Message = fmt.Sprintf("Gemini answered %d (%s).", status, e.PlatformCode)
	default:
		e.Message = "Gemini: " + reason
	}
	return e
}

// pointerOf makes a JSON Pointer of Google's name of a field, such as contents[0].parts.
func pointerOf(field string) string {
	path := strings.NewReplacer("[", "/", "]", "", ".", "/", "~", "~0").Replace(sdk.Said(field))
	return "/" + strings.Trim(path, "/")
}
