package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/identity"
	"github.com/patchbay/patchbay/host/internal/workflow"
)

type workflowView struct {
	Name       string            `json:"name"`
	ID         string            `json:"id"`
	Enabled    bool              `json:"enabled"`
	Version    int               `json:"version"`
	Document   string            `json:"document,omitempty" doc:"As it was applied; with one workflow alone"`
	Bindings   map[string]string `json:"bindings,omitempty" doc:"The integration or pool that each word of the document stands for"`
	WebhookURL string            `json:"webhook_url,omitempty" doc:"Where signed messages start runs"`
	CreatedAt  time.Time         `json:"created_at"`
	UpdatedAt  time.Time         `json:"updated_at"`
}

func (a *API) viewWorkflow(w workflow.Workflow, whole bool) workflowView {
	v := workflowView{Name: w.Name, ID: w.ID, Enabled: w.Enabled, Version: w.Version, CreatedAt: w.CreatedAt.UTC(), UpdatedAt: w.UpdatedAt.UTC()}
	if w.Hook != "" {
		v.WebhookURL = a.cfg.PublicURL + "/v1/hooks/" + w.Hook
	}
	if whole {
		v.Document, v.Bindings = w.Source, map[string]string{}
		for word, b := range w.Bindings {
			v.Bindings[word] = b.ID
		}
	}
	return v
}

func workflowRoute(method, suffix, id, summary string) route {
	return route{method: method, path: "/v1/workflows" + suffix, id: id, tag: "Workflows", summary: summary, scope: identity.ScopeCalls}
}

type workflowRef struct {
	Name string `path:"name" maxLength:"64"`
}

func (a *API) oneWorkflow(w workflow.Workflow, err error) (*body[workflowView], error) {
	if err != nil {
		return nil, err
	}
	return &body[workflowView]{a.viewWorkflow(w, true)}, nil
}

func (a *API) workflows(mux *http.ServeMux) {
	s := a.cfg.Workflows
	type workflowDocument struct {
		Name    string `path:"name" maxLength:"64"`
		RawBody []byte `contentType:"application/yaml"`
	}
	apply := workflowRoute("PUT", "/{name}", "apply-workflow", "Store a workflow, or another version of it, from a document in YAML or JSON")
	apply.maxBody = workflow.MaxDocument
	add(a, apply, func(ctx context.Context, in *workflowDocument) (*body[workflowView], error) {
		return a.oneWorkflow(s.Apply(ctx, principal(ctx).User, in.Name, string(in.RawBody), nil))
	})
	add(a, workflowRoute("GET", "", "list-workflows", "List your workflows by name"), func(ctx context.Context, in *Page) (*body[list[workflowView]], error) {
		found, err := s.List(ctx, principal(ctx).User, in.Cursor, in.Limit+1)
		if err != nil {
			return nil, err
		}
		return pageOf(found, in.Limit, func(w workflow.Workflow) string { return w.Name }, func(w workflow.Workflow) workflowView { return a.viewWorkflow(w, false) }), nil
	})
	add(a, workflowRoute("GET", "/{name}", "get-workflow", "Get a workflow with its document"), func(ctx context.Context, in *workflowRef) (*body[workflowView], error) {
		return a.oneWorkflow(s.Get(ctx, principal(ctx).User, in.Name))
	})
	gone := workflowRoute("DELETE", "/{name}", "delete-workflow", "Remove a workflow; its runs stay in the history")
	gone.status = http.StatusNoContent
	add(a, gone, func(ctx context.Context, in *workflowRef) (*none, error) {
		return nil, s.Delete(ctx, principal(ctx).User, in.Name)
	})
	for word, enabled := range map[string]bool{"enable": true, "disable": false} {
		add(a, workflowRoute("POST", "/{name}/"+word, word+"-workflow", "Let a workflow be started, or not, but by test runs"),
			func(ctx context.Context, in *workflowRef) (*body[workflowView], error) {
				return a.oneWorkflow(s.Enable(ctx, principal(ctx).User, in.Name, enabled))
			})
	}
	a.sharing()
	a.hooks(mux)
	a.runs(mux)
}

