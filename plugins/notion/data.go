package main

import "github.com/patchbay/patchbay/sdk"

func dataOperations() []sdk.Operation {
	return []sdk.Operation{
		{Name: "get_database", Effect: sdk.Read, Run: sdk.Send[databaseInput, object](get("/v1/databases/{database_id}")), Description: "Answers a database: its title, where it is, and its data sources with their ids, which the other operations take. Linked databases are refused."},
		{Name: "create_database", Effect: sdk.Write, Run: sdk.Send[createDatabaseInput, object](post("/v1/databases")), Description: "Makes a database with one data source on a page. properties are its columns, such as {\"Name\":{\"title\":{}},\"Due\":{\"date\":{}}}; one of them must be a title, which Notion adds when none are given."},
		{Name: "update_database", Effect: sdk.Idempotent, Run: sdk.Send[updateDatabaseInput, object](patch("/v1/databases/{database_id}")), Description: "Changes a database's title, description, icon, cover, or whether it is in the trash. Columns belong to its data sources (update_data_source)."},
		{Name: "get_data_source", Effect: sdk.Read, Run: sdk.Send[sourceInput, object](get("/v1/data_sources/{data_source_id}")), Description: "Answers a data source: its columns (properties) with their types and options."},
		{Name: "create_data_source", Effect: sdk.Write, Run: sdk.Send[createSourceInput, object](always(post("/v1/data_sources"), "parent", map[string]any{"type": "database_id"})), Description: "Adds a further data source to a database."},
		{Name: "update_data_source", Effect: sdk.Idempotent, Run: sdk.Send[updateSourceInput, object](patch("/v1/data_sources/{data_source_id}")), Description: "Changes a data source's title or columns: a column that is null is removed with its values, one with a new name is renamed, one that is new is added."},
		{Name: "query_data_source", Effect: sdk.Read, Run: sdk.Send[queryInput, page](post("/v1/data_sources/{data_source_id}/query")), Description: "Lists the entries of a data source that a filter lets through, sorted, in pages. Filters are Notion's, such as {\"property\":\"Done\",\"checkbox\":{\"equals\":false}} or {\"and\":[...]}, sorts such as [{\"property\":\"Due\",\"direction\":\"ascending\"}]."},
		{Name: "list_data_source_templates", Effect: sdk.Read, Run: sdk.Send[templatesInput, templatePage](get("/v1/data_sources/{data_source_id}/templates")), Description: "Lists the page templates of a data source, in pages."},
	}
}

type databaseInput struct {
	DatabaseID string `json:"database_id" minLength:"1"`
}

type sourceInput struct {
	DataSourceID string `json:"data_source_id" minLength:"1"`
}

type named struct {
	Title       []object `json:"title,omitempty" jsonschema:"rich text, such as [{\"text\":{\"content\":\"Tasks\"}}]"`
	Description []object `json:"description,omitempty" jsonschema:"rich text"`
	Icon        object   `json:"icon,omitempty" jsonschema:"such as {\"type\":\"emoji\",\"emoji\":\"🌵\"}"`
}

type createDatabaseInput struct {
	Parent     object `json:"parent" jsonschema:"{\"type\":\"page_id\",\"page_id\":\"...\"} or {\"type\":\"workspace\",\"workspace\":true}"`
	Properties object `json:"properties,omitempty" to:"body initial_data_source.properties" jsonschema:"columns by name"`
	Inline     *bool  `json:"is_inline,omitempty" jsonschema:"shown within the page"`
	Cover      object `json:"cover,omitempty"`
	named
}

type updateDatabaseInput struct {
	databaseInput
	Inline  *bool  `json:"is_inline,omitempty"`
	InTrash *bool  `json:"in_trash,omitempty"`
	Cover   object `json:"cover,omitempty"`
	named
}

type createSourceInput struct {
	DatabaseID string   `json:"database_id" to:"body parent.database_id" minLength:"1"`
	Properties object   `json:"properties" jsonschema:"columns by name, one of them a title: {\"Name\":{\"title\":{}}}"`
	Title      []object `json:"title,omitempty" jsonschema:"rich text"`
	Icon       object   `json:"icon,omitempty"`
}

type updateSourceInput struct {
	sourceInput
	Properties object `json:"properties,omitempty" jsonschema:"columns by name or id; null removes one"`
	Archived   *bool  `json:"archived,omitempty" jsonschema:"true moves it to the trash"`
	named
}

type queryInput struct {
	sourceInput
	Filter     object   `json:"filter,omitempty"`
	Sorts      []object `json:"sorts,omitempty" maxItems:"100"`
	Properties []string `json:"filter_properties,omitempty" to:"query" jsonschema:"answer only the properties with these ids or names"`
	InTrash    *bool    `json:"in_trash,omitempty" jsonschema:"those in the trash instead"`
	pagedBody
}

type templatesInput struct {
	sourceInput
	paged
}

type templatePage struct {
	Templates  []object `json:"templates"`
	NextCursor *string  `json:"next_cursor,omitempty"`
}
