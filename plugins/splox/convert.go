package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/patchbay/patchbay/sdk"
)

type encoding struct {
	Text    string `json:"text"`
	URLSafe bool   `json:"url_safe,omitempty" jsonschema:"true for - and _ instead of + and /, without ="`
}

type decoding struct {
	Base64 string `json:"base64" jsonschema:"in either alphabet, with or without ="`
}

type base64Text struct {
	Base64 string `json:"base64"`
}

type decoded struct {
	Text  string `json:"text,omitempty" jsonschema:"absent where the bytes are no text"`
	Hex   string `json:"hex,omitempty" jsonschema:"the bytes, where they are no text"`
	Bytes int    `json:"bytes"`
}

type csvText struct {
	CSV       string `json:"csv"`
	Delimiter string `json:"delimiter,omitempty" maxLength:"4" jsonschema:"one character; a comma when left out"`
	NoHeader  bool   `json:"no_header,omitempty" jsonschema:"true where the first row is no header: each row is a list then"`
}

type rows struct {
	Rows []json.RawMessage `json:"rows" jsonschema:"an object for each row, all values texts, or a list without a header"`
}

type table struct {
	Rows      []sdk.Object `json:"rows" jsonschema:"an object for each row"`
	Columns   []string     `json:"columns,omitempty" jsonschema:"which, and in which order; all, sorted by name, when left out"`
	Delimiter string       `json:"delimiter,omitempty" maxLength:"4"`
}

type csvWritten struct {
	CSV string `json:"csv"`
}

type jsonText struct {
	Text string `json:"text"`
}

type jsonValue struct {
	Value json.RawMessage `json:"value"`
}

type jsonWriting struct {
	Value  json.RawMessage `json:"value"`
	Indent int             `json:"indent,omitempty" minimum:"0" maximum:"8" jsonschema:"blanks of each level; on one line when left out"`
}

func convertOperations() []sdk.Operation {
	return []sdk.Operation{
		{Name: "convert_base64_encode", Effect: sdk.Read, Run: sdk.Func(toBase64), Description: "Writes a text in base64."},
		{Name: "convert_base64_decode", Effect: sdk.Read, Run: sdk.Func(decode), Description: "Reads base64: as text, or in hexadecimal where the bytes are no text. Refuses what is not base64."},
		{Name: "convert_json_parse", Effect: sdk.Read, Run: sdk.Func(parseJSON), Description: "Reads a text that holds JSON. Refuses what is not JSON, and says where."},
		{Name: "convert_json_stringify", Effect: sdk.Read, Run: sdk.Func(writeJSON), Description: "Writes a value as JSON text."},
		{Name: "convert_csv_to_json", Effect: sdk.Read, Run: sdk.Func(fromCSV), Description: "Reads CSV (RFC 4180) as objects by its header. Refuses rows of differing lengths, and a header that has a name twice."},
		{Name: "convert_json_to_csv", Effect: sdk.Read, Run: sdk.Func(toCSV), Description: "Writes objects as CSV with a header. Values that are objects or lists are written as JSON. Texts that a spreadsheet would run as a formula are kept as they are: mind who opens it."},
	}
}

func toBase64(_ context.Context, _ *sdk.Call, in encoding) (base64Text, error) {
	if err := tooLong("/text", in.Text); err != nil {
		return base64Text{}, err
	}
	if in.URLSafe {
		return base64Text{base64.RawURLEncoding.EncodeToString([]byte(in.Text))}, nil
	}
	return base64Text{base64.StdEncoding.EncodeToString([]byte(in.Text))}, nil
}

// fromBase64 reads base64 in either alphabet, with or without padding.
func fromBase64(text string) ([]byte, error) {
	text = strings.NewReplacer("-", "+", "_", "/", "\r", "", "\n", "").Replace(text)
	data, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return nil, sdk.Invalid("/base64", "it is not base64")
	}
	return data, nil
}

func decode(_ context.Context, _ *sdk.Call, in decoding) (decoded, error) {
	if err := tooLong("/base64", in.Base64); err != nil {
		return decoded{}, err
	}
	data, err := fromBase64(in.Base64)
	if err != nil {
		return decoded{}, err
	}
	if utf8.Valid(data) {
		return decoded{Text: string(data), Bytes: len(data)}, nil
	}
	return decoded{Hex: encoded{}.write(data), Bytes: len(data)}, nil
}

func parseJSON(_ context.Context, _ *sdk.Call, in jsonText) (jsonValue, error) {
	if err := tooLong("/text", in.Text); err != nil {
		return jsonValue{}, err
	}
	var value json.RawMessage
	if err := json.Unmarshal([]byte(in.Text), &value); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return jsonValue{}, sdk.Invalid("/text", "it is not JSON from byte %d on", syntax.Offset)
		}
		return jsonValue{}, sdk.Invalid("/text", "it is not JSON")
	}
	return jsonValue{value}, nil
}

