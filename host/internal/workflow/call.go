package workflow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/dispatch"
	"github.com/patchbay/patchbay/host/internal/id"
	"github.com/patchbay/patchbay/host/internal/vault"
)

const (
	retryBase = time.Second
	retryCap  = 5 * time.Minute
	// maxDepthOfRuns bounds workflows within workflows, maxFamily the runs that one run may bring about.
	maxDepthOfRuns = 8
	maxFamily      = 2000
)

// call runs the node's operation.
func (w *work) call(ctx context.Context, input []byte) error {
	c := dispatch.Call{User: w.x.User, Operation: w.n.operation, Input: input, Timeout: w.n.timeout, Workflow: w.x.Workflow, WorkflowRun: w.x.ID}
	bound := w.x.Bindings[w.n.reference()]
	if w.n.pool != "" {
		c.Pool = bound.ID
	} else {
		c.Integration = bound.ID
	}
	effect := w.e.effect(bound.Platform, w.n.operation)
	if effect == catalog.Write {
		// The key is the same on every host and another at each attempt. A host that takes this node over is given the answer, or told that
		// there is none to be had.
		c.IdempotencyKey = fmt.Sprintf("workflow:%s:%s:%d:%d", w.t.Run, w.t.Node, w.t.Item, w.t.Attempt)
	}
	answer, err := w.e.cfg.Dispatcher.Run(ctx, c)
	w.out.Call = answer.ID
	if err != nil {
		return w.callFailed(ctx, effect, err)
	}
	kept := map[string]any{"output": answer.Output, "call": answer.ID}
	if len(answer.Files) > 0 {
		kept["files"] = answer.Files
	}
	if answer.OutputFile != "" {
		kept["output_file"] = answer.OutputFile
	}
	return w.give(kept)
}

// effect answers what repeating an operation does; where it cannot be known now, the worst.
func (e *Engine) effect(platform, operation string) catalog.Effect {
	if p, _, err := e.cfg.Catalog.Platform(platform); err == nil {
		if op := p.Operation(operation); op != nil {
			return op.Effect
		}
	}
	return catalog.Write
}

// callFailed decides what becomes of a node whose call failed. nil: the result is set.
func (w *work) callFailed(ctx context.Context, effect catalog.Effect, err error) error {
	var f *catalog.Failure
	if !errors.As(err, &f) {
		return &passing{err}
	}
	if unknown(effect, f) {
		return w.unknown(f)
	}
	if ctx.Err() != nil && effect != catalog.Write { // the host stops, or the run
		d := time.Duration(0)
		w.out.State, w.out.Again, w.out.Phase = Pending, &d, w.t.Phase
		return nil
	}
	if w.t.Attempt <= w.n.retries && passes(f) {
		d := max(f.RetryAfter, min(retryBase<<min(w.t.Attempt-1, 12), retryCap))
		d += rand.N(d/4 + 1)
		w.out.State, w.out.Again, w.out.Repeat, w.out.Phase = Pending, &d, true, w.t.Phase
		w.out.Code, w.out.Error = string(f.Kind), clipLong(f.Message)
		return nil
	}
	return fail(string(f.Kind), "%s", f.Message)
}

// unknown says whether a write may have had its effect.
func unknown(effect catalog.Effect, f *catalog.Failure) bool {
	if effect != catalog.Write {
		return false
	}
	switch f.Kind {
	case catalog.OutcomeUnknown, dispatch.NotRecorded, dispatch.InProgress:
		return true
	case catalog.Timeout, dispatch.Internal:
		return !f.NotSent
	}
	return false
}

// unknown lets the node's policy decide on a write whose fate is unknown: a person, in most cases.
func (w *work) unknown(f *catalog.Failure) error {
	w.out.Code, w.out.Error = string(catalog.OutcomeUnknown), clipLong(f.Message)
	switch w.n.onUnknown {
	case unknownRepeated:
		if w.t.Attempt <= max(w.n.retries, 1) {
			d := retryBase
			w.out.State, w.out.Again, w.out.Repeat, w.out.Phase = Pending, &d, true, w.t.Phase
			return nil
		}
	case unknownGoesOn:
		w.out.State = Failed
		return nil
	case unknownFails:
		return fail(string(catalog.OutcomeUnknown), "%s", f.Message)
	}
	w.out.State, w.out.Phase = Waiting, phaseUnknown
	return nil
}

