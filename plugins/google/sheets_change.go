package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// change makes the function of an operation that is one request of spreadsheets.batchUpdate.
func change[In interface {
	spreadsheet() string
	request() any
}](name string) sdk.Handler {
	return sdk.Func(func(ctx context.Context, call *sdk.Call, in In) (changedSpreadsheet, error) {
		out := changedSpreadsheet{Replies: []object{}}
		r := sdk.Request{Path: sdk.Path("/v4/spreadsheets/%s:batchUpdate", in.spreadsheet()),
			JSON: map[string]any{"requests": []any{map[string]any{name: in.request()}}}}
		return out, call.Do(ctx, r, &out)
	})
}

func (in spreadsheetInput) spreadsheet() string { return in.SpreadsheetID }

type sheetInput struct {
	spreadsheetInput
	SheetID int64 `json:"sheet_id" minimum:"0" jsonschema:"the sheet's number, as get_spreadsheet answers it; 0 is often the first"`
}

func (in sheetInput) request() any { return map[string]any{"sheetId": in.SheetID} }

type addSheetInput struct {
	spreadsheetInput
	Title   string `json:"title" minLength:"1" maxLength:"100"`
	Rows    int    `json:"rows,omitempty" minimum:"1" maximum:"1000000"`
	Columns int    `json:"columns,omitempty" minimum:"1" maximum:"18278"`
}

func (in addSheetInput) request() any {
	properties, grid := map[string]any{"title": in.Title}, map[string]any{}
	if in.Rows > 0 {
		grid["rowCount"] = in.Rows
	}
	if in.Columns > 0 {
		grid["columnCount"] = in.Columns
	}
	if len(grid) > 0 {
		properties["gridProperties"] = grid
	}
	return map[string]any{"properties": properties}
}

type duplicateSheetInput struct {
	sheetInput
	Title string `json:"title,omitempty" maxLength:"100" jsonschema:"of the copy"`
}

func (in duplicateSheetInput) request() any {
	r := map[string]any{"sourceSheetId": in.SheetID}
	if in.Title != "" {
		r["newSheetName"] = in.Title
	}
	return r
}

type renameSheetInput struct {
	sheetInput
	Title string `json:"title" minLength:"1" maxLength:"100"`
}

func (in renameSheetInput) request() any {
	return map[string]any{"properties": map[string]any{"sheetId": in.SheetID, "title": in.Title}, "fields": "title"}
}

type dimensionInput struct {
	sheetInput
	Dimension string `json:"dimension" enum:"ROWS,COLUMNS"`
	Start     int    `json:"start" minimum:"0" jsonschema:"the first one, from 0"`
	End       int    `json:"end" minimum:"1" jsonschema:"the one after the last"`
}

func (in dimensionInput) request() any {
	return map[string]any{"range": map[string]any{"sheetId": in.SheetID, "dimension": in.Dimension, "startIndex": in.Start, "endIndex": in.End}}
}

type insertInput struct {
	dimensionInput
	Inherit bool `json:"inherit_from_before,omitempty" jsonschema:"look like the row or column before, not the one after"`
}

func (in insertInput) request() any {
	return map[string]any{"range": in.dimensionInput.request().(map[string]any)["range"], "inheritFromBefore": in.Inherit}
}

type formatInput struct {
	sheetInput
	StartRow    int    `json:"start_row" minimum:"0"`
	EndRow      int    `json:"end_row" minimum:"1"`
	StartColumn int    `json:"start_column" minimum:"0"`
	EndColumn   int    `json:"end_column" minimum:"1"`
	Format      object `json:"format" jsonschema:"Google's CellFormat"`
	Fields      string `json:"fields,omitempty" pattern:"^[A-Za-z.,()*]+$" default:"userEnteredFormat" jsonschema:"what of it is taken"`
}

func (in formatInput) request() any {
	if in.Fields == "" {
		in.Fields = "userEnteredFormat"
	}
	return map[string]any{"range": map[string]any{"sheetId": in.SheetID, "startRowIndex": in.StartRow, "endRowIndex": in.EndRow, "startColumnIndex": in.StartColumn, "endColumnIndex": in.EndColumn},
		"cell": map[string]any{"userEnteredFormat": in.Format}, "fields": in.Fields}
}

type listSpreadsheetsInput struct {
	Name  string `json:"name,omitempty" maxLength:"200" jsonschema:"words that stand in the name"`
	Limit int    `json:"limit,omitempty" minimum:"1" maximum:"1000" default:"50"`
	paged
}

type spreadsheetPage struct {
	Spreadsheets []object `json:"spreadsheets"`
	NextCursor   string   `json:"next_cursor,omitempty"`
}

func listSpreadsheets(ctx context.Context, call *sdk.Call, in listSpreadsheetsInput) (spreadsheetPage, error) {
	files, err := ofKind(ctx, call, spreadsheetMIME, in)
	return spreadsheetPage{Spreadsheets: files.Files, NextCursor: files.NextCursor}, err
}

