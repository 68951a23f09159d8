package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/dispatch"
	"github.com/patchbay/patchbay/host/internal/identity"
)

// Bounds of a request for a call.
const (
	maxCallBody  = 12 << 20 // JSON, files inline included
	maxFileBytes = 64 << 20 // all files of a multipart request together
	maxFiles     = 100
)

// callRequest is the body of POST /v1/calls.
type callRequest struct {
	Integration string          `json:"integration,omitempty" doc:"Id of the integration"`
	Pool        string          `json:"pool,omitempty" doc:"Id or name of a pool, in the place of an integration"`
	Operation   string          `json:"operation"`
	Input       json.RawMessage `json:"input,omitempty" doc:"Valid against the operation's input schema; {} when left out"`
	Timeout     string          `json:"timeout,omitempty" doc:"A duration such as 30s; 2m when left out, at most 15m"`
	Files       []callFile      `json:"files,omitempty" doc:"Small files; send larger ones as multipart/form-data with this object as the part \"call\""`
}

type callFile struct {
	Name      string `json:"name"`
	MediaType string `json:"media_type,omitempty"`
	Data      string `json:"data" doc:"Base64"`
}

// calls registers POST /v1/calls by hand: it streams, and it is the hot path.
func (a *API) calls(mux *http.ServeMux) {
	mux.HandleFunc("POST /v1/calls", a.serveCall)
	registry := a.huma.OpenAPI().Components.Schemas
	named := func(v any) *huma.Schema { return registry.Schema(typeOf(v), true, "") }
	content := func(v any, name string) map[string]*huma.MediaType {
		return map[string]*huma.MediaType{"application/json": {Schema: named(v)}, name: {Schema: &huma.Schema{Type: "string"}}}
	}
	a.huma.OpenAPI().AddOperation(&huma.Operation{Method: "POST", Path: "/v1/calls", OperationID: "call", Tags: []string{"Calls"},
		Summary: "Run an operation",
		Description: "With `Accept: text/event-stream` the answer is a stream of events: progress, delta, then result or error. With the header " +
			"`Idempotency-Key` a repeated request is given the first one's answer for 24 hours.",
		Parameters: []*huma.Param{{Name: "Idempotency-Key", In: "header", Schema: &huma.Schema{Type: "string"}}},
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			"application/json":    {Schema: named(callRequest{})},
			"multipart/form-data": {Schema: &huma.Schema{Type: "object", Description: "The part \"call\" holds the JSON object; every other part is a file."}}}},
		Responses: map[string]*huma.Response{"200": {Description: "The operation's output", Content: content(dispatch.Answer{}, "text/event-stream")},
			"default": {Description: "A problem", Content: map[string]*huma.MediaType{"application/problem+json": {Schema: named(Problem{})}}}}})
}

func (a *API) serveCall(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	p, err := a.who(r, identity.ScopeCalls)
	if err != nil {
		a.problem(ctx, err).write(w)
		return
	}
	call, err := decodeCall(w, r)
	if err != nil {
		a.problem(ctx, err).write(w)
		return
	}
	call.User, call.Token, call.Limits = p.User, p.Token, p.Limits
	call.IdempotencyKey = r.Header.Get("Idempotency-Key")
	if strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
		a.streamCall(w, r, call)
		return
	}
	answer, err := a.cfg.Dispatcher.Run(ctx, call)
	if err != nil {
		a.callProblem(ctx, answer, err).write(w)
		return
	}
	a.Link(&answer)
	w.Header().Set("Content-Type", "application/json")
	if answer.Replayed {
		w.Header().Set("Idempotent-Replayed", "true")
	}
	encoded, err := answer.JSON()
	if err != nil {
		a.problem(ctx, err).write(w)
		return
	}
	_, _ = w.Write(encoded) // a caller that went away
}

// callProblem is the problem of a call, with its id where it was recorded.
func (a *API) callProblem(ctx context.Context, answer dispatch.Answer, err error) *Problem {
	p := a.problem(ctx, err)
	p.Call = answer.ID
	return p
}

// Link fills in where the files of an answer can be read.
func (a *API) Link(answer *dispatch.Answer) {
	for i := range answer.Files {
		f := &answer.Files[i]
		f.URL = a.fileURL(answer.ID, f.ID)
	}
}

func (a *API) fileURL(call, file string) string {
	return a.cfg.PublicURL + "/v1/calls/" + call + "/files/" + file + "?" + a.cfg.Links.Query(call, file)
}

// decodeCall reads the request in either of its forms.
func decodeCall(w http.ResponseWriter, r *http.Request) (dispatch.Call, error) {
	kind, params, err := mediaType(r.Header.Get("Content-Type"))
	switch {
	case err == nil && kind == "multipart/form-data":
		r.Body = http.MaxBytesReader(w, r.Body, maxCallBody+maxFileBytes)
		return decodeForm(r, params["boundary"])
	case r.Header.Get("Content-Type") == "" || kind == "application/json" || strings.HasSuffix(kind, "+json"):
		r.Body = http.MaxBytesReader(w, r.Body, maxCallBody)
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return dispatch.Call{}, readProblem(r.Context(), err)
		}
		return parseCall(r.Context(), raw)
	}
	return dispatch.Call{}, newProblem(r.Context(), 415, "unsupported_media_type", "Send application/json, or multipart/form-data with files.")
}

