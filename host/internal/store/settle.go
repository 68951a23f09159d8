package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay/patchbay/host/internal/event"
	"github.com/patchbay/patchbay/host/internal/workflow"
)

// Settle records results and what follows from them, in one transaction.
func (s Workflows) Settle(ctx context.Context, results []workflow.Result) (ready bool, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		ready, err = s.settle(ctx, tx, results)
		return err
	})
	return ready, err
}

// settle records results. Whoever changes nodes of a run but by taking them holds the run's row, and several rows are taken in the order of
// their ids.
func (s Workflows) settle(ctx context.Context, tx pgx.Tx, results []workflow.Result) (bool, error) {
	stopping, err := lockRuns(ctx, tx, results)
	if err != nil {
		return false, fmt.Errorf("locking runs: %w", err)
	}
	for i := range results {
		if r := &results[i]; stopping[r.Run] && !r.State.Ended() { // what would wait, or run once more, in a run that is being stopped
			r.State, r.Phase, r.Again, r.Items, r.Child = workflow.Cancelled, "", nil, nil, nil
			if r.Code != "" {
				r.State = workflow.Failed // a write whose fate is unknown is told as such
			}
		}
	}
	accepted, err := s.record(ctx, tx, results)
	if err != nil {
		return false, fmt.Errorf("recording results: %w", err)
	}
	ready, err := follow(ctx, tx, accepted)
	if err != nil {
		return false, err
	}
	ended, failing, unblocked, err := passOn(ctx, tx, accepted)
	if err != nil {
		return false, err
	}
	if len(failing) > 0 {
		halted, err := halt(ctx, tx, failing)
		if err != nil {
			return false, err
		}
		for run, n := range halted {
			ended[run] += n
		}
	}
	return ready || unblocked, finish(ctx, tx, ended)
}

// lockRuns locks the runs of results and answers which are being stopped.
func lockRuns(ctx context.Context, tx pgx.Tx, results []workflow.Result) (map[string]bool, error) {
	var ids []string
	for _, r := range results {
		ids = append(ids, r.Run)
	}
	slices.Sort(ids)
	rows, err := tx.Query(ctx, `SELECT id, failing OR cancelling FROM runs WHERE id = ANY($1) ORDER BY id FOR UPDATE`, slices.Compact(ids))
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	var id string
	var stopping bool
	_, err = pgx.ForEachRow(rows, []any{&id, &stopping}, func() error {
		out[id] = stopping
		return nil
	})
	return out, err
}

const recordNodes = `UPDATE run_nodes n SET state = r.state, phase = r.phase, owner = '',
		ready_at = CASE WHEN r.again >= 0 THEN clock_timestamp() + r.again * interval '1 microsecond' END,
		attempt = n.attempt + r.repeat, code = r.code, error = r.error, call_id = CASE WHEN r.call = '' THEN n.call_id ELSE r.call END,
		input = coalesce(r.input, n.input), output = r.output, child_run = CASE WHEN r.child = '' THEN n.child_run ELSE r.child END,
		items = CASE WHEN r.items > 0 THEN r.items ELSE n.items END, items_open = CASE WHEN r.items > 0 THEN r.items ELSE n.items_open END,
		finished_at = CASE WHEN r.state IN ('succeeded', 'failed', 'skipped', 'cancelled') THEN clock_timestamp() END
	FROM (SELECT unnest($1::text[]) AS run, unnest($2::text[]) AS name, unnest($3::integer[]) AS item, unnest($4::bigint[]) AS fence,
		unnest($5::text[]) AS state, unnest($6::text[]) AS phase, unnest($7::bigint[]) AS again, unnest($8::integer[]) AS repeat,
		unnest($9::text[]) AS code, unnest($10::text[]) AS error, unnest($11::text[]) AS call, unnest($12::bytea[]) AS input,
		unnest($13::bytea[]) AS output, unnest($14::text[]) AS child, unnest($15::integer[]) AS items) r
	WHERE n.run_id = r.run AND n.name = r.name AND n.item = r.item AND n.fence = r.fence AND n.state = 'running' AND n.owner = $16
	RETURNING n.run_id, n.name, n.item`

