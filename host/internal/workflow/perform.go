package workflow

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/patchbay/patchbay/host/internal/vault"
)

// Codes of failures that are no call's.
const (
	codeMapping  = "mapping_failed"  // an expression failed
	codeTooLarge = "too_large"       // a value, a list of items, an output
	codeRejected = "rejected"        // a person said no
	codeChild    = "workflow_failed" // the run that the node started failed
	codeInternal = "internal_error"
)

// failure is how a node failed: a code, and words for people.
type failure struct{ code, text string }

func (f *failure) Error() string { return f.text }

// mapping is the failure of an expression.
func mapping(where string, err error) *failure {
	if errors.Is(err, errTooLarge) {
		return fail(codeTooLarge, "%s: %v", where, err)
	}
	return fail(codeMapping, "%s: %v", where, err)
}

func fail(code, format string, args ...any) *failure {
	return &failure{code, fmt.Sprintf(format, args...)}
}

// perform runs one node, or one item of one, as far as it goes. It always gives a result.
func (e *Engine) perform(ctx context.Context, t Task) (out Result) {
	out = Result{Place: t.Place, Fence: t.Fence}
	defer func() {
		if p := recover(); p != nil { // a document must not end the host
			e.cfg.Logger.Error("a node made the host panic", "run", t.Run, "node", t.Node, "panic", p, "stack", string(debug.Stack()))
			out = Result{Place: t.Place, Fence: t.Fence, State: Failed, Code: codeInternal, Error: "The host failed on this node. Its log says more.", Fails: true}
		}
	}()
	x, err := e.execution(ctx, t.Run)
	if err != nil {
		return e.later(ctx, out, t, err)
	}
	n := x.doc.byName[t.Node]
	if n == nil {
		return e.broken(out, errors.New("the document has no such node"))
	}
	out.Next = n.next
	w := &work{e: e, x: x, n: n, t: t, out: out}
	if err := w.do(ctx); err != nil {
		return w.failed(ctx, err)
	}
	return w.out
}

// broken is the result of a node that the host could not even look at.
func (e *Engine) broken(out Result, err error) Result {
	e.cfg.Logger.Error("a node failed inside the host", "run", out.Run, "node", out.Node, "error", err)
	out.State, out.Code, out.Error, out.Fails = Failed, codeInternal, "The host failed on this node. Its log says more under the run's id.", true
	return out
}

const (
	// laterWait is how long a node waits after the host failed on it for a reason that may pass, maxStrikes how often it does.
	laterWait  = time.Second
	maxStrikes = 60
)

// passing is an error that may pass, such as that of a database that does not answer.
type passing struct{ err error }

func (p *passing) Error() string { return p.err.Error() }
func (p *passing) Unwrap() error { return p.err }

// later lets a node run once more, as the same attempt: where a write was sent already its key finds that.
func (e *Engine) later(ctx context.Context, out Result, t Task, err error) Result {
	var may *passing
	if ctx.Err() == nil && (!errors.As(err, &may) || !e.strike(t.Place)) {
		return e.broken(out, err)
	}
	e.cfg.Logger.Warn("the host failed on a node; it is tried again", "run", t.Run, "node", t.Node, "error", err)
	d := laterWait
	out.State, out.Again, out.Phase = Pending, &d, t.Phase
	return out
}

// strike counts failures of the host on a node, and says whether it may try once more.
func (e *Engine) strike(at Place) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.strikes[at]++; e.strikes[at] <= maxStrikes {
		return true
	}
	delete(e.strikes, at)
	return false
}

// work is one node while it runs.
type work struct {
	e   *Engine
	x   *execution
	n   *node
	t   Task
	out Result
}

func (w *work) do(ctx context.Context) error {
	if w.t.Phase == phaseTimer {
		return w.give(map[string]any{"output": nil})
	}
	variables, states, err := w.variables(ctx)
	if err != nil {
		return err
	}
	if w.t.Item < 0 && w.t.Phase == "" {
		if run, err := w.wanted(ctx, variables, states); err != nil || !run {
			return err
		}
		if w.n.forEach != nil {
			return w.expand(ctx, variables)
		}
	}
	if w.t.Item >= 0 {
		raw, err := w.x.key.Open(vault.RunAAD(w.t.Run, part(w.t.Place, "value")), w.t.Value)
		if err != nil {
			return fmt.Errorf("opening an item: %w", err)
		}
		if variables["item"], err = decodeJSON(raw); err != nil {
			return fmt.Errorf("decoding an item: %w", err)
		}
		variables["index"] = int64(w.t.Item)
	}
	return w.leaf(ctx, variables)
}

// wanted says whether the node is to run: what its condition says, or without one, that nothing it waits for was skipped.
func (w *work) wanted(ctx context.Context, variables map[string]any, states map[string]State) (bool, error) {
	if w.n.when == nil {
		for _, state := range states {
			if state == Skipped && w.n.name != outputNode {
				w.out.State = Skipped
				return false, nil
			}
		}
		return true, nil
	}
	v, err := w.n.when.fill(ctx, variables)
	if err != nil {
		return false, mapping("when", err)
	}
	yes, ok := v.(bool)
	if !ok {
		return false, fail(codeMapping, "when gave no true or false")
	}
	if !yes {
		w.out.State = Skipped
	}
	return yes, nil
}

