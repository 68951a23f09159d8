package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// object is any JSON object, kept as it came.
type object map[string]json.RawMessage

// endpoint is a request as data.
func endpoint(method, path string, query ...any) sdk.Endpoint {
	return sdk.Endpoint{Method: method, Path: path, Query: sdk.Query(query...), CamelCase: true}
}

// paged is how lists are asked for a page.
type paged struct {
	Limit  int    `json:"limit,omitempty" minimum:"1" maximum:"100" default:"25" jsonschema:"how many at most"`
	Cursor string `json:"cursor,omitempty" maxLength:"8000" jsonschema:"next_cursor of the page before; the other properties are not looked at then"`
}

// page is one page of a list.
type page struct {
	Items      []object `json:"items"`
	NextCursor string   `json:"next_cursor,omitempty"`
}

// list asks for a page of a path. Graph names the next one by a whole address, of which the query is the cursor: the path and the host
// stay this operation's, whatever a caller gives as one.
func (p paged) list(ctx context.Context, call *sdk.Call, path string, header http.Header, pairs ...any) (page, error) {
	if p.Limit == 0 {
		p.Limit = 25
	}
	query := sdk.Query(append(pairs, "$top", p.Limit)...)
	if p.Cursor != "" {
		given, err := url.ParseQuery(p.Cursor)
		if err != nil || len(given) == 0 {
			return page{}, sdk.Invalid("/cursor", "it must be a next_cursor of this operation")
		}
		query = given
	}
	var answer struct {
		Value []object `json:"value"`
		Next  string   `json:"@odata.nextLink"`
	}
	if err := call.Do(ctx, sdk.Request{Path: path, Query: query, Header: header}, &answer); err != nil {
		return page{}, err
	}
	out := page{Items: answer.Value}
	if out.Items == nil {
		out.Items = []object{}
	}
	if answer.Next != "" {
		next, err := url.Parse(answer.Next)
		if err != nil || next.RawQuery == "" {
			return page{}, sdk.Errorf(sdk.PlatformError, "Microsoft named a next page that is no address.")
		}
		out.NextCursor = next.RawQuery
	}
	return out, nil
}

// prefer asks for texts as plain text, and for times in a zone.
func prefer(plainText bool, zone string) http.Header {
	h := http.Header{}
	if plainText {
		h.Add("Prefer", `outlook.body-content-type="text"`)
	}
	if zone = strings.Trim(zone, `" `); zone != "" {
		h.Add("Prefer", `outlook.timezone="`+zone+`"`)
	}
	return h
}

// below answers the path of what is in a folder or calendar, or of all when none is named.
func below(collection, id, all, inner string) string {
	if id == "" {
		return all
	}
	return sdk.Path("/me/"+collection+"/%s", id) + inner
}