// record stores the results that still count, and answers them.
func (s Workflows) record(ctx context.Context, tx pgx.Tx, results []workflow.Result) ([]workflow.Result, error) {
	n := len(results)
	var text [7][]string // run, name, state, phase, code, error, call
	for i := range text {
		text[i] = make([]string, n)
	}
	item, repeat, items := make([]int32, n), make([]int32, n), make([]int32, n)
	fence, again := make([]int64, n), make([]int64, n)
	input, output, child := make([][]byte, n), make([][]byte, n), make([]string, n)
	byPlace := make(map[workflow.Place]workflow.Result, n)
	for i, r := range results {
		byPlace[r.Place] = r
		for j, v := range []string{r.Run, r.Node, string(r.State), r.Phase, r.Code, clean(r.Error), r.Call} {
			text[j][i] = v
		}
		item[i], fence[i], items[i], input[i], output[i], again[i] = int32(r.Item), r.Fence, int32(len(r.Items)), r.Input, r.Output, -1
		if r.Again != nil {
			again[i] = max(0, r.Again.Microseconds())
		}
		if r.Repeat {
			repeat[i] = 1
		}
		if r.Child != nil {
			child[i] = r.Child.ID
		}
	}
	rows, err := tx.Query(ctx, recordNodes, text[0], text[1], item, fence, text[2], text[3], again, repeat, text[4], text[5], text[6], input, output, child,
		items, s.host)
	if err != nil {
		return nil, err
	}
	var accepted []workflow.Result
	var at workflow.Place
	_, err = pgx.ForEachRow(rows, []any{&at.Run, &at.Node, &at.Item}, func() error {
		accepted = append(accepted, byPlace[at])
		return nil
	})
	return accepted, err
}

// readyItems makes $3 items of a node ready that wait for their turn.
const readyItems = `UPDATE run_nodes SET ready_at = clock_timestamp() WHERE run_id = $1 AND name = $2 AND item IN (SELECT item FROM run_nodes
	WHERE run_id = $1 AND name = $2 AND item >= 0 AND state = 'pending' AND ready_at IS NULL ORDER BY item LIMIT $3)`

// follow stores what results bring about: items, and runs of other workflows.
func follow(ctx context.Context, tx pgx.Tx, accepted []workflow.Result) (ready bool, err error) {
	for _, r := range accepted {
		if r.Again != nil && *r.Again <= 0 {
			ready = true
		}
		if len(r.Items) > 0 {
			ready = true
			_, err := tx.Exec(ctx, `INSERT INTO run_nodes (run_id, name, item, seq, ready_at, value) SELECT $1, $2, t.n - 1, 0,
				CASE WHEN t.n <= $4 THEN clock_timestamp() END, t.value FROM unnest($3::bytea[]) WITH ORDINALITY AS t (value, n)`, r.Run, r.Node, r.Items, r.Parallel)
			if err != nil {
				return false, fmt.Errorf("storing items: %w", err)
			}
		}
		if r.Child != nil {
			ready = true
			if err := insertRun(ctx, tx, *r.Child); err != nil {
				return false, err
			}
		}
	}
	return ready, nil
}

// passOn passes on that nodes have ended: to the node that an item belongs to, to those that wait for a node, and to the run.
func passOn(ctx context.Context, tx pgx.Tx, accepted []workflow.Result) (ended map[string]int, failing []string, ready bool, err error) {
	ended = map[string]int{}
	var over []workflow.Result // nodes that have ended
	items := map[workflow.Place][]workflow.Result{}
	fails := map[string]workflow.Result{}
	for _, r := range accepted {
		if !r.State.Ended() {
			continue
		}
		if _, known := fails[r.Run]; r.Fails && !known {
			fails[r.Run] = r
		}
		if r.Item < 0 {
			over = append(over, r)
		} else {
			parent := workflow.Place{Run: r.Run, Node: r.Node, Item: -1}
			items[parent] = append(items[parent], r)
		}
	}
	for parent, of := range items {
		done, more, err := concludeItems(ctx, tx, parent, of)
		if err != nil {
			return nil, nil, false, fmt.Errorf("concluding items: %w", err)
		}
		ready = ready || more
		if done {
			over = append(over, workflow.Result{Place: parent, Next: of[0].Next})
		}
	}
	for run, r := range fails {
		failing = append(failing, run)
		_, err := tx.Exec(ctx, `UPDATE runs SET failing = true, code = $2, error = $3, error_node = $4 WHERE id = $1 AND NOT failing`, run, r.Code, clean(r.Error), r.Node)
		if err != nil {
			return nil, nil, false, err
		}
	}
	for _, r := range over {
		ended[r.Run]++
	}
	unblocked, err := unblock(ctx, tx, over)
	return ended, failing, ready || unblocked, err
}

