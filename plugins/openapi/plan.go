package main

// planFormat is the number of the form that plans have; one of another form is refused.
const planFormat = 1

// platformPlan is what a call of a platform needs besides its operation.
type platformPlan struct {
	Format int    `json:"format"`
	Name   string `json:"name"`
	// Methods says for each auth method where its fields go.
	Methods map[string][]credentialPlace `json:"methods,omitempty"`
	// Probe is a GET without parameters that tells whose account it is; nil where the document has none.
	Probe *operationPlan `json:"probe,omitempty"`
}

// credentialPlace is where one field of a credential goes.
type credentialPlace struct {
	// In is header, query, cookie, bearer or basic. For basic the fields are username and password.
	In    string `json:"in"`
	Name  string `json:"name,omitempty"`
	Field string `json:"field"`
}

// operationPlan is what a call of one operation needs.
type operationPlan struct {
	Method string `json:"method"`
	// Path is the template, such as /pets/{id}.
	Path string `json:"path"`
	// Server is where the operation is, where that is not the platform's base URL.
	Server     string      `json:"server,omitempty"`
	Parameters []parameter `json:"parameters,omitempty"`
	Body       *bodyPlan   `json:"body,omitempty"`
	// Accept is what the operation answers; Streams says that it answers a stream of events.
	Accept  string `json:"accept,omitempty"`
	Streams bool   `json:"streams,omitempty"`
}

// parameter is where one property of the input goes.
type parameter struct {
	// Key is the property, Name what the platform calls it, In path, query, header or cookie.
	Key     string `json:"key"`
	Name    string `json:"name"`
	In      string `json:"in"`
	Style   string `json:"style,omitempty"`
	Explode bool   `json:"explode,omitempty"`
	// Reserved keeps :/?#[]@!$&'()*+,;= as they are.
	Reserved bool `json:"reserved,omitempty"`
	// JSON says that the value goes as JSON.
	JSON bool `json:"json,omitempty"`
}

// The kinds of bodies.
const (
	bodyJSON      = "json"
	bodyForm      = "form"
	bodyMultipart = "multipart"
	bodyText      = "text"
	bodyBinary    = "binary"
)

// bodyPlan is how the body is made of the property "body" and the files of the call.
type bodyPlan struct {
	Kind string `json:"kind"`
	Type string `json:"type"`
	// Required is true where the platform wants a body in any case.
	Required bool `json:"required,omitempty"`
	// Fields are the encodings of a form's fields where they are not the usual one.
	Fields map[string]fieldPlan `json:"fields,omitempty"`
	// Files are the fields of a multipart body that are files; the files of the call fill them in turn.
	Files []string `json:"files,omitempty"`
}

// fieldPlan is how one field of a form is written.
type fieldPlan struct {
	Style   string `json:"style,omitempty"`
	Explode bool   `json:"explode,omitempty"`
	JSON    bool   `json:"json,omitempty"`
}
