package main

import (
	"encoding/json"
	"strconv"

	"github.com/patchbay/patchbay/sdk"
)

// offsetOf reads a cursor that is a number of things to skip.
func offsetOf(cursor string) (int, error) {
	if cursor == "" {
		return 0, nil
	}
	offset, err := strconv.Atoi(cursor)
	if err != nil || offset < 0 {
		return 0, sdk.Invalid("/cursor", "it must be a next_cursor of this operation")
	}
	return offset, nil
}

// offsetPage makes a page of things of which there are total.
func offsetPage(items []json.RawMessage, offset, total int) sdk.Page {
	page := sdk.Page{Items: items}
	if items == nil {
		page.Items = []json.RawMessage{}
	}
	if next := offset + len(items); len(items) > 0 && next < total {
		page.NextCursor = strconv.Itoa(next)
	}
	return page
}