// concludeItems counts items of a node that have ended, lets others have their turn, and answers whether the node itself has ended.
func concludeItems(ctx context.Context, tx pgx.Tx, at workflow.Place, of []workflow.Result) (done, more bool, err error) {
	code, message := "", ""
	for _, r := range of {
		if r.Fails {
			code, message = r.Code, r.Error
		}
	}
	var open int
	err = tx.QueryRow(ctx, `UPDATE run_nodes SET items_open = items_open - $3, code = CASE WHEN $4 <> '' THEN $4 ELSE code END,
		error = CASE WHEN $4 <> '' THEN $5 ELSE error END WHERE run_id = $1 AND name = $2 AND item = -1 AND state = 'running' AND items IS NOT NULL
		RETURNING items_open`, at.Run, at.Node, len(of), code, clean(message)).Scan(&open)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, false, nil // it was stopped
	}
	if err != nil {
		return false, false, err
	}
	if open > 0 {
		_, err = tx.Exec(ctx, readyItems, at.Run, at.Node, len(of))
		return false, true, err
	}
	_, err = tx.Exec(ctx, `UPDATE run_nodes n SET state = CASE WHEN n.code <> '' THEN 'failed' WHEN r.failing OR r.cancelling THEN 'cancelled' ELSE 'succeeded' END,
		finished_at = clock_timestamp() FROM runs r WHERE r.id = n.run_id AND n.run_id = $1 AND n.name = $2 AND n.item = -1`, at.Run, at.Node)
	return true, false, err
}

// unblock counts down what waits for nodes that have ended.
func unblock(ctx context.Context, tx pgx.Tx, over []workflow.Result) (ready bool, err error) {
	counts := map[workflow.Place]int32{}
	for _, r := range over {
		for _, next := range r.Next {
			counts[workflow.Place{Run: r.Run, Node: next}]++
		}
	}
	if len(counts) == 0 {
		return false, nil
	}
	var runs, names []string
	var by []int32
	for at, n := range counts {
		runs, names, by = append(runs, at.Run), append(names, at.Node), append(by, n)
	}
	_, err = tx.Exec(ctx, `UPDATE run_nodes n SET blocked = n.blocked - d.by, ready_at = CASE WHEN n.blocked - d.by <= 0 THEN clock_timestamp() END
		FROM (SELECT unnest($1::text[]) AS run, unnest($2::text[]) AS name, unnest($3::integer[]) AS by) d
		WHERE n.run_id = d.run AND n.name = d.name AND n.item = -1 AND n.state = 'pending'`, runs, names, by)
	return true, err
}

