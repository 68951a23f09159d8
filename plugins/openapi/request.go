package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/patchbay/patchbay/sdk"
)

// request makes the request of a call.
func (op *operationPlan) request(call *sdk.Call, input object, next func() (*sdk.File, error)) (sdk.Request, error) {
	r := sdk.Request{Method: op.Method, Header: http.Header{}}
	if op.Accept != "" {
		r.Header.Set("Accept", op.Accept)
	} else {
		r.Header.Set("Accept", "application/json, */*;q=0.5")
	}
	path, query := op.Path, []string{}
	for _, p := range op.Parameters {
		value, given := input[p.Key]
		if !given {
			continue
		}
		switch p.In {
		case "path":
			written := p.write(value)
			if written == "" {
				return r, sdk.Invalid("/"+p.Key, "it names what the call is about and may not be empty")
			}
			path = strings.ReplaceAll(path, "{"+p.Name+"}", written)
		case "query":
			query = append(query, p.pairs(value)...)
		case "querystring":
			query = append(query, url.QueryEscape(plain(value)))
		case "header", "cookie":
			written := plainHeader(p, value)
			if strings.ContainsFunc(written, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
				return r, sdk.Invalid("/"+p.Key, "it may hold no line breaks or control characters")
			}
			if p.In == "cookie" {
				addCookie(r.Header, p.Name, url.QueryEscape(written))
			} else {
				r.Header.Set(p.Name, written)
			}
		}
	}
	path, fixed, hasQuery := strings.Cut(path, "?") // some documents have a part of the query in the path
	if hasQuery {
		query = append([]string{fixed}, query...)
	}
	if fragment := strings.IndexByte(path, '#'); fragment >= 0 {
		path = path[:fragment]
	}
	if slices.ContainsFunc(strings.Split(path, "/"), func(part string) bool { return part == "." || part == ".." }) {
		return r, sdk.Invalid("", "a value would lead out of the operation's path")
	}
	r.Path = path
	if op.Server != "" && !call.Replaced() {
		r.Path = op.Server + path
	}
	if len(query) > 0 {
		r.Path += "?" + strings.Join(query, "&")
	}
	return r, op.Body.fill(&r, input, next)
}

// fill makes the body.
func (b *bodyPlan) fill(r *sdk.Request, input object, next func() (*sdk.File, error)) error {
	if b == nil {
		return nil
	}
	value, given := input["body"]
	r.ContentType = b.Type
	switch b.Kind {
	case bodyBinary:
		f, err := next()
		if errors.Is(err, io.EOF) {
			if b.Required {
				return sdk.Invalid("", "this operation needs a file; send one with the call")
			}
			return nil
		}
		if err != nil {
			return err
		}
		r.Body = f
		if b.Type == "*/*" || b.Type == "application/octet-stream" || strings.Contains(b.Type, "*") {
			r.ContentType = or(f.MediaType, "application/octet-stream")
		}
		return nil
	case bodyMultipart:
		r.Body, r.ContentType = sdk.MultipartFrom(b.parts(obj(value), next))
		return nil
	}
	if !given {
		return nil
	}
	switch b.Kind {
	case bodyText:
		r.Body = strings.NewReader(text(value))
	case bodyForm:
		r.Body = strings.NewReader(strings.Join(b.form(obj(value)), "&"))
	default:
		encoded, err := json.Marshal(value)
		if err != nil {
			return sdk.Errorf(sdk.AdapterBug, "The body is not JSON.")
		}
		r.Body, r.Length = strings.NewReader(string(encoded)), int64(len(encoded))
	}
	return nil
}

// form writes the fields of a form. Objects and lists without a style of their own are written with brackets, as most servers take them.
func (b *bodyPlan) form(fields object) []string {
	var out []string
	for _, name := range keys(fields) {
		f, planned := b.Fields[name]
		p := parameter{Name: name, In: "query", Style: or(f.Style, "form"), Explode: f.Explode || !planned, JSON: f.JSON}
		value := fields[name]
		if !planned || p.Style == "deepObject" {
			switch value.(type) {
			case object:
				p.Style = "deepObject"
			case []any:
				if nested(value) {
					p.Style = "deepObject"
				}
			}
		}
		out = append(out, p.pairs(value)...)
	}
	return out
}

// nested says whether a list holds more than plain values.
func nested(v any) bool {
	return slices.ContainsFunc(list(v), func(item any) bool {
		switch item.(type) {
		case object, []any:
			return true
		}
		return false
	})
}

// parts answers the parts of a multipart body one after the other: the values, then the files of the call.
func (b *bodyPlan) parts(fields object, next func() (*sdk.File, error)) func() (sdk.Part, error) {
	var values []sdk.Part
	for _, name := range keys(fields) {
		value := fields[name]
		items, several := value.([]any)
		if !several || b.Fields[name].JSON {
			items = []any{value}
		}
		for _, item := range items {
			values = append(values, sdk.Part{Name: name, Value: plain(item)})
		}
	}
	sent := 0
	return func() (sdk.Part, error) {
		if len(values) > 0 {
			first := values[0]
			values = values[1:]
			return first, nil
		}
		f, err := next()
		if err != nil {
			return sdk.Part{}, err
		}
		name := "file"
		if len(b.Files) > 0 {
			name = b.Files[min(sent, len(b.Files)-1)]
		}
		sent++
		return sdk.Part{Name: name, FileName: or(f.Name, fmt.Sprintf("file-%d", sent)), MediaType: f.MediaType, Content: f}, nil
	}
}

func addCookie(h http.Header, name, value string) {
	if before := h.Get("Cookie"); before != "" {
		h.Set("Cookie", before+"; "+name+"="+value)
		return
	}
	h.Set("Cookie", name+"="+value)
}
