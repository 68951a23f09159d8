package main

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// refusal is what Microsoft Graph answers when it refuses.
type refusal struct {
	Error struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Inner   struct {
			RequestID string `json:"request-id"`
		} `json:"innerError"`
	} `json:"error"`
}

// maxWords bounds what is passed on of Microsoft's own words.
const maxWords = 500

var codePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,79}$`)

// explain reads Graph's own refusal out of an answer.
func explain(status int, _ http.Header, body []byte) *sdk.Error {
	var r refusal
	if err := json.Unmarshal(body, &r); err != nil || !codePattern.MatchString(r.Error.Code) {
		return nil
	}
	why := reasonOf(r.Error.Code, status)
	e := sdk.Errorf(why.kind, "Microsoft refused with %s: %s %s", r.Error.Code, plain(r.Error.Message), why.advice)
	e.Message, e.PlatformCode, e.PlatformRequestID = strings.TrimSpace(e.Message), r.Error.Code, plain(r.Error.Inner.RequestID)
	return e
}

// reason is what a code means and what to do about it.
type reason struct {
	kind   sdk.Kind
	advice string
}

// reasonOf answers what a code means; for those that the table lacks the status decides.
func reasonOf(code string, status int) reason {
	for _, row := range reasons {
		for known := range strings.FieldsSeq(row.codes) {
			if strings.EqualFold(known, code) {
				return row.reason
			}
		}
	}
	return reason{kind: sdk.KindOfStatus(status, sdk.MethodOAuth2)}
}

// reasons is the table of codes, those of one meaning in a row. Sources: learn.microsoft.com/graph/errors and Exchange's response codes.
var reasons = []struct {
	codes string
	reason
}{
	{"InvalidAuthenticationToken AuthenticationError unauthenticated CompactToken_ParsingFailed", reason{sdk.AuthExpired, ""}},
	{"ErrorAccessDenied accessDenied Authorization_RequestDenied ErrorSendAsDenied ErrorDelegateNoUser", reason{sdk.PermissionDenied, "The connection lacks the scope, or the organisation forbids it."}},
	{"MailboxNotEnabledForRESTAPI MailboxNotSupportedForRESTAPI ErrorNonExistentMailbox ErrorMailboxMoveInProgress", reason{sdk.PermissionDenied, "The account has no mailbox that Graph reaches (none, on premises, or being moved)."}},
	{"ErrorItemNotFound ErrorFolderNotFound itemNotFound ResourceNotFound Request_ResourceNotFound ErrorCalendarNotFound ErrorInvalidImmutableId", reason{sdk.NotFound, ""}},
	{"ErrorFolderExists ErrorIrresolvableConflict ErrorQuotaExceeded ErrorCannotDeleteObject ErrorMoveCopyFailed ErrorObjectTypeChanged nameAlreadyExists", reason{sdk.Conflict, ""}},
	{"ErrorInvalidIdMalformed ErrorInvalidRecipients ErrorInvalidRequest ErrorPropertyValidationFailure RequestBodyRead ErrorMessageSizeExceeded ErrorAttachmentSizeLimitExceeded BadRequest invalidRequest ErrorInvalidParameter ErrorInvalidSmtpAddress ErrorInvalidUser",
		reason{sdk.InvalidInput, ""}},
	{"ErrorExceededMessageLimit ErrorMessageSubmissionBlocked", reason{sdk.PermissionDenied, "Microsoft takes no more mail of this account for now: it sent too much, or must prove that a person is there (sign in at outlook.com)."}},
	{"ApplicationThrottled TooManyRequests ErrorTooManyObjectsOpened activityLimitReached", reason{sdk.RateLimited, ""}},
	{"ErrorInternalServerTransientError ErrorServerBusy ServiceNotAvailable serviceNotAvailable ErrorMailboxStoreUnavailable", reason{sdk.PlatformUnavailable, ""}},
	{"ErrorInternalServerError UnknownError generalException", reason{sdk.PlatformError, ""}},
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
