package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/patchbay/patchbay/sdk"
)

// failure is Anthropic's error: {"type":"error","error":{"type","message"},"request_id"}.
type failure struct {
	Error struct {
		Type    string `json:"type"`
		Message string `json:"message"`
	} `json:"error"`
	RequestID string `json:"request_id"`
}

// kinds are what the types of errors mean. Facts of platform.claude.com/docs/en/api/errors.
var kinds = map[string]sdk.Kind{
	"invalid_request_error": sdk.InvalidInput, "request_too_large": sdk.InvalidInput,
	"authentication_error": sdk.AuthRevoked, "permission_error": sdk.PermissionDenied, "billing_error": sdk.PermissionDenied,
	"not_found_error": sdk.NotFound, "conflict_error": sdk.Conflict, "rate_limit_error": sdk.RateLimited,
	"timeout_error": sdk.Timeout, "api_error": sdk.PlatformError, "overloaded_error": sdk.PlatformUnavailable,
}

// explain reads an answer with a failing status.
func explain(status int, header http.Header, body []byte) *sdk.Error {
	var f failure
	if json.Unmarshal(body, &f) != nil || f.Error.Type == "" {
		return nil
	}
	e := f.explain(status)
	if e.Kind == sdk.RateLimited {
		e.RetryAfter = retryAfter(header, time.Now())
	}
	return e
}

// failureIn reads the error of an event.
func failureIn(data []byte) *sdk.Error {
	var f failure
	if json.Unmarshal(data, &f) != nil || f.Error.Type == "" {
		return sdk.Errorf(sdk.PlatformError, "Anthropic broke the stream off with an error.")
	}
	return f.explain(0)
}

// explain makes the error. A status of 0 means that there was none, as within a stream.
func (f failure) explain(status int) *sdk.Error {
	kind, known := kinds[f.Error.Type]
	switch {
	case strings.Contains(f.Error.Message, "credit balance is too low"):
		kind = sdk.PermissionDenied // which comes as an invalid request, and no other request helps
	case !known && status >= http.StatusBadRequest:
		kind = sdk.KindOfStatus(status, sdk.MethodAPIKey)
	case !known:
		kind = sdk.PlatformError
	}
	e := &sdk.Error{Kind: kind, PlatformCode: sdk.Said(f.Error.Type), PlatformStatus: status, PlatformRequestID: sdk.Said(f.RequestID)}
	reason := sdk.Said(f.Error.Message)
	switch {
	case kind == sdk.AuthRevoked:
		e.Message = "Anthropic refuses the API key (" + e.PlatformCode + "). Make a new one and update the integration."
	case reason == "":
		e.Message = fmt.Sprintf("Anthropic answered %d (%s).", status, e.PlatformCode)
	default:
		e.Message = "Anthropic: " + reason
	}
	return e
}

// budgets are the limits whose headers tell when they are full again.
var budgets = []string{"Requests", "Tokens", "Input-Tokens", "Output-Tokens"}

// retryAfter answers how long a rate limit lasts: by Retry-After, or by when the exhausted budgets are full again. 0 means that
// Anthropic did not say.
func retryAfter(h http.Header, now time.Time) time.Duration {
	wait := sdk.RetryAfter(h, now)
	if wait > 0 {
		return wait
	}
	for _, budget := range budgets {
		at, err := time.Parse(time.RFC3339, h.Get("Anthropic-Ratelimit-"+budget+"-Reset"))
		if err == nil && h.Get("Anthropic-Ratelimit-"+budget+"-Remaining") == "0" {
			wait = max(wait, at.Sub(now))
		}
	}
	return min(wait, 24*time.Hour)
}
