package main

import (
	"strconv"

	"github.com/patchbay/patchbay/sdk"
)

// How many a page holds when the caller does not say: pages by cursor, and numbered ones.
const (
	defaultLimit         = 100
	defaultNumberedLimit = 20
)

// page is the common input of operations that give their result in pages.
type page struct {
	Cursor string `json:"cursor,omitempty" jsonschema:"next_cursor of the page before; leave it out for the first page" maxLength:"2000"`
	Limit  int    `json:"limit,omitempty" jsonschema:"how many at most; Slack may give fewer although more follow" minimum:"1" maximum:"999" default:"100"`
}

func (p page) limit() int {
	if p.Limit == 0 {
		return defaultLimit
	}
	return p.Limit
}

// next is where Slack puts the cursor of the page that follows.
type next struct {
	ResponseMetadata struct {
		NextCursor string `json:"next_cursor"`
	} `json:"response_metadata"`
}

func (n next) cursor() string { return n.ResponseMetadata.NextCursor }

// numbered is the input of methods that count their pages. The cursor is the number of the page, so that callers page all alike.
type numbered struct {
	Cursor string `json:"cursor,omitempty" jsonschema:"next_cursor of the page before; leave it out for the first page" pattern:"^[1-9][0-9]{0,5}$"`
	Limit  int    `json:"limit,omitempty" jsonschema:"how many at most" minimum:"1" maximum:"100" default:"20"`
}

// number answers the page that is asked for, from 1.
func (n numbered) number() (int, error) {
	if n.Cursor == "" {
		return 1, nil
	}
	number, err := strconv.Atoi(n.Cursor)
	if err != nil || number < 1 {
		return 0, sdk.Invalid("/cursor", "it must be a next_cursor of this operation")
	}
	return number, nil
}

func (n numbered) limit() int {
	if n.Limit == 0 {
		return defaultNumberedLimit
	}
	return n.Limit
}

// paging is where methods that count their pages say how many there are.
type paging struct {
	Total int `json:"total"`
	Page  int `json:"page"`
	Pages int `json:"pages"`
}

func (p paging) cursor() string {
	if p.Page < 1 || p.Page >= p.Pages {
		return ""
	}
	return strconv.Itoa(p.Page + 1)
}
