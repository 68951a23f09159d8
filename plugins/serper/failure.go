package main

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// explain reads Serper's error: {"message", "statusCode"}.
func explain(status int, _ http.Header, body []byte) *sdk.Error {
	var f struct {
		Message string `json:"message"`
		Error   string `json:"error"`
	}
	if json.Unmarshal(body, &f) != nil || f.Message+f.Error == "" {
		return nil
	}
	reason := sdk.Said(f.Message)
	if reason == "" {
		reason = sdk.Said(f.Error)
	}
	e := &sdk.Error{Kind: sdk.KindOfStatus(status, sdk.MethodAPIKey), Message: "Serper: " + reason, PlatformStatus: status}
	switch lower := strings.ToLower(reason); {
	case strings.Contains(lower, "credits"):
		e.Kind = sdk.PermissionDenied // which comes as a bad request, and no waiting helps
	case status == http.StatusForbidden && strings.HasPrefix(lower, "unauthorized"), status == http.StatusUnauthorized:
		e.Kind = sdk.AuthRevoked
		e.Message = "Serper refuses the API key. Copy the key from serper.dev and update the integration."
	}
	return e
}
