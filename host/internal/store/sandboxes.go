package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay/patchbay/host/internal/event"
	"github.com/patchbay/patchbay/host/internal/sandbox"
)

const sandboxColumns = `id, user_id, home, state, pending, version, memory_mb, disk_mb, record, mark, created_at`

func sandboxFields(b *sandbox.Sandbox) []any {
	return []any{&b.ID, &b.User, &b.Home, &b.State, &b.Pending, &b.Version, &b.MemoryMB, &b.DiskMB, &b.Record, &b.Mark, &b.CreatedAt}
}

func scanSandbox(row pgx.CollectableRow) (sandbox.Sandbox, error) {
	var b sandbox.Sandbox
	err := row.Scan(sandboxFields(&b)...)
	return b, err
}

// InsertSandbox stores a new one, unless it exceeds the quota.
func (s *Store) InsertSandbox(ctx context.Context, b sandbox.Sandbox, q sandbox.Quota) error {
	return s.inTx(ctx, func(tx pgx.Tx) error {
		// Two requests of one user are counted one after the other.
		if _, err := tx.Exec(ctx, `SELECT 1 FROM users WHERE id = $1 FOR NO KEY UPDATE`, b.User); err != nil {
			return err
		}
		var count int
		var memory, disk int64
		err := tx.QueryRow(ctx, `SELECT count(*), COALESCE(sum(memory_mb), 0)::bigint, COALESCE(sum(disk_mb), 0)::bigint FROM sandboxes
			WHERE user_id = $1 AND state <> 'destroyed'`, b.User).Scan(&count, &memory, &disk)
		switch {
		case err != nil:
			return err
		case q.Count > 0 && count >= q.Count:
			return &sandbox.QuotaError{What: "sandboxes"}
		case q.MemoryMB > 0 && memory+b.MemoryMB > q.MemoryMB:
			return &sandbox.QuotaError{What: "memory"}
		case q.DiskMB > 0 && disk+b.DiskMB > q.DiskMB:
			return &sandbox.QuotaError{What: "disk"}
		}
		_, err = tx.Exec(ctx, `INSERT INTO sandboxes (`+sandboxColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`, sandboxFields(&b)...)
		return err
	})
}

// Sandbox answers one; user "" any user's.
func (s *Store) Sandbox(ctx context.Context, user, id string) (sandbox.Sandbox, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+sandboxColumns+` FROM sandboxes WHERE id = $1 AND ($2 = '' OR user_id = $2)`, id, user)
	if err != nil {
		return sandbox.Sandbox{}, err
	}
	b, err := pgx.CollectExactlyOneRow(rows, scanSandbox)
	if errors.Is(err, pgx.ErrNoRows) {
		return b, sandbox.ErrNotFound
	}
	return b, err
}

// UserSandboxes answers those of a user that are not destroyed, the newest first.
func (s *Store) UserSandboxes(ctx context.Context, user string) ([]sandbox.Sandbox, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+sandboxColumns+` FROM sandboxes WHERE user_id = $1 AND state <> 'destroyed' ORDER BY id DESC LIMIT 1000`, user)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanSandbox)
}

// HomeSandboxes answers those of a machine that are not destroyed.
func (s *Store) HomeSandboxes(ctx context.Context, home string) ([]sandbox.Sandbox, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+sandboxColumns+` FROM sandboxes WHERE home = $1 AND state <> 'destroyed' ORDER BY id`, home)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanSandbox)
}

// SaveSandbox stores a change with what it is charged and what is told of it, all or nothing.
func (s *Store) SaveSandbox(ctx context.Context, b sandbox.Sandbox, day string, u sandbox.Usage, told string) error {
	return s.inTx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE sandboxes SET state = $3, pending = $4, version = version + 1, record = $5, mark = $6 WHERE id = $1 AND version = $2`,
			b.ID, b.Version, b.State, b.Pending, b.Record, b.Mark)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return sandbox.ErrChanged
		}
		if u != (sandbox.Usage{}) {
			_, err = tx.Exec(ctx, `INSERT INTO sandbox_usage AS u (sandbox_id, user_id, day, vcpu_seconds, gib_seconds, disk_gib_hours, cost)
				VALUES ($1, $2, $3::text::date, $4, $5, $6, $7) ON CONFLICT (sandbox_id, day) DO UPDATE SET vcpu_seconds = u.vcpu_seconds + $4,
				gib_seconds = u.gib_seconds + $5, disk_gib_hours = u.disk_gib_hours + $6, cost = u.cost + $7`,
				b.ID, b.User, day, u.VCPUSeconds, u.GiBSeconds, u.DiskGiBHours, u.Cost)
			if err != nil {
				return err
			}
		}
		if told == "" {
			return nil
		}
		return emitEvent(ctx, tx, event.Event{User: b.User, Type: told, Subject: b.ID, Data: map[string]any{"state": b.State, "name": b.Name, "problem": b.Problem}})
	})
}

// SandboxUsage answers what was metered.
func (s *Store) SandboxUsage(ctx context.Context, user, id, from, to string) ([]sandbox.DayUsage, error) {
	rows, err := s.pool.Query(ctx, `SELECT sandbox_id, user_id, day, vcpu_seconds, gib_seconds, disk_gib_hours, cost FROM sandbox_usage
		WHERE ($1 = '' OR user_id = $1) AND ($2 = '' OR sandbox_id = $2) AND day BETWEEN $3::text::date AND $4::text::date ORDER BY day DESC, sandbox_id LIMIT 10000`, user, id, from, to)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (sandbox.DayUsage, error) {
		var d sandbox.DayUsage
		var day time.Time
		err := row.Scan(&d.Sandbox, &d.User, &day, &d.VCPUSeconds, &d.GiBSeconds, &d.DiskGiBHours, &d.Cost)
		d.Day = day.Format(time.DateOnly)
		return d, err
	})
}

// SandboxSettings answers nil where there are none.
func (s *Store) SandboxSettings(ctx context.Context) ([]byte, error) {
	var raw []byte
	err := s.pool.QueryRow(ctx, `SELECT value FROM sandbox_settings`).Scan(&raw)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return raw, err
}

// PutSandboxSettings replaces them.
func (s *Store) PutSandboxSettings(ctx context.Context, raw []byte) error {
	_, err := s.pool.Exec(ctx, `INSERT INTO sandbox_settings (value) VALUES ($1) ON CONFLICT (only_one) DO UPDATE SET value = $1`, raw)
	return err
}

// ServeHome books which host serves a machine's sandboxes.
func (s *Store) ServeHome(ctx context.Context, home, host string) error {
	_, err := s.pool.Exec(ctx, `INSERT INTO sandbox_homes AS h (home, host_id) VALUES ($1, $2)
		ON CONFLICT (home) DO UPDATE SET host_id = $2, changed_at = now() WHERE h.host_id <> $2`, home, host)
	return err
}

// HomeHost answers the host that serves a machine's sandboxes, or sandbox.ErrNotFound.
func (s *Store) HomeHost(ctx context.Context, home string) (string, error) {
	var host string
	err := s.pool.QueryRow(ctx, `SELECT host_id FROM sandbox_homes WHERE home = $1`, home).Scan(&host)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", sandbox.ErrNotFound
	}
	return host, err
}
