package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/identity"
	"github.com/patchbay/patchbay/host/internal/sandbox"
)

// sandboxAnswer is what an operation of the platform sandbox gives; its schema is that of the operation.
type sandboxAnswer = body[json.RawMessage]

// sandboxes are the routes of sandboxes. Each runs an operation of the platform of that name, with the input that the operation's schema
// describes; the sandbox stands in the path.
func (a *API) sandboxes(mux *http.ServeMux) {
	const tag = "Sandboxes"
	add(a, route{method: "GET", path: "/v1/sandboxes", id: "list-sandboxes", tag: tag, summary: "List your sandboxes", scope: identity.ScopeCalls},
		func(ctx context.Context, _ *struct{}) (*sandboxAnswer, error) { return a.sandbox(ctx, "list", "", nil) })
	add(a, route{method: "POST", path: "/v1/sandboxes", id: "create-sandbox", tag: tag, summary: "Make a sandbox and start it", scope: identity.ScopeCalls, status: 201},
		func(ctx context.Context, in *struct{ Body map[string]any }) (*sandboxAnswer, error) {
			return a.sandbox(ctx, "create", "", in.Body)
		})
	add(a, route{method: "GET", path: "/v1/sandboxes/{id}", id: "get-sandbox", tag: tag, summary: "Tell how a sandbox is", scope: identity.ScopeCalls},
		func(ctx context.Context, in *sandboxNamed) (*sandboxAnswer, error) {
			return a.sandbox(ctx, "get", in.ID, nil)
		})
	add(a, route{method: "DELETE", path: "/v1/sandboxes/{id}", id: "destroy-sandbox", tag: tag, summary: "Remove a sandbox with all that it holds", scope: identity.ScopeCalls},
		func(ctx context.Context, in *sandboxNamed) (*sandboxAnswer, error) {
			return a.sandbox(ctx, "destroy", in.ID, nil)
		})
	add(a, route{method: "GET", path: "/v1/sandboxes/templates", id: "list-sandbox-templates", tag: tag, summary: "What sandboxes can begin with, and what runs them", scope: identity.ScopeCalls},
		func(ctx context.Context, _ *struct{}) (*sandboxAnswer, error) {
			return a.sandbox(ctx, "list_templates", "", nil)
		})
	for _, r := range []struct{ method, path, operation, summary string }{
		{"POST", "pause", "pause", "Stop all that runs in a sandbox"},
		{"POST", "resume", "resume", "Let a sandbox go on"},
		{"POST", "timeout", "set_timeout", "Set when it is paused"},
		{"POST", "code", "run_code", "Run a program"},
		{"GET", "stats", "metrics", "Tell what a sandbox uses, and what it has cost"},
		{"GET", "operations", "list_operations", "List the commands of a sandbox"},
		{"POST", "output", "get_output", "Read the output of a command from an offset on"},
		{"POST", "signal", "send_signal", "Send a signal to a command"},
		{"POST", "files/read", "read_file", "Read a text file"},
		{"POST", "files/write", "write_file", "Write a text file"},
		{"POST", "files/edit", "edit_file", "Replace a text in a file"},
		{"POST", "files/list", "list_files", "List files"},
		{"POST", "files/mkdir", "make_dir", "Make a folder"},
		{"POST", "files/move", "move", "Move a file or a folder"},
		{"POST", "files/remove", "remove", "Remove a file or a folder"},
	} {
		rt := route{method: r.method, path: "/v1/sandboxes/{id}/" + r.path, id: "sandbox-" + r.operation, tag: tag, summary: r.summary, scope: identity.ScopeCalls, maxBody: 8 << 20}
		if r.method == "GET" {
			add(a, rt, func(ctx context.Context, in *sandboxNamed) (*sandboxAnswer, error) {
				return a.sandbox(ctx, r.operation, in.ID, nil)
			})
			continue
		}
		add(a, rt, func(ctx context.Context, in *sandboxFed) (*sandboxAnswer, error) {
			return a.sandbox(ctx, r.operation, in.ID, in.Body)
		})
	}
	a.sandboxSettings()
	mux.Handle("POST /v1/sandboxes/{id}/exec", a.Guard(identity.ScopeCalls, "", "", a.sandboxExec))
	mux.Handle("GET /v1/sandboxes/{id}/files", a.Guard(identity.ScopeCalls, "", "", a.sandboxHere(a.sandboxDownload)))
	mux.Handle("PUT /v1/sandboxes/{id}/files", a.Guard(identity.ScopeCalls, "", "", a.sandboxHere(a.sandboxUpload)))
	mux.Handle("POST /v1/sandboxes/{id}/terminal", a.Guard(identity.ScopeCalls, "", "", a.sandboxHere(a.sandboxTerminal)))
}

