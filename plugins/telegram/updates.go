package main

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/patchbay/patchbay/sdk"
)

type waiting struct {
	Cursor         string   `json:"cursor,omitempty" wire:"-" pattern:"^-?[0-9]{1,19}$" jsonschema:"next_cursor of the page before, which tells Telegram that all up to there has been seen: it forgets it"`
	Limit          int      `json:"limit,omitempty" minimum:"1" maximum:"100" jsonschema:"how many at most; 100 when left out"`
	Timeout        int      `json:"timeout,omitempty" minimum:"0" maximum:"50" jsonschema:"seconds to wait for the first; give the call longer"`
	AllowedUpdates []string `json:"allowed_updates,omitempty" jsonschema:"only these kinds, such as message, callback_query, chat_member; remembered for later calls"`
}

type webhook struct {
	URL                string   `json:"url" maxLength:"2000" format:"uri" jsonschema:"https address that Telegram is to call"`
	IPAddress          string   `json:"ip_address,omitempty"`
	MaxConnections     int      `json:"max_connections,omitempty" minimum:"1" maximum:"100"`
	AllowedUpdates     []string `json:"allowed_updates,omitempty"`
	DropPendingUpdates *bool    `json:"drop_pending_updates,omitempty"`
	SecretToken        string   `json:"secret_token,omitempty" pattern:"^[A-Za-z0-9_-]{1,256}$" jsonschema:"which Telegram sends along in the header X-Telegram-Bot-Api-Secret-Token"`
}

type noWebhook struct {
	DropPendingUpdates *bool `json:"drop_pending_updates,omitempty"`
}

type callbackAnswer struct {
	CallbackQueryID string `json:"callback_query_id" minLength:"1"`
	Text            string `json:"text,omitempty" maxLength:"200"`
	ShowAlert       *bool  `json:"show_alert,omitempty" jsonschema:"true for a window instead of a line at the top"`
	URL             string `json:"url,omitempty"`
	CacheTime       int    `json:"cache_time,omitempty" minimum:"0"`
}

type inlineAnswer struct {
	InlineQueryID string       `json:"inline_query_id" minLength:"1"`
	Results       []sdk.Object `json:"results" maxItems:"50" jsonschema:"such as {type: article, id, title, input_message_content: {message_text}}"`
	CacheTime     *int         `json:"cache_time,omitempty" minimum:"0" jsonschema:"seconds; 300 when left out"`
	IsPersonal    *bool        `json:"is_personal,omitempty"`
	NextOffset    string       `json:"next_offset,omitempty" maxLength:"64"`
	Button        sdk.Object   `json:"button,omitempty"`
}

func updateOperations() []sdk.Operation {
	return []sdk.Operation{{
		Name: "get_updates", Effect: sdk.Idempotent, Run: sdk.Func(getUpdates),
		Description: "Fetches what has come in for the bot: messages, pressed buttons and so on, oldest first, for up to 24 hours. Go on with next_cursor, which also confirms what was fetched. Answers conflict while a webhook is set or another get_updates waits.",
	}, {
		Name: "set_webhook", Effect: sdk.Idempotent, Run: does[webhook]("setWebhook"), Description: "Has Telegram send what comes in to an https address, instead of get_updates. Refuses ports other than 443, 80, 88 and 8443.",
	}, {
		Name: "get_webhook_info", Effect: sdk.Read, Run: asks[sdk.None]("getWebhookInfo"), Description: "Tells the webhook's address, how much waits, and the last failure.",
	}, {
		Name: "delete_webhook", Effect: sdk.Idempotent, Run: does[noWebhook]("deleteWebhook"), Description: "Removes the webhook, so that get_updates works again.",
	}, {
		Name: "answer_callback_query", Effect: sdk.Idempotent, Run: does[callbackAnswer]("answerCallbackQuery"), Description: "Answers a pressed inline button, which shows progress until then. Answers conflict where the press is too old.",
	}, {
		Name: "answer_inline_query", Effect: sdk.Idempotent, Run: does[inlineAnswer]("answerInlineQuery"), Description: "Answers an inline query with up to 50 results. Answers conflict where the query is too old.",
	}}
}

func getUpdates(ctx context.Context, call *sdk.Call, in waiting) (sdk.Page, error) {
	asked := struct {
		waiting
		Offset json.Number `json:"offset,omitempty"`
	}{in, json.Number(in.Cursor)}
	page := sdk.Page{Items: []json.RawMessage{}}
	if err := run(ctx, call, "getUpdates", asked, &page.Items); err != nil {
		return sdk.Page{}, err
	}
	if len(page.Items) == 0 {
		page.NextCursor = in.Cursor // later there may be more
		return page, nil
	}
	var last struct {
		ID int64 `json:"update_id"`
	}
	if err := json.Unmarshal(page.Items[len(page.Items)-1], &last); err != nil {
		return sdk.Page{}, sdk.Errorf(sdk.PlatformError, "Telegram's answer does not have the shape that its documentation gives.")
	}
	page.NextCursor = strconv.FormatInt(last.ID+1, 10)
	return page, nil
}
