package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay/patchbay/host/internal/workflow"
)

const runColumns = `r.id, r.user_id, r.workflow_id, r.workflow, r.version, r.trigger, r.test, r.state, r.state = 'running' AND (r.failing OR r.cancelling),
	r.code, r.error, r.error_node, r.parent_run, r.parent_node, r.parent_item, r.root_id, r.depth, r.input, r.sealed, r.key_id, r.created_at, r.finished_at`

func runFields(r *workflow.Run) []any {
	return []any{&r.ID, &r.User, &r.WorkflowID, &r.Workflow, &r.Version, &r.Trigger, &r.Test, &r.State, &r.Stopping, &r.Code, &r.Error, &r.Node,
		&r.Parent.Run, &r.Parent.Node, &r.Parent.Item, &r.Root, &r.Depth, &r.Input, &r.Key.Bytes, &r.Key.KeyID, &r.CreatedAt, &r.FinishedAt}
}

func scanRun(row pgx.CollectableRow) (workflow.Run, error) {
	var r workflow.Run
	err := row.Scan(runFields(&r)...)
	return r, err
}

// insertRun stores a run with its nodes; those that wait for nothing are ready.
func insertRun(ctx context.Context, tx pgx.Tx, s workflow.Start) error {
	names, blocked := make([]string, len(s.Nodes)), make([]int32, len(s.Nodes))
	for i, n := range s.Nodes {
		names[i], blocked[i] = n.Name, int32(n.Blocked)
	}
	batch := &pgx.Batch{}
	batch.Queue(`INSERT INTO runs (id, user_id, workflow_id, workflow, version, trigger, test, open, parent_run, parent_node, parent_item, root_id, depth,
		input, sealed, key_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`, s.ID, s.User, s.WorkflowID, s.Workflow,
		s.Version, s.Trigger, s.Test, len(s.Nodes), s.Parent.Run, s.Parent.Node, s.Parent.Item, s.Root, s.Depth, s.Input, s.Key.Bytes, s.Key.KeyID)
	batch.Queue(`INSERT INTO run_nodes (run_id, name, seq, blocked, ready_at) SELECT $1, t.name, t.n, t.blocked,
		CASE WHEN t.blocked = 0 THEN clock_timestamp() END FROM unnest($2::text[], $3::integer[]) WITH ORDINALITY AS t (name, blocked, n)`, s.ID, names, blocked)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("storing a run: %w", err)
	}
	return nil
}

