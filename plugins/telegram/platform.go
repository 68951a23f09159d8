package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

//go:embed icon.svg
var icon []byte

// tokenPlace stands in a path where the bot's token goes. Only what is sent holds the token: neither the adapter's own requests nor
// what the SDK tells of them.
const tokenPlace = "/bot:token/"

// platform is Telegram as data: where it is, how to connect, what can be done.
func platform() sdk.Platform {
	return sdk.Platform{
		ID: "telegram", Name: "Telegram", Category: sdk.Social, Icon: icon, Website: "https://core.telegram.org/bots/api",
		Description: "A Telegram bot: sends, edits and deletes messages and media, answers buttons and inline queries, and manages chats, members, invite links and topics.",
		BaseURL:     "https://api.telegram.org",
		Auth: []sdk.AuthMethod{{
			Type: sdk.MethodCustom, Label: "Bot token",
			Help: "Write to @BotFather in Telegram, send /newbot (or /mybots for a bot that exists), and copy the token it shows. " +
				"Add the bot to the groups and channels that it is for, as an administrator where it is to manage them. A bot cannot write to a person who has not written to it first.",
			Fields: []sdk.Field{{Name: "bot_token", Label: "Bot token", Secret: true, Required: true, Pattern: `[0-9]{1,20}:[A-Za-z0-9_-]{1,128}`, Help: "Such as 123456789:AAE..."}},
		}},
		Authorize: authorize,
		Explain:   explain, ExplainSuccess: true,
		Verify:     verify,
		VerifyNote: "Asks who the bot is (getMe), which costs nothing.",
		// The published limit over all chats. One message a second in one chat, and twenty a minute in a group, are limits besides.
		RateLimits: []sdk.RateLimit{{Calls: 30, PerSeconds: 1}},
		Operations: slices.Concat(messageOperations(), mediaOperations(), locationOperations(), pollOperations(), editOperations(), chatOperations(), memberOperations(),
			inviteOperations(), topicOperations(), fileOperations(), updateOperations(), botOperations()),
	}
}

// authorize puts the token where Telegram wants it: into the path.
func authorize(r *http.Request, c sdk.Credential) {
	place := "/bot" + c.Field("bot_token") + "/"
	r.URL.Path = strings.Replace(r.URL.Path, tokenPlace, place, 1)
	r.URL.RawPath = strings.Replace(r.URL.RawPath, tokenPlace, place, 1)
}

func verify(ctx context.Context, call *sdk.Call) (sdk.Account, error) {
	var me struct {
		ID        json.Number `json:"id"`
		FirstName string      `json:"first_name"`
		Username  string      `json:"username"`
	}
	if err := run(ctx, call, "getMe", sdk.None{}, &me); err != nil {
		return sdk.Account{}, err
	}
	if me.ID == "" || me.ID == "0" {
		return sdk.Account{}, sdk.Errorf(sdk.PlatformError, "What answers at the base URL is not Telegram's Bot API.")
	}
	name := me.FirstName
	if me.Username != "" {
		name = "@" + me.Username
	}
	return sdk.Account{ID: me.ID.String(), Name: name}, nil
}
