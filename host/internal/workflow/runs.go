package workflow

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/patchbay/patchbay/host/internal/id"
	"github.com/patchbay/patchbay/host/internal/vault"
)

// View is a run with its nodes, opened.
type View struct {
	Run
	Input  json.RawMessage
	Output json.RawMessage
	Nodes  []NodeView
}

// NodeView is a node of a run, opened. Its output is nil where it has none, or where the view is without outputs.
type NodeView struct {
	NodeRow
	Output     json.RawMessage
	OutputFile string
	Files      json.RawMessage
	// Asked is the input of a node that waits for a person, or ran after that.
	Asked json.RawMessage
}

// Run answers a user's run with its nodes, in the order of the document. Outputs past maxShown together are left out.
func (s *Service) Run(ctx context.Context, user, ref string) (View, error) {
	r, err := s.find(ctx, user, ref)
	if err != nil {
		return View{}, err
	}
	rows, err := s.store.Nodes(ctx, ref, true)
	if err != nil {
		return View{}, wrap("reading the nodes", err)
	}
	key, err := openKey(ctx, s.vault, r)
	if err != nil {
		return View{}, err
	}
	v := View{Run: r}
	if v.Input, err = key.Open(vault.RunAAD(ref, "input"), r.Input); err != nil {
		return View{}, fmt.Errorf("opening the run's input: %w", err)
	}
	left := maxShown
	for _, row := range rows {
		if left -= len(row.Output); left < 0 {
			row.Output = nil
		}
		n, err := view(key, row)
		if err != nil {
			return View{}, err
		}
		if row.Node == outputNode {
			v.Output = n.Output
			continue
		}
		v.Nodes = append(v.Nodes, n)
	}
	v.State = stateOf(r, rows)
	return v, nil
}

// maxShown bounds the outputs that stand in a view of a run, sealed.
const maxShown = 4 << 20

// stateOf tells waiting from running: nothing runs or is about to, and something waits.
func stateOf(r Run, rows []NodeRow) State {
	if r.State != Running {
		return r.State
	}
	waits := false
	for _, row := range rows {
		switch {
		case row.State == Running && row.Items == nil, row.State == Pending && row.Blocked == 0:
			return Running
		case row.State == Running:
			return Running // of items: they may wait, and the list of items tells
		case row.State == Waiting:
			waits = true
		}
	}
	if waits {
		return Waiting
	}
	return Running
}

func view(key *vault.DataKey, row NodeRow) (NodeView, error) {
	v := NodeView{NodeRow: row}
	if row.Output != nil {
		raw, err := key.Open(vault.RunAAD(row.Run, part(row.Place, "output")), row.Output)
		if err != nil {
			return v, fmt.Errorf("opening an output: %w", err)
		}
		var kept struct {
			Output     json.RawMessage `json:"output"`
			OutputFile string          `json:"output_file"`
			Files      json.RawMessage `json:"files"`
		}
		if err := json.Unmarshal(raw, &kept); err != nil {
			return v, fmt.Errorf("decoding an output: %w", err)
		}
		v.Output, v.OutputFile, v.Files = kept.Output, kept.OutputFile, kept.Files
	}
	if row.Input != nil {
		raw, err := key.Open(vault.RunAAD(row.Run, part(row.Place, "input")), row.Input)
		if err != nil {
			return v, fmt.Errorf("opening an input: %w", err)
		}
		v.Asked = raw
	}
	return v, nil
}

func (s *Service) find(ctx context.Context, user, ref string) (Run, error) {
	if !id.Is("run", ref) {
		return Run{}, ErrNotFound
	}
	r, err := s.store.Run(ctx, user, ref)
	return r, wrap("reading the run", err)
}

// Glance answers a user's run and its nodes without what they were given and gave: what changes while it runs.
func (s *Service) Glance(ctx context.Context, user, ref string) (Run, []NodeRow, error) {
	r, err := s.find(ctx, user, ref)
	if err != nil {
		return r, nil, err
	}
	rows, err := s.store.Nodes(ctx, ref, false)
	if err != nil {
		return r, nil, wrap("reading the nodes", err)
	}
	r.State = stateOf(r, rows)
	return r, slices.DeleteFunc(rows, func(n NodeRow) bool { return n.Node == outputNode }), nil
}

