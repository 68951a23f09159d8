package main

import (
	"context"
	"encoding/json"

	"github.com/patchbay/patchbay/sdk"
)

// newStore is the input of create_vector_store.
type newStore struct {
	Name             string   `json:"name,omitempty"`
	Description      string   `json:"description,omitempty"`
	FileIDs          []string `json:"file_ids,omitempty" maxItems:"500" jsonschema:"uploaded files to put in"`
	ExpiresAfter     object   `json:"expires_after,omitempty" jsonschema:"{anchor: last_active_at, days}"`
	ChunkingStrategy object   `json:"chunking_strategy,omitempty" jsonschema:"{type: auto} or {type: static, static: {max_chunk_size_tokens, chunk_overlap_tokens}}"`
	Metadata         object   `json:"metadata,omitempty"`
}

// oneStore is the input of the operations on one vector store.
type oneStore struct {
	VectorStoreID string `json:"vector_store_id" wire:"-" minLength:"1" maxLength:"200" jsonschema:"the store's id: vs_..."`
}

// storeFile is the input of add_vector_store_file.
type storeFile struct {
	oneStore
	FileID           string `json:"file_id" minLength:"1" maxLength:"200" jsonschema:"an uploaded file"`
	Attributes       object `json:"attributes,omitempty" jsonschema:"up to 16 values to filter searches by"`
	ChunkingStrategy object `json:"chunking_strategy,omitempty"`
}

// storeFiles is the input of list_vector_store_files.
type storeFiles struct {
	oneStore
	listing
	Filter string `json:"filter,omitempty" enum:"in_progress,completed,failed,cancelled" jsonschema:"only files in this state"`
}

// oneStoreFile is the input of remove_vector_store_file.
type oneStoreFile struct {
	oneStore
	FileID string `json:"file_id" minLength:"1" maxLength:"200"`
}

// storeSearch is the input of search_vector_store.
type storeSearch struct {
	oneStore
	Query          json.RawMessage `json:"query" jsonschema:"what to look for, a text or several"`
	MaxNumResults  int             `json:"max_num_results,omitempty" minimum:"1" maximum:"50"`
	Filters        object          `json:"filters,omitempty" jsonschema:"{type: eq, key, value}, or {type: and, filters}"`
	RankingOptions object          `json:"ranking_options,omitempty"`
	RewriteQuery   *bool           `json:"rewrite_query,omitempty"`
}

// vectorStores are OpenAI's operations on stores of files that the file_search tool looks into.
func vectorStores() []sdk.Operation {
	return []sdk.Operation{{
		Name: "create_vector_store", Effect: sdk.Write, Description: "Makes a store of files for the file_search tool. Its size is charged by the day.",
		Run: posts(at[newStore]("/vector_stores")),
	}, {
		Name: "list_vector_stores", Effect: sdk.Read, Description: "Lists the vector stores, newest first.", Run: lists("/vector_stores"),
	}, {
		Name: "get_vector_store", Effect: sdk.Read, Description: "Tells about a vector store: state, counts of files, size.",
		Run: gets(func(in oneStore) string { return sdk.Path("/vector_stores/%s", in.VectorStoreID) }),
	}, {
		Name: "delete_vector_store", Effect: sdk.Idempotent, Description: "Deletes a vector store; the files stay.",
		Run: deletes(func(in oneStore) (string, string) {
			return sdk.Path("/vector_stores/%s", in.VectorStoreID), in.VectorStoreID
		}),
	}, {
		Name: "add_vector_store_file", Effect: sdk.Write, Description: "Puts an uploaded file into a vector store. It can be searched once its state is completed.",
		Run: posts(func(in storeFile) string { return sdk.Path("/vector_stores/%s/files", in.VectorStoreID) }),
	}, {
		Name: "list_vector_store_files", Effect: sdk.Read, Description: "Lists the files of a vector store with their states.",
		Run: sdk.Func(func(ctx context.Context, call *sdk.Call, in storeFiles) (page, error) {
			return getPage(ctx, call, sdk.Path("/vector_stores/%s/files", in.VectorStoreID), in.listing, "filter", in.Filter)
		}),
	}, {
		Name: "remove_vector_store_file", Effect: sdk.Idempotent, Description: "Takes a file out of a vector store; the file itself stays.",
		Run: deletes(func(in oneStoreFile) (string, string) {
			return sdk.Path("/vector_stores/%s/files/%s", in.VectorStoreID, in.FileID), in.FileID
		}),
	}, {
		Name: "search_vector_store", Effect: sdk.Read, Description: "Searches a vector store and answers the pieces that fit best, with their files and scores, in data.",
		Run: posts(func(in storeSearch) string { return sdk.Path("/vector_stores/%s/search", in.VectorStoreID) }),
	}}
}
