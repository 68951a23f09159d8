package mcp

import (
	"fmt"
	"math"
	"strings"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/dispatch"
)

const maxDetail = 2000

// toldError is what a result says of a failure to programs.
type toldError struct {
	Code          string              `json:"code"`
	Detail        string              `json:"detail"`
	Blame         string              `json:"blame"`
	RetryAfter    int                 `json:"retry_after,omitempty"` // seconds
	MissingScopes []string            `json:"missing_scopes,omitempty"`
	Errors        []catalog.Violation `json:"errors,omitempty"`
	PlatformCode  string              `json:"platform_code,omitempty"`
}

// advice says what a model can do about a kind. Kinds that are missing pass or not by themselves; their message says all.
var advice = map[catalog.Kind]string{
	catalog.ValidationFailed: "Correct the arguments by the tool's input schema and call again.",
	catalog.InvalidInput:     "Correct the arguments and call again.",
	catalog.OutcomeUnknown: "Do not call again blindly: the first call may have had its effect. Look at the platform with a tool that reads, or ask the user, " +
		"before you repeat it.",
	dispatch.NotRecorded:        "Do not call again blindly: the call ran. Look at the platform first.",
	catalog.RateLimited:         "Nothing was done. Call again later.",
	catalog.PlatformUnavailable: "The platform does not answer now. Try again later.",
	catalog.AdapterUnavailable:  "Try again in a moment.",
	catalog.IntegrationInactive: "The user has deactivated this account. Ask the user to activate it again.",
	catalog.AdapterBug:          "Calling again will not help; the operator of the host should know.",
}

// failed makes a result of a failure: its code, what happened and what to do in words, and the same for programs.
func (s *Server) failed(c *caller, account, call string, f *catalog.Failure) *sdk.CallToolResult {
	told := toldError{Code: string(f.Kind), Detail: tidy(f.Message, maxDetail), Blame: f.Kind.Blame(), MissingScopes: f.MissingScopes,
		Errors: f.Violations, PlatformCode: f.PlatformCode, RetryAfter: int(math.Ceil(f.RetryAfter.Seconds()))}
	if f.Kind == dispatch.Internal || f.Kind == dispatch.NotRecorded {
		told.Blame = "host"
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s: %s", told.Code, told.Detail)
	for _, v := range f.Violations {
		fmt.Fprintf(&text, "\n%s: %s", tidy(v.Pointer, maxTitle), tidy(v.Detail, maxTitle))
	}
	if len(f.MissingScopes) > 0 {
		fmt.Fprintf(&text, "\nMissing scopes: %s", tidy(strings.Join(f.MissingScopes, ", "), maxDetail))
	}
	if told.RetryAfter > 0 {
		fmt.Fprintf(&text, "\nRetry after %d s.", told.RetryAfter)
	}
	if what := s.advise(c, account, f.Kind); what != "" {
		fmt.Fprintf(&text, "\nWhat to do: %s", what)
	}
	out := &sdk.CallToolResult{IsError: true, Content: []sdk.Content{&sdk.TextContent{Text: text.String()}}, Meta: sdk.Meta{metaError: told}}
	if call != "" {
		out.Meta[metaCall] = call
	}
	return out
}

// advise answers what to do about a kind. An account whose credential is the trouble can be connected again by a link.
func (s *Server) advise(c *caller, account string, kind catalog.Kind) string {
	switch kind {
	case catalog.ReauthorizationRequired, catalog.AuthExpired, catalog.AuthRevoked, catalog.PermissionDenied:
		if account == "" {
			return ""
		}
		if mayConnect(c) {
			return fmt.Sprintf("Call %s with {\"integration\":%q} and give its link to the user, who connects the account again.", toolAuthenticate, account)
		}
		return "Ask the user to connect the account again."
	}
	return advice[kind]
}
