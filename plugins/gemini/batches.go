package main

import (
	"context"

	"github.com/patchbay/patchbay/sdk"
)

type newBatch struct {
	modelName
	DisplayName string       `json:"display_name" minLength:"1" jsonschema:"a name of yours"`
	Requests    []sdk.Object `json:"requests,omitempty" jsonschema:"each {request: what generate_content is given, metadata: {key}}; 20 MB together"`
	FileName    string       `json:"file_name,omitempty" pattern:"^files/[A-Za-z0-9_-]{1,100}$" jsonschema:"an uploaded file with one such object a line ({key, request}), instead of requests"`
}

type oneBatch struct {
	Name string `json:"name" pattern:"^batches/[A-Za-z0-9_-]{1,200}$" jsonschema:"the batch's name: batches/..."`
}

func batchOperations() []sdk.Operation {
	return []sdk.Operation{{
		Name: "create_batch", Effect: sdk.Write, Run: sdk.Func(createBatch),
		Description: "Starts a batch: many generate_content calls, done within a day at half the price. Answers its name at once: poll get_batch until done; its response holds the results, or the file with them.",
	}, {
		Name: "get_batch", Effect: sdk.Read, Run: sdk.Routed[oneBatch]("GET /v1beta/{+name}"), Description: "Tells how far a batch has come, and its results when it is done.",
	}, {
		Name: "list_batches", Effect: sdk.Read, Run: sdk.Pages[listing]("GET /v1beta/batches", "operations", "nextPageToken"), Description: "Lists the batches.",
	}, {
		Name: "cancel_batch", Effect: sdk.Idempotent, Run: sdk.Deletes[oneBatch]("POST /v1beta/{+name}:cancel"), Description: "Cancels a batch that still runs. What has finished by then may be charged.",
	}, {
		Name: "delete_batch", Effect: sdk.Idempotent, Run: sdk.Deletes[oneBatch]("DELETE /v1beta/{+name}"), Description: "Deletes a batch. One that runs is not stopped by that: cancel it first.",
	}}
}

func createBatch(ctx context.Context, call *sdk.Call, in newBatch) (out sdk.Object, err error) {
	if (len(in.Requests) == 0) == (in.FileName == "") {
		return nil, sdk.Invalid("/requests", "give requests or file_name, one of them")
	}
	config := map[string]any{"fileName": in.FileName}
	if len(in.Requests) > 0 {
		config = map[string]any{"requests": map[string]any{"requests": in.Requests}}
	}
	body := map[string]any{"batch": map[string]any{"displayName": in.DisplayName, "inputConfig": config}}
	return out, call.Do(ctx, sdk.Request{Path: in.path("batchGenerateContent"), JSON: body}, &out)
}