// passes says whether a failure may pass by itself.
func passes(f *catalog.Failure) bool {
	switch f.Kind {
	case catalog.RateLimited, catalog.PlatformUnavailable, catalog.AdapterUnavailable, catalog.Timeout, catalog.OutcomeUnknown:
		return true
	case catalog.PlatformError:
		return f.PlatformStatus == 0 || f.PlatformStatus >= 500
	}
	return false
}

// startChild starts the run of another workflow, of the same user, and waits for it.
func (w *work) startChild(ctx context.Context, input json.RawMessage) error {
	if w.x.Depth >= maxDepthOfRuns {
		return fail(codeTooLarge, "workflows run within each other more than %d deep", maxDepthOfRuns)
	}
	family, err := w.e.cfg.Queue.Family(ctx, w.x.Root)
	if err != nil {
		return &passing{fmt.Errorf("counting runs: %w", err)}
	}
	if family >= maxFamily {
		return fail(codeTooLarge, "one run has brought about %d others, which is the most", maxFamily)
	}
	child, err := w.e.cfg.Service.store.Workflow(ctx, w.x.User, w.n.child)
	if errors.Is(err, ErrNotFound) {
		return fail(codeChild, "there is no workflow %q of yours", w.n.child)
	}
	if err != nil {
		return &passing{fmt.Errorf("reading a workflow: %w", err)}
	}
	if !child.Enabled && !w.x.Test {
		return fail(codeChild, "the workflow %q is not enabled", w.n.child)
	}
	start, err := w.e.cfg.Service.prepare(ctx, child, "workflow", w.x.Test, input)
	if err != nil {
		return err
	}
	start.Parent, start.Root, start.Depth = w.t.Place, w.x.Root, w.x.Depth+1
	w.out.State, w.out.Phase, w.out.Child = Waiting, phaseChild, &start
	return nil
}

// collectChild takes what the other run gave.
func (w *work) collectChild(ctx context.Context) error {
	loaded, err := w.e.cfg.Queue.Load(ctx, w.t.Child)
	if err != nil {
		return &passing{fmt.Errorf("reading the other run: %w", err)}
	}
	if loaded.State != Succeeded {
		return fail(codeChild, "the run %s of %s %s: %s", loaded.ID, loaded.Workflow, loaded.State, loaded.Error)
	}
	rows, err := w.e.cfg.Queue.Given(ctx, w.t.Child, []string{outputNode}, []string{outputNode})
	if err != nil {
		return &passing{fmt.Errorf("reading the other run's output: %w", err)}
	}
	kept := map[string]any{"output": nil}
	if len(rows) == 1 {
		key, err := openKey(ctx, w.e.cfg.Vault, loaded.Run)
		if err != nil {
			return err
		}
		if kept, err = opened(key, rows[0]); err != nil {
			return err
		}
	}
	return w.give(map[string]any{"output": kept["output"], "run": loaded.ID})
}

// prepare makes a run of a workflow.
func (s *Service) prepare(ctx context.Context, w Workflow, trigger string, test bool, input json.RawMessage) (Start, error) {
	doc, err := parse(w.Source)
	if err != nil {
		return Start{}, fmt.Errorf("reading the document: %w", err)
	}
	r := Run{ID: id.New("run"), User: w.User, WorkflowID: w.ID, Workflow: w.Name, Version: w.Version, Trigger: trigger, Test: test, Parent: Place{Item: -1}}
	r.Root = r.ID
	key, err := s.vault.NewDataKey(ctx)
	if err != nil {
		return Start{}, err
	}
	r.Key = key.Sealed()
	if r.Input, err = key.Seal(vault.RunAAD(r.ID, "input"), input); err != nil {
		return Start{}, fmt.Errorf("sealing the input: %w", err)
	}
	out := Start{Run: r, Nodes: make([]StartNode, 0, len(doc.nodes))}
	for _, n := range doc.nodes {
		out.Nodes = append(out.Nodes, StartNode{n.name, len(n.after)})
	}
	return out, nil
}

// reference is the word of the document for what the node runs with, as bindings know it.
func (n *node) reference() string {
	if n.pool != "" {
		return poolPrefix + n.pool
	}
	return strings.TrimSpace(n.integration)
}

const poolPrefix = "pool:"