// sharing adds the routes by which a workflow goes from one user to another.
func (a *API) sharing() {
	s := a.cfg.Workflows
	type exported struct {
		Name     string `json:"name"`
		Document string `json:"document" doc:"YAML; it names no id and holds no secret"`
	}
	add(a, workflowRoute("GET", "/{name}/export", "export-workflow", "Get the document in words that another user can import"),
		func(ctx context.Context, in *workflowRef) (*body[exported], error) {
			source, err := s.Export(ctx, principal(ctx).User, in.Name)
			if err != nil {
				return nil, err
			}
			return &body[exported]{exported{in.Name, source}}, nil
		})
	type workflowImport struct {
		Body struct {
			Name     string            `json:"name" maxLength:"64"`
			Document string            `json:"document"`
			Bindings map[string]string `json:"bindings,omitempty" doc:"Your integration for each word of the document that is to stand for another one than the host would find"`
		}
	}
	in := workflowRoute("POST", "/import", "import-workflow", "Store a workflow from another user's document, with your integrations").made()
	in.maxBody = 2 * workflow.MaxDocument
	add(a, in, func(ctx context.Context, in *workflowImport) (*body[workflowView], error) {
		return a.oneWorkflow(s.Import(ctx, principal(ctx).User, in.Body.Name, in.Body.Document, in.Body.Bindings))
	})
}

// maxHookBody bounds a message to an inbound webhook.
const maxHookBody = 1 << 20

func (a *API) hooks(mux *http.ServeMux) {
	s := a.cfg.Workflows
	type hookView struct {
		URL    string `json:"url"`
		Secret string `json:"secret" doc:"What signs messages, as the Standard Webhooks specification says; told once"`
	}
	add(a, workflowRoute("POST", "/{name}/webhook", "make-workflow-webhook", "Make the address at which signed messages start runs, or another one in its place").made(),
		func(ctx context.Context, in *workflowRef) (*body[hookView], error) {
			w, secret, err := s.MakeHook(ctx, principal(ctx).User, in.Name)
			if err != nil {
				return nil, err
			}
			return &body[hookView]{hookView{a.viewWorkflow(w, false).WebhookURL, secret}}, nil
		})
	gone := workflowRoute("DELETE", "/{name}/webhook", "delete-workflow-webhook", "Take that address away")
	gone.status = http.StatusNoContent
	add(a, gone, func(ctx context.Context, in *workflowRef) (*none, error) {
		return nil, s.DropHook(ctx, principal(ctx).User, in.Name)
	})
	mux.HandleFunc("POST /v1/hooks/{hook}", a.serveHook)
}

// serveHook takes a message to an inbound webhook. Its signature is what lets it in.
func (a *API) serveHook(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxHookBody))
	if err != nil {
		readProblem(r.Context(), err).write(w)
		return
	}
	run, err := a.cfg.Workflows.Receive(r.Context(), r.PathValue("hook"), workflow.HookMessage{ID: r.Header.Get("webhook-id"),
		Timestamp: r.Header.Get("webhook-timestamp"), Signature: r.Header.Get("webhook-signature"), Body: raw})
	if err != nil {
		a.problem(r.Context(), err).write(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_ = json.NewEncoder(w).Encode(map[string]string{"id": run}) // a sender that went away
}

// workflowProblem makes a problem of a failure of the workflow room; nil for any other.
func workflowProblem(ctx context.Context, err error) *Problem {
	var invalid *workflow.InvalidError
	var conflict *workflow.ConflictError
	switch {
	case errors.As(err, &invalid):
		detail := invalid.Detail + "."
		if invalid.Line == 0 {
			detail = invalid.Pointer + " " + detail
		}
		p := newProblem(ctx, 422, "validation_failed", detail)
		p.Errors = []catalog.Violation{{Pointer: invalid.Pointer, Detail: invalid.Detail}}
		return p
	case errors.As(err, &conflict):
		return newProblem(ctx, 409, "conflict", conflict.Detail)
	case errors.Is(err, workflow.ErrNotFound):
		return newProblem(ctx, 404, "not_found", "There is no such thing, or it is not yours.")
	case errors.Is(err, workflow.ErrSignature):
		return newProblem(ctx, 401, "unauthenticated", "There is no such webhook, or the message is not signed with its secret, or it is too old.")
	}
	return nil
}
