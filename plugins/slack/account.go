package main

import (
	"context"
	"encoding/json"
	"io"
	"slices"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// maxAccountBytes bounds the answer of auth.test.
const maxAccountBytes = 1 << 20

// verify asks auth.test whose token it is. The scopes stand in a header of the answer.
func verify(ctx context.Context, call *sdk.Call) (sdk.Account, error) {
	r := sdk.Request{Path: "/auth.test"}
	resp, err := call.Open(ctx, r)
	if err != nil {
		return sdk.Account{}, inCall(call, r, err)
	}
	defer func() { _ = resp.Body.Close() }() // read below as far as it counts
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAccountBytes))
	if err != nil {
		return sdk.Account{}, sdk.Errorf(sdk.PlatformUnavailable, "Slack's answer broke off.")
	}
	if e := explain(resp.StatusCode, resp.Header, body); e != nil {
		return sdk.Account{}, inCall(call, r, e)
	}
	var me struct {
		User   string `json:"user"`
		UserID string `json:"user_id"`
		Team   string `json:"team"`
	}
	if err := json.Unmarshal(body, &me); err != nil || me.UserID == "" {
		return sdk.Account{}, sdk.Errorf(sdk.PlatformError, "Slack did not say whose token it is.")
	}
	return sdk.Account{ID: me.UserID, Name: me.User + " (" + me.Team + ")", Scopes: scopes(resp.Header.Get("X-OAuth-Scopes"))}, nil
}

// scopes reads the header. Apps of before 2020 have scopes of another kind, of which one permits what today has many names: of
// those nothing is said, so that no operation is refused before Slack has been asked.
func scopes(header string) []string {
	var granted []string
	for scope := range strings.SplitSeq(header, ",") {
		if scope = strings.TrimSpace(scope); scope != "" {
			granted = append(granted, scope)
		}
	}
	old := []string{"bot", "client", "post", "read", "chat:write:bot", "chat:write:user", "files:write:user"}
	if slices.ContainsFunc(granted, func(scope string) bool { return slices.Contains(old, scope) }) {
		return nil
	}
	return granted
}
