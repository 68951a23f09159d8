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

const (
	// maxWords bounds what is passed on of Airtable's own words.
	maxWords = 500
	// pause is how long Airtable takes nothing more of a base after too many calls.
	pause = 30 * time.Second
)

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
	why := reasonOf(code, status)
	e := sdk.Errorf(why.kind, "Airtable refused with %s: %s %s", code, plain(words), why.advice)
	e.Message, e.PlatformCode = strings.TrimSpace(e.Message), code
	return e
}

// reason is what a code means and what to do about it.
type reason struct {
	kind   sdk.Kind
	advice string
}

// reasonOf answers what a code means; for those that the table lacks the status decides. 422 is a complaint about the input.
func reasonOf(code string, status int) reason {
	for _, row := range reasons {
		for known := range strings.FieldsSeq(row.codes) {
			if known == code {
				return row.reason
			}
		}
	}
	return reason{kind: sdk.KindOfStatus(status, sdk.MethodBearer)}
}

// reasons is the table of Airtable's codes, those of one meaning in a row. Source: its pages on errors and on the single requests.
var reasons = []struct {
	codes string
	reason
}{
	{"INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND MODEL_ID_NOT_FOUND", reason{sdk.NotFound, "There is none, or this connection may not see it: a token sees the bases that were picked for it, and needs the scope."}},
	{"INVALID_PERMISSIONS NOT_AUTHORIZED USER_NOT_AUTHORIZED INSUFFICIENT_SCOPE", reason{sdk.PermissionDenied, "The token lacks the scope, or its person's role in the base is too small."}},
	{"NOT_FOUND TABLE_NOT_FOUND ROW_DOES_NOT_EXIST RECORD_NOT_FOUND VIEW_NAME_NOT_FOUND ROW_TABLE_DOES_NOT_MATCH_LINKED_TABLE", reason{sdk.NotFound, ""}},
	{"LIST_RECORDS_ITERATOR_NOT_AVAILABLE", reason{sdk.InvalidInput, "The cursor is too old. Begin with the first page."}},
	{"UNKNOWN_FIELD_NAME", reason{sdk.InvalidInput, "get_base_schema names the fields; capitals count."}},
	{"INVALID_MULTIPLE_CHOICE_OPTIONS", reason{sdk.InvalidInput, "The field has no such option; typecast makes it."}},
	{"INVALID_VALUE_FOR_COLUMN CANNOT_UPDATE_COMPUTED_FIELD", reason{sdk.InvalidInput, "The value does not fit the field; typecast converts texts. Computed fields cannot be written."}},
	{"DUPLICATE_TABLE_NAME DUPLICATE_OR_EMPTY_FIELD_NAME", reason{sdk.Conflict, "The name is taken."}},
	{"SERVER_ERROR", reason{sdk.PlatformError, ""}},
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
