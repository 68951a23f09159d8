package store

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay/patchbay/host/internal/cluster"
	"github.com/patchbay/patchbay/host/internal/dispatch"
)

// Claim commits a claim, or answers the one that stands.
func (s *Store) Claim(ctx context.Context, c dispatch.Claim) (dispatch.Claim, bool, error) {
	for {
		tag, err := s.pool.Exec(ctx, `INSERT INTO claims (id, user_id, key, request_hash, host_id, call_id) VALUES ($5, $1, $2, $3, $4, $5)
			ON CONFLICT (user_id, key) DO UPDATE SET id = $5, request_hash = $3, host_id = $4, call_id = $5, sealed = NULL, key_id = NULL, created_at = now()
			WHERE claims.created_at < now() - $6::interval`, c.User, c.Key, c.Hash, c.Host, c.Call, dispatch.ClaimLifetime)
		if err != nil {
			return dispatch.Claim{}, false, err
		}
		if tag.RowsAffected() == 1 {
			return dispatch.Claim{}, false, nil
		}
		found, err := s.findClaim(ctx, c.User, c.Key)
		if !errors.Is(err, pgx.ErrNoRows) { // no rows: it was given up meanwhile
			return found, true, err
		}
	}
}

func (s *Store) findClaim(ctx context.Context, user, key string) (dispatch.Claim, error) {
	c := dispatch.Claim{User: user, Key: key}
	var keyID *string
	err := s.pool.QueryRow(ctx, `SELECT request_hash, host_id, call_id, sealed, key_id, EXISTS (SELECT 1 FROM hosts h
		WHERE h.id = c.host_id AND h.heartbeat_at > clock_timestamp() - $3::interval)
		FROM claims c WHERE user_id = $1 AND key = $2`, user, key, cluster.LiveFor).
		Scan(&c.Hash, &c.Host, &c.Call, &c.Sealed.Bytes, &keyID, &c.HostAlive)
	if keyID != nil {
		c.Finished, c.Sealed.KeyID = true, *keyID
	}
	return c, err
}
