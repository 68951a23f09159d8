package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// object is any JSON object, kept as it came.
type object map[string]json.RawMessage

const (
	tablePath  = "/v0/{base_id}/{table}"
	recordPath = tablePath + "/{record_id}"
)

// endpoint is a request as data.
func endpoint(method, path string) sdk.Endpoint {
	return sdk.Endpoint{Method: method, Path: path, CamelCase: true}
}

func recordOperations() []sdk.Operation {
	read, write := []string{"data.records:read"}, []string{"data.records:write"}
	return []sdk.Operation{
		{Name: "list_records", Effect: sdk.Read, Scopes: read, Run: sdk.Send[listRecordsInput, recordPage](endpoint(http.MethodPost, tablePath+"/listRecords")), Description: "Lists the records of a table, in pages of 100 at most: those of a view, or that a formula lets through (such as AND({Done}=0,{Due}<TODAY())), sorted. Empty fields are left out of a record. A cursor is good for a few minutes."},
		{Name: "search_records", Effect: sdk.Read, Scopes: read, Run: sdk.Func(searchRecords), Description: "Finds the records of a table in which one field holds a text, whatever its case, in pages; or is exactly that text with exact. For anything more use list_records with a formula."},
		{Name: "get_record", Effect: sdk.Read, Scopes: read, Run: sdk.Send[getRecordInput, record](endpoint("", recordPath)), Description: "Answers one record."},
		{Name: "create_records", Effect: sdk.Write, Scopes: write, Run: sdk.Send[createRecordsInput, records](endpoint(http.MethodPost, tablePath)), Description: "Makes up to ten records, all or none. Each is {\"fields\":{\"Name\":\"...\"}}. Without typecast a text does not become a number, date or new option."},
		{Name: "update_records", Effect: sdk.Idempotent, Scopes: write, Run: sdk.Send[updateRecordsInput, records](endpoint(http.MethodPatch, tablePath)), Description: "Changes the given fields of up to ten records ({\"id\":\"rec...\",\"fields\":{...}}), all or none; the others stay."},
		{Name: "replace_records", Effect: sdk.Idempotent, Scopes: write, Run: sdk.Send[updateRecordsInput, records](endpoint(http.MethodPut, tablePath)), Description: "Replaces up to ten records whole, all or none: fields that are not given are emptied."},
		{Name: "upsert_records", Effect: sdk.Idempotent, Scopes: write, Run: sdk.Send[upsertRecordsInput, upserted](endpoint(http.MethodPatch, tablePath)), Description: "Changes those of up to ten records that exist by the values of merge_on, and makes the others. Refuses when several records have the same values, and computed fields in merge_on."},
		{Name: "delete_records", Effect: sdk.Idempotent, Scopes: write, Run: sdk.Send[deleteRecordsInput, deleted](endpoint(http.MethodDelete, tablePath)), Description: "Deletes up to ten records, all or none; a person can restore them from the base's trash for seven days."},
	}
}

// tableInput names a table.
type tableInput struct {
	BaseID string `json:"base_id" pattern:"^app[A-Za-z0-9]+$" jsonschema:"of list_bases"`
	Table  string `json:"table" minLength:"1" jsonschema:"the table's id (tbl...) or name; the id survives renaming"`
}

type recordInput struct {
	tableInput
	RecordID string `json:"record_id" pattern:"^rec[A-Za-z0-9]+$"`
}

type sort struct {
	Field     string `json:"field" minLength:"1"`
	Direction string `json:"direction,omitempty" enum:"asc,desc"`
}

// shape says how values are answered.
type shape struct {
	CellFormat string `json:"cell_format,omitempty" enum:"json,string" jsonschema:"string answers texts as people see them, and needs time_zone and user_locale"`
	TimeZone   string `json:"time_zone,omitempty" jsonschema:"such as Europe/Berlin"`
	UserLocale string `json:"user_locale,omitempty" jsonschema:"such as de"`
	ByFieldID  bool   `json:"return_fields_by_field_id,omitempty" jsonschema:"name fields by their ids"`
}

type listRecordsInput struct {
	tableInput
	Fields     []string `json:"fields,omitempty" jsonschema:"answer only these"`
	Formula    string   `json:"formula,omitempty" to:"body filterByFormula" maxLength:"16000" jsonschema:"an Airtable formula; records for which it is true are answered"`
	View       string   `json:"view,omitempty" jsonschema:"only those of this view, in its order"`
	Sort       []sort   `json:"sort,omitempty" maxItems:"10"`
	MaxRecords int      `json:"max_records,omitempty" minimum:"1" jsonschema:"how many at most over all pages"`
	Limit      int      `json:"limit,omitempty" to:"body pageSize" minimum:"1" maximum:"100" jsonschema:"how many at most in this page; 100 when left out"`
	Cursor     string   `json:"cursor,omitempty" to:"body offset" maxLength:"1000" jsonschema:"next_cursor of the page before, with the other properties unchanged"`
	shape
}

