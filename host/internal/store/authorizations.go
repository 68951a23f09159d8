package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay/patchbay/host/internal/integration"
)

const authorizationColumns = `id, user_id, platform, grant_type, label, integration_id, scopes, session_id, link_hash, state_hash, binder_hash, redirect_uri,
	sealed, key_id, poll_at, poll_every_us, state, result, code, message, created_at, expires_at`

// InsertAuthorization stores a new one.
func (s Integrations) InsertAuthorization(ctx context.Context, a integration.Authorization) error {
	if a.Scopes == nil {
		a.Scopes = []string{}
	}
	_, err := s.pool.Exec(ctx, `INSERT INTO authorizations (`+authorizationColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)`, a.ID, a.User, a.Platform, a.Grant,
		a.Label, a.Integration, a.Scopes, a.Session, a.LinkHash, a.StateHash, a.BinderHash, a.Redirect, a.Sealed.Bytes, orNull(a.Sealed.KeyID), a.PollAt,
		a.PollEvery.Microseconds(), a.State, a.Result, a.Code, a.Message, a.CreatedAt, a.ExpiresAt)
	return err
}

// ChangeAuthorization alters one under a lock of its row.
func (s Integrations) ChangeAuthorization(ctx context.Context, key integration.AuthorizationKey, change func(*integration.Authorization) error) (integration.Authorization, error) {
	var a integration.Authorization
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		a = integration.Authorization{}
		var keyID *string
		var every int64
		err := tx.QueryRow(ctx, `SELECT `+authorizationColumns+` FROM authorizations WHERE id = $1 OR link_hash = $2 OR state_hash = $3 FOR UPDATE`,
			key.ID, key.Link, key.State).Scan(&a.ID, &a.User, &a.Platform, &a.Grant, &a.Label, &a.Integration, &a.Scopes, &a.Session, &a.LinkHash,
			&a.StateHash, &a.BinderHash, &a.Redirect, &a.Sealed.Bytes, &keyID, &a.PollAt, &every, &a.State, &a.Result, &a.Code, &a.Message,
			&a.CreatedAt, &a.ExpiresAt)
		if errors.Is(err, pgx.ErrNoRows) {
			return integration.ErrNotFound
		}
		if err != nil {
			return err
		}
		a.PollEvery = time.Duration(every) * time.Microsecond
		if keyID != nil {
			a.Sealed.KeyID = *keyID
		}
		if err := change(&a); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE authorizations SET state_hash = $2, binder_hash = $3, redirect_uri = $4, sealed = $5, key_id = $6, poll_at = $7,
			poll_every_us = $8, state = $9, result = $10, code = $11, message = $12 WHERE id = $1`, a.ID, a.StateHash, a.BinderHash, a.Redirect,
			a.Sealed.Bytes, orNull(a.Sealed.KeyID), a.PollAt, a.PollEvery.Microseconds(), a.State, a.Result, a.Code, a.Message)
		return err
	})
	return a, err
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// InsertConnectSession stores a new one.
func (s Integrations) InsertConnectSession(ctx context.Context, c integration.Session, hash []byte) error {
	_, err := s.pool.Exec(ctx, `INSERT INTO connect_sessions (id, hash, user_id, platforms, label, integration_id, return_url, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, c.ID, hash, c.User, c.Platforms, c.Label, c.Integration, c.ReturnURL, c.CreatedAt, c.ExpiresAt)
	return err
}

// ConnectSession answers one by the hash of its secret or by its id.
func (s Integrations) ConnectSession(ctx context.Context, hash []byte, id string) (integration.Session, error) {
	var c integration.Session
	err := s.pool.QueryRow(ctx, `SELECT id, user_id, platforms, label, integration_id, return_url, created_at, expires_at, used_at, result
		FROM connect_sessions WHERE hash = $1 OR id = $2`, hash, id).Scan(&c.ID, &c.User, &c.Platforms, &c.Label, &c.Integration, &c.ReturnURL,
		&c.CreatedAt, &c.ExpiresAt, &c.UsedAt, &c.Result)
	if errors.Is(err, pgx.ErrNoRows) {
		return c, integration.ErrNotFound
	}
	return c, err
}

// UseConnectSession marks one as used, or as unused again.
func (s Integrations) UseConnectSession(ctx context.Context, id, used string, now time.Time) (bool, error) {
	query := `UPDATE connect_sessions SET used_at = $2, result = $3 WHERE id = $1 AND used_at IS NULL AND expires_at > $2`
	if used == "" {
		query = `UPDATE connect_sessions SET used_at = NULL, result = $3 WHERE id = $1 AND $2::timestamptz IS NOT NULL`
	}
	tag, err := s.pool.Exec(ctx, query, id, now, used)
	return tag.RowsAffected() == 1, err
}
