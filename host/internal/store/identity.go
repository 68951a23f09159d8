package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay/patchbay/host/internal/identity"
)

// Identities implements identity.Store.
type Identities struct{ *Store }

func scanUser(row pgx.CollectableRow) (identity.User, error) {
	var u identity.User
	err := row.Scan(&u.ID, &u.Name, &u.Role, &u.CreatedAt)
	return u, err
}

// one turns "no rows" into identity.ErrNotFound.
func one(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return identity.ErrNotFound
	}
	return err
}

// InsertUser stores a new user.
func (s Identities) InsertUser(ctx context.Context, u identity.User) error {
	_, err := s.pool.Exec(ctx, `INSERT INTO users (id, name, role, created_at) VALUES ($1, $2, $3, $4)`, u.ID, u.Name, u.Role, u.CreatedAt)
	return err
}

// EnsureOperator answers the first operator, or stores u as the one. Hosts that start together agree on it.
func (s Identities) EnsureOperator(ctx context.Context, u identity.User) (identity.User, error) {
	var out identity.User
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE`); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO users (id, name, role, created_at) SELECT $1, $2, 'operator', $3
			WHERE NOT EXISTS (SELECT 1 FROM users WHERE role = 'operator')`, u.ID, u.Name, u.CreatedAt)
		if err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `SELECT id, name, role, created_at FROM users WHERE role = 'operator' ORDER BY id LIMIT 1`)
		if err != nil {
			return err
		}
		out, err = pgx.CollectExactlyOneRow(rows, scanUser)
		return err
	})
	return out, err
}

// User answers one.
func (s Identities) User(ctx context.Context, id string) (identity.User, error) {
	rows, err := s.pool.Query(ctx, `SELECT id, name, role, created_at FROM users WHERE id = $1`, id)
	if err != nil {
		return identity.User{}, err
	}
	u, err := pgx.CollectExactlyOneRow(rows, scanUser)
	return u, one(err)
}

// ListUsers answers a page, the newest first.
func (s Identities) ListUsers(ctx context.Context, before string, limit int) ([]identity.User, error) {
	rows, err := s.pool.Query(ctx, `SELECT id, name, role, created_at FROM users WHERE ($1 = '' OR id < $1) ORDER BY id DESC LIMIT $2`, before, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanUser)
}

const tokenColumns = `t.id, t.user_id, t.name, t.scopes, t.limits, t.service, t.created_at, t.expires_at, t.revoked_at, t.audience`

func tokenFields(t *identity.Token) []any {
	return []any{&t.ID, &t.User, &t.Name, &t.Scopes, &t.Limits, &t.Service, &t.CreatedAt, &t.ExpiresAt, &t.RevokedAt, &t.Audience}
}

// InsertToken stores a new token by its hash.
func (s Identities) InsertToken(ctx context.Context, t identity.Token, hash []byte) error {
	_, err := s.pool.Exec(ctx, `INSERT INTO tokens (id, user_id, name, scopes, limits, service, created_at, expires_at, revoked_at, audience, hash)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`, append(tokenFields(&t), hash)...)
	return err
}

// Token answers the token of a hash with its user.
func (s Identities) Token(ctx context.Context, hash []byte) (identity.Token, identity.User, error) {
	var t identity.Token
	var u identity.User
	err := s.pool.QueryRow(ctx, `SELECT `+tokenColumns+`, u.id, u.name, u.role, u.created_at FROM tokens t JOIN users u ON u.id = t.user_id
		WHERE t.hash = $1`, hash).Scan(append(tokenFields(&t), &u.ID, &u.Name, &u.Role, &u.CreatedAt)...)
	return t, u, one(err)
}

// ListTokens answers a page of a user's, the newest first.
func (s Identities) ListTokens(ctx context.Context, user, before string, limit int) ([]identity.Token, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+tokenColumns+` FROM tokens t WHERE user_id = $1 AND revoked_at IS NULL AND ($2 = '' OR id < $2)
		ORDER BY id DESC LIMIT $3`, user, before, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (identity.Token, error) {
		var t identity.Token
		err := row.Scan(tokenFields(&t)...)
		return t, err
	})
}

// RevokeToken ends a token of a user's, or any where the user is empty.
func (s Identities) RevokeToken(ctx context.Context, user, id string, at time.Time) error {
	tag, err := s.pool.Exec(ctx, `UPDATE tokens SET revoked_at = $3 WHERE id = $1 AND ($2 = '' OR user_id = $2) AND revoked_at IS NULL`, id, user, at)
	if err == nil && tag.RowsAffected() == 0 {
		return identity.ErrNotFound
	}
	return err
}

// InsertLink stores a sign-in link by its hash.
func (s Identities) InsertLink(ctx context.Context, hash []byte, user string, expires time.Time) error {
	_, err := s.pool.Exec(ctx, `INSERT INTO signin_links (hash, user_id, expires_at) VALUES ($1, $2, $3)`, hash, user, expires)
	return err
}

// UseLink removes a link and answers whose it was.
func (s Identities) UseLink(ctx context.Context, hash []byte, now time.Time) (string, error) {
	var user string
	err := s.pool.QueryRow(ctx, `DELETE FROM signin_links WHERE hash = $1 AND expires_at > $2 RETURNING user_id`, hash, now).Scan(&user)
	return user, one(err)
}

// InsertSession stores a session by its hash.
func (s Identities) InsertSession(ctx context.Context, hash []byte, user string, expires time.Time) error {
	_, err := s.pool.Exec(ctx, `INSERT INTO sessions (hash, user_id, expires_at) VALUES ($1, $2, $3)`, hash, user, expires)
	return err
}

// Session answers whose session it is.
func (s Identities) Session(ctx context.Context, hash []byte, now time.Time) (identity.User, error) {
	rows, err := s.pool.Query(ctx, `SELECT u.id, u.name, u.role, u.created_at FROM sessions s JOIN users u ON u.id = s.user_id
		WHERE s.hash = $1 AND s.expires_at > $2`, hash, now)
	if err != nil {
		return identity.User{}, err
	}
	u, err := pgx.CollectExactlyOneRow(rows, scanUser)
	return u, one(err)
}

// EndSessions ends one session of a user's, or all.
func (s Identities) EndSessions(ctx context.Context, user string, hash []byte) error {
	_, err := s.pool.Exec(ctx, `DELETE FROM sessions WHERE user_id = $1 AND ($2::bytea IS NULL OR hash = $2)`, user, hash)
	return err
}
