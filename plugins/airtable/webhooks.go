package main

import (
	"context"
	"net/http"
	"strconv"

	"github.com/patchbay/patchbay/sdk"
)

func webhookOperations() []sdk.Operation {
	manage := []string{"webhook:manage"}
	const webhooks = "/v0/bases/{base_id}/webhooks"
	const webhook = webhooks + "/{webhook_id}"
	return []sdk.Operation{
		{Name: "list_webhooks", Effect: sdk.Read, Scopes: manage, Run: sdk.Send[baseInput, webhookList](endpoint("", webhooks)), Description: "Lists the webhooks of this connection in a base, with when they end and how their last notification went."},
		{Name: "create_webhook", Effect: sdk.Write, Scopes: manage, Run: sdk.Send[createWebhookInput, object](endpoint(http.MethodPost, webhooks)), Description: "Has Airtable record changes of a base, and call an address when there are some; what changed is read with list_webhook_payloads. specification is Airtable's, such as {\"options\":{\"filters\":{\"dataTypes\":[\"tableData\"]}}}. Ends after seven days unless refreshed. The answer's macSecretBase64 is a secret that is told this once."},
		{Name: "list_webhook_payloads", Effect: sdk.Read, Scopes: manage, Run: sdk.Func(listPayloads), Description: "Lists what a webhook recorded, in order, from a number on; Airtable keeps a week of it."},
		{Name: "refresh_webhook", Effect: sdk.Idempotent, Scopes: manage, Run: sdk.Send[webhookInput, object](endpoint(http.MethodPost, webhook+"/refresh")), Description: "Lets a webhook live seven days from now."},
		{Name: "delete_webhook", Effect: sdk.Idempotent, Scopes: manage, Run: sdk.Send[webhookInput, sdk.None](endpoint(http.MethodDelete, webhook)), Description: "Deletes a webhook with what it recorded."},
	}
}

type webhookList struct {
	Webhooks []object `json:"webhooks"`
}

type createWebhookInput struct {
	baseInput
	URL           string `json:"notification_url,omitempty" pattern:"^https://" jsonschema:"what Airtable calls; nothing when left out"`
	Specification object `json:"specification"`
}

type webhookInput struct {
	baseInput
	WebhookID string `json:"webhook_id" pattern:"^ach[A-Za-z0-9]+$"`
}

type payloadsInput struct {
	webhookInput
	Cursor string `json:"cursor,omitempty" pattern:"^[0-9]{1,18}$" jsonschema:"next_cursor of the page before; 1 is the first"`
	Limit  int    `json:"limit,omitempty" minimum:"1" maximum:"50"`
}

type payloadPage struct {
	Payloads   []object `json:"payloads"`
	More       bool     `json:"more" jsonschema:"there is more already"`
	NextCursor string   `json:"next_cursor" jsonschema:"where the next look begins, also when nothing more has happened yet"`
}

func listPayloads(ctx context.Context, call *sdk.Call, in payloadsInput) (payloadPage, error) {
	answer := struct {
		Payloads []object `json:"payloads"`
		Cursor   int64    `json:"cursor"`
		More     bool     `json:"mightHaveMore"`
	}{Payloads: []object{}}
	err := call.Do(ctx, sdk.Request{Path: sdk.Path("/v0/bases/%s/webhooks/%s/payloads", in.BaseID, in.WebhookID), Query: sdk.Query("cursor", in.Cursor, "limit", in.Limit)}, &answer)
	return payloadPage{Payloads: answer.Payloads, More: answer.More, NextCursor: strconv.FormatInt(answer.Cursor, 10)}, err
}
