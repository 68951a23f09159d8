package main

import (
	"net/http"

	"github.com/patchbay/patchbay/sdk"
)

const (
	basePath   = "/v0/meta/bases/{base_id}"
	tablesPath = basePath + "/tables"
	fieldsPath = tablesPath + "/{table_id}/fields"
)

func schemaOperations() []sdk.Operation {
	read, write := []string{"schema.bases:read"}, []string{"schema.bases:write"}
	return []sdk.Operation{
		{Name: "list_bases", Effect: sdk.Read, Scopes: read, Run: sdk.Send[basesInput, basePage](endpoint("", "/v0/meta/bases")), Description: "Lists the bases that the connection may see, with what it may do there, in pages of 1000."},
		{Name: "get_base_schema", Effect: sdk.Read, Scopes: read, Run: sdk.Send[baseInput, tables](endpoint("", tablesPath)), Description: "Answers the tables of a base with their fields, types, options and views. Read it before writing records or formulas."},
		{Name: "create_base", Effect: sdk.Write, Scopes: write, Run: sdk.Send[createBaseInput, createdBase](endpoint(http.MethodPost, "/v0/meta/bases")), Description: "Makes a base with tables in a workspace (wsp..., in the workspace's address). Each table needs a name and fields, the first of which is its primary field."},
		{Name: "create_table", Effect: sdk.Write, Scopes: write, Run: sdk.Send[createTableInput, object](endpoint(http.MethodPost, tablesPath)), Description: "Adds a table to a base. The first field is the primary one and must be of a type that can be, such as singleLineText."},
		{Name: "update_table", Effect: sdk.Idempotent, Scopes: write, Run: sdk.Send[updateTableInput, object](endpoint(http.MethodPatch, tablesPath+"/{table_id}")), Description: "Renames or describes a table."},
		{Name: "create_field", Effect: sdk.Write, Scopes: write, Run: sdk.Send[createFieldInput, object](endpoint(http.MethodPost, fieldsPath)), Description: "Adds a field to a table. options depend on the type, such as {\"choices\":[{\"name\":\"Open\"}]} for singleSelect. Formulas, lookups and rollups are refused."},
		{Name: "update_field", Effect: sdk.Idempotent, Scopes: write, Run: sdk.Send[updateFieldInput, object](endpoint(http.MethodPatch, fieldsPath+"/{field_id}")), Description: "Renames or describes a field. Its type stays."},
	}
}

type basesInput struct {
	Cursor string `json:"cursor,omitempty" to:"query offset" maxLength:"1000" jsonschema:"next_cursor of the page before"`
}

type basePage struct {
	Bases      []object `json:"bases"`
	NextCursor string   `json:"next_cursor,omitempty" from:"offset"`
}

type baseInput struct {
	BaseID string `json:"base_id" pattern:"^app[A-Za-z0-9]+$" jsonschema:"of list_bases"`
}

type tables struct {
	Tables []object `json:"tables"`
}

type newField struct {
	Name        string `json:"name" minLength:"1"`
	Type        string `json:"type" minLength:"1" jsonschema:"such as singleLineText, multilineText, number, singleSelect, date, checkbox, email, url, multipleRecordLinks, multipleAttachments"`
	Description string `json:"description,omitempty" maxLength:"20000"`
	Options     object `json:"options,omitempty"`
}

type newTable struct {
	Name        string     `json:"name" minLength:"1"`
	Description string     `json:"description,omitempty" maxLength:"20000"`
	Fields      []newField `json:"fields" minItems:"1"`
}

type createBaseInput struct {
	WorkspaceID string     `json:"workspace_id" pattern:"^wsp[A-Za-z0-9]+$"`
	Name        string     `json:"name" minLength:"1"`
	Tables      []newTable `json:"tables" minItems:"1"`
}

type createdBase struct {
	ID     string   `json:"id"`
	Tables []object `json:"tables"`
}

type createTableInput struct {
	baseInput
	newTable
}

type changedName struct {
	Name        string `json:"name,omitempty" minLength:"1"`
	Description string `json:"description,omitempty" maxLength:"20000"`
}

type updateTableInput struct {
	baseInput
	TableID string `json:"table_id" minLength:"1" jsonschema:"its id (tbl...) or name"`
	changedName
}

type tableIDInput struct {
	baseInput
	TableID string `json:"table_id" pattern:"^tbl[A-Za-z0-9]+$"`
}

type createFieldInput struct {
	tableIDInput
	newField
}

type updateFieldInput struct {
	tableIDInput
	FieldID string `json:"field_id" pattern:"^fld[A-Za-z0-9]+$"`
	changedName
}
