package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay/patchbay/host/internal/vault"
	"github.com/patchbay/patchbay/host/internal/workflow"
)

// Workflows implements workflow.Store and workflow.Queue.
type Workflows struct{ *Store }

const workflowColumns = `w.id, w.user_id, w.name, v.source, v.bindings, w.enabled, w.version, coalesce(w.hook_id, ''), w.sealed, coalesce(w.key_id, ''),
	w.created_at, w.updated_at`

const fromWorkflows = ` FROM workflows w JOIN workflow_versions v ON v.workflow_id = w.id AND v.version = w.version `

func scanWorkflow(row pgx.CollectableRow) (workflow.Workflow, error) {
	var w workflow.Workflow
	err := row.Scan(&w.ID, &w.User, &w.Name, &w.Source, &w.Bindings, &w.Enabled, &w.Version, &w.Hook, &w.Secret.Bytes, &w.Secret.KeyID,
		&w.CreatedAt, &w.UpdatedAt)
	return w, err
}

func oneWorkflow(ctx context.Context, from querier, where string, args ...any) (workflow.Workflow, error) {
	rows, err := from.Query(ctx, `SELECT `+workflowColumns+fromWorkflows+`WHERE w.deleted_at IS NULL AND `+where, args...)
	if err != nil {
		return workflow.Workflow{}, err
	}
	w, err := pgx.CollectExactlyOneRow(rows, scanWorkflow)
	return w, noWorkflow(err)
}

func noWorkflow(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return workflow.ErrNotFound
	}
	return err
}

// PutWorkflow stores another version.
func (s Workflows) PutWorkflow(ctx context.Context, w workflow.Workflow, schedules []workflow.Schedule, most int) (workflow.Workflow, error) {
	bindings, err := json.Marshal(w.Bindings)
	if err != nil {
		return w, fmt.Errorf("encoding bindings: %w", err)
	}
	var out workflow.Workflow
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		// Two requests of one user are counted one after the other.
		if _, err := tx.Exec(ctx, `SELECT 1 FROM users WHERE id = $1 FOR NO KEY UPDATE`, w.User); err != nil {
			return err
		}
		err := tx.QueryRow(ctx, `INSERT INTO workflows (id, user_id, name, version) SELECT $1, $2, $3, 1
			WHERE (SELECT count(*) FROM workflows WHERE user_id = $2 AND deleted_at IS NULL AND name <> $3) < $4
			ON CONFLICT (user_id, name) WHERE deleted_at IS NULL DO UPDATE SET version = workflows.version + 1, updated_at = now() RETURNING id, version`,
			w.ID, w.User, w.Name, most).Scan(&w.ID, &w.Version)
		if errors.Is(err, pgx.ErrNoRows) {
			return &workflow.ConflictError{Detail: fmt.Sprintf("You have %d workflows, which is the most.", most)}
		}
		if err != nil {
			return err
		}
		batch := &pgx.Batch{}
		batch.Queue(`INSERT INTO workflow_versions (workflow_id, version, source, bindings) VALUES ($1, $2, $3, $4)`, w.ID, w.Version, w.Source, bindings)
		batch.Queue(`DELETE FROM workflow_schedules WHERE workflow_id = $1`, w.ID)
		for n, at := range schedules {
			batch.Queue(`INSERT INTO workflow_schedules (workflow_id, n, cron, zone, input) VALUES ($1, $2, $3, $4, $5)`, w.ID, n, at.Cron, at.Zone, at.Input)
		}
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return err
		}
		out, err = oneWorkflow(ctx, tx, `w.id = $1`, w.ID)
		return err
	})
	return out, err
}

// Workflow answers a user's by its name.
func (s Workflows) Workflow(ctx context.Context, user, name string) (workflow.Workflow, error) {
	return oneWorkflow(ctx, s.pool, `w.user_id = $1 AND w.name = $2`, user, name)
}

// Hook answers the workflow of an inbound webhook.
func (s Workflows) Hook(ctx context.Context, hook string) (workflow.Workflow, error) {
	return oneWorkflow(ctx, s.pool, `w.hook_id = $1`, hook)
}

// ListWorkflows answers a page of a user's, by name.
func (s Workflows) ListWorkflows(ctx context.Context, user, after string, limit int) ([]workflow.Workflow, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+workflowColumns+fromWorkflows+`WHERE w.deleted_at IS NULL AND w.user_id = $1 AND w.name > $2
		ORDER BY w.name LIMIT $3`, user, after, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanWorkflow)
}

// DeleteWorkflow takes a user's away; its runs keep its versions.
func (s Workflows) DeleteWorkflow(ctx context.Context, user, name string) error {
	return s.inTx(ctx, func(tx pgx.Tx) error {
		var id string
		err := tx.QueryRow(ctx, `UPDATE workflows SET deleted_at = now(), enabled = false, hook_id = NULL, sealed = NULL, key_id = NULL
			WHERE user_id = $1 AND name = $2 AND deleted_at IS NULL RETURNING id`, user, name).Scan(&id)
		if err != nil {
			return noWorkflow(err)
		}
		_, err = tx.Exec(ctx, `DELETE FROM workflow_schedules WHERE workflow_id = $1`, id)
		return err
	})
}

