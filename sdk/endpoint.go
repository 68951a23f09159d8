package sdk

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
)

// Endpoint is an operation that is one request to the platform, as data. [Send] makes its function.
type Endpoint struct {
	// Method is GET when empty.
	Method string
	// Host is where the path is, such as "docs.googleapis.com", when that is not the host of the base URL. The platform must declare it; an
	// operator's base URL stands for it too.
	Host string
	// Path begins with a slash. {name} stands for a property of the input, escaped as [Path] does it; {+name} keeps the slashes of the value.
	Path string
	// Query and Header go with every request; a property of the input stands over a parameter of its name. Optional.
	Query  url.Values
	Header http.Header
	// Body holds properties of the body that are the same in every request. Optional.
	Body map[string]any
	// Form sends the body as a form instead of JSON.
	Form bool
	// Methods are the auth methods whose credential it takes; any other is refused before anything is sent. None means all.
	Methods []string
	// CamelCase says that the platform writes messageId where the operation says message_id.
	CamelCase bool
}

// Send makes the function of an operation that is one request. The schemas come from In and Out as with [Func]. Each property that the
// caller gave goes where its tag says: `to:"query"`, `to:"query pageToken"` (under another name), `to:"body snippet.title"` (within objects),
// `to:"body ."` (an object whose properties stand in the body themselves). Without a tag it goes into the path where that names it, into
// the body of POST, PUT and PATCH, into the query otherwise. A property with a `default` tag is sent when the caller leaves it out; `join:","`
// makes one text of a list; without it a list repeats its parameter in the query. An In with a method Validate() error is asked before
// anything is sent.
//
// Properties of Out are read under their own names, or from where a tag says: `from:"nextPageToken"`, `from:"paging.next"`. Lists and objects are never null.
func Send[In, Out any](e Endpoint) Handler {
	var h Handler
	if h.input, h.err = inputSchema(reflect.TypeFor[In]()); h.err == nil {
		h.output, h.err = outputSchema(reflect.TypeFor[Out]())
	}
	sent, err := sentFields(e, reflect.TypeFor[In]())
	if h.err == nil {
		h.err = err
	}
	got := gotFields(e, reflect.TypeFor[Out]())
	h.run = func(ctx context.Context, call *Call, input []byte) ([]byte, error) {
		var in In
		if err := json.Unmarshal(input, &in); err != nil {
			return nil, Invalid("", "it does not fit the operation's schema (%s)", shortJSONError(err))
		}
		if err := call.Needs(e.Methods...); err != nil {
			return nil, err
		}
		if v, ok := any(in).(interface{ Validate() error }); ok {
			if err := v.Validate(); err != nil {
				return nil, err
			}
		}
		r, err := e.request(call, sent, input)
		if err != nil {
			return nil, err
		}
		var out Out
		if err := receive(ctx, call, r, got, &out); err != nil {
			return nil, err
		}
		return json.Marshal(out)
	}
	return h
}

// Needs refuses a credential that is of none of the auth methods; none means all.
func (c *Call) Needs(methods ...string) error {
	if len(methods) == 0 || slices.Contains(methods, c.Credential.Method) {
		return nil
	}
	var labels []string
	for _, m := range c.platform.Auth {
		if slices.Contains(methods, m.Type) {
			labels = append(labels, m.Label)
		}
	}
	return &Error{Kind: PermissionDenied, NotSent: true, Message: "This needs a connection of another kind: " + strings.Join(labels, " or ") + ". Connect one, and call with that."}
}

// sentField says where one property of the input goes.
type sentField struct {
	name, place, wire, join string
	fallback                json.RawMessage
}

const (
	toPath  = "path"
	toQuery = "query"
	toBody  = "body"
)