// StartRun stores a run.
func (s Workflows) StartRun(ctx context.Context, start workflow.Start, m workflow.Message, most int) (string, error) {
	ref := start.ID
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		ref = start.ID
		var live int
		err := tx.QueryRow(ctx, `SELECT count(*) FROM runs WHERE user_id = $1 AND state = 'running'`, start.User).Scan(&live)
		if err != nil {
			return err
		}
		if live >= most {
			return &workflow.ConflictError{Detail: fmt.Sprintf("You have %d runs under way, which is the most.", most)}
		}
		if m.ID != "" {
			tag, err := tx.Exec(ctx, `INSERT INTO hook_messages (hook_id, message_id, run_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, m.Hook, m.ID, start.ID)
			if err != nil {
				return err
			}
			if tag.RowsAffected() == 0 {
				return tx.QueryRow(ctx, `SELECT run_id FROM hook_messages WHERE hook_id = $1 AND message_id = $2`, m.Hook, m.ID).Scan(&ref)
			}
		}
		return insertRun(ctx, tx, start)
	})
	return ref, err
}

// Run answers a user's.
func (s Workflows) Run(ctx context.Context, user, id string) (workflow.Run, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+runColumns+` FROM runs r WHERE id = $1 AND user_id = $2`, id, user)
	if err != nil {
		return workflow.Run{}, err
	}
	r, err := pgx.CollectExactlyOneRow(rows, scanRun)
	return r, noWorkflow(err)
}

// Source answers the document of a version.
func (s Workflows) Source(ctx context.Context, id string, version int) (source string, err error) {
	err = s.pool.QueryRow(ctx, `SELECT source FROM workflow_versions WHERE workflow_id = $1 AND version = $2`, id, version).Scan(&source)
	return source, noWorkflow(err)
}

// ListRuns answers a page of a user's, the newest first.
func (s Workflows) ListRuns(ctx context.Context, f workflow.Filter) ([]workflow.Run, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+runColumns+` FROM runs r WHERE user_id = $1 AND ($2 = '' OR workflow = $2) AND ($3 = '' OR state = $3)
		AND ($4 = '' OR id < $4) ORDER BY id DESC LIMIT $5`, f.User, f.Workflow, string(f.State), f.Before, f.Limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanRun)
}

// nodeColumns are those of a node; %s is its output or NULL.
const nodeColumns = `n.run_id, n.name, n.item, n.state, n.phase, n.blocked, n.attempt, n.items, n.items_open, n.child_run, n.code, n.error, n.call_id,
	n.input, n.started_at, n.finished_at, `

func scanNode(row pgx.CollectableRow) (workflow.NodeRow, error) {
	var n workflow.NodeRow
	err := row.Scan(&n.Run, &n.Node, &n.Item, &n.State, &n.Phase, &n.Blocked, &n.Attempt, &n.Items, &n.ItemsOpen, &n.Child, &n.Code, &n.Error, &n.Call,
		&n.Input, &n.StartedAt, &n.FinishedAt, &n.Output)
	return n, err
}

func nodes(ctx context.Context, from querier, output, rest string, args ...any) ([]workflow.NodeRow, error) {
	rows, err := from.Query(ctx, `SELECT `+nodeColumns+output+` FROM run_nodes n `+rest, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanNode)
}

// Nodes answers the nodes of a run in the order of the document.
func (s Workflows) Nodes(ctx context.Context, run string, outputs bool) ([]workflow.NodeRow, error) {
	return nodes(ctx, s.pool, `CASE WHEN $2 THEN n.output END`, `WHERE run_id = $1 AND item = -1 ORDER BY seq`, run, outputs)
}

// Items answers a page of the items of a node.
func (s Workflows) Items(ctx context.Context, run, node string, after, limit int) ([]workflow.NodeRow, error) {
	return nodes(ctx, s.pool, `n.output`, `WHERE run_id = $1 AND name = $2 AND item >= 0 AND item > $3 ORDER BY item LIMIT $4`, run, node, after, limit)
}

// Given answers nodes, and the items of those whose output is wanted.
func (s Workflows) Given(ctx context.Context, run string, names, outputs []string) ([]workflow.NodeRow, error) {
	return nodes(ctx, s.pool, `CASE WHEN n.name = ANY($3) THEN n.output END`, `WHERE run_id = $1 AND name = ANY($2) AND (item = -1 OR name = ANY($3))
		ORDER BY name, item`, run, names, outputs)
}

// Family counts the runs of a root.
func (s Workflows) Family(ctx context.Context, root string) (n int, err error) {
	err = s.pool.QueryRow(ctx, `SELECT count(*) FROM runs WHERE root_id = $1`, root).Scan(&n)
	return n, err
}

// Load answers a run with its document.
func (s Workflows) Load(ctx context.Context, run string) (workflow.Loaded, error) {
	var l workflow.Loaded
	err := s.pool.QueryRow(ctx, `SELECT `+runColumns+`, v.source, v.bindings FROM runs r
		JOIN workflow_versions v ON v.workflow_id = r.workflow_id AND v.version = r.version WHERE r.id = $1`, run).
		Scan(append(runFields(&l.Run), &l.Source, &l.Bindings)...)
	return l, noWorkflow(err)
}

// CancelRun stops a user's run: what has not begun is cancelled, what runs is told by its host.
func (s Workflows) CancelRun(ctx context.Context, user, id string) error {
	return s.inTx(ctx, func(tx pgx.Tx) error {
		var state workflow.State
		err := tx.QueryRow(ctx, `SELECT state FROM runs WHERE id = $1 AND user_id = $2 FOR UPDATE`, id, user).Scan(&state)
		if err != nil {
			return noWorkflow(err)
		}
		if state != workflow.Running {
			return &workflow.ConflictError{Detail: fmt.Sprintf("The run is %s already.", state)}
		}
		return stop(ctx, tx, []string{id}, "cancelling")
	})
}

// stop marks runs, whose rows the transaction holds, and cancels what of them has not begun.
func stop(ctx context.Context, tx pgx.Tx, runs []string, mark string) error {
	if _, err := tx.Exec(ctx, `UPDATE runs SET `+mark+` = true WHERE id = ANY($1)`, runs); err != nil {
		return err
	}
	ended, err := halt(ctx, tx, runs)
	if err != nil {
		return err
	}
	return finish(ctx, tx, ended)
}

// RetryRun makes nodes of a user's run pending again.
func (s Workflows) RetryRun(ctx context.Context, user, id string, plan func(workflow.Run, []workflow.NodeRow) ([]workflow.Reset, error)) error {
	return s.inTx(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT `+runColumns+` FROM runs r WHERE id = $1 AND user_id = $2 FOR UPDATE`, id, user)
		if err != nil {
			return err
		}
		r, err := pgx.CollectExactlyOneRow(rows, scanRun)
		if err != nil {
			return noWorkflow(err)
		}
		found, err := nodes(ctx, tx, `NULL::bytea`, `WHERE run_id = $1 AND item = -1 ORDER BY seq`, id)
		if err != nil {
			return err
		}
		resets, err := plan(r, found)
		if err != nil {
			return err
		}
		batch := &pgx.Batch{}
		for _, reset := range resets {
			queueReset(batch, id, reset)
		}
		batch.Queue(`UPDATE runs SET state = 'running', failing = false, cancelling = false, code = '', error = '', error_node = '', finished_at = NULL,
			open = (SELECT count(*) FROM run_nodes WHERE run_id = $1 AND item = -1 AND state IN ('pending', 'running', 'waiting')) WHERE id = $1`, id)
		return tx.SendBatch(ctx, batch).Close()
	})
}