// sandboxNamed names a sandbox.
type sandboxNamed struct {
	ID string `path:"id" maxLength:"64"`
}

// sandboxFed names a sandbox and has the rest of the operation's input.
type sandboxFed struct {
	ID   string         `path:"id" maxLength:"64"`
	Body map[string]any `required:"false"`
}

// sandbox checks an input against the operation's schema and runs it.
func (a *API) sandbox(ctx context.Context, operation, ref string, in map[string]any) (*sandboxAnswer, error) {
	c, err := a.sandboxCall(principal(ctx), operation, ref, in)
	if err != nil {
		return nil, err
	}
	out, err := a.cfg.Sandboxes.Do(ctx, c)
	if err != nil {
		return nil, err
	}
	return &sandboxAnswer{Body: out}, nil
}

func (a *API) sandboxCall(p identity.Principal, operation, ref string, in map[string]any) (sandbox.Call, error) {
	if p.Limits.Limited() {
		return sandbox.Call{}, &catalog.Failure{Kind: "forbidden", Message: "A token with limits uses sandboxes by calls of the operations that it may run.", NotSent: true}
	}
	platform, _, err := a.cfg.Catalog.Platform(sandbox.Platform)
	if err != nil {
		return sandbox.Call{}, &catalog.Failure{Kind: sandbox.Unavailable, Message: "The adapter of sandboxes is not in service on this host.", NotSent: true}
	}
	op := platform.Operation(operation)
	if op == nil {
		return sandbox.Call{}, &catalog.Failure{Kind: catalog.OperationNotFound, Message: "Sandboxes have no such operation."}
	}
	if in == nil {
		in = map[string]any{}
	}
	if ref != "" {
		in["sandbox_id"] = ref
	}
	raw, err := json.Marshal(in)
	if err != nil {
		return sandbox.Call{}, err
	}
	return sandbox.Call{User: p.User, Operation: operation, Input: raw}, op.CheckInput(raw)
}

// sandboxSettings are the operator's routes, and what it all costs.
func (a *API) sandboxSettings() {
	add(a, route{method: "GET", path: "/v1/sandboxes/settings", id: "get-sandbox-settings", tag: "Sandboxes", summary: "Isolation, bounds and prices of sandboxes"},
		func(ctx context.Context, _ *struct{}) (*body[sandbox.Settings], error) {
			v, err := a.cfg.Sandboxes.Settings(ctx)
			return &body[sandbox.Settings]{Body: v}, err
		})
	add(a, route{method: "PUT", path: "/v1/sandboxes/settings", id: "put-sandbox-settings", tag: "Sandboxes", summary: "Change the settings; what is left out stays", scope: identity.ScopeOperator},
		func(ctx context.Context, in *struct{ Body map[string]any }) (*body[sandbox.Settings], error) {
			raw, err := json.Marshal(in.Body)
			if err != nil {
				return nil, err
			}
			v, err := a.cfg.Sandboxes.Change(ctx, principal(ctx).User, raw)
			return &body[sandbox.Settings]{Body: v}, err
		})
	type usageItem struct {
		Sandbox string `json:"sandbox_id"`
		User    string `json:"user"`
		Day     string `json:"day"`
		sandbox.Usage
	}
	add(a, route{method: "GET", path: "/v1/sandboxes/usage", id: "sandbox-usage", tag: "Sandboxes", summary: "What your sandboxes have used and cost, by day", scope: identity.ScopeCalls},
		func(ctx context.Context, in *sandboxUsageQuery) (*body[list[usageItem]], error) {
			user := principal(ctx).User
			if in.All {
				if !principal(ctx).May(identity.ScopeOperator) {
					return nil, newProblem(ctx, 403, "forbidden", "Only an operator may ask for everybody's.")
				}
				user = ""
			}
			now := time.Now().UTC()
			from, to := in.From, in.To
			if from == "" {
				from = now.AddDate(0, 0, -30).Format(time.DateOnly)
			}
			if to == "" {
				to = now.Format(time.DateOnly)
			}
			days, err := a.cfg.Sandboxes.Usage(ctx, user, from, to)
			out := list[usageItem]{Items: []usageItem{}}
			for _, d := range days {
				out.Items = append(out.Items, usageItem{d.Sandbox, d.User, d.Day, d.Usage})
			}
			return &body[list[usageItem]]{Body: out}, err
		})
}

type sandboxUsageQuery struct {
	From string `query:"from" format:"date" doc:"First day; 30 days ago when left out"`
	To   string `query:"to" format:"date" doc:"Last day; today when left out"`
	All  bool   `query:"all" doc:"Everybody's; operators only"`
}