// sentFields reads the tags of an input's type.
func sentFields(e Endpoint, t reflect.Type) ([]sentField, error) {
	var all []sentField
	for _, f := range properties(t) {
		one := sentField{name: f.name, wire: e.wire(f.name), join: f.Tag.Get("join")}
		place, wire, renamed := strings.Cut(f.Tag.Get("to"), " ")
		if renamed {
			one.wire = wire
		}
		switch {
		case place == toQuery || place == toBody:
			one.place = place
		case place != "":
			return nil, fmt.Errorf("field %s of %s: want to:\"query ...\" or to:\"body ...\"", f.Name, t)
		case strings.Contains(e.Path, "{"+f.name+"}") || strings.Contains(e.Path, "{+"+f.name+"}"):
			one.place = toPath
		case e.Method == http.MethodPost || e.Method == http.MethodPut || e.Method == http.MethodPatch:
			one.place = toBody
		default:
			one.place = toQuery
		}
		if value, ok := f.Tag.Lookup("default"); ok {
			one.fallback = json.RawMessage(value)
			if f.Type.Kind() == reflect.String {
				one.fallback, _ = json.Marshal(value) // a text is always JSON
			}
		}
		all = append(all, one)
	}
	return all, nil
}

// property is a field of a struct with its name in JSON.
type property struct {
	reflect.StructField
	name      string
	omitempty bool
}

// properties answers the fields of a struct as JSON has them, those of embedded structs in their place.
func properties(t reflect.Type) (all []property) {
	if t.Kind() != reflect.Struct {
		return nil
	}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-":
		case f.Anonymous && name == "":
			all = append(all, properties(f.Type)...)
		case f.IsExported():
			all = append(all, property{f, orString(name, f.Name), strings.Contains(options, "omitempty")})
		}
	}
	return all
}

// wire answers a property's name as the platform has it.
func (e Endpoint) wire(name string) string {
	if !e.CamelCase {
		return name
	}
	first, rest, _ := strings.Cut(name, "_")
	for part := range strings.SplitSeq(rest, "_") {
		if part != "" {
			first += strings.ToUpper(part[:1]) + part[1:]
		}
	}
	return first
}

// request makes the request of an input that fits its type.
func (e Endpoint) request(call *Call, fields []sentField, input []byte) (Request, error) {
	var given map[string]json.RawMessage
	if err := json.Unmarshal(input, &given); err != nil {
		return Request{}, Invalid("", "it is not a JSON object")
	}
	r := Request{Method: e.Method, Path: e.Path, Query: url.Values{}, Header: maps.Clone(e.Header)}
	if e.Host != "" && !call.Replaced() {
		r.Path = "https://" + e.Host + e.Path
	}
	maps.Copy(r.Query, e.Query)
	body := cloned(e.Body)
	for _, f := range fields {
		if f.place == toBody && body == nil {
			body = map[string]any{}
		}
		value, ok := given[f.name]
		if !ok {
			value = f.fallback
		}
		switch {
		case f.place == toPath:
			r.Path = fillPath(r.Path, f.name, plainText(value))
		case value == nil:
		case f.place == toQuery:
			addQuery(r.Query, f, value)
		default:
			putBody(body, f.wire, joined(value, f.join))
		}
	}
	switch {
	case body != nil && e.Form:
		r.Form = formOf(body)
	case body != nil:
		r.JSON = body
	}
	return r, nil
}

// cloned copies an object with all objects within it, so that no call changes what the next one begins with.
func cloned(object map[string]any) map[string]any {
	out := maps.Clone(object)
	for name, value := range out {
		if inner, ok := value.(map[string]any); ok {
			out[name] = cloned(inner)
		}
	}
	return out
}

// fillPath puts a value in its place.
func fillPath(path, name, value string) string {
	path = strings.ReplaceAll(path, "{"+name+"}", Path("%s", value))
	if !strings.Contains(path, "{+"+name+"}") {
		return path
	}
	parts := strings.Split(value, "/")
	for i, part := range parts {
		parts[i] = Path("%s", part)
	}
	return strings.ReplaceAll(path, "{+"+name+"}", strings.Join(parts, "/"))
}

// plainText answers a JSON text's content, and any other value as JSON has it.
func plainText(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) == nil {
		return s
	}
	return string(value)
}

// joined makes one text of a list, where there is something to join it with.
func joined(value json.RawMessage, separator string) json.RawMessage {
	var list []json.RawMessage
	if separator == "" || json.Unmarshal(value, &list) != nil {
		return value
	}
	texts := make([]string, len(list))
	for i, item := range list {
		texts[i] = plainText(item)
	}
	one, _ := json.Marshal(strings.Join(texts, separator)) // a text is always JSON
	return one
}