func queueReset(batch *pgx.Batch, run string, r workflow.Reset) {
	if !r.Items {
		batch.Queue(`DELETE FROM run_nodes WHERE run_id = $1 AND name = $2 AND item >= 0`, run, r.Node)
		batch.Queue(`UPDATE run_nodes SET state = 'pending', phase = '', blocked = $3, ready_at = CASE WHEN $3 = 0 THEN clock_timestamp() END, owner = '',
			fence = fence + 1, attempt = attempt + 1, items = NULL, items_open = 0, child_run = '', code = '', error = '', call_id = '', input = NULL, output = NULL,
			started_at = NULL, finished_at = NULL WHERE run_id = $1 AND name = $2 AND item = -1`, run, r.Node, r.Blocked)
		return
	}
	batch.Queue(`UPDATE run_nodes SET state = 'pending', phase = '', owner = '', fence = fence + 1, attempt = attempt + 1, child_run = '', code = '', error = '',
		call_id = '', input = NULL, ready_at = NULL, started_at = NULL, finished_at = NULL
		WHERE run_id = $1 AND name = $2 AND item >= 0 AND state <> 'succeeded'`, run, r.Node)
	batch.Queue(readyItems, run, r.Node, r.Parallel)
	batch.Queue(`UPDATE run_nodes p SET state = 'running', code = '', error = '', finished_at = NULL,
		items_open = (SELECT count(*) FROM run_nodes i WHERE i.run_id = $1 AND i.name = $2 AND i.item >= 0 AND i.state = 'pending')
		WHERE run_id = $1 AND name = $2 AND item = -1`, run, r.Node)
}

// Decide settles a waiting node as a person says.
func (s Workflows) Decide(ctx context.Context, user string, at workflow.Place, decide func(workflow.NodeRow) (workflow.Result, error)) error {
	return s.inTx(ctx, func(tx pgx.Tx) error {
		var state workflow.State
		err := tx.QueryRow(ctx, `SELECT state FROM runs WHERE id = $1 AND user_id = $2 FOR UPDATE`, at.Run, user).Scan(&state)
		if err != nil {
			return noWorkflow(err)
		}
		found, err := nodes(ctx, tx, `NULL::bytea`, `WHERE run_id = $1 AND name = $2 AND item = $3 FOR UPDATE`, at.Run, at.Node, at.Item)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return workflow.ErrNotFound
		}
		result, err := decide(found[0])
		if err != nil {
			return err
		}
		// The node is taken for this decision as a host takes it, so that it is settled as everything is.
		err = tx.QueryRow(ctx, `UPDATE run_nodes SET state = 'running', owner = $4, fence = fence + 1 WHERE run_id = $1 AND name = $2 AND item = $3
			AND state = 'waiting' RETURNING fence`, at.Run, at.Node, at.Item, s.host).Scan(&result.Fence)
		if errors.Is(err, pgx.ErrNoRows) {
			return &workflow.ConflictError{Detail: "The node waits for no decision."}
		}
		if err != nil {
			return err
		}
		_, err = s.settle(ctx, tx, []workflow.Result{result})
		return err
	})
}
