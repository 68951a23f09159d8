package sdk

import (
	"context"
	"encoding/json"
	"fmt"
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
	inPath := placesIn(e.Path)
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
		case slices.Contains(inPath, f.name):
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
