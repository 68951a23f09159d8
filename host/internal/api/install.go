package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/patchbay/patchbay/host/internal/identity"
	"github.com/patchbay/patchbay/host/internal/release"
)

// maxUpload bounds a release with all its binaries, and maxField a field of the form.
const (
	maxUpload = 1 << 30
	maxField  = 1 << 20
)

// reviewView is what an operator has to know of a release before it is accepted.
type reviewView struct {
	Adapter   string                     `json:"adapter"`
	Version   string                     `json:"version"`
	Trust     string                     `json:"trust"`
	Publisher string                     `json:"publisher,omitempty"`
	Platforms []release.ManifestPlatform `json:"platforms" doc:"What it serves, with the hosts that it may reach"`
	Releases  []releaseView              `json:"releases"`
	Grants    []string                   `json:"grants" doc:"What it may have beyond that"`
	Wanted    []string                   `json:"wanted" doc:"What it asks for and was not given"`
	Losses    []string                   `json:"losses" doc:"What is in use and would be lost by activating it"`
	Refused   string                     `json:"refused,omitempty" doc:"Why it cannot be installed as it is"`
	Installed bool                       `json:"installed"`
}

func reviewOf(v release.Review, installed bool) reviewView {
	out := reviewView{Adapter: v.Adapter, Version: v.Version, Trust: string(v.Trust), Publisher: v.Publisher, Platforms: orEmpty(v.Platforms),
		Releases: []releaseView{}, Grants: orEmpty(v.Grants), Wanted: orEmpty(v.Wanted), Losses: orEmpty(v.Losses), Refused: v.Refused, Installed: installed}
	for _, r := range v.Releases {
		out.Releases = append(out.Releases, releaseOf(r))
	}
	return out
}

// install registers the upload by hand: it is large, and goes to a file piece by piece.
func (a *API) install(mux *http.ServeMux) {
	mux.HandleFunc("POST /v1/adapters/{name}/releases", a.serveInstall)
	registry := a.huma.OpenAPI().Components.Schemas
	a.huma.OpenAPI().AddOperation(&huma.Operation{Method: "POST", Path: "/v1/adapters/{name}/releases", OperationID: "install-release", Tags: []string{"Operator"},
		Summary: "Install a release of an adapter",
		Description: "The release is in one part `pack`, or in parts `binary`, `manifest` and `signature`. The fields `version`, `allow_unsigned`, `grant` " +
			"(several) and `dry_run` say how; with `dry_run` the answer is what would be installed. The name `-` takes the one that the binary says. It comes into service by activate.",
		Parameters:  []*huma.Param{{Name: "name", In: "path", Required: true, Schema: &huma.Schema{Type: "string"}}},
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"multipart/form-data": {Schema: &huma.Schema{Type: "object"}}}},
		Responses: map[string]*huma.Response{
			"201":     {Description: "It is installed", Content: map[string]*huma.MediaType{"application/json": {Schema: huma.SchemaFromType(registry, typeOf(reviewView{}))}}},
			"200":     {Description: "What would be installed", Content: map[string]*huma.MediaType{"application/json": {Schema: huma.SchemaFromType(registry, typeOf(reviewView{}))}}},
			"default": {Description: "A problem", Content: map[string]*huma.MediaType{"application/problem+json": {Schema: huma.SchemaFromType(registry, typeOf(Problem{}))}}}}})
}

func (a *API) serveInstall(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	p, err := a.who(r, identity.ScopeOperator)
	if err != nil {
		a.problem(ctx, err).write(w)
		return
	}
	dir, err := os.MkdirTemp(a.cfg.Scratch, "upload-")
	if err != nil {
		a.problem(ctx, fmt.Errorf("making a folder for the upload: %w", err)).write(w)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }() // swept at the next start otherwise
	r.Body = http.MaxBytesReader(w, r.Body, maxUpload)
	form, err := readUpload(r, dir)
	if err != nil {
		a.problem(ctx, err).write(w)
		return
	}
	form.Actor = p.User
	if name := r.PathValue("name"); name != "-" {
		form.Adapter = name
	}
	do, status := a.cfg.Releases.Install, http.StatusCreated
	if form.dryRun {
		do, status = a.cfg.Releases.Review, http.StatusOK
	}
	review, err := do(ctx, form.Upload)
	if err != nil {
		a.problem(ctx, err).write(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(reviewOf(review, !form.dryRun)) // a caller that went away
}

// uploadForm is the form of an installation.
type uploadForm struct {
	release.Upload
	dryRun bool
}

// readUpload reads the form; what is large goes into the folder.
func readUpload(r *http.Request, dir string) (uploadForm, error) {
	var form uploadForm
	reader, err := r.MultipartReader()
	if err != nil {
		return form, newProblem(r.Context(), 415, "unsupported_media_type", "Send multipart/form-data with a part pack, or parts binary, manifest and signature.")
	}
	for n := 0; ; n++ {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return form, nil
		}
		if err != nil {
			return form, readProblem(r.Context(), err)
		}
		if err := form.take(part, dir, n); err != nil {
			return form, uploadProblem(r, err)
		}
	}
}

func uploadProblem(r *http.Request, err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return readProblem(r.Context(), err)
	}
	return newProblem(r.Context(), 422, "validation_failed", "The release cannot be read: "+err.Error()+".")
}

func (f *uploadForm) take(part *multipart.Part, dir string, n int) (err error) {
	switch name := part.FormName(); name {
	case "pack":
		f.Pack, err = release.Unpack(part, dir)
		return err
	case "binary":
		path := filepath.Join(dir, "binary-"+strconv.Itoa(n))
		f.Pack.Binaries = append(f.Pack.Binaries, release.Binary{Path: path})
		if len(f.Pack.Binaries) > 8 {
			return errors.New("there are too many binaries")
		}
		return release.WriteBounded(path, part)
	}
	raw, err := io.ReadAll(io.LimitReader(part, maxField+1))
	if err != nil || len(raw) > maxField {
		return errors.Join(errors.New("a field is too large or ends early"), err)
	}
	switch name := part.FormName(); name {
	case "manifest":
		f.Pack.Manifest = raw
	case "signature":
		f.Pack.Signature = raw
	case "version":
		f.Version = string(raw)
	case "grant":
		f.Grants = append(f.Grants, string(raw))
	case "allow_unsigned":
		f.AllowUnsigned, err = strconv.ParseBool(string(raw))
	case "dry_run":
		f.dryRun, err = strconv.ParseBool(string(raw))
	default:
		err = fmt.Errorf("there is no field %q", name)
	}
	return err
}
