package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/patchbay/patchbay/sdk"
)

// get calls a method that changes nothing, its arguments in the query. out points to what the answer holds, or is nil.
func get(ctx context.Context, call *sdk.Call, method string, args url.Values, out any) error {
	return run(ctx, call, sdk.Request{Path: "/" + method, Query: args}, out)
}

// post calls a method that changes something. Its arguments go as a form, which every method takes; those that are JSON go as
// text in it (see text). out points to what the answer holds, or is nil.
func post(ctx context.Context, call *sdk.Call, method string, args url.Values, out any) error {
	return run(ctx, call, sdk.Request{Path: "/" + method, Form: args}, out)
}

func run(ctx context.Context, call *sdk.Call, r sdk.Request, out any) error {
	var body []byte
	if err := call.Do(ctx, r, &body); err != nil {
		return inCall(call, r, err)
	}
	if e := explain(http.StatusOK, nil, body); e != nil { // an answer that was not labelled as JSON has not been looked at yet
		return inCall(call, r, e)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return sdk.Errorf(sdk.PlatformError, "Slack's answer does not have the shape that its documentation gives.")
	}
	return nil
}

// inCall refines a refusal by what explain cannot know: the auth method, and whether something was to be changed.
func inCall(call *sdk.Call, r sdk.Request, err error) error {
	var e *sdk.Error
	if !errors.As(err, &e) {
		return err
	}
	switch {
	case e.PlatformCode == "invalid_auth" && call.Credential.Method == sdk.MethodOAuth2:
		e.Kind = sdk.AuthExpired // another refresh may have replaced the token; if none did, refreshing fails and says so
	case r.Form != nil && slices.Contains([]string{"fatal_error", "internal_error"}, e.PlatformCode):
		e.Kind = sdk.OutcomeUnknown // Slack documents that a part may have been done
	}
	return e
}

// codeOf answers Slack's own code of a refusal, or "".
func codeOf(err error) string {
	var e *sdk.Error
	if errors.As(err, &e) {
		return e.PlatformCode
	}
	return ""
}

// text makes the JSON text of an argument, and "" (which is left out) of one that was not given.
func text(value any) string {
	encoded, err := json.Marshal(value)
	if err != nil { // raw JSON that came through the schema, so it cannot fail
		return ""
	}
	if s := string(encoded); s != "null" && s != "[]" && s != "{}" {
		return s
	}
	return ""
}

// object is any JSON object, kept as it came.
type object map[string]json.RawMessage

// list makes an answer's list that is never null.
func list[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

// change is the answer of operations whose result is the same when they are repeated.
type change struct {
	Changed bool `json:"changed" jsonschema:"false where it already was so"`
}

// changed turns the refusals that mean "it already is so" into an answer.
func changed(err error, already ...string) (change, error) {
	if err != nil && slices.Contains(already, codeOf(err)) {
		return change{}, nil
	}
	return change{Changed: err == nil}, err
}

// anonymous marks the context of requests that carry no token.
type anonymous struct{}

// authorize puts the token on a request to Slack.
func authorize(req *http.Request, c sdk.Credential) {
	if token := c.Token(); token != "" && req.Context().Value(anonymous{}) == nil {
		req.Header.Set("Authorization", "Bearer "+token)
	}
}
