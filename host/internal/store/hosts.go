package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay/patchbay/host/internal/cluster"
	"github.com/patchbay/patchbay/host/internal/vault"
)

// Beat stores a host with the database's time as its heartbeat, and answers it. A host that was taken for dead comes back by it.
func (s *Store) Beat(ctx context.Context, h cluster.Host) (at time.Time, err error) {
	err = s.pool.QueryRow(ctx, `INSERT INTO hosts (id, name, address, version, started_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET name = $2, address = $3, version = $4, heartbeat_at = clock_timestamp()
		RETURNING clock_timestamp()`, h.ID, h.Name, h.Address, h.Version, h.StartedAt).Scan(&at)
	return at, err
}

// Live answers the hosts whose heartbeat is younger than within.
func (s *Store) Live(ctx context.Context, within time.Duration) ([]cluster.Host, error) {
	rows, err := s.pool.Query(ctx, `SELECT id, name, address, version, started_at, heartbeat_at FROM hosts
		WHERE heartbeat_at > clock_timestamp() - $1::interval AND address <> '' ORDER BY name, id`, within)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (cluster.Host, error) {
		var h cluster.Host
		err := row.Scan(&h.ID, &h.Name, &h.Address, &h.Version, &h.StartedAt, &h.BeatAt)
		return h, err
	})
}

// Leave removes a host.
func (s *Store) Leave(ctx context.Context, id string) error {
	_, err := s.pool.Exec(ctx, `DELETE FROM hosts WHERE id = $1`, id)
	return err
}

// Secret answers a sealed value of the host by name; the first one to be made stands for all hosts.
func (s *Store) Secret(ctx context.Context, name string, create func() (vault.Sealed, error)) (vault.Sealed, error) {
	for {
		rows, err := s.pool.Query(ctx, `SELECT key_id, sealed FROM secrets WHERE id = $1`, name)
		if err != nil {
			return vault.Sealed{}, err
		}
		found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[vault.Sealed])
		if err != nil {
			return vault.Sealed{}, err
		}
		if len(found) == 1 {
			return found[0], nil
		}
		sealed, err := create()
		if err != nil {
			return vault.Sealed{}, fmt.Errorf("making %s: %w", name, err)
		}
		_, err = s.pool.Exec(ctx, `INSERT INTO secrets (id, sealed, key_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, name, sealed.Bytes, sealed.KeyID)
		if err != nil {
			return vault.Sealed{}, err
		}
	}
}
