package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay/patchbay/host/internal/cluster"
	"github.com/patchbay/patchbay/host/internal/vault"
)

// Keys implements vault.Store.
type Keys struct{ *Store }

// keyLock is the advisory lock under which keys change their state and hosts report theirs.
const keyLock = 0x7061746368 // "patch"

// sealedTables are all tables that hold sealed values; each has the columns id, sealed and key_id.
var sealedTables = []string{"authorizations", "claims", "files", "integrations", "platform_settings", "runs", "secrets", "webhooks", "workflows"}

// ListKeys answers all records, the oldest first.
func (s Keys) ListKeys(ctx context.Context) ([]vault.KeyRecord, error) {
	rows, err := s.pool.Query(ctx, `SELECT id, state, origin, host, created_at, check_value FROM keys ORDER BY created_at, id`)
	if err != nil {
		return nil, fmt.Errorf("reading the keys: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[vault.KeyRecord])
}

// AddKey registers a key.
func (s Keys) AddKey(ctx context.Context, r vault.KeyRecord) error {
	tag, err := s.pool.Exec(ctx, `INSERT INTO keys (id, state, origin, host, created_at, check_value)
		SELECT $1, $2, $3, $4, $5, $6 WHERE $2 <> 'primary' OR NOT EXISTS (SELECT 1 FROM keys)`,
		r.ID, string(r.State), r.Origin, r.Host, r.CreatedAt, r.Check)
	if violates(err, uniqueViolation) || (err == nil && tag.RowsAffected() == 0) {
		return vault.ErrKeyTaken
	}
	return err
}

// locked runs f in a transaction that no other change of keys or reports runs beside.
func (s Keys) locked(ctx context.Context, f func(pgx.Tx) error) error {
	return s.inTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(keyLock)); err != nil {
			return err
		}
		return f(tx)
	})
}

// liveReports selects the reports of live hosts.
const liveReports = `SELECT id, keys_held, key_sealing, keys_told FROM hosts WHERE heartbeat_at > clock_timestamp() - $1::interval ORDER BY id`

func reports(ctx context.Context, tx interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}) ([]vault.HostReport, error) {
	rows, err := tx.Query(ctx, liveReports, cluster.LiveFor)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (vault.HostReport, error) {
		var r vault.HostReport
		var told bool
		err := row.Scan(&r.Host, &r.Held, &r.Sealing, &told)
		return r, err
	})
}

