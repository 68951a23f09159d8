package api

import (
	"mime"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/patchbay/patchbay/host/internal/file"
	"github.com/patchbay/patchbay/host/internal/identity"
)

// files registers the reading of a call's files, by the owner's token or by a link that an answer gave.
func (a *API) files(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/calls/{id}/files/{file}", a.serveFile)
	text := func(name, in, doc string) *huma.Param {
		return &huma.Param{Name: name, In: in, Required: in == "path", Description: doc, Schema: &huma.Schema{Type: "string"}}
	}
	a.huma.OpenAPI().AddOperation(&huma.Operation{Method: "GET", Path: "/v1/calls/{id}/files/{file}", OperationID: "get-call-file", Tags: []string{"Calls"},
		Summary:    "Read a file of a call, by a token or by the signed link of an answer",
		Parameters: []*huma.Param{text("id", "path", ""), text("file", "path", ""), text("expires", "query", "Of the link"), text("signature", "query", "Of the link")},
		Responses: map[string]*huma.Response{"200": {Description: "The file", Content: map[string]*huma.MediaType{
			"application/octet-stream": {Schema: &huma.Schema{Type: "string", Format: "binary"}}}}}})
}

func (a *API) serveFile(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	content, err := a.openFile(r)
	if err != nil {
		a.problem(ctx, err).write(w)
		return
	}
	// What an adapter gave is foreign: a browser must neither show nor run it as a page of the host.
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	if kind, _, err := mime.ParseMediaType(content.MediaType); err == nil {
		h.Set("Content-Type", kind)
	}
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": content.Name}))
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Content-Length", strconv.FormatInt(content.Size, 10))
	h.Set("Cache-Control", "private, no-store")
	if err := content.CopyTo(ctx, w); err != nil {
		a.cfg.Logger.Warn("a file could not be sent to its end", "file", content.ID, "error", err)
		panic(http.ErrAbortHandler) // so that the caller does not take the part for the whole
	}
}

func (a *API) openFile(r *http.Request) (*file.Content, error) {
	call, ref, q := r.PathValue("id"), r.PathValue("file"), r.URL.Query()
	if q.Get("signature") != "" {
		if !a.cfg.Links.Check(call, ref, q.Get("expires"), q.Get("signature")) {
			return nil, newProblem(r.Context(), 403, "forbidden", "The link is wrong or has expired. GET /v1/calls/{id} gives a new one.")
		}
		return a.cfg.Files.OpenLinked(r.Context(), call, ref)
	}
	p, err := a.who(r, identity.ScopeCalls)
	if err != nil {
		return nil, err
	}
	if err := pastCalls(r.Context(), p, identity.ScopeCalls); err != nil {
		return nil, err
	}
	return a.cfg.Files.Open(r.Context(), p.User, call, ref)
}