// ofKind lists the files of one kind in the account's Drive.
func ofKind(ctx context.Context, call *sdk.Call, kind string, in listSpreadsheetsInput) (filePage, error) {
	if in.Limit == 0 {
		in.Limit = 50
	}
	words := "mimeType='" + kind + "' and trashed=false"
	if in.Name != "" {
		words += " and name contains " + quoted(in.Name)
	}
	var answer struct {
		Files []object `json:"files"`
		Next  string   `json:"nextPageToken"`
	}
	err := call.Do(ctx, sdk.Request{Path: at(call, driveHost, "/drive/v3/files"), Query: sdk.Query("q", words, "pageSize", in.Limit, "pageToken", in.Cursor, "orderBy", "modifiedTime desc",
		"fields", "nextPageToken,files(id,name,createdTime,modifiedTime,webViewLink,owners(displayName,emailAddress))", "supportsAllDrives", true, "includeItemsFromAllDrives", true)}, &answer)
	if answer.Files == nil {
		answer.Files = []object{}
	}
	return filePage{Files: answer.Files, NextCursor: answer.Next}, err
}

// quoted writes a text as Drive's search words have it.
func quoted(s string) string {
	return "'" + strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), `'`, `\'`) + "'"
}

type createSpreadsheetInput struct {
	Title  string   `json:"title" minLength:"1" maxLength:"500"`
	Sheets []string `json:"sheets,omitempty" maxItems:"100" jsonschema:"titles of its sheets; one of Google's own naming when left out"`
}

type createdSpreadsheet struct {
	SpreadsheetID string   `json:"spreadsheet_id"`
	URL           string   `json:"url"`
	Sheets        []object `json:"sheets"`
}

func createSpreadsheet(ctx context.Context, call *sdk.Call, in createSpreadsheetInput) (createdSpreadsheet, error) {
	body := map[string]any{"properties": map[string]any{"title": in.Title}}
	var tabs []any
	for _, title := range in.Sheets {
		tabs = append(tabs, map[string]any{"properties": map[string]any{"title": title}})
	}
	if tabs != nil {
		body["sheets"] = tabs
	}
	var answer struct {
		ID     string   `json:"spreadsheetId"`
		URL    string   `json:"spreadsheetUrl"`
		Sheets []object `json:"sheets"`
	}
	err := call.Do(ctx, sdk.Request{Method: http.MethodPost, Path: "/v4/spreadsheets", JSON: body}, &answer)
	if answer.Sheets == nil {
		answer.Sheets = []object{}
	}
	return createdSpreadsheet{SpreadsheetID: answer.ID, URL: answer.URL, Sheets: answer.Sheets}, err
}

type findRowsInput struct {
	spreadsheetInput
	Sheet  string `json:"sheet" minLength:"1" jsonschema:"the sheet's title"`
	Column string `json:"column" minLength:"1" jsonschema:"the column's header, in the first row"`
	Value  string `json:"value" jsonschema:"what the cell shows"`
	Part   bool   `json:"part,omitempty" jsonschema:"find it within cells too, whatever its case"`
	Limit  int    `json:"limit,omitempty" minimum:"1" maximum:"1000" default:"100"`
}

type foundRow struct {
	Row    int               `json:"row" jsonschema:"its number, as people count"`
	Values map[string]string `json:"values" jsonschema:"by the header's texts"`
}

type foundRows struct {
	Rows []foundRow `json:"rows"`
	More bool       `json:"more" jsonschema:"there are further ones"`
}

func findRows(ctx context.Context, call *sdk.Call, in findRowsInput) (foundRows, error) {
	if in.Limit == 0 {
		in.Limit = 100
	}
	var answer struct {
		Values [][]json.RawMessage `json:"values"`
	}
	sheet := "'" + strings.ReplaceAll(in.Sheet, "'", "''") + "'"
	if err := call.Do(ctx, sdk.Request{Path: sdk.Path("/v4/spreadsheets/%s/values/%s", in.SpreadsheetID, sheet)}, &answer); err != nil {
		return foundRows{}, err
	}
	out := foundRows{Rows: []foundRow{}}
	if len(answer.Values) == 0 {
		return out, nil
	}
	header, column := answer.Values[0], -1
	for i, cell := range header {
		if cellText(cell) == in.Column {
			column = i
			break
		}
	}
	if column < 0 {
		return out, sdk.Invalid("/column", "the first row has no such header")
	}
	for i, row := range answer.Values[1:] {
		if column >= len(row) || !matches(cellText(row[column]), in) {
			continue
		}
		if len(out.Rows) == in.Limit {
			out.More = true
			break
		}
		one := foundRow{Row: i + 2, Values: map[string]string{}}
		for j, cell := range row {
			name := fmt.Sprintf("column %d", j+1)
			if j < len(header) && cellText(header[j]) != "" {
				name = cellText(header[j])
			}
			one.Values[name] = cellText(cell)
		}
		out.Rows = append(out.Rows, one)
	}
	return out, nil
}

func matches(cell string, in findRowsInput) bool {
	if in.Part {
		return strings.Contains(strings.ToLower(cell), strings.ToLower(in.Value))
	}
	return cell == in.Value
}

// cellText answers what a cell shows.
func cellText(cell json.RawMessage) string {
	var s string
	if json.Unmarshal(cell, &s) == nil {
		return s
	}
	return string(cell)
}