// expand makes the items of a for_each.
func (w *work) expand(ctx context.Context, variables map[string]any) error {
	v, err := w.n.forEach.fill(ctx, variables)
	if err != nil {
		return mapping("for_each", err)
	}
	items, ok := v.([]any)
	switch {
	case !ok:
		return fail(codeMapping, "for_each gave no list")
	case len(items) > maxItems:
		return fail(codeTooLarge, "for_each gave %d items, and a node takes at most %d", len(items), maxItems)
	case len(items) == 0:
		return w.give(map[string]any{"output": []any{}})
	}
	for i, item := range items {
		raw, err := encode(item)
		if err != nil {
			return fmt.Errorf("encoding an item: %w", err)
		}
		sealed, err := w.seal(Place{w.t.Run, w.t.Node, i}, "value", raw)
		if err != nil {
			return err
		}
		w.out.Items = append(w.out.Items, sealed)
	}
	w.out.State, w.out.Parallel = Running, w.n.parallel
	return nil
}

// leaf runs what the node runs.
func (w *work) leaf(ctx context.Context, variables map[string]any) error {
	switch {
	case w.n.value != nil:
		v, err := w.n.value.fill(ctx, variables)
		if err != nil {
			return mapping("value", err)
		}
		return w.give(map[string]any{"output": v})
	case w.n.wait != nil:
		return w.pause(ctx, variables)
	case w.t.Phase == PhaseChildDone:
		return w.collectChild(ctx)
	}
	input, err := w.input(ctx, variables)
	if err != nil {
		return err
	}
	if w.n.approval && w.t.Phase == "" {
		w.out.State, w.out.Phase = Waiting, phaseApproval
		w.out.Input, err = w.seal(w.t.Place, "input", input)
		return err
	}
	if w.n.child != "" {
		return w.startChild(ctx, input)
	}
	return w.call(ctx, input)
}

// input answers what the node is given: what was approved, where somebody was asked.
func (w *work) input(ctx context.Context, variables map[string]any) ([]byte, error) {
	if w.t.Input != nil && w.t.Phase != "" {
		raw, err := w.x.key.Open(vault.RunAAD(w.t.Run, part(w.t.Place, "input")), w.t.Input)
		if err != nil {
			return nil, fmt.Errorf("opening the input: %w", err)
		}
		return raw, nil
	}
	v, err := w.n.input.fill(ctx, variables)
	if err != nil {
		return nil, mapping("input", err)
	}
	if _, ok := v.(map[string]any); !ok {
		return nil, fail(codeMapping, "input is no object")
	}
	raw, err := encode(v)
	if err != nil {
		return nil, fmt.Errorf("encoding the input: %w", err)
	}
	if len(raw) > maxValue {
		return nil, fail(codeTooLarge, "input is larger than %d MiB", maxValue>>20)
	}
	return raw, nil
}

// pause makes the node wait, without a host that runs it.
func (w *work) pause(ctx context.Context, variables map[string]any) error {
	v, err := w.n.wait.fill(ctx, variables)
	if err != nil {
		return mapping("wait", err)
	}
	text, _ := v.(string)
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > maxWait {
		return fail(codeMapping, "wait must be a duration such as 90s or 24h, at most %s", maxWait)
	}
	w.out.State, w.out.Phase, w.out.Again = Waiting, phaseTimer, &d
	return nil
}

// give ends the node well. kept is what is stored of it: output, and files and call where there are.
func (w *work) give(kept map[string]any) error {
	raw, err := encode(kept)
	if err != nil {
		return fmt.Errorf("encoding an output: %w", err)
	}
	if len(raw) > maxOutput {
		return fail(codeTooLarge, "the output is larger than %d MiB", maxOutput>>20)
	}
	w.out.State = Succeeded
	w.out.Output, err = w.seal(w.t.Place, "output", raw)
	return err
}

// maxOutput bounds what is stored of a node; a call's larger output is a file.
const maxOutput = 2 << 20

func (w *work) seal(at Place, what string, raw []byte) ([]byte, error) {
	sealed, err := w.x.key.Seal(vault.RunAAD(at.Run, part(at, what)), raw)
	if err != nil {
		return nil, fmt.Errorf("sealing a part of a run: %w", err)
	}
	return sealed, nil
}

// failed ends the node badly, or makes it ready for another attempt.
func (w *work) failed(ctx context.Context, err error) Result {
	var f *failure
	if !errors.As(err, &f) {
		if w.out = w.e.later(ctx, w.out, w.t, err); w.out.State == Pending {
			return w.out
		}
	} else {
		w.out.State, w.out.Code, w.out.Error, w.out.Fails = Failed, f.code, clipLong(f.text), true
	}
	w.out.Output, w.out.Items = nil, nil
	if w.n.goesOn {
		w.out.Fails = false
	}
	return w.out
}

func clipLong(s string) string {
	if len(s) > 2000 {
		s = s[:2000] + "…"
	}
	return s
}

// wants says whether an output is needed by what this task evaluates.
func (w *work) wants() []string {
	var out []string
	add := func(t *template) { out = append(out, used(t)...) }
	if w.t.Item < 0 && w.t.Phase == "" {
		add(w.n.when)
		add(w.n.forEach)
	}
	if w.t.Input == nil || w.t.Phase == "" {
		add(&w.n.input)
		add(w.n.value)
		add(w.n.wait)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