// mediaType reads a Content-Type; nearly all are the one that needs no reading.
func mediaType(header string) (string, map[string]string, error) {
	if header == "application/json" {
		return header, nil, nil
	}
	return mime.ParseMediaType(header)
}

// parseCall decodes the JSON object.
func parseCall(ctx context.Context, raw []byte) (dispatch.Call, error) {
	if !utf8.Valid(raw) {
		return dispatch.Call{}, newProblem(ctx, 400, "bad_request", "The body is not valid UTF-8.")
	}
	var in callRequest
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return dispatch.Call{}, jsonProblem(ctx, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return dispatch.Call{}, newProblem(ctx, 400, "bad_request", "There is something behind the JSON object.")
	}
	return in.call(ctx)
}

func (in *callRequest) call(ctx context.Context) (dispatch.Call, error) {
	var wrong []catalog.Violation
	out := dispatch.Call{Integration: in.Integration, Pool: in.Pool, Operation: in.Operation, Input: in.Input}
	if in.Integration == "" && in.Pool == "" {
		wrong = append(wrong, catalog.Violation{Pointer: "/integration", Detail: "is required: the id of an integration, or of a pool under /pool"})
	}
	if in.Integration != "" && in.Pool != "" {
		wrong = append(wrong, catalog.Violation{Pointer: "/pool", Detail: "does not go with an integration"})
	}
	if in.Operation == "" {
		wrong = append(wrong, catalog.Violation{Pointer: "/operation", Detail: "is required: the name of an operation"})
	}
	if len(out.Input) == 0 || string(out.Input) == "null" {
		out.Input = json.RawMessage("{}")
	}
	if len(out.Input) > dispatch.MaxInput {
		return out, newProblem(ctx, 413, "too_large", fmt.Sprintf("The input is larger than %d MiB.", dispatch.MaxInput>>20))
	}
	if in.Timeout != "" {
		d, err := time.ParseDuration(in.Timeout)
		if err != nil || d <= 0 || d > dispatch.MaxTimeout {
			wrong = append(wrong, catalog.Violation{Pointer: "/timeout", Detail: "must be a duration such as 30s, at most 15m"})
		}
		out.Timeout = d
	}
	for i, f := range in.Files {
		data, err := base64.StdEncoding.DecodeString(f.Data)
		if err != nil || f.Name == "" {
			wrong = append(wrong, catalog.Violation{Pointer: fmt.Sprintf("/files/%d", i), Detail: "needs a name, and data in base64"})
		}
		out.Files = append(out.Files, catalog.InFile{Name: f.Name, MediaType: f.MediaType, Content: bytes.NewReader(data)})
	}
	if len(wrong) > 0 {
		p := newProblem(ctx, 422, "validation_failed", "The request is not complete or not valid.")
		p.Errors = wrong
		return out, p
	}
	return out, nil
}

// decodeForm reads the part "call" and the files behind it, into memory within bounds.
func decodeForm(r *http.Request, boundary string) (dispatch.Call, error) {
	ctx := r.Context()
	form := multipart.NewReader(r.Body, boundary)
	part, err := form.NextPart()
	if err != nil || part.FormName() != "call" {
		return dispatch.Call{}, newProblem(ctx, 400, "bad_request", `The first part must be "call", with the JSON object.`)
	}
	raw, err := io.ReadAll(io.LimitReader(part, maxCallBody+1))
	if err != nil {
		return dispatch.Call{}, readProblem(ctx, err)
	}
	call, err := parseCall(ctx, raw)
	if err != nil {
		return call, err
	}
	total := 0
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return call, nil
		}
		if err != nil {
			return call, readProblem(ctx, err)
		}
		data, err := io.ReadAll(io.LimitReader(part, int64(maxFileBytes-total+1)))
		if err != nil {
			return call, readProblem(ctx, err)
		}
		if total += len(data); total > maxFileBytes || len(call.Files) >= maxFiles {
			return call, newProblem(ctx, 413, "too_large", fmt.Sprintf("The files are more than %d, or larger than %d MiB together.", maxFiles, maxFileBytes>>20))
		}
		name := part.FileName()
		if name == "" {
			name = part.FormName()
		}
		call.Files = append(call.Files, catalog.InFile{Name: name, MediaType: part.Header.Get("Content-Type"), Content: bytes.NewReader(data)})
	}
}

// readProblem says why a body could not be read.
func readProblem(ctx context.Context, err error) *Problem {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return newProblem(ctx, 413, "too_large", fmt.Sprintf("The body is larger than %d MiB.", tooLarge.Limit>>20))
	}
	return newProblem(ctx, 400, "bad_request", "The body could not be read to its end.")
}

// jsonProblem says where a body is not the JSON that was expected.
func jsonProblem(ctx context.Context, err error) *Problem {
	var mistyped *json.UnmarshalTypeError
	if errors.As(err, &mistyped) {
		p := newProblem(ctx, 422, "validation_failed", "The request is not valid.")
		p.Errors = []catalog.Violation{{Pointer: "/" + strings.ReplaceAll(mistyped.Field, ".", "/"), Detail: "must be a " + mistyped.Type.Kind().String()}}
		return p
	}
	if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		p := newProblem(ctx, 422, "validation_failed", "The request is not valid.")
		p.Errors = []catalog.Violation{{Pointer: "/" + strings.Trim(field, `"`), Detail: "is not a field of a call"}}
		return p
	}
	return newProblem(ctx, 400, "bad_request", "The body is not a JSON object.")
}
