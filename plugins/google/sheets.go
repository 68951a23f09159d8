package main

import (
	_ "embed"
	"net/http"
	"slices"

	"github.com/patchbay/patchbay/sdk"
)

//go:embed icons/google-sheets.svg
var sheetsIcon []byte

// driveHost is where the files of other services are listed.
const driveHost = "www.googleapis.com"

const (
	spreadsheetPath = "/v4/spreadsheets/{spreadsheet_id}"
	valuesPath      = spreadsheetPath + "/values/{range}"
	spreadsheetMIME = "application/vnd.google-apps.spreadsheet"
)

// sheets is Google Sheets as data.
func sheets() sdk.Platform {
	return sdk.Platform{
		ID: "google-sheets", Name: "Google Sheets", Category: sdk.Productivity, Icon: sheetsIcon, Website: "https://developers.google.com/workspace/sheets/api",
		Description: "Reads, writes, searches and shapes spreadsheets.",
		BaseURL:     "https://sheets.googleapis.com", Hosts: []string{driveHost, identityHost},
		Auth:      []sdk.AuthMethod{oauth("google-sheets", "Google Sheets and Google Drive")},
		Authorize: authorize, Verify: verify, Explain: explain,
		RateLimits: rateLimits(cellOperations(), sheetOperations()),
		Operations: slices.Concat(cellOperations(), sheetOperations()),
	}
}

// rateLimits are Google's for a person in one project: it counts reads and writes apart.
func rateLimits(lists ...[]sdk.Operation) []sdk.RateLimit {
	reads, writes := sdk.RateLimit{Calls: 60, PerSeconds: 60}, sdk.RateLimit{Calls: 60, PerSeconds: 60}
	for _, op := range slices.Concat(lists...) {
		switch {
		case op.Name == "list_spreadsheets": // which is Drive's
		case op.Effect == sdk.Read:
			reads.Operations = append(reads.Operations, op.Name)
		default:
			writes.Operations = append(writes.Operations, op.Name)
		}
	}
	return []sdk.RateLimit{reads, writes}
}

func cellOperations() []sdk.Operation {
	read, write := scope("spreadsheets.readonly"), scope("spreadsheets")
	return []sdk.Operation{
		{Name: "list_spreadsheets", Effect: sdk.Read, Scopes: scope("drive.metadata.readonly"), Run: sdk.Func(listSpreadsheets), Description: "Lists the spreadsheets that the account can see, newest change first, in pages, by words in their name if given."},
		{Name: "create_spreadsheet", Effect: sdk.Write, Scopes: write, Run: sdk.Func(createSpreadsheet), Description: "Makes a spreadsheet in the account's own Drive, with the named sheets (tabs) if given."},
		{Name: "get_spreadsheet", Effect: sdk.Read, Scopes: read, Run: sdk.Send[getSpreadsheetInput, object](endpoint("", spreadsheetPath, "includeGridData", "false")), Description: "Answers a spreadsheet's title, its sheets with their ids and sizes, and named ranges, without cells (read_range has those)."},
		{Name: "read_range", Effect: sdk.Read, Scopes: read, Run: sdk.Send[readInput, valueRange](endpoint("", valuesPath)), Description: "Reads the cells of one range in A1 notation, such as Sheet1!A1:D20 or a whole sheet by its name. Empty cells at the end of rows and empty rows at the end are left out."},
		{Name: "batch_read", Effect: sdk.Read, Scopes: read, Run: sdk.Send[batchReadInput, valueRanges](endpoint("", spreadsheetPath+"/values:batchGet")), Description: "Reads several ranges at once, as read_range does one."},
		{Name: "find_rows", Effect: sdk.Read, Scopes: read, Run: sdk.Func(findRows), Description: "Answers the rows of a sheet in which a column holds a value, exactly or in part, with their row numbers. The first row must be the header. It reads the whole sheet: for sheets of up to about 50,000 rows."},
		{Name: "append_rows", Effect: sdk.Write, Scopes: write, Run: sdk.Send[appendInput, appended](endpoint(http.MethodPost, valuesPath+":append")), Description: "Adds rows after the last row of the table that a range touches. With USER_ENTERED texts that look like numbers, dates or formulas become such; with RAW they stay texts."},
		{Name: "update_range", Effect: sdk.Idempotent, Scopes: write, Run: sdk.Send[updateInput, updated](endpoint(http.MethodPut, valuesPath)), Description: "Writes cells from the top left of a range on. null leaves a cell as it is, \"\" empties it. Refuses rows that do not fit the range."},
		{Name: "batch_update", Effect: sdk.Idempotent, Scopes: write, Run: sdk.Send[batchUpdateInput, batchUpdated](endpoint(http.MethodPost, spreadsheetPath+"/values:batchUpdate")), Description: "Writes several ranges at once, all or none, as update_range does one."},
		{Name: "clear_range", Effect: sdk.Idempotent, Scopes: write, Run: sdk.Send[rangeInput, cleared](endpoint(http.MethodPost, valuesPath+":clear")), Description: "Empties the cells of a range; how they look stays."},
	}
}