// Validate refuses what Airtable would refuse.
func (s shape) Validate() error {
	if s.CellFormat == "string" && (s.TimeZone == "" || s.UserLocale == "") {
		return sdk.Invalid("/cell_format", "string needs time_zone and user_locale")
	}
	return nil
}

type record struct {
	ID          string `json:"id"`
	CreatedTime string `json:"created_time"`
	Fields      object `json:"fields"`
}

type recordPage struct {
	Records    []object `json:"records"`
	NextCursor string   `json:"next_cursor,omitempty" from:"offset"`
}

type searchRecordsInput struct {
	tableInput
	Field  string `json:"field" minLength:"1" maxLength:"200" pattern:"^[^{}]+$" jsonschema:"the field's name"`
	Text   string `json:"text" minLength:"1" maxLength:"1000"`
	Exact  bool   `json:"exact,omitempty"`
	Limit  int    `json:"limit,omitempty" minimum:"1" maximum:"100" default:"25"`
	Cursor string `json:"cursor,omitempty" maxLength:"1000" jsonschema:"next_cursor of the page before"`
}

func searchRecords(ctx context.Context, call *sdk.Call, in searchRecordsInput) (recordPage, error) {
	if strings.ContainsAny(in.Field, "{}") {
		return recordPage{}, sdk.Invalid("/field", "a field's name here has no braces; use list_records with a formula")
	}
	if in.Limit == 0 {
		in.Limit = 25
	}
	formula := "FIND(LOWER(" + quoted(in.Text) + "),LOWER({" + in.Field + "}&\"\"))"
	if in.Exact {
		formula = "{" + in.Field + "}&\"\"=" + quoted(in.Text)
	}
	body := map[string]any{"filterByFormula": formula, "pageSize": in.Limit}
	if in.Cursor != "" {
		body["offset"] = in.Cursor
	}
	var answer struct {
		Records []object `json:"records"`
		Offset  string   `json:"offset"`
	}
	err := call.Do(ctx, sdk.Request{Path: sdk.Path("/v0/%s/%s/listRecords", in.BaseID, in.Table), JSON: body}, &answer)
	if answer.Records == nil {
		answer.Records = []object{}
	}
	return recordPage{Records: answer.Records, NextCursor: answer.Offset}, err
}

// quoted writes a text as Airtable's formulas have it, so that no text ends itself.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s) + `"`
}

type getRecordInput struct {
	recordInput
	shape
}

type newRecord struct {
	Fields object `json:"fields" jsonschema:"values by field name or id"`
}

type writing struct {
	Typecast  bool `json:"typecast,omitempty" jsonschema:"have Airtable convert texts, and make options that a field does not have yet"`
	ByFieldID bool `json:"return_fields_by_field_id,omitempty" jsonschema:"name fields by their ids"`
}

type createRecordsInput struct {
	tableInput
	Records []newRecord `json:"records" minItems:"1" maxItems:"10"`
	writing
}

type records struct {
	Records []object `json:"records"`
}

type changedRecord struct {
	ID     string `json:"id" pattern:"^rec[A-Za-z0-9]+$"`
	Fields object `json:"fields" jsonschema:"values by field name or id; null empties one"`
}

type updateRecordsInput struct {
	tableInput
	Records []changedRecord `json:"records" minItems:"1" maxItems:"10"`
	writing
}

type upsertRecordsInput struct {
	tableInput
	Records []newRecord `json:"records" minItems:"1" maxItems:"10"`
	MergeOn []string    `json:"merge_on" to:"body performUpsert.fieldsToMergeOn" minItems:"1" maxItems:"3" jsonschema:"fields whose values together tell a record from others"`
	writing
}

type upserted struct {
	Records []object `json:"records"`
	Created []string `json:"created_records" jsonschema:"ids of those that were made"`
	Updated []string `json:"updated_records" jsonschema:"ids of those that were there"`
}

type deleteRecordsInput struct {
	tableInput
	RecordIDs []string `json:"record_ids" to:"query records[]" minItems:"1" maxItems:"10"`
}

type deleted struct {
	Records []object `json:"records"`
}
