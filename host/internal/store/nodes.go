package store

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay/patchbay/host/internal/cluster"
	"github.com/patchbay/patchbay/host/internal/workflow"
)

// takeNodes makes a host the owner of ready nodes, the users in turn and the runs of each: $1 of them in all.
const takeNodes = `WITH due AS (
		SELECT n.run_id, n.name, n.item, n.ready_at, row_number() OVER (PARTITION BY r.user_id ORDER BY n.ready_at, n.run_id) AS turn
		FROM runs r CROSS JOIN LATERAL (SELECT run_id, name, item, ready_at FROM run_nodes WHERE run_id = r.id AND ready_at <= clock_timestamp()
			ORDER BY ready_at LIMIT $1) n
		WHERE r.state = 'running'
	), chosen AS (
		SELECT n.run_id, n.name, n.item FROM run_nodes n JOIN (SELECT run_id, name, item FROM due ORDER BY turn, ready_at LIMIT $1) d USING (run_id, name, item)
		WHERE n.ready_at IS NOT NULL FOR UPDATE OF n SKIP LOCKED
	)
	UPDATE run_nodes n SET state = 'running', ready_at = NULL, owner = $2, fence = n.fence + 1, started_at = clock_timestamp()
	FROM chosen c WHERE n.run_id = c.run_id AND n.name = c.name AND n.item = c.item
	RETURNING n.run_id, n.name, n.item, n.phase, n.fence, n.attempt, n.child_run, n.value, n.input`

// Take makes this host the owner of up to n ready nodes.
func (s Workflows) Take(ctx context.Context, n int) ([]workflow.Task, error) {
	rows, err := s.pool.Query(ctx, takeNodes, n, s.host)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (workflow.Task, error) {
		var t workflow.Task
		err := row.Scan(&t.Run, &t.Node, &t.Item, &t.Phase, &t.Fence, &t.Attempt, &t.Child, &t.Value, &t.Input)
		return t, err
	})
}

// Recover gives back what dead hosts own, and what this one owns and does not know: an answer to Take may have been lost. A host whose
// heartbeat has lapsed and comes back finds that its results are ignored.
func (s Workflows) Recover(ctx context.Context, mine []workflow.Task) ([]string, error) {
	runs, names, items, fences := make([]string, len(mine)), make([]string, len(mine)), make([]int32, len(mine)), make([]int64, len(mine))
	for i, t := range mine {
		runs[i], names[i], items[i], fences[i] = t.Run, t.Node, int32(t.Item), t.Fence
	}
	_, err := s.pool.Exec(ctx, `UPDATE run_nodes n SET state = 'pending', owner = '', fence = n.fence + 1, ready_at = clock_timestamp()
		WHERE n.owner <> '' AND CASE WHEN n.owner = $1
			THEN n.started_at < clock_timestamp() - interval '10 seconds' AND NOT EXISTS (SELECT 1
				FROM unnest($2::text[], $3::text[], $4::integer[], $5::bigint[]) AS m (run, name, item, fence)
				WHERE m.run = n.run_id AND m.name = n.name AND m.item = n.item AND m.fence = n.fence)
			ELSE NOT EXISTS (SELECT 1 FROM hosts h WHERE h.id = n.owner AND h.heartbeat_at > clock_timestamp() - $6::interval) END`,
		s.host, runs, names, items, fences, cluster.LiveFor)
	if err != nil {
		return nil, err
	}
	if err := s.stopOrphans(ctx); err != nil {
		return nil, err
	}
	slices.Sort(runs)
	rows, err := s.pool.Query(ctx, `SELECT id FROM runs WHERE id = ANY($1) AND state = 'running' AND cancelling`, slices.Compact(runs))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// stopOrphans stops runs for which no node waits any more: the run that they belong to was stopped. It also ends what a stopped run has
// left when a dead host's nodes came back into it.
func (s Workflows) stopOrphans(ctx context.Context) error {
	return s.inTx(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT r.id FROM runs r WHERE r.state = 'running' AND (
			(NOT r.cancelling AND r.parent_run <> '' AND NOT EXISTS (SELECT 1 FROM run_nodes n WHERE n.run_id = r.parent_run AND n.name = r.parent_node
				AND n.item = r.parent_item AND n.child_run = r.id AND n.state = 'waiting'))
			OR ((r.cancelling OR r.failing) AND EXISTS (SELECT 1 FROM run_nodes n WHERE n.run_id = r.id AND n.state IN ('pending', 'waiting'))))
			ORDER BY r.id LIMIT 100 FOR UPDATE SKIP LOCKED`)
		if err != nil {
			return err
		}
		orphans, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil || len(orphans) == 0 {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE runs SET cancelling = true WHERE id = ANY($1) AND NOT failing`, orphans); err != nil {
			return err
		}
		ended, err := halt(ctx, tx, orphans)
		if err != nil {
			return err
		}
		return finish(ctx, tx, ended)
	})
}