func sheetOperations() []sdk.Operation {
	write := scope("spreadsheets")
	return []sdk.Operation{
		{Name: "add_sheet", Effect: sdk.Write, Scopes: write, Run: change[addSheetInput]("addSheet"), Description: "Adds a sheet (tab). A title that exists is refused."},
		{Name: "delete_sheet", Effect: sdk.Idempotent, Scopes: write, Run: change[sheetInput]("deleteSheet"), Description: "Deletes a sheet (tab) with all that is in it, for good. The last sheet is refused."},
		{Name: "duplicate_sheet", Effect: sdk.Write, Scopes: write, Run: change[duplicateSheetInput]("duplicateSheet"), Description: "Copies a sheet (tab) within its spreadsheet."},
		{Name: "rename_sheet", Effect: sdk.Idempotent, Scopes: write, Run: change[renameSheetInput]("updateSheetProperties"), Description: "Gives a sheet (tab) another title."},
		{Name: "insert_rows_or_columns", Effect: sdk.Write, Scopes: write, Run: change[insertInput]("insertDimension"), Description: "Inserts empty rows or columns; what is there moves on. Numbers count from 0, the end is left out."},
		{Name: "delete_rows_or_columns", Effect: sdk.Write, Scopes: write, Run: change[dimensionInput]("deleteDimension"), Description: "Deletes rows or columns for good; what follows moves up. Numbers count from 0, the end is left out. Repeating it deletes further ones."},
		{Name: "format_range", Effect: sdk.Idempotent, Scopes: write, Run: change[formatInput]("repeatCell"), Description: "Changes how cells look: format is Google's CellFormat (such as {\"textFormat\":{\"bold\":true}}), and fields says which of it is taken, such as userEnteredFormat.textFormat.bold. Rows and columns count from 0, ends are left out."},
		{Name: "batch_change", Effect: sdk.Write, Scopes: write, Run: sdk.Send[batchChangeInput, changedSpreadsheet](endpoint(http.MethodPost, spreadsheetPath+":batchUpdate")), Description: "Runs any of Google's spreadsheet requests (spreadsheets.batchUpdate), all or none: charts, filters, validation, protection, merging, sorting. For those without an operation of their own."},
	}
}

type spreadsheetInput struct {
	SpreadsheetID string `json:"spreadsheet_id" pattern:"^[A-Za-z0-9_-]+$" jsonschema:"the long id in the spreadsheet's address"`
}

type getSpreadsheetInput struct {
	spreadsheetInput
	Ranges []string `json:"ranges,omitempty" jsonschema:"only the sheets of these"`
}

type rangeInput struct {
	spreadsheetInput
	Range string `json:"range" minLength:"1" jsonschema:"A1 notation, such as 'My sheet'!A1:D20"`
}

type rendering struct {
	Values string `json:"values_as,omitempty" to:"query valueRenderOption" enum:"FORMATTED_VALUE,UNFORMATTED_VALUE,FORMULA" jsonschema:"FORMATTED_VALUE, as people see them, when left out"`
	Dates  string `json:"dates_as,omitempty" to:"query dateTimeRenderOption" enum:"SERIAL_NUMBER,FORMATTED_STRING" jsonschema:"unless values are formatted"`
	By     string `json:"by,omitempty" to:"query majorDimension" enum:"ROWS,COLUMNS" jsonschema:"whether the inner lists are rows or columns"`
}

type readInput struct {
	rangeInput
	rendering
}

type batchReadInput struct {
	spreadsheetInput
	Ranges []string `json:"ranges" minItems:"1" maxItems:"100" jsonschema:"in A1 notation"`
	rendering
}

type valueRange struct {
	Range  string  `json:"range"`
	Values [][]any `json:"values"`
}

type valueRanges struct {
	Ranges []object `json:"ranges" from:"valueRanges"`
}

type inputOption struct {
	Option string `json:"input_option,omitempty" to:"query valueInputOption" enum:"RAW,USER_ENTERED" default:"USER_ENTERED"`
}

type appendInput struct {
	rangeInput
	Values [][]any `json:"values" minItems:"1" jsonschema:"rows of texts, numbers, booleans or null"`
	inputOption
	Insert string `json:"insert,omitempty" to:"query insertDataOption" enum:"OVERWRITE,INSERT_ROWS" jsonschema:"INSERT_ROWS makes new rows instead of writing over what follows the table"`
}

type updated struct {
	Range string `json:"range" from:"updatedRange"`
	Rows  int    `json:"rows" from:"updatedRows"`
	Cells int    `json:"cells" from:"updatedCells"`
}

type appended struct {
	Range string `json:"range" from:"updates.updatedRange" jsonschema:"where the rows went"`
	Rows  int    `json:"rows" from:"updates.updatedRows"`
	Cells int    `json:"cells" from:"updates.updatedCells"`
}

type updateInput struct {
	rangeInput
	Values [][]any `json:"values" minItems:"1" jsonschema:"rows of texts, numbers, booleans or null"`
	By     string  `json:"by,omitempty" to:"body majorDimension" enum:"ROWS,COLUMNS" jsonschema:"whether the inner lists are rows or columns"`
	inputOption
}

type rangeValues struct {
	Range  string  `json:"range" minLength:"1"`
	Values [][]any `json:"values" minItems:"1"`
}

type batchUpdateInput struct {
	spreadsheetInput
	Data   []rangeValues `json:"data" minItems:"1" maxItems:"100"`
	Option string        `json:"input_option,omitempty" to:"body valueInputOption" enum:"RAW,USER_ENTERED" default:"USER_ENTERED"`
}

type batchUpdated struct {
	Rows  int `json:"rows" from:"totalUpdatedRows"`
	Cells int `json:"cells" from:"totalUpdatedCells"`
}

type cleared struct {
	Range string `json:"range" from:"clearedRange"`
}

type batchChangeInput struct {
	spreadsheetInput
	Requests []object `json:"requests" minItems:"1" maxItems:"500" jsonschema:"each an object with one property, such as {\"mergeCells\": {...}}"`
}

type changedSpreadsheet struct {
	Replies []object `json:"replies" jsonschema:"one for each request; empty objects where there is nothing to say"`
}
