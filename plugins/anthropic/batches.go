package main

import (
	"context"

	"github.com/patchbay/patchbay/sdk"
)

// newBatch is the input of create_message_batch.
type newBatch struct {
	Requests []sdk.Object `json:"requests" minItems:"1" maxItems:"100000" jsonschema:"each {custom_id: a name of yours that is unique in the batch, params: the parameters of a create_message, without stream}"`
}

// oneBatch is the input of the operations on one batch.
type oneBatch struct {
	BatchID string `json:"batch_id" minLength:"1" maxLength:"200" jsonschema:"the batch's id: msgbatch_..."`
}

func batchOperations() []sdk.Operation {
	return []sdk.Operation{{
		Name: "create_message_batch", Effect: sdk.Write, Run: sdk.Routed[newBatch]("POST /v1/messages/batches"),
		Description: "Starts a batch: many messages, done within a day at half the price. Answers its id at once: poll get_message_batch until processing_status is ended, then fetch get_message_batch_results. " +
			"Refuses more than 100,000 requests or 256 MB; what is wrong with a single request is told in its result.",
	}, {
		Name: "get_message_batch", Effect: sdk.Read, Run: sdk.Routed[oneBatch]("GET /v1/messages/batches/{batch_id}"),
		Description: "Tells how far a batch has come: in_progress, canceling or ended, with counts.",
	}, {
		Name: "list_message_batches", Effect: sdk.Read, Run: pages[listing]("GET /v1/messages/batches"), Description: "Lists the batches of the workspace, newest first.",
	}, {
		Name: "cancel_message_batch", Effect: sdk.Idempotent, Run: sdk.Routed[oneBatch]("POST /v1/messages/batches/{batch_id}/cancel"),
		Description: "Cancels a batch that still runs. What has finished by then is kept, and charged.",
	}, {
		Name: "delete_message_batch", Effect: sdk.Idempotent, Run: sdk.Deletes[oneBatch]("DELETE /v1/messages/batches/{batch_id}"),
		Description: "Deletes a batch and its results for good. Refuses one that still runs: cancel it first.",
	}, {
		Name: "get_message_batch_results", Effect: sdk.Read, GivesFiles: true,
		Description: "Downloads the results of a batch that has ended: a file with one JSON object a line, each with its custom_id, in no certain order. Refuses a batch that still runs, and one older than 29 days.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in oneBatch) (sdk.Attached, error) {
			return call.Download(ctx, sdk.Request{Path: sdk.Path("/v1/messages/batches/%s/results", in.BatchID)}, in.BatchID, "application/x-jsonl")
		}),
	}}
}
