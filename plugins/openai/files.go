package main

import (
	"context"
	"encoding/json"

	"github.com/patchbay/patchbay/sdk"
)

// upload is the input of upload_file; the file itself comes with the call.
type upload struct {
	Purpose      string `json:"purpose" minLength:"1" jsonschema:"what it is for: batch, and at OpenAI also user_data, assistants, vision, fine-tune or evals"`
	ExpiresAfter object `json:"expires_after,omitempty" jsonschema:"when the platform deletes it by itself: {anchor: created_at, seconds: 3600 to 2592000}"`
	extra
}

// oneFile is the input of the operations on one stored file.
type oneFile struct {
	FileID string `json:"file_id" minLength:"1" maxLength:"200" jsonschema:"the file's id, such as file-abc123"`
}

// fileListing is the input of list_files.
type fileListing struct {
	listing
	Purpose string `json:"purpose,omitempty" jsonschema:"only files for this purpose"`
}

func (w wire) files() []sdk.Operation {
	return []sdk.Operation{{
		Name: "upload_file", Effect: sdk.Write, TakesFiles: true, Run: sdk.Func(uploadFile),
		Description: "Stores one file, which comes with the call, for batches and tools. Refuses one larger than the platform allows (512 MB at OpenAI, 100 MB of .jsonl for a batch at Groq).",
	}, {
		Name: "list_files", Effect: sdk.Read, Description: "Lists the stored files, newest first.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in fileListing) (page, error) {
			return getPage(ctx, call, "/files", in.listing, "purpose", in.Purpose)
		}),
	}, {
		Name: "get_file", Effect: sdk.Read, Description: "Tells about one stored file: name, size, purpose, state.",
		Run: gets(func(in oneFile) string { return sdk.Path("/files/%s", in.FileID) }),
	}, {
		Name: "get_file_content", Effect: sdk.Read, GivesFiles: true,
		Description: "Downloads one stored file, such as the output of a batch. OpenAI refuses files that were uploaded for some purposes.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in oneFile) (sdk.Attached, error) {
			return call.Download(ctx, sdk.Request{Path: sdk.Path("/files/%s/content", in.FileID)}, in.FileID, "")
		}),
	}, {
		Name: "delete_file", Effect: sdk.Idempotent, Description: "Deletes one stored file for good.",
		Run: deletes(func(in oneFile) (string, string) { return sdk.Path("/files/%s", in.FileID), in.FileID }),
	}}
}

func uploadFile(ctx context.Context, call *sdk.Call, in upload) (object, error) {
	b, err := sdk.Body(in)
	if err != nil {
		return nil, err
	}
	f, err := call.OneFile(ctx)
	if err != nil {
		return nil, err
	}
	var out object
	err = postForm(ctx, call, "/files", withFile(formParts(b), "file", f, "upload"), &out)
	return out, err
}

// newBatch is the input of create_batch.
type newBatch struct {
	InputFileID      string          `json:"input_file_id" minLength:"1" jsonschema:"id of an uploaded .jsonl file with purpose batch, one request in each line"`
	Endpoint         string          `json:"endpoint" minLength:"1" jsonschema:"what every line asks: /v1/chat/completions, and at OpenAI also /v1/responses, /v1/embeddings, /v1/completions or /v1/moderations"`
	CompletionWindow string          `json:"completion_window" minLength:"1" jsonschema:"how long it may take: 24h at OpenAI, 24h to 7d at Groq, 48h at Novita"`
	Metadata         json.RawMessage `json:"metadata,omitempty" jsonschema:"up to 16 texts of yours to find it by"`
	extra
}

// oneBatch is the input of the operations on one batch.
type oneBatch struct {
	BatchID string `json:"batch_id" minLength:"1" maxLength:"200" jsonschema:"the batch's id"`
}

func (w wire) batches() []sdk.Operation {
	return []sdk.Operation{{
		Name: "create_batch", Effect: sdk.Write, Run: posts(at[newBatch]("/batches")),
		Description: "Starts a batch: many requests in one uploaded file, run within a day or more at a lower price. Poll get_batch, then read output_file_id with get_file_content.",
	}, {
		Name: "list_batches", Effect: sdk.Read, Description: "Lists the batches, newest first.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in batchListing) (page, error) {
			return getPage(ctx, call, "/batches", listing{Limit: in.Limit, Cursor: in.Cursor})
		}),
	}, {
		Name: "get_batch", Effect: sdk.Read, Description: "Tells how far a batch has come, and the ids of its output and error files.",
		Run: gets(func(in oneBatch) string { return sdk.Path("/batches/%s", in.BatchID) }),
	}, {
		Name: "cancel_batch", Effect: sdk.Idempotent, Description: "Cancels a batch that still runs. What has finished by then is kept, and charged.",
		Run: posts(func(in cancelBatch) string { return sdk.Path("/batches/%s/cancel", in.BatchID) }),
	}}
}

// batchListing is how a page of batches is asked for: they have no order.
type batchListing struct {
	Limit  int    `json:"limit,omitempty" minimum:"1" maximum:"100" jsonschema:"how many at most"`
	Cursor string `json:"cursor,omitempty" jsonschema:"next_cursor of the page before"`
}

// cancelBatch is the input of cancel_batch: its id stands in the path, not in the body.
type cancelBatch struct {
	BatchID string `json:"batch_id" wire:"-" minLength:"1" maxLength:"200" jsonschema:"the batch's id"`
}
