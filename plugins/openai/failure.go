package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/patchbay/patchbay/sdk"
)

// failure is what a platform says of an error, in the forms that this family has.
type failure struct {
	message, code, kind, param string
	// status is one that stands in the body, of an error within a stream or of OpenRouter's.
	status int
	// violations are those of a validation error (FastAPI, at DeepInfra).
	violations []sdk.Violation
	// headers stand in the body of OpenRouter's errors, where a provider sent some.
	headers map[string]any
}

// explain reads an answer with a failing status.
func (w wire) explain(status int, header http.Header, body []byte) *sdk.Error {
	failed, ok := readFailure(body)
	if !ok {
		failed, ok = readDetail(body)
	}
	if !ok {
		if status == http.StatusUnauthorized || status == http.StatusTooManyRequests || knownStatus(status) != 0 {
			return w.failure(status, header, failure{})
		}
		return nil
	}
	return w.failure(status, header, failed)
}

// failure makes the error. A status of 0 means that there was none, as within a stream.
func (w wire) failure(status int, header http.Header, f failure) *sdk.Error {
	if status == 0 {
		status = f.status
	}
	e := &sdk.Error{Kind: kindOf(status, f), PlatformCode: clean(or(f.code, f.kind)), PlatformStatus: status, Violations: f.violations}
	reason := clean(f.message)
	switch {
	case e.Kind == sdk.AuthRevoked:
		e.Message = w.name + " refuses the API key" + inBrackets(e.PlatformCode) + ". Make a new one and update the integration." // its text may quote the key
	case reason == "":
		e.Message = fmt.Sprintf("%s answered %d %s%s.", w.name, status, http.StatusText(status), inBrackets(e.PlatformCode))
	default:
		e.Message = w.name + ": " + reason
	}
	switch e.Kind {
	case sdk.RateLimited:
		e.RetryAfter = max(retryAfter(header, time.Now()), retryAfter(headerOf(f.headers), time.Now()))
	case sdk.InvalidInput:
		if p := pointerOf(f.param); p != "" && len(e.Violations) == 0 {
			e.Violations = []sdk.Violation{{Pointer: p, Detail: reason}}
		}
	case sdk.PermissionDenied:
		e.MissingScopes = missingScopes(f.message)
	}
	return e
}

func inBrackets(code string) string {
	if code == "" {
		return ""
	}
	return " (" + code + ")"
}

// kinds are the platforms' codes and types that mean something else than their status says.
var kinds = map[string]sdk.Kind{
	// money, which no waiting brings back
	"insufficient_quota": sdk.PermissionDenied, "billing_hard_limit_reached": sdk.PermissionDenied, "billing_not_active": sdk.PermissionDenied,
	"billing_balance_not_enough": sdk.PermissionDenied, "not_enough_balance": sdk.PermissionDenied, "balance_not_enough": sdk.PermissionDenied,
	"expired_or_balance_not_enough": sdk.PermissionDenied, "insufficient_credits": sdk.PermissionDenied,
	// keys
	"invalid_api_key": sdk.AuthRevoked, "missing_api_key": sdk.AuthRevoked, "failed_to_auth": sdk.AuthRevoked, "account_deactivated": sdk.AuthRevoked,
	// things
	"model_not_found": sdk.NotFound, "task_not_found": sdk.NotFound,
	// the platform's own trouble, within a stream
	"server_error": sdk.PlatformError, "internal_server_error": sdk.PlatformError, "overloaded_error": sdk.PlatformUnavailable,
	"service_not_available": sdk.PlatformUnavailable, "invalid_request_error": sdk.InvalidInput, "invalid_prompt": sdk.InvalidInput,
	"context_length_exceeded": sdk.InvalidInput,
}

// kindOf classifies an error: by its code and type where they say more than the status, then by the status.
func kindOf(status int, f failure) sdk.Kind {
	code, kind := strings.ToLower(f.code), strings.ToLower(f.kind)
	for _, word := range []string{code, kind} {
		if k, ok := kinds[word]; ok && (k == sdk.PermissionDenied || k == sdk.AuthRevoked || status == 0) {
			return k
		}
		if status == 0 && (word == "rate_limit_exceeded" || word == "token_limit_exceeded") {
			return sdk.RateLimited
		}
	}
	if strings.Contains(f.message, "Missing scopes:") {
		return sdk.PermissionDenied
	}
	if k := knownStatus(status); k != 0 {
		return k
	}
	if k, ok := kinds[code]; ok {
		return k
	}
	if status < http.StatusBadRequest {
		return sdk.PlatformError
	}
	return sdk.KindOfStatus(status, sdk.MethodAPIKey)
}

// knownStatus are the statuses that these platforms use otherwise than most.
func knownStatus(status int) sdk.Kind {
	switch status {
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return sdk.Timeout
	case 498: // Groq: no capacity for the flex tier
		return sdk.PlatformUnavailable
	}
	return 0
}

