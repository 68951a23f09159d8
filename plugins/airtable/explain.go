package main

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/patchbay/patchbay/sdk"
)

// refusal is what Airtable answers when it refuses: an object, a mere code, or a list.
type refusal struct {
	Error  json.RawMessage `json:"error"`
	Errors []struct {
		Error   string `json:"error"`
		Message string `json:"message"`
	} `json:"errors"`
}

// pause is how long Airtable takes nothing more of a base after too many calls.
const pause = 30 * time.Second

var codePattern = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,79}$`)

// read answers the code and words of a refusal, "" where there are none.
func (r refusal) read() (code, words string) {
	var whole struct {
		Type    string `json:"type"`
		Message string `json:"message"`
	}
	switch {
	case json.Unmarshal(r.Error, &whole) == nil && whole.Type != "":
		code, words = whole.Type, whole.Message
	case json.Unmarshal(r.Error, &code) == nil:
	case len(r.Errors) > 0:
		code, words = r.Errors[0].Error, r.Errors[0].Message
	}
	if !codePattern.MatchString(code) {
		return "", ""
	}
	return code, words
}

// explain reads Airtable's own refusal out of an answer.
func explain(status int, header http.Header, body []byte) *sdk.Error {
	var r refusal
	_ = json.Unmarshal(body, &r) // a page of HTML: then the status decides
	code, words := r.read()
	if status == http.StatusTooManyRequests {
		e := sdk.Errorf(sdk.RateLimited, "Airtable takes five calls a second for a base and no more for thirty seconds after that.")
		if strings.Contains(code, "BILLING") {
			e.Message = "The workspace's calls of this month are used up; its plan decides how many there are."
		}
		e.PlatformCode, e.RetryAfter = code, sdk.RetryAfter(header, time.Now())
		if e.RetryAfter == 0 {
			e.RetryAfter = pause
		}
		return e
	}
	if code == "" || status == http.StatusUnauthorized {
		return nil // of a refused token the status says as much, and the auth method what it means
	}
	return reasons().Refusal("Airtable", code, words, status)
}

// reasons is the table of Airtable's codes; a status 422 is a complaint about the input. Source: its pages on errors and on the single requests.
func reasons() sdk.Reasons {
	return sdk.Reasons{
		{Codes: "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND MODEL_ID_NOT_FOUND", Kind: sdk.NotFound, Advice: "There is none, or this connection may not see it: a token sees the bases that were picked for it, and needs the scope."},
		{Codes: "INVALID_PERMISSIONS NOT_AUTHORIZED USER_NOT_AUTHORIZED INSUFFICIENT_SCOPE", Kind: sdk.PermissionDenied, Advice: "The token lacks the scope, or its person's role in the base is too small."},
		{Codes: "NOT_FOUND TABLE_NOT_FOUND ROW_DOES_NOT_EXIST RECORD_NOT_FOUND VIEW_NAME_NOT_FOUND ROW_TABLE_DOES_NOT_MATCH_LINKED_TABLE", Kind: sdk.NotFound},
		{Codes: "LIST_RECORDS_ITERATOR_NOT_AVAILABLE", Kind: sdk.InvalidInput, Advice: "The cursor is too old. Begin with the first page."},
		{Codes: "UNKNOWN_FIELD_NAME", Kind: sdk.InvalidInput, Advice: "get_base_schema names the fields; capitals count."},
		{Codes: "INVALID_MULTIPLE_CHOICE_OPTIONS", Kind: sdk.InvalidInput, Advice: "The field has no such option; typecast makes it."},
		{Codes: "INVALID_VALUE_FOR_COLUMN CANNOT_UPDATE_COMPUTED_FIELD", Kind: sdk.InvalidInput, Advice: "The value does not fit the field; typecast converts texts. Computed fields cannot be written."},
		{Codes: "DUPLICATE_TABLE_NAME DUPLICATE_OR_EMPTY_FIELD_NAME", Kind: sdk.Conflict, Advice: "The name is taken."},
		{Codes: "SERVER_ERROR", Kind: sdk.PlatformError},
	}
}
