package main

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// envelope is what every answer is in.
type envelope struct {
	OK     bool            `json:"ok"`
	Result json.RawMessage `json:"result"`
}

// run calls a method with an input's properties as its parameters. out points to what the result holds.
func run(ctx context.Context, call *sdk.Call, method string, in, out any) error {
	body, err := sdk.Body(in)
	if err != nil {
		return err
	}
	return ask(ctx, call, sdk.Request{Path: tokenPlace + method, JSON: body}, out)
}

// ask sends a request and reads the result out of its envelope.
func ask(ctx context.Context, call *sdk.Call, r sdk.Request, out any) error {
	var answer envelope
	if err := call.Do(ctx, r, &answer); err != nil {
		return err
	}
	if !answer.OK || sdk.IsNull(answer.Result) {
		return sdk.Errorf(sdk.PlatformError, "The answer is not one of Telegram's Bot API. An operator should look at the platform's base URL.")
	}
	if err := json.Unmarshal(answer.Result, out); err != nil {
		return sdk.Errorf(sdk.PlatformError, "Telegram's answer does not have the shape that its documentation gives.")
	}
	return nil
}

// asks makes the function of an operation that is one method, whose result is an object.
func asks[In any](method string) sdk.Handler {
	return sdk.Func(func(ctx context.Context, call *sdk.Call, in In) (out sdk.Object, err error) {
		return out, run(ctx, call, method, in, &out)
	})
}

// does makes the function of an operation that is one method, whose result is true.
func does[In any](method string) sdk.Handler {
	return sdk.Func(func(ctx context.Context, call *sdk.Call, in In) (out sdk.Done, err error) {
		return out, run(ctx, call, method, in, &out.Done)
	})
}

// lists makes the function of an operation that is one method, whose result is a list that comes whole.
func lists[In any](method string) sdk.Handler {
	return sdk.Func(func(ctx context.Context, call *sdk.Call, in In) (out sdk.Page, err error) {
		out.Items = []json.RawMessage{}
		return out, run(ctx, call, method, in, &out.Items)
	})
}

// edited is the answer of the operations that change a message.
type edited struct {
	Changed bool       `json:"changed" jsonschema:"false where the message was like that already"`
	Message sdk.Object `json:"message,omitempty" jsonschema:"the message as it is now; absent for inline messages"`
}

// edits makes the function of an operation that changes a message. Telegram refuses a change that changes nothing, which is no failure here:
// so a repetition gives the same result.
func edits[In any](method string) sdk.Handler {
	return sdk.Func(func(ctx context.Context, call *sdk.Call, in In) (edited, error) {
		var result json.RawMessage
		err := run(ctx, call, method, in, &result)
		if err != nil && strings.Contains(err.Error(), "message is not modified") {
			return edited{}, nil
		}
		if err != nil {
			return edited{}, err
		}
		return editedOf(result), nil
	})
}

// editedOf reads the result of an edit: the message, or true for an inline one.
func editedOf(result json.RawMessage) edited {
	out := edited{Changed: true}
	_ = json.Unmarshal(result, &out.Message) // true is no object
	return out
}
