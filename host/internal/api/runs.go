package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/patchbay/patchbay/host/internal/file"
	"github.com/patchbay/patchbay/host/internal/identity"
	"github.com/patchbay/patchbay/host/internal/workflow"
)

type runView struct {
	ID         string                 `json:"id"`
	Workflow   string                 `json:"workflow"`
	Version    int                    `json:"version"`
	Trigger    string                 `json:"trigger" enum:"request,test,schedule,webhook,workflow"`
	State      string                 `json:"state" enum:"running,waiting,succeeded,failed,cancelled"`
	Code       string                 `json:"code,omitempty"`
	Error      string                 `json:"error,omitempty"`
	ErrorNode  string                 `json:"error_node,omitempty"`
	ParentRun  string                 `json:"parent_run,omitempty"`
	Input      json.RawMessage        `json:"input,omitempty"`
	Output     json.RawMessage        `json:"output,omitempty" doc:"What the document's output gave"`
	Nodes      map[string]runNodeView `json:"nodes,omitempty"`
	Order      []string               `json:"order,omitempty" doc:"The names of the nodes as they stand in the document"`
	CreatedAt  time.Time              `json:"created_at"`
	FinishedAt *time.Time             `json:"finished_at"`
}

type runNodeView struct {
	Item       *int            `json:"item,omitempty"`
	State      string          `json:"state" enum:"pending,running,waiting,succeeded,failed,skipped,cancelled"`
	WaitsFor   string          `json:"waits_for,omitempty" doc:"approval, unknown (a decision about a write whose fate is unknown), timer or child"`
	Attempt    int             `json:"attempt"`
	Items      *int            `json:"items,omitempty"`
	ItemsOpen  *int            `json:"items_open,omitempty"`
	Run        string          `json:"run,omitempty" doc:"The run of the workflow that the node runs"`
	Call       string          `json:"call,omitempty"`
	Code       string          `json:"code,omitempty"`
	Error      string          `json:"error,omitempty"`
	Input      json.RawMessage `json:"input,omitempty" doc:"What the node is about to be given, where it waits for approval"`
	Output     json.RawMessage `json:"output,omitempty"`
	OutputFile string          `json:"output_file,omitempty" doc:"The file that holds the output where it is too large to stand here"`
	Files      []file.File     `json:"files,omitempty"`
	StartedAt  *time.Time      `json:"started_at"`
	FinishedAt *time.Time      `json:"finished_at"`
}

func viewRun(r workflow.Run) runView {
	return runView{ID: r.ID, Workflow: r.Workflow, Version: r.Version, Trigger: r.Trigger, State: string(r.State), Code: r.Code, Error: r.Error,
		ErrorNode: r.Node, ParentRun: r.Parent.Run, CreatedAt: r.CreatedAt.UTC(), FinishedAt: timeOrNil(r.FinishedAt)}
}

func viewNode(n workflow.NodeRow) runNodeView {
	v := runNodeView{State: string(n.State), Attempt: n.Attempt, Run: n.Child, Call: n.Call, Code: n.Code, Error: n.Error,
		StartedAt: timeOrNil(n.StartedAt), FinishedAt: timeOrNil(n.FinishedAt)}
	if n.State == workflow.Waiting {
		v.WaitsFor = n.Phase
	}
	if n.Item >= 0 {
		v.Item = &n.Item
	}
	if n.Items != nil {
		v.Items, v.ItemsOpen = n.Items, &n.ItemsOpen
	}
	return v
}

// openedNode is a node with what it was given and gave.
func (a *API) openedNode(n workflow.NodeView) (runNodeView, error) {
	v := viewNode(n.NodeRow)
	v.Output, v.OutputFile = n.Output, n.OutputFile
	if n.State == workflow.Waiting {
		v.Input = n.Asked
	}
	if n.Files != nil {
		if err := json.Unmarshal(n.Files, &v.Files); err != nil {
			return v, err
		}
		for i := range v.Files {
			v.Files[i].URL = a.fileURL(n.Call, v.Files[i].ID)
		}
	}
	return v, nil
}

