package workflow

import (
	"context"
	"fmt"

	"github.com/patchbay/patchbay/host/internal/vault"
)

// maxContext bounds the outputs that one node refers to, together.
const maxContext = 16 << 20

// variables answers what the node's expressions may use, and the states of the nodes that it waits for.
func (w *work) variables(ctx context.Context) (map[string]any, map[string]State, error) {
	out := map[string]any{"input": w.x.input, "run": map[string]string{"id": w.x.ID, "workflow": w.x.Workflow, "trigger": w.x.Trigger}}
	nodes, states := map[string]any{}, map[string]State{}
	out["nodes"] = nodes
	wanted := w.wants()
	if len(w.n.after) == 0 || (len(wanted) == 0 && (w.t.Item >= 0 || w.t.Phase != "")) {
		return out, states, nil
	}
	rows, err := w.e.cfg.Queue.Given(ctx, w.t.Run, w.n.after, wanted)
	if err != nil {
		return nil, nil, &passing{fmt.Errorf("reading outputs: %w", err)}
	}
	size := 0
	for _, row := range rows {
		if size += len(row.Output); size > maxContext {
			return nil, nil, fail(codeTooLarge, "the outputs that the node refers to are larger than %d MiB together", maxContext>>20)
		}
	}
	lists := map[string][]any{}
	for _, row := range rows {
		kept, err := opened(w.x.key, row)
		if err != nil {
			return nil, nil, err
		}
		if row.Item >= 0 { // items come in their order
			lists[row.Node] = append(lists[row.Node], kept["output"])
			continue
		}
		states[row.Node] = row.State
		kept["state"] = string(row.State)
		kept["error"] = nil
		if row.Code != "" {
			kept["error"] = map[string]any{"code": row.Code, "message": row.Error}
		}
		nodes[row.Node] = kept
	}
	for name, list := range lists {
		if kept, ok := nodes[name].(map[string]any); ok {
			kept["output"] = list
		}
	}
	return out, states, nil
}

// opened answers what is kept of a node, with output at least.
func opened(key *vault.DataKey, row NodeRow) (map[string]any, error) {
	if row.Output == nil {
		return map[string]any{"output": nil}, nil
	}
	raw, err := key.Open(vault.RunAAD(row.Run, part(row.Place, "output")), row.Output)
	if err != nil {
		return nil, fmt.Errorf("opening an output: %w", err)
	}
	v, err := decodeJSON(raw)
	if err != nil {
		return nil, fmt.Errorf("decoding an output: %w", err)
	}
	kept, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("decoding an output: it is a %T", v)
	}
	return kept, nil
}
