package main

import (
	"encoding/json"
	"net/http"
	"regexp"

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

var (
	codePattern    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,79}$`)
	requestPattern = regexp.MustCompile(`^[A-Za-z0-9-]{1,80}$`)
)

// explain reads Graph's own refusal out of an answer.
func explain(status int, _ http.Header, body []byte) *sdk.Error {
	var r refusal
	if err := json.Unmarshal(body, &r); err != nil || !codePattern.MatchString(r.Error.Code) {
		return nil
	}
	e := reasons().Refusal("Microsoft", r.Error.Code, r.Error.Message, status)
	if requestPattern.MatchString(r.Error.Inner.RequestID) {
		e.PlatformRequestID = r.Error.Inner.RequestID
	}
	return e
}

// reasons is the table of codes. Sources: learn.microsoft.com/graph/errors and Exchange's response codes.
func reasons() sdk.Reasons {
	return sdk.Reasons{
		{Codes: "InvalidAuthenticationToken AuthenticationError unauthenticated CompactToken_ParsingFailed", Kind: sdk.AuthExpired},
		{Codes: "ErrorAccessDenied accessDenied Authorization_RequestDenied ErrorSendAsDenied ErrorDelegateNoUser", Kind: sdk.PermissionDenied, Advice: "The connection lacks the scope, or the organisation forbids it."},
		{Codes: "MailboxNotEnabledForRESTAPI MailboxNotSupportedForRESTAPI ErrorNonExistentMailbox ErrorMailboxMoveInProgress", Kind: sdk.PermissionDenied, Advice: "The account has no mailbox that Graph reaches (none, on premises, or being moved)."},
		{Codes: "ErrorItemNotFound ErrorFolderNotFound itemNotFound ResourceNotFound Request_ResourceNotFound ErrorCalendarNotFound ErrorInvalidImmutableId", Kind: sdk.NotFound},
		{Codes: "ErrorFolderExists ErrorIrresolvableConflict ErrorQuotaExceeded ErrorCannotDeleteObject ErrorMoveCopyFailed ErrorObjectTypeChanged nameAlreadyExists", Kind: sdk.Conflict},
		{Codes: "ErrorInvalidIdMalformed ErrorInvalidRecipients ErrorInvalidRequest ErrorPropertyValidationFailure RequestBodyRead ErrorMessageSizeExceeded ErrorAttachmentSizeLimitExceeded BadRequest invalidRequest ErrorInvalidParameter ErrorInvalidSmtpAddress ErrorInvalidUser",
			Kind: sdk.InvalidInput},
		{Codes: "ErrorExceededMessageLimit ErrorMessageSubmissionBlocked", Kind: sdk.PermissionDenied, Advice: "Microsoft takes no more mail of this account for now: it sent too much, or must prove that a person is there (sign in at outlook.com)."},
		{Codes: "ApplicationThrottled TooManyRequests ErrorTooManyObjectsOpened activityLimitReached", Kind: sdk.RateLimited},
		{Codes: "ErrorInternalServerTransientError ErrorServerBusy ServiceNotAvailable serviceNotAvailable ErrorMailboxStoreUnavailable", Kind: sdk.PlatformUnavailable},
		{Codes: "ErrorInternalServerError UnknownError generalException", Kind: sdk.PlatformError},
	}
}