func addQuery(q url.Values, f sentField, value json.RawMessage) {
	value = joined(value, f.join)
	var list []json.RawMessage
	if json.Unmarshal(value, &list) != nil {
		q.Set(f.wire, plainText(value))
		return
	}
	texts := make([]string, len(list))
	for i, item := range list {
		texts[i] = plainText(item)
	}
	q[f.wire] = texts // instead of what the endpoint has, which is not to be changed
}

// putBody puts a value at a place within objects, such as "snippet.title"; "." means that its own properties are put.
func putBody(body map[string]any, wire string, value json.RawMessage) {
	if wire == "." {
		var inner map[string]json.RawMessage
		_ = json.Unmarshal(value, &inner) // it fitted the type, which is an object's
		for name, v := range inner {
			body[name] = v
		}
		return
	}
	for {
		outer, rest, within := strings.Cut(wire, ".")
		if !within {
			body[wire] = value
			return
		}
		inner, ok := body[outer].(map[string]any)
		if !ok {
			inner = map[string]any{}
			body[outer] = inner
		}
		body, wire = inner, rest
	}
}

func formOf(body map[string]any) url.Values {
	form := url.Values{}
	for name, value := range body {
		raw, ok := value.(json.RawMessage)
		if !ok {
			form.Set(name, fmt.Sprint(value))
			continue
		}
		form.Set(name, plainText(raw))
	}
	return form
}

// gotField says where one property of the output comes from.
type gotField struct{ name, wire string }

// gotFields answers the properties that stand elsewhere in the platform's answer.
func gotFields(e Endpoint, t reflect.Type) (all []gotField) {
	for _, f := range properties(t) {
		wire := orString(f.Tag.Get("from"), e.wire(f.name))
		if wire != f.name {
			all = append(all, gotField{f.name, wire})
		}
	}
	return all
}

// receive sends the request and reads the answer into out.
func receive(ctx context.Context, call *Call, r Request, fields []gotField, out any) error {
	if _, nothing := out.(*None); nothing {
		return call.Do(ctx, r, nil)
	}
	var body []byte
	if err := call.Do(ctx, r, &body); err != nil {
		return err
	}
	if len(bytes.TrimSpace(body)) > 0 {
		if err := renamed(body, fields, out); err != nil {
			return Errorf(PlatformError, "The platform's answer is not the JSON that was expected.")
		}
	}
	noNulls(reflect.ValueOf(out).Elem())
	return nil
}

// renamed decodes an answer after moving its properties to where out has them.
func renamed(body []byte, fields []gotField, out any) error {
	if len(fields) == 0 {
		return json.Unmarshal(body, out)
	}
	var answer map[string]json.RawMessage
	if err := json.Unmarshal(body, &answer); err != nil {
		return err
	}
	for _, f := range fields {
		delete(answer, f.name)
	}
	moved := maps.Clone(answer)
	for _, f := range fields {
		if value := within(answer, f.wire); value != nil {
			moved[f.name] = value
		}
	}
	again, err := json.Marshal(moved)
	if err != nil {
		return err
	}
	return json.Unmarshal(again, out)
}

// within answers the value at a place such as "paging.next", or nil.
func within(object map[string]json.RawMessage, wire string) json.RawMessage {
	if value, ok := object[wire]; ok { // names with a full stop in them, such as @odata.nextLink
		return value
	}
	outer, rest, ok := strings.Cut(wire, ".")
	var inner map[string]json.RawMessage
	if !ok || json.Unmarshal(object[outer], &inner) != nil {
		return nil
	}
	return within(inner, rest)
}

// noNulls makes empty lists and objects of those that the platform left out.
func noNulls(v reflect.Value) {
	for _, f := range properties(v.Type()) {
		field := v.FieldByName(f.Name)
		if f.omitempty {
			continue
		}
		switch {
		case field.Kind() == reflect.Slice && field.IsNil() && f.Type.Elem().Kind() != reflect.Uint8:
			field.Set(reflect.MakeSlice(f.Type, 0, 0))
		case field.Kind() == reflect.Map && field.IsNil():
			field.Set(reflect.MakeMap(f.Type))
		}
	}
}
