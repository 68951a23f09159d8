package sdk

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Route makes a request of a route and an input. A route is a method and a path, in which properties of the input stand in braces:
// "POST /batches/{batch_id}/cancel". {+name} keeps the slashes within a value. The properties that stand in the path are not sent again; of the others those
// tagged wire:"name,query" are the query, and the rest is the query too with GET, HEAD and DELETE, and else the JSON body (see [Body]).
func Route(route string, input any) (Request, error) {
	method, path, _ := strings.Cut(route, " ")
	parts, err := split(input)
	if err != nil {
		return Request{}, err
	}
	for _, property := range placesIn(path) {
		delete(parts.query, property)
		delete(parts.body, property)
	}
	r := Request{Method: method, Path: fillPath(path, parts.all), Query: url.Values{}}
	if slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodDelete}, method) {
		for name, value := range parts.body {
			parts.query[name] = value
		}
	} else if parts.takesBody {
		r.JSON = parts.body
	}
	for name, value := range parts.query {
		setQuery(r.Query, name, value)
	}
	return r, nil
}

// Routed makes the function of an operation that is one request, told as data (see [Route]), and answers the platform's object.
func Routed[In any](route string) Handler {
	return RoutedTo(route, func(_ *Call, _ In, answer Object) (Object, error) { return answer, nil })
}

// RoutedTo is [Routed] for answers that are given in another shape, which read makes.
func RoutedTo[In, Out any](route string, read func(*Call, In, Object) (Out, error)) Handler {
	return Func(func(ctx context.Context, call *Call, in In) (out Out, err error) {
		r, err := Route(route, in)
		if err != nil {
			return out, err
		}
		var answer Object
		if err := call.Do(ctx, r, &answer); err != nil {
			return out, err
		}
		return read(call, in, answer)
	})
}

// Page is one page of a list, in the one shape that all adapters give: `cursor` in, `next_cursor` out.
type Page struct {
	Items      []json.RawMessage `json:"items"`
	NextCursor string            `json:"next_cursor,omitempty" jsonschema:"for the next page; absent on the last one"`
}

// PageOf reads a page out of an answer: the list of that name, which platforms leave out where it is empty, and the next page's
// cursor, where next is not "". An answer whose list is none is a PlatformError.
func PageOf(answer Object, list, next string) (Page, error) {
	page := Page{Items: []json.RawMessage{}}
	if raw := answer[list]; !IsNull(raw) {
		if err := json.Unmarshal(raw, &page.Items); err != nil {
			return Page{}, Errorf(PlatformError, "The platform's answer holds no list where one was expected.")
		}
	}
	if raw := answer[next]; !IsNull(raw) {
		page.NextCursor = plain(raw)
	}
	return page, nil
}

// Pages makes the function of an operation that lists things (see [Route], [PageOf]).
func Pages[In any](route, list, next string) Handler {
	return RoutedTo(route, func(_ *Call, _ In, answer Object) (Page, error) { return PageOf(answer, list, next) })
}

// Done is the answer of an operation that answers nothing but that it was done.
type Done struct {
	Done bool `json:"done"`
}

// Deletes makes the function of an operation whose answer says nothing, such as deleting (see [Route]).
func Deletes[In any](route string) Handler {
	return Func(func(ctx context.Context, call *Call, in In) (Done, error) {
		r, err := Route(route, in)
		if err != nil {
			return Done{}, err
		}
		err = call.Do(ctx, r, nil)
		return Done{Done: err == nil}, err
	})
}