// EnableWorkflow switches a user's on or off, and its schedules with it.
func (s Workflows) EnableWorkflow(ctx context.Context, user, name string, enabled bool, next func(workflow.Schedule) time.Time) (workflow.Workflow, error) {
	var w workflow.Workflow
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		var id string
		err := tx.QueryRow(ctx, `UPDATE workflows SET enabled = $3 WHERE user_id = $1 AND name = $2 AND deleted_at IS NULL RETURNING id`,
			user, name, enabled).Scan(&id)
		if err != nil {
			return noWorkflow(err)
		}
		if err := reschedule(ctx, tx, id, enabled, next); err != nil {
			return err
		}
		w, err = oneWorkflow(ctx, tx, `w.id = $1`, id)
		return err
	})
	return w, err
}

func reschedule(ctx context.Context, tx pgx.Tx, id string, enabled bool, next func(workflow.Schedule) time.Time) error {
	rows, err := tx.Query(ctx, `SELECT n, cron, zone, input FROM workflow_schedules WHERE workflow_id = $1 ORDER BY n FOR UPDATE`, id)
	if err != nil {
		return err
	}
	batch := &pgx.Batch{}
	var n int
	var at workflow.Schedule
	_, err = pgx.ForEachRow(rows, []any{&n, &at.Cron, &at.Zone, &at.Input}, func() error {
		var due *time.Time
		if t := next(at); enabled && !t.IsZero() {
			due = &t
		}
		batch.Queue(`UPDATE workflow_schedules SET next_at = $3 WHERE workflow_id = $1 AND n = $2`, id, n, due)
		return nil
	})
	if err != nil {
		return err
	}
	return tx.SendBatch(ctx, batch).Close()
}

// SetHook gives a user's an inbound webhook, or takes it.
func (s Workflows) SetHook(ctx context.Context, user, name, hook string, secret vault.Sealed) (workflow.Workflow, error) {
	tag, err := s.pool.Exec(ctx, `UPDATE workflows SET hook_id = nullif($3, ''), sealed = $4, key_id = nullif($5, '')
		WHERE user_id = $1 AND name = $2 AND deleted_at IS NULL`, user, name, hook, secret.Bytes, secret.KeyID)
	if err == nil && tag.RowsAffected() == 0 {
		err = workflow.ErrNotFound
	}
	if err != nil {
		return workflow.Workflow{}, err
	}
	return s.Workflow(ctx, user, name)
}

// Fire starts the runs of schedules that are due, each in a transaction of its own. One that another host is at is left to it, and one
// whose last run has not ended is passed over until it is due again.
func (s Workflows) Fire(ctx context.Context, start func(workflow.Workflow, workflow.Schedule) (workflow.Start, time.Time, error)) error {
	for {
		fired := false
		err := s.inTx(ctx, func(tx pgx.Tx) error {
			var id string
			var n int
			var at workflow.Schedule
			err := tx.QueryRow(ctx, `SELECT workflow_id, n, cron, zone, input FROM workflow_schedules WHERE next_at <= clock_timestamp()
				ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED`).Scan(&id, &n, &at.Cron, &at.Zone, &at.Input)
			if errors.Is(err, pgx.ErrNoRows) {
				return nil
			}
			if err != nil {
				return err
			}
			fired = true
			return fireOne(ctx, tx, id, n, at, start)
		})
		if err != nil || !fired {
			return err
		}
	}
}

func fireOne(ctx context.Context, tx pgx.Tx, id string, n int, at workflow.Schedule,
	start func(workflow.Workflow, workflow.Schedule) (workflow.Start, time.Time, error)) error {
	w, err := oneWorkflow(ctx, tx, `w.id = $1 AND w.enabled`, id)
	if errors.Is(err, workflow.ErrNotFound) {
		_, err = tx.Exec(ctx, `UPDATE workflow_schedules SET next_at = NULL WHERE workflow_id = $1 AND n = $2`, id, n)
		return err
	}
	if err != nil {
		return err
	}
	run, next, err := start(w, at)
	if err != nil {
		return err
	}
	var due *time.Time
	if !next.IsZero() {
		due = &next
	}
	if _, err := tx.Exec(ctx, `UPDATE workflow_schedules SET next_at = $3 WHERE workflow_id = $1 AND n = $2`, id, n, due); err != nil {
		return err
	}
	var busy bool
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM runs WHERE workflow_id = $1 AND trigger = 'schedule' AND state = 'running')`, id).Scan(&busy)
	if err != nil || busy {
		return err
	}
	return insertRun(ctx, tx, run)
}