// PromoteKey makes a pending key primary where every live host holds it.
func (s Keys) PromoteKey(ctx context.Context, id string) (missing []string, err error) {
	err = s.locked(ctx, func(tx pgx.Tx) error {
		var state vault.KeyState
		if err := tx.QueryRow(ctx, `SELECT state FROM keys WHERE id = $1 FOR UPDATE`, id).Scan(&state); err != nil {
			return fmt.Errorf("reading key %s: %w", id, err)
		}
		switch state {
		case vault.KeyPrimary:
			return nil
		case vault.KeyPending:
		default:
			return fmt.Errorf("key %s is %s and cannot become primary", id, state)
		}
		live, err := reports(ctx, tx)
		if err != nil {
			return err
		}
		for _, r := range live {
			if !slices.Contains(r.Held, id) {
				missing = append(missing, r.Host)
			}
		}
		if len(missing) > 0 {
			return nil
		}
		if _, err := tx.Exec(ctx, `UPDATE keys SET state = 'secondary' WHERE state = 'primary'`); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE keys SET state = 'primary' WHERE id = $1`, id)
		return err
	})
	return missing, err
}

// RetireKey makes a key retired where nothing hangs on it.
func (s Keys) RetireKey(ctx context.Context, id string) (hanging vault.Hanging, err error) {
	err = s.locked(ctx, func(tx pgx.Tx) error {
		var state vault.KeyState
		err := tx.QueryRow(ctx, `SELECT state FROM keys WHERE id = $1 FOR UPDATE`, id).Scan(&state)
		if errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("there is no key %s", id)
		}
		if err != nil {
			return err
		}
		hanging.Primary = state == vault.KeyPrimary
		if err := tx.QueryRow(ctx, `SELECT `+countOf("$1")+` AS n`, id).Scan(&hanging.Rows); err != nil {
			return err
		}
		live, err := reports(ctx, tx)
		if err != nil {
			return err
		}
		for _, r := range live {
			if r.Sealing == id {
				hanging.Hosts = append(hanging.Hosts, r.Host)
			}
		}
		if hanging.Primary || hanging.Rows > 0 || len(hanging.Hosts) > 0 {
			return nil
		}
		_, err = tx.Exec(ctx, `UPDATE keys SET state = 'retired' WHERE id = $1`, id)
		return err
	})
	return hanging, err
}

// countOf answers an expression that counts the rows that name a key.
func countOf(parameter string) string {
	parts := make([]string, len(sealedTables))
	for i, table := range sealedTables {
		parts[i] = `(SELECT count(*) FROM ` + table + ` WHERE key_id = ` + parameter + `)`
	}
	return strings.Join(parts, " + ")
}

// ReportKeys stores what a host says of its keys, beside its heartbeat.
func (s Keys) ReportKeys(ctx context.Context, r vault.HostReport) error {
	return s.locked(ctx, func(tx pgx.Tx) error {
		held := r.Held
		if held == nil {
			held = []string{}
		}
		_, err := tx.Exec(ctx, `INSERT INTO hosts (id, keys_held, key_sealing, keys_told) VALUES ($1, $2, $3, true)
			ON CONFLICT (id) DO UPDATE SET keys_held = $2, key_sealing = $3, keys_told = true, heartbeat_at = clock_timestamp()`, r.Host, held, r.Sealing)
		return err
	})
}

// LiveHosts answers the reports of live hosts.
func (s Keys) LiveHosts(ctx context.Context) ([]vault.HostReport, error) { return reports(ctx, s.pool) }

// CountRows counts sealed rows by the key that they name.
func (s Keys) CountRows(ctx context.Context) (map[string]int64, error) {
	parts := make([]string, len(sealedTables))
	for i, table := range sealedTables {
		parts[i] = `SELECT key_id, count(*) AS n FROM ` + table + ` WHERE key_id IS NOT NULL GROUP BY key_id`
	}
	rows, err := s.pool.Query(ctx, `SELECT key_id, sum(n)::bigint FROM (`+strings.Join(parts, " UNION ALL ")+`) t GROUP BY key_id`)
	if err != nil {
		return nil, fmt.Errorf("counting sealed rows: %w", err)
	}
	counts := map[string]int64{}
	var id string
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&id, &n}, func() error {
		counts[id] = n
		return nil
	})
	return counts, err
}

// RewrapBatch rewraps rows of the first table, after the mark, that has some. The mark is "table/id".
func (s Keys) RewrapBatch(ctx context.Context, b vault.Batch, rewrap func(vault.Sealed) (vault.Sealed, error)) (result vault.BatchResult, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		result = vault.BatchResult{}
		var primary bool
		err := tx.QueryRow(ctx, `SELECT state = 'primary' FROM keys WHERE id = $1 FOR SHARE`, b.Primary).Scan(&primary)
		if err != nil || !primary {
			return errors.Join(vault.ErrPrimaryMoved, err)
		}
		table, after, _ := strings.Cut(b.After, "/")
		for _, t := range sealedTables {
			if t < table {
				continue
			}
			if t > table {
				after = ""
			}
			if result, err = rewrapTable(ctx, tx, t, after, b, rewrap); err != nil || result.Taken > 0 {
				return err
			}
		}
		return nil
	})
	return result, err
}

func rewrapTable(ctx context.Context, tx pgx.Tx, table, after string, b vault.Batch, rewrap func(vault.Sealed) (vault.Sealed, error)) (vault.BatchResult, error) {
	rows, err := tx.Query(ctx, `SELECT id, key_id, sealed FROM `+table+` WHERE key_id = ANY($1) AND id > $2
		ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED`, b.Keys, after, b.Limit)
	if err != nil {
		return vault.BatchResult{}, err
	}
	type row struct {
		ID    string
		KeyID string
		Bytes []byte
	}
	taken, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	if err != nil || len(taken) == 0 {
		return vault.BatchResult{}, err
	}
	result := vault.BatchResult{Taken: len(taken), Next: table + "/" + taken[len(taken)-1].ID}
	updates := &pgx.Batch{}
	for _, r := range taken {
		sealed, err := rewrap(vault.Sealed{KeyID: r.KeyID, Bytes: r.Bytes})
		if ctx.Err() != nil {
			return vault.BatchResult{}, ctx.Err()
		}
		if err != nil {
			result.Failed++
			continue
		}
		updates.Queue(`UPDATE `+table+` SET sealed = $2, key_id = $3 WHERE id = $1`, r.ID, sealed.Bytes, sealed.KeyID)
	}
	return result, tx.SendBatch(ctx, updates).Close()
}
