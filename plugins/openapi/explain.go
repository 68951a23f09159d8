package main

import (
	"encoding/json"
	"net/http"

	"github.com/patchbay/patchbay/sdk"
)

// explain reads a platform's reason out of the shapes that are usual; the status says what kind of failure it is.
func explain(status int, _ http.Header, body []byte) *sdk.Error {
	var answer any
	if status < http.StatusBadRequest || json.Unmarshal(body, &answer) != nil {
		return nil
	}
	code, words := reason(answer, 0)
	if words == "" && code == "" {
		return nil
	}
	e := sdk.Errorf(sdk.KindOfStatus(status, sdk.MethodOAuth2), "The platform answered %d: %s", status, sdk.Words(or(words, code)))
	if status == http.StatusUnauthorized {
		return nil // what it means depends on the credential
	}
	e.PlatformCode = cutText(code, 100)
	return e
}

// maxReason bounds how deep a reason is looked for.
const maxReason = 4

// reason answers the code and the words of an error.
func reason(v any, depth int) (code, words string) {
	if depth > maxReason {
		return "", ""
	}
	switch v := v.(type) {
	case string:
		return "", v
	case []any:
		if len(v) > 0 {
			return reason(v[0], depth+1)
		}
	case object:
		for _, key := range []string{"code", "error_code", "errorCode", "type", "status"} {
			if s, ok := v[key].(string); ok && code == "" {
				code = s
			}
		}
		for _, key := range []string{"message", "error_description", "detail", "description", "msg", "reason", "title", "error", "errors", "fault", "faultstring"} {
			switch found := v[key].(type) {
			case string:
				if found != "" {
					return code, found
				}
			case object, []any:
				if c, w := reason(found, depth+1); w != "" {
					return or(c, code), w
				}
			}
		}
	}
	return code, ""
}