// Items answers a page of the items of a node of a user's run, those behind after.
func (s *Service) Items(ctx context.Context, user, ref, node string, after, limit int) ([]NodeView, error) {
	r, err := s.find(ctx, user, ref)
	if err != nil {
		return nil, err
	}
	rows, err := s.store.Items(ctx, ref, node, after, limit)
	if err != nil {
		return nil, wrap("reading the items", err)
	}
	key, err := openKey(ctx, s.vault, r)
	if err != nil {
		return nil, err
	}
	out := make([]NodeView, 0, len(rows))
	for _, row := range rows {
		v, err := view(key, row)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// Runs answers a page of a user's runs, the newest first.
func (s *Service) Runs(ctx context.Context, f Filter) ([]Run, error) {
	found, err := s.store.ListRuns(ctx, f)
	return found, wrap("listing runs", err)
}

// Cancel ends a user's run: what has not begun never will, and what runs is told to end.
func (s *Service) Cancel(ctx context.Context, user, ref string) error {
	if _, err := s.find(ctx, user, ref); err != nil {
		return err
	}
	if err := s.store.CancelRun(ctx, user, ref); err != nil {
		return wrap("cancelling the run", err)
	}
	return s.cfg.Audit.Record(ctx, user, "run.cancel", ref)
}

// Retry runs again what failed or was cancelled in a run that has ended, or where a node is named, that node and all behind it. What
// succeeded before it stays. A write whose fate is unknown is repeated only where it is named.
func (s *Service) Retry(ctx context.Context, user, ref, from string) error {
	r, err := s.find(ctx, user, ref)
	if err != nil {
		return err
	}
	doc, err := s.documentOf(ctx, r)
	if err != nil {
		return err
	}
	if from != "" && doc.byName[from] == nil {
		return &InvalidError{Pointer: "/node", Detail: "is no node of this run"}
	}
	err = s.store.RetryRun(ctx, user, ref, func(r Run, rows []NodeRow) ([]Reset, error) { return doc.resets(r, rows, from) })
	if err != nil {
		return wrap("retrying the run", err)
	}
	s.Kick()
	return s.cfg.Audit.Record(ctx, user, "run.retry", ref, "node", from)
}

func (s *Service) documentOf(ctx context.Context, r Run) (*Document, error) {
	source, err := s.store.Source(ctx, r.WorkflowID, r.Version)
	if err != nil {
		return nil, wrap("reading the document", err)
	}
	doc, err := parse(source)
	if err != nil {
		return nil, fmt.Errorf("reading the document: %w", err)
	}
	return doc, nil
}

// resets says what runs again.
func (d *Document) resets(r Run, rows []NodeRow, from string) ([]Reset, error) {
	if r.State != Failed && r.State != Cancelled && (r.State != Succeeded || from == "") {
		return nil, &ConflictError{fmt.Sprintf("The run is %s: only what has failed or was cancelled can be retried.", r.State)}
	}
	if r.Parent.Run != "" {
		return nil, &ConflictError{"The run belongs to another one: retry that."}
	}
	again := map[string]bool{}
	state := map[string]NodeRow{}
	for _, row := range rows {
		state[row.Node] = row
		if row.State == Failed || row.State == Cancelled {
			if row.Code == "outcome_unknown" && row.Node != from {
				return nil, &ConflictError{fmt.Sprintf("Whether the write of %s had its effect is not known. Look at the platform; to repeat it, retry from that node by name.", row.Node)}
			}
			again[row.Node] = true
		}
	}
	queue := []string{}
	if from != "" {
		again[from] = true
	}
	for name := range again {
		queue = append(queue, name)
	}
	for len(queue) > 0 { // whatever stands behind what runs again does too
		name := queue[0]
		queue = queue[1:]
		for _, next := range d.byName[name].next {
			if !again[next] {
				again[next] = true
				queue = append(queue, next)
			}
		}
	}
	var out []Reset
	for name := range again {
		n := d.byName[name]
		reset := Reset{Node: name, Parallel: n.parallel}
		for _, before := range n.after {
			if again[before] {
				reset.Blocked++
			}
		}
		row := state[name]
		reset.Items = row.Items != nil && reset.Blocked == 0 && name != from && row.State != Succeeded
		out = append(out, reset)
	}
	return out, nil
}

// Decisions of a person about a node that waits.
const (
	Approve = "approve" // let it run
	Reject  = "reject"  // make it fail
	Repeat  = "retry"   // of a write whose fate is unknown: send it again
	Accept  = "accept"  // of such a write: take it as done, with the output null
)

// Decide decides about a node that waits for a person.
func (s *Service) Decide(ctx context.Context, user string, at Place, decision string) error {
	r, err := s.find(ctx, user, at.Run)
	if err != nil {
		return err
	}
	doc, err := s.documentOf(ctx, r)
	if err != nil {
		return err
	}
	n := doc.byName[at.Node]
	if n == nil {
		return &InvalidError{Pointer: "/node", Detail: "is no node of this run"}
	}
	key, err := openKey(ctx, s.vault, r)
	if err != nil {
		return err
	}
	err = s.store.Decide(ctx, user, at, func(row NodeRow) (Result, error) {
		out := Result{Place: at, Next: n.next, Code: row.Code, Error: row.Error, Call: row.Call}
		now := time.Duration(0)
		switch {
		case row.State != Waiting || (row.Phase != phaseApproval && row.Phase != phaseUnknown):
			return out, &ConflictError{"The node waits for no decision."}
		case row.Phase == phaseApproval && decision == Approve:
			out.State, out.Phase, out.Again, out.Code, out.Error = Pending, phaseApproved, &now, "", ""
		case row.Phase == phaseUnknown && decision == Repeat:
			out.State, out.Again, out.Repeat = Pending, &now, true
			if row.Input != nil {
				out.Phase = phaseApproved
			}
		case row.Phase == phaseUnknown && decision == Accept:
			sealed, err := key.Seal(vault.RunAAD(at.Run, part(at, "output")), []byte(`{"output":null}`))
			if err != nil {
				return out, fmt.Errorf("sealing an output: %w", err)
			}
			out.State, out.Output, out.Code, out.Error = Succeeded, sealed, "", ""
		case decision == Reject:
			out.State, out.Fails = Failed, !n.goesOn
			if row.Phase == phaseApproval {
				out.Code, out.Error = codeRejected, "It was not approved."
			}
		default:
			return out, &InvalidError{Pointer: "/decision", Detail: "must be approve or reject, or for a write whose fate is unknown retry, accept or reject"}
		}
		return out, nil
	})
	if err != nil {
		return wrap("deciding", err)
	}
	s.Kick()
	return s.cfg.Audit.Record(ctx, user, "run.decide", at.Run, "node", at.Node, "item", fmt.Sprint(at.Item), "decision", decision)
}
