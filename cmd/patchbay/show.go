package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// list is a page of a listing.
type list[T any] struct {
	Items      []T     `json:"items"`
	NextCursor *string `json:"next_cursor"`
}

// page asks for a page of a listing.
type page struct {
	Limit  int    `default:"50" help:"How many at most, up to 200."`
	Cursor string `help:"Where the page before ended."`
}

// query makes a query of names and values, leaving out those without one.
func query(pairs ...string) url.Values {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return q
}

func (p page) query(pairs ...string) url.Values {
	return query(append(pairs, "limit", strconv.Itoa(p.Limit), "cursor", p.Cursor)...)
}

// show asks the host and prints the answer: as JSON, or as human says it.
func show[T any](ctx context.Context, c *client, con *console, r request, human func(T)) error {
	raw, err := c.ask(ctx, r)
	if err != nil {
		return err
	}
	if con.json {
		return con.document(raw)
	}
	v, err := decode[T](raw)
	if err != nil {
		return err
	}
	human(v)
	return nil
}

// showList shows a page as a table, or says what to do where it is empty.
func showList[T any](ctx context.Context, c *client, con *console, r request, empty string, header []string, row func(T) []string) error {
	return show(ctx, c, con, r, func(l list[T]) {
		if len(l.Items) == 0 {
			con.note("%s", empty)
			return
		}
		rows := make([][]string, 0, len(l.Items))
		for _, item := range l.Items {
			rows = append(rows, row(item))
		}
		con.table(header, rows)
		if l.NextCursor != nil {
			con.note("There are more: --cursor %s", clean(*l.NextCursor))
		}
	})
}

// fetch asks the host for a value.
func fetch[T any](ctx context.Context, c *client, r request) (T, error) {
	raw, err := c.ask(ctx, r)
	if err != nil {
		var zero T
		return zero, err
	}
	return decode[T](raw)
}

// fetchAll asks for all pages of a listing.
func fetchAll[T any](ctx context.Context, c *client, q url.Values, path ...string) ([]T, error) {
	var all []T
	q.Set("limit", "200")
	for {
		l, err := fetch[list[T]](ctx, c, get(q, path...))
		if err != nil {
			return nil, err
		}
		all = append(all, l.Items...)
		if l.NextCursor == nil || len(l.Items) == 0 {
			return all, nil
		}
		q.Set("cursor", *l.NextCursor)
	}
}

func decode[T any](raw json.RawMessage) (T, error) {
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, errors.New("the host's answer does not have the form that this version of patchbay knows; --json prints it as it is")
	}
	return v, nil
}

func get(q url.Values, path ...string) request {
	return request{method: http.MethodGet, path: path, query: q}
}

func post(in any, path ...string) request {
	return request{method: http.MethodPost, path: path, in: in}
}

// dateOf says a time that is always there.
func (c *console) dateOf(t time.Time) string { return c.date(&t) }