func runRoute(method, suffix, id, summary string) route {
	return route{method: method, path: "/v1/runs" + suffix, id: id, tag: "Workflows", summary: summary, scope: identity.ScopeCalls}
}

type runRef struct {
	ID string `path:"id" maxLength:"64"`
}

type runID struct {
	ID string `json:"id"`
}

func (a *API) runs(mux *http.ServeMux) {
	s := a.cfg.Workflows
	type runRequest struct {
		Name string `path:"name" maxLength:"64"`
		Body *struct {
			Input json.RawMessage `json:"input,omitempty" doc:"{} when left out"`
			Test  bool            `json:"test,omitempty" doc:"Works before the workflow is enabled"`
		}
	}
	add(a, workflowRoute("POST", "/{name}/runs", "run-workflow", "Start a run").made(), func(ctx context.Context, in *runRequest) (*body[runID], error) {
		var input json.RawMessage
		test := false
		if in.Body != nil {
			input, test = in.Body.Input, in.Body.Test
		}
		ref, err := s.Start(ctx, principal(ctx).User, in.Name, input, test)
		if err != nil {
			return nil, err
		}
		return &body[runID]{runID{ref}}, nil
	})
	type runQuery struct {
		Page
		Workflow string `query:"workflow" maxLength:"64"`
		State    string `query:"state" enum:"running,succeeded,failed,cancelled"`
	}
	add(a, runRoute("GET", "", "list-runs", "List your runs, the newest first"), func(ctx context.Context, in *runQuery) (*body[list[runView]], error) {
		found, err := s.Runs(ctx, workflow.Filter{User: principal(ctx).User, Workflow: in.Workflow, State: workflow.State(in.State), Before: in.Cursor, Limit: in.Limit + 1})
		if err != nil {
			return nil, err
		}
		return pageOf(found, in.Limit, func(r workflow.Run) string { return r.ID }, viewRun), nil
	})
	add(a, runRoute("GET", "/{id}", "get-run", "Get a run, node by node"), func(ctx context.Context, in *runRef) (*body[runView], error) {
		r, err := s.Run(ctx, principal(ctx).User, in.ID)
		if err != nil {
			return nil, err
		}
		v := viewRun(r.Run)
		v.Input, v.Output, v.Nodes = r.Input, r.Output, map[string]runNodeView{}
		for _, n := range r.Nodes {
			v.Order = append(v.Order, n.Node)
			if v.Nodes[n.Node], err = a.openedNode(n); err != nil {
				return nil, err
			}
		}
		return &body[runView]{v}, nil
	})
	type itemQuery struct {
		ID   string `path:"id" maxLength:"64"`
		Node string `path:"node" maxLength:"100"`
		Page
	}
	add(a, runRoute("GET", "/{id}/nodes/{node}/items", "list-run-items", "List the items of a node with for_each"),
		func(ctx context.Context, in *itemQuery) (*body[list[runNodeView]], error) {
			after := -1
			if in.Cursor != "" {
				after, _ = strconv.Atoi(in.Cursor) // nonsense begins at the beginning
			}
			found, err := s.Items(ctx, principal(ctx).User, in.ID, in.Node, after, in.Limit+1)
			if err != nil {
				return nil, err
			}
			page := pageOf(found, in.Limit, func(n workflow.NodeView) string { return strconv.Itoa(n.Item) }, func(n workflow.NodeView) runNodeView {
				v, viewErr := a.openedNode(n)
				if viewErr != nil {
					err = viewErr
				}
				return v
			})
			return page, err
		})
	a.runActions()
	a.runEvents(mux)
}