// halt cancels what has not begun in runs, and answers how many of each run's nodes have ended by it.
func halt(ctx context.Context, tx pgx.Tx, runs []string) (map[string]int, error) {
	ended := map[string]int{}
	count := func(sql string) error {
		rows, err := tx.Query(ctx, sql, runs)
		if err != nil {
			return err
		}
		var run string
		var item int
		_, err = pgx.ForEachRow(rows, []any{&run, &item}, func() error {
			if item < 0 {
				ended[run]++
			}
			return nil
		})
		return err
	}
	err := count(`UPDATE run_nodes SET state = CASE WHEN code = 'outcome_unknown' THEN 'failed' ELSE 'cancelled' END, phase = '', ready_at = NULL,
		finished_at = clock_timestamp() WHERE run_id = ANY($1) AND state IN ('pending', 'waiting') RETURNING run_id, item`)
	if err != nil {
		return nil, fmt.Errorf("cancelling nodes: %w", err)
	}
	_, err = tx.Exec(ctx, `UPDATE run_nodes p SET items_open = (SELECT count(*) FROM run_nodes i WHERE i.run_id = p.run_id AND i.name = p.name AND i.item >= 0
		AND i.state = 'running') WHERE p.run_id = ANY($1) AND p.item = -1 AND p.state = 'running' AND p.items IS NOT NULL`, runs)
	if err != nil {
		return nil, fmt.Errorf("counting items: %w", err)
	}
	err = count(`UPDATE run_nodes SET state = CASE WHEN code <> '' THEN 'failed' ELSE 'cancelled' END, finished_at = clock_timestamp()
		WHERE run_id = ANY($1) AND item = -1 AND state = 'running' AND items IS NOT NULL AND items_open = 0 RETURNING run_id, item`)
	if err != nil {
		return nil, fmt.Errorf("cancelling nodes of items: %w", err)
	}
	return ended, nil
}

const finishRuns = `UPDATE runs r SET open = r.open - d.n, state = CASE WHEN r.open - d.n > 0 THEN r.state WHEN r.cancelling THEN 'cancelled'
		WHEN r.failing THEN 'failed' ELSE 'succeeded' END, finished_at = CASE WHEN r.open - d.n <= 0 THEN clock_timestamp() END
	FROM (SELECT unnest($1::text[]) AS run, unnest($2::integer[]) AS n) d WHERE r.id = d.run AND r.state = 'running'
	RETURNING r.id, r.user_id, r.workflow, r.trigger, r.state, r.code, r.error_node, r.parent_run, r.parent_node, r.parent_item, r.created_at, r.finished_at`

// finish counts nodes that have ended, and ends the runs that have none left: it tells who waits for them. Events come last, as ever.
func finish(ctx context.Context, tx pgx.Tx, ended map[string]int) error {
	if len(ended) == 0 {
		return nil
	}
	var runs []string
	var by []int32
	for run, n := range ended {
		runs, by = append(runs, run), append(by, int32(n))
	}
	rows, err := tx.Query(ctx, finishRuns, runs, by)
	if err != nil {
		return fmt.Errorf("ending runs: %w", err)
	}
	over, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (workflow.Run, error) {
		var r workflow.Run
		err := row.Scan(&r.ID, &r.User, &r.Workflow, &r.Trigger, &r.State, &r.Code, &r.Node, &r.Parent.Run, &r.Parent.Node, &r.Parent.Item, &r.CreatedAt, &r.FinishedAt)
		return r, err
	})
	if err != nil {
		return fmt.Errorf("ending runs: %w", err)
	}
	var events []event.Event
	for _, r := range over {
		if r.State == workflow.Running {
			continue
		}
		if r.Parent.Run == "" {
			events = append(events, finished(r))
			continue
		}
		_, err := tx.Exec(ctx, `UPDATE run_nodes SET state = 'pending', phase = $4, ready_at = clock_timestamp()
			WHERE run_id = $1 AND name = $2 AND item = $3 AND state = 'waiting' AND child_run = $5`, r.Parent.Run, r.Parent.Node, r.Parent.Item, workflow.PhaseChildDone, r.ID)
		if err != nil {
			return fmt.Errorf("telling the run that waits: %w", err)
		}
	}
	for _, e := range events {
		if err := emitEvent(ctx, tx, e); err != nil {
			return err
		}
	}
	return nil
}

// finished is the event of a run's end.
func finished(r workflow.Run) event.Event {
	data := map[string]any{"workflow": r.Workflow, "state": string(r.State), "trigger": r.Trigger}
	if r.Code != "" {
		data["code"], data["node"] = r.Code, r.Node
	}
	if r.FinishedAt != nil {
		data["duration_ms"] = r.FinishedAt.Sub(r.CreatedAt).Round(time.Millisecond).Milliseconds()
	}
	return event.Event{User: r.User, Type: workflow.EventFinished, Subject: r.ID, Data: data}
}
