package main

import (
	"context"

	"github.com/patchbay/patchbay/sdk"
)

type newStore struct {
	DisplayName string `json:"displayName,omitempty" maxLength:"512"`
}

type oneStore struct {
	Store string `json:"store" pattern:"^fileSearchStores/[A-Za-z0-9_-]{1,100}$" jsonschema:"the store's name: fileSearchStores/..."`
}

type endingStore struct {
	oneStore
	Force *bool `json:"force,omitempty" jsonschema:"true to delete its documents with it; without it a store that has some is refused"`
}

type newDocument struct {
	oneStore
	DisplayName    string       `json:"displayName,omitempty" maxLength:"512"`
	CustomMetadata []sdk.Object `json:"customMetadata,omitempty" maxItems:"20" jsonschema:"to filter by, each {key, stringValue} or {key, numericValue}"`
	ChunkingConfig sdk.Object   `json:"chunkingConfig,omitempty" jsonschema:"{whiteSpaceConfig: {maxTokensPerChunk, maxOverlapTokens}}"`
}

type importing struct {
	oneStore
	FileName       string       `json:"fileName" pattern:"^files/[A-Za-z0-9_-]{1,100}$" jsonschema:"an uploaded file: files/..."`
	CustomMetadata []sdk.Object `json:"customMetadata,omitempty" maxItems:"20"`
	ChunkingConfig sdk.Object   `json:"chunkingConfig,omitempty"`
}

type documents struct {
	oneStore
	listing
}

type oneDocument struct {
	Name  string `json:"name" pattern:"^fileSearchStores/[A-Za-z0-9_-]{1,100}/documents/[A-Za-z0-9_-]{1,100}$" jsonschema:"the document's name: fileSearchStores/.../documents/..."`
	Force *bool  `json:"force,omitempty" jsonschema:"true to delete its chunks with it; without it a document that has some is refused"`
}

func searchOperations() []sdk.Operation {
	return []sdk.Operation{{
		Name: "create_file_search_store", Effect: sdk.Write, Run: sdk.Routed[newStore]("POST /v1beta/fileSearchStores"), Description: "Makes a store of documents that the tool fileSearch of generate_content looks into.",
	}, {
		Name: "list_file_search_stores", Effect: sdk.Read, Run: sdk.Pages[listing]("GET /v1beta/fileSearchStores", "fileSearchStores", "nextPageToken"), Description: "Lists the stores, 20 at most in a page.",
	}, {
		Name: "get_file_search_store", Effect: sdk.Read, Run: sdk.Routed[oneStore]("GET /v1beta/{+store}"), Description: "Tells about one store: how many documents it has, and how many failed.",
	}, {
		Name: "delete_file_search_store", Effect: sdk.Idempotent, Run: sdk.Deletes[endingStore]("DELETE /v1beta/{+store}"), Description: "Deletes one store. Refuses one with documents unless force is true.",
	}, {
		Name: "upload_to_file_search_store", Effect: sdk.Write, TakesFiles: true, Run: sdk.Func(uploadToStore),
		Description: "Puts one file, which comes with the call (up to 100 MB), into a store. Answers an operation: poll get_operation until done.",
	}, {
		Name: "import_to_file_search_store", Effect: sdk.Write, Run: sdk.Routed[importing]("POST /v1beta/{+store}:importFile"), Description: "Puts an uploaded file into a store. Answers an operation: poll get_operation until done.",
	}, {
		Name: "list_file_search_documents", Effect: sdk.Read, Run: sdk.Pages[documents]("GET /v1beta/{+store}/documents", "documents", "nextPageToken"), Description: "Lists the documents of a store, 20 at most in a page.",
	}, {
		Name: "delete_file_search_document", Effect: sdk.Idempotent, Run: sdk.Deletes[oneDocument]("DELETE /v1beta/{+name}"), Description: "Deletes one document of a store. Refuses one with chunks unless force is true.",
	}}
}

func uploadToStore(ctx context.Context, call *sdk.Call, in newDocument) (out sdk.Object, err error) {
	f, err := call.OneFile(ctx)
	if err != nil {
		return nil, err
	}
	r, err := sdk.Route("POST /upload/v1beta/{+store}:uploadToFileSearchStore", in)
	if err != nil {
		return nil, err
	}
	metadata := r.JSON.(sdk.Object) // what Route makes of an input with properties for a body
	metadata["mimeType"] = encode(f.MediaType)
	return out, upload(ctx, call, r.Path, f, metadata, &out)
}