func (a *API) runActions() {
	s := a.cfg.Workflows
	after := func(ctx context.Context, ref string, err error) (*body[runView], error) {
		if err != nil {
			return nil, err
		}
		r, _, err := s.Glance(ctx, principal(ctx).User, ref)
		if err != nil {
			return nil, err
		}
		return &body[runView]{viewRun(r)}, nil
	}
	add(a, runRoute("POST", "/{id}/cancel", "cancel-run", "End a run"), func(ctx context.Context, in *runRef) (*body[runView], error) {
		return after(ctx, in.ID, s.Cancel(ctx, principal(ctx).User, in.ID))
	})
	type runRetry struct {
		ID   string `path:"id" maxLength:"64"`
		Body *struct {
			Node string `json:"node,omitempty" maxLength:"100" doc:"From this node on; what failed or was cancelled when left out"`
		}
	}
	add(a, runRoute("POST", "/{id}/retry", "retry-run", "Run again what failed in a run that has ended"), func(ctx context.Context, in *runRetry) (*body[runView], error) {
		node := ""
		if in.Body != nil {
			node = in.Body.Node
		}
		return after(ctx, in.ID, s.Retry(ctx, principal(ctx).User, in.ID, node))
	})
	type runDecision struct {
		ID   string `path:"id" maxLength:"64"`
		Body struct {
			Node     string `json:"node" maxLength:"100"`
			Item     *int   `json:"item,omitempty" doc:"Of a node with for_each"`
			Decision string `json:"decision,omitempty" enum:"approve,reject,retry,accept" doc:"approve when left out; retry, accept and reject decide about a write whose fate is unknown"`
		}
	}
	add(a, runRoute("POST", "/{id}/approve", "approve-run", "Decide about a node that waits for a person"), func(ctx context.Context, in *runDecision) (*body[runView], error) {
		at := workflow.Place{Run: in.ID, Node: in.Body.Node, Item: -1}
		if in.Body.Item != nil && *in.Body.Item >= 0 {
			at.Item = *in.Body.Item
		}
		decision := in.Body.Decision
		if decision == "" {
			decision = workflow.Approve
		}
		return after(ctx, in.ID, s.Decide(ctx, principal(ctx).User, at, decision))
	})
}

// watchEvery is how often a stream of a run's events looks at the run.
const watchEvery = 250 * time.Millisecond

func (a *API) runEvents(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/runs/{id}/events", a.serveRunEvents)
	a.huma.OpenAPI().AddOperation(&huma.Operation{Method: "GET", Path: "/v1/runs/{id}/events", OperationID: "watch-run", Tags: []string{"Workflows"},
		Summary:     "Watch a run",
		Description: "Server-sent events: `node` whenever a node changes, with its name, and `run` when the run does; the stream ends with the run. The first events tell how all is.",
		Parameters:  []*huma.Param{{Name: "id", In: "path", Required: true, Schema: &huma.Schema{Type: "string"}}},
		Responses:   map[string]*huma.Response{"200": {Description: "Events", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: "string"}}}}}})
}

// serveRunEvents tells what changes in a run until it has ended.
func (a *API) serveRunEvents(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	p, err := a.who(r, identity.ScopeCalls)
	if err == nil {
		err = pastCalls(ctx, p, identity.ScopeCalls)
	}
	var run workflow.Run
	var rows []workflow.NodeRow
	if err == nil {
		run, rows, err = a.cfg.Workflows.Glance(ctx, p.User, r.PathValue("id"))
	}
	if err != nil {
		a.problem(ctx, err).write(w)
		return
	}
	s := &eventStream{w: w, control: http.NewResponseController(w)}
	done := make(chan struct{})
	var beats sync.WaitGroup
	defer beats.Wait()
	defer close(done)
	beats.Go(func() { s.keepAlive(done) })
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	told, state := map[string]string{}, ""
	for {
		if err := tell(s, rows, told); err != nil {
			return // the reader went away
		}
		if string(run.State) != state {
			state = string(run.State)
			if err := s.send("run", viewRun(run)); err != nil || run.State.Ended() {
				return
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if run, rows, err = a.cfg.Workflows.Glance(ctx, p.User, run.ID); err != nil {
			_ = s.send("error", a.problem(ctx, err)) // a reader that went away
			return
		}
	}
}

// tell sends an event for each node that is not as it was told.
func tell(s *eventStream, rows []workflow.NodeRow, told map[string]string) error {
	for _, n := range rows {
		v := struct {
			Node string `json:"node"`
			runNodeView
		}{n.Node, viewNode(n)}
		raw, err := json.Marshal(v)
		if err != nil {
			return err
		}
		if told[n.Node] == string(raw) {
			continue
		}
		told[n.Node] = string(raw)
		if err := s.send("node", v); err != nil {
			return err
		}
	}
	return nil
}
