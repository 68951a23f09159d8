package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay/patchbay/host/internal/identity"
)

// UseFlow remembers a sign-in as used.
func (s Identities) UseFlow(ctx context.Context, flow []byte, ends time.Time) (bool, error) {
	tag, err := s.pool.Exec(ctx, `INSERT INTO signin_flows (hash, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING`, flow, ends)
	return tag.RowsAffected() == 1, err
}

// EnsureExternal finds or stores the user of an issuer's subject. Of two that come at the same time one stores it.
func (s Identities) EnsureExternal(ctx context.Context, issuer, subject string, fresh identity.User, role *identity.Role) (u identity.User, before identity.Role, err error) {
	for range 2 {
		err = s.inTx(ctx, func(tx pgx.Tx) error {
			var err error
			u, before, err = external(ctx, tx, issuer, subject, role)
			if !errors.Is(err, pgx.ErrNoRows) {
				return err
			}
			u, before = fresh, fresh.Role
			batch := &pgx.Batch{}
			batch.Queue(`INSERT INTO users (id, name, role, created_at) VALUES ($1, $2, $3, $4)`, u.ID, u.Name, u.Role, u.CreatedAt)
			batch.Queue(`INSERT INTO user_identities (issuer, subject, user_id, created_at) VALUES ($1, $2, $3, $4)`, issuer, subject, u.ID, u.CreatedAt)
			return tx.SendBatch(ctx, batch).Close()
		})
		if !violates(err, uniqueViolation) {
			break
		}
	}
	return u, before, err
}

// external answers a known user, with the role where one is given.
func external(ctx context.Context, tx pgx.Tx, issuer, subject string, role *identity.Role) (identity.User, identity.Role, error) {
	rows, err := tx.Query(ctx, `SELECT u.id, u.name, u.role, u.created_at FROM user_identities i JOIN users u ON u.id = i.user_id
		WHERE i.issuer = $1 AND i.subject = $2 FOR NO KEY UPDATE OF u`, issuer, subject)
	if err != nil {
		return identity.User{}, "", err
	}
	u, err := pgx.CollectExactlyOneRow(rows, scanUser)
	before := u.Role
	if err != nil || role == nil || *role == before {
		return u, before, err
	}
	u.Role = *role
	_, err = tx.Exec(ctx, `UPDATE users SET role = $2 WHERE id = $1`, u.ID, u.Role)
	return u, before, err
}
