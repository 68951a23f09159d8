package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/patchbay/patchbay/sdk"
)

// refusal is an answer that says no. Facts of core.telegram.org/bots/api, "Making requests" and ResponseParameters.
type refusal struct {
	OK          *bool  `json:"ok"`
	Code        int    `json:"error_code"`
	Description string `json:"description"`
	Parameters  struct {
		RetryAfter      float64     `json:"retry_after"`
		MigrateToChatID json.Number `json:"migrate_to_chat_id"`
	} `json:"parameters"`
}

// reasons are the words in descriptions that say more than the status does.
var reasons = []struct {
	words string
	kind  sdk.Kind
}{
	{"not enough rights", sdk.PermissionDenied}, {"need administrator rights", sdk.PermissionDenied}, {"have no rights", sdk.PermissionDenied},
	{"chat_admin_required", sdk.PermissionDenied}, {"can't be edited", sdk.PermissionDenied}, {"can't be deleted", sdk.PermissionDenied},
	{"chat_write_forbidden", sdk.PermissionDenied}, {"user_is_blocked", sdk.PermissionDenied},
	{"query is too old", sdk.Conflict}, {"topic_closed", sdk.Conflict}, {"topic_not_modified", sdk.Conflict}, {"poll has already been closed", sdk.Conflict},
	{"not found", sdk.NotFound}, {"user_not_participant", sdk.NotFound}, {"participant_id_invalid", sdk.NotFound}, {"message_id_invalid", sdk.NotFound},
}

// explain reads Telegram's refusal out of an answer. Nil means: no refusal, or, with a failing status, none of Telegram's.
func explain(status int, _ http.Header, body []byte) *sdk.Error {
	if status < http.StatusBadRequest && bytes.HasPrefix(body, []byte(`{"ok":true`)) {
		return nil // how Telegram begins all its results: not worth parsing twice
	}
	var r refusal
	if json.Unmarshal(body, &r) != nil || r.OK == nil || *r.OK {
		return nil
	}
	if r.Code == 0 {
		r.Code = status
	}
	e := &sdk.Error{Kind: r.kind(), Message: "Telegram: " + sdk.Said(r.Description), PlatformStatus: r.Code}
	switch {
	case e.Kind == sdk.AuthRevoked:
		e.Message = "Telegram does not know this bot token. Get the token from @BotFather and update the integration."
	case r.Parameters.MigrateToChatID != "":
		detail := "the group has become a supergroup, whose id is " + r.Parameters.MigrateToChatID.String()
		e.Kind, e.Message = sdk.InvalidInput, "Telegram: "+detail+"."
		e.Violations = []sdk.Violation{{Pointer: "/chat_id", Detail: detail}}
	case e.Kind == sdk.RateLimited:
		e.RetryAfter = time.Duration(max(0, min(r.Parameters.RetryAfter, 86400)) * float64(time.Second))
	}
	return e
}

// kind classifies a refusal: by its words where they say more than the code, then by the code.
func (r refusal) kind() sdk.Kind {
	switch {
	case r.Code == http.StatusNotFound && r.Description == "Not Found":
		return sdk.AuthRevoked // all methods here exist, so it is the token that is in no form that Telegram gives out
	case r.Code == http.StatusBadRequest:
		description := strings.ToLower(r.Description)
		for _, reason := range reasons {
			if strings.Contains(description, reason.words) {
				return reason.kind
			}
		}
	case r.Code < http.StatusBadRequest:
		return sdk.PlatformError
	}
	return sdk.KindOfStatus(r.Code, sdk.MethodCustom)
}