func writeJSON(_ context.Context, _ *sdk.Call, in jsonWriting) (written, error) {
	var compact, out bytes.Buffer
	if err := json.Compact(&compact, in.Value); err != nil {
		return written{}, sdk.Invalid("/value", "it is not JSON")
	}
	if in.Indent == 0 {
		return written{compact.String()}, nil
	}
	if indentedSize(compact.Bytes(), in.Indent) > maxResult {
		return written{}, sdk.Invalid("/indent", "the text would be larger than %d MiB", maxResult>>20)
	}
	if err := json.Indent(&out, compact.Bytes(), "", strings.Repeat(" ", in.Indent)); err != nil {
		return written{}, sdk.Invalid("/value", "it is not JSON")
	}
	return written{out.String()}, nil
}

// maxResult bounds what is made of an input: a small one may ask for a lot of blanks, or of the same words again and again.
const maxResult = 8 << 20

// indentedSize answers how large JSON becomes at most when it is indented, without doing it.
func indentedSize(compact []byte, indent int) int {
	size, depth, quoted := 0, 0, false
	for i := 0; i < len(compact); i++ {
		size++
		switch c := compact[i]; {
		case quoted && c == '\\':
			i, size = i+1, size+1
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
			size += 1 + depth*indent
		case c == '}' || c == ']':
			depth--
			size += 1 + depth*indent
		case c == ',':
			size += 1 + depth*indent
		case c == ':':
			size++
		}
	}
	return size
}

// delimiter answers the one character that parts values.
func delimiter(text string) (rune, error) {
	if text == "" {
		return ',', nil
	}
	r, size := utf8.DecodeRuneInString(text)
	if size != len(text) || r == utf8.RuneError || strings.ContainsRune("\"\r\n", r) {
		return 0, sdk.Invalid("/delimiter", "it must be one character, and no quote or line end")
	}
	return r, nil
}

func fromCSV(_ context.Context, _ *sdk.Call, in csvText) (rows, error) {
	if err := tooLong("/csv", in.CSV); err != nil {
		return rows{}, err
	}
	comma, err := delimiter(in.Delimiter)
	if err != nil {
		return rows{}, err
	}
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(in.CSV, "\uFEFF")))
	r.Comma = comma
	records, err := r.ReadAll()
	var broken *csv.ParseError
	if errors.As(err, &broken) {
		return rows{}, sdk.Invalid("/csv", "line %d: %v", broken.Line, broken.Err)
	}
	if err != nil {
		return rows{}, sdk.Invalid("/csv", "it is not CSV")
	}
	out, size := rows{Rows: []json.RawMessage{}}, 0
	if in.NoHeader {
		for _, record := range records {
			out.Rows = append(out.Rows, encode(record))
		}
		return out, nil
	}
	if len(records) == 0 {
		return out, nil
	}
	header := records[0]
	if names := slices.Compact(slices.Sorted(slices.Values(header))); len(names) < len(header) {
		return rows{}, sdk.Invalid("/csv", "the header has a name twice")
	}
	for _, record := range records[1:] {
		row := map[string]string{}
		for i, name := range header {
			row[name] = record[i]
		}
		one := encode(row)
		if size += len(one); size > maxResult {
			return rows{}, sdk.Invalid("/csv", "the rows would be larger than %d MiB: its header is too long for so many", maxResult>>20)
		}
		out.Rows = append(out.Rows, one)
	}
	return out, nil
}

func toCSV(_ context.Context, _ *sdk.Call, in table) (csvWritten, error) {
	comma, err := delimiter(in.Delimiter)
	if err != nil {
		return csvWritten{}, err
	}
	if in.Columns == nil {
		seen := map[string]bool{}
		for _, row := range in.Rows {
			for name := range row {
				if !seen[name] {
					seen[name] = true
					in.Columns = append(in.Columns, name)
				}
			}
		}
		slices.Sort(in.Columns)
	}
	if len(in.Columns) == 0 {
		return csvWritten{}, nil
	}
	if len(in.Rows)+1 > maxCells/len(in.Columns) {
		return csvWritten{}, sdk.Invalid("/rows", "rows and columns make more than %d cells", maxCells)
	}
	return writeCSV(in.Rows, in.Columns, comma)
}

// maxCells bounds a table, most of whose cells may be empty.
const maxCells = 1_000_000

func writeCSV(table []sdk.Object, columns []string, comma rune) (csvWritten, error) {
	var out strings.Builder
	w := csv.NewWriter(&out)
	w.Comma = comma
	err := w.Write(columns)
	record := make([]string, len(columns))
	for _, row := range table {
		for i, name := range columns {
			record[i] = cell(row[name])
		}
		if err == nil {
			err = w.Write(record)
		}
		if out.Len() > maxResult {
			return csvWritten{}, sdk.Invalid("/rows", "the text would be larger than %d MiB", maxResult>>20)
		}
	}
	w.Flush()
	if err != nil {
		return csvWritten{}, sdk.Errorf(sdk.AdapterBug, "The rows could not be written.")
	}
	return csvWritten{out.String()}, nil
}

// cell writes a value as it stands in a table: a text as it is, null as nothing, anything else as JSON.
func cell(raw json.RawMessage) string {
	switch {
	case sdk.IsNull(raw):
		return ""
	case raw[0] == '"':
		return sdk.Text(raw)
	}
	return string(raw)
}

// encode is for values that are texts, lists and maps of texts.
func encode(v any) json.RawMessage {
	out, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return out
}
