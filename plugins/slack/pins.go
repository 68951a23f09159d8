package main

import (
	"context"
	"encoding/json"

	"github.com/patchbay/patchbay/sdk"
)

func pinOperations() []sdk.Operation {
	return []sdk.Operation{
		{Name: "add_pin", Effect: sdk.Idempotent, Scopes: []string{"pins:write"}, Run: sdk.Func(addPin), Description: "Pins a message to its channel; at most 100 " +
			"are pinned at a time."},
		{Name: "remove_pin", Effect: sdk.Idempotent, Scopes: []string{"pins:write"}, Run: sdk.Func(removePin), Description: "Takes a message's pin away; the message stays."},
		{Name: "list_pins", Effect: sdk.Read, Scopes: []string{"pins:read"}, Run: sdk.Func(listPins), Description: "Lists what is pinned to a channel, all of it."},
	}
}

func addPin(ctx context.Context, call *sdk.Call, in messageInput) (change, error) {
	return changed(post(ctx, call, "pins.add", sdk.Query("channel", in.Channel, "timestamp", in.TS), nil), "already_pinned")
}

func removePin(ctx context.Context, call *sdk.Call, in messageInput) (change, error) {
	return changed(post(ctx, call, "pins.remove", sdk.Query("channel", in.Channel, "timestamp", in.TS), nil), "no_pin", "not_pinned")
}

type pinList struct {
	Items []json.RawMessage `json:"items"`
}

func listPins(ctx context.Context, call *sdk.Call, in channelInput) (pinList, error) {
	var out pinList
	err := get(ctx, call, "pins.list", sdk.Query("channel", in.Channel), &out)
	out.Items = list(out.Items)
	return out, err
}