// readFailure reads the error object of an answer or an event: {error: {message, type, code, param}}, {error: "text"}, or Novita's
// {code, reason, message}.
func readFailure(body []byte) (failure, bool) {
	var envelope struct {
		Error   json.RawMessage `json:"error"`
		Code    json.RawMessage `json:"code"`
		Reason  json.RawMessage `json:"reason"`
		Message json.RawMessage `json:"message"`
		Type    json.RawMessage `json:"type"`
		Param   json.RawMessage `json:"param"`
	}
	if json.Unmarshal(body, &envelope) != nil {
		return failure{}, false
	}
	if s := sdk.Text(envelope.Error); s != "" {
		return failure{message: s, code: sdk.Text(envelope.Code)}, true
	}
	if sdk.IsNull(envelope.Error) {
		message := sdk.Text(envelope.Message)
		if message == "" || (sdk.Text(envelope.Type) != "error" && sdk.Text(envelope.Reason) == "" && sdk.IsNull(envelope.Code)) {
			return failure{}, false
		}
		return failure{message: message, code: or(sdk.Text(envelope.Reason), sdk.Text(envelope.Code)), param: sdk.Text(envelope.Param)}, true
	}
	return readError(envelope.Error)
}

// readError reads the object within.
func readError(raw json.RawMessage) (failure, bool) {
	var e struct {
		Message    json.RawMessage `json:"message"`
		Type       json.RawMessage `json:"type"`
		Code       json.RawMessage `json:"code"` // a word, or at OpenRouter and Perplexity the status
		Param      json.RawMessage `json:"param"`
		StatusCode number          `json:"status_code"`
		Metadata   struct {
			Raw          json.RawMessage `json:"raw"`
			ProviderName json.RawMessage `json:"provider_name"`
			Headers      map[string]any  `json:"headers"`
		} `json:"metadata"`
	}
	if json.Unmarshal(raw, &e) != nil {
		return failure{}, false
	}
	f := failure{message: sdk.Text(e.Message), code: sdk.Text(e.Code), kind: sdk.Text(e.Type), param: sdk.Text(e.Param), status: int(e.StatusCode), headers: e.Metadata.Headers}
	if n, err := strconv.Atoi(or(f.code, string(e.Code))); err == nil {
		f.code = ""
		if f.status == 0 {
			f.status = n
		}
	}
	if provider := sdk.Text(e.Metadata.ProviderName); provider != "" {
		f.message += " (" + provider + ")"
		if said := sdk.Text(e.Metadata.Raw); said != "" {
			f.message += ": " + said
		}
	}
	return f, f.message != "" || f.code != "" || f.kind != ""
}

// readDetail reads the errors of FastAPI: {detail: "text"}, {detail: {error}}, or {detail: [{loc, msg}]}.
func readDetail(body []byte) (failure, bool) {
	var envelope struct {
		Detail json.RawMessage `json:"detail"`
	}
	if json.Unmarshal(body, &envelope) != nil || sdk.IsNull(envelope.Detail) {
		return failure{}, false
	}
	if s := sdk.Text(envelope.Detail); s != "" {
		return failure{message: s}, true
	}
	var list []struct {
		Location []any  `json:"loc"`
		Message  string `json:"msg"`
	}
	if json.Unmarshal(envelope.Detail, &list) == nil && len(list) > 0 {
		f := failure{message: list[0].Message}
		for _, one := range list[:min(len(list), 20)] {
			place := ""
			for i, token := range one.Location {
				if i > 0 || token != "body" {
					place += "/" + sdk.Pointer(fmt.Sprint(token))
				}
			}
			f.violations = append(f.violations, sdk.Violation{Pointer: clean(place), Detail: clean(one.Message)})
		}
		return f, true
	}
	return readFailure(envelope.Detail)
}

var (
	scopesPattern  = regexp.MustCompile(`Missing scopes: ([\w. ,:-]+?)(?:\. |\.$|$)`)
	paramPattern   = regexp.MustCompile(`^[\w.\[\]-]{1,200}$`)
	keyPattern     = regexp.MustCompile(`\b(?:Bearer\s+\S+|(?:sk|gsk|pplx)[-_][\w*.-]{4,})`)
	queryPattern   = regexp.MustCompile(`(https?://[^\s?#"']+)[?#][^\s"']*`)
	controlPattern = regexp.MustCompile(`[\x00-\x1f\x7f]+`)
)

// missingScopes reads which permissions a restricted OpenAI key lacks.
func missingScopes(message string) []string {
	m := scopesPattern.FindStringSubmatch(message)
	if m == nil {
		return nil
	}
	return strings.FieldsFunc(m[1], func(r rune) bool { return r == ',' || r == ' ' })
}

// pointerOf makes a JSON Pointer of a platform's name of a parameter, such as messages[0].content.
func pointerOf(param string) string {
	if !paramPattern.MatchString(param) {
		return ""
	}
	return "/" + strings.Trim(strings.NewReplacer("[", "/", "]", "", ".", "/").Replace(param), "/")
}

// maxReason bounds how much of a platform's words is passed on, in characters.
const maxReason = 600

// clean makes a platform's words fit to be shown: without what looks like a key, without the query of an address (which may be
// signed), without control characters, and not too long.
func clean(reason string) string {
	reason = controlPattern.ReplaceAllString(reason, " ")
	reason = keyPattern.ReplaceAllString(reason, "[key]")
	reason = strings.TrimSpace(queryPattern.ReplaceAllString(reason, "$1"))
	if runes := []rune(reason); len(runes) > maxReason {
		return string(runes[:maxReason]) + "..."
	}
	return reason
}

// headerOf makes headers of those that stand in a body.
func headerOf(values map[string]any) http.Header {
	h := http.Header{}
	for name, value := range values {
		switch v := value.(type) {
		case string:
			h.Set(name, v)
		case float64:
			h.Set(name, strconv.FormatFloat(v, 'f', -1, 64))
		}
	}
	return h
}
