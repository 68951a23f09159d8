package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay/patchbay/host/internal/consent"
)

// Consents implements consent.Store.
type Consents struct{ *Store }

// InsertCode stores a code by its hash.
func (s Consents) InsertCode(ctx context.Context, c consent.Code, hash []byte) error {
	_, err := s.pool.Exec(ctx, `INSERT INTO consent_codes (hash, user_id, client, client_id, redirect_uri, challenge, scopes, limits, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, hash, c.User, clean(c.Client), c.ClientID, c.RedirectURI, c.Challenge, c.Scopes, c.Limits, c.ExpiresAt)
	return err
}

// UseCode uses a code for a grant, once, whatever redeem says.
func (s Consents) UseCode(ctx context.Context, hash []byte, token string, redeem func(consent.Code) (consent.Grant, error)) (string, error) {
	var first *string
	var refused error
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		var c consent.Code
		err := tx.QueryRow(ctx, `SELECT user_id, client, client_id, redirect_uri, challenge, scopes, limits, expires_at, token_id FROM consent_codes
			WHERE hash = $1 FOR UPDATE`, hash).Scan(&c.User, &c.Client, &c.ClientID, &c.RedirectURI, &c.Challenge, &c.Scopes, &c.Limits, &c.ExpiresAt, &first)
		if err != nil {
			return one(err)
		}
		if first != nil {
			return consent.ErrUsed
		}
		if _, err := tx.Exec(ctx, `UPDATE consent_codes SET token_id = $2 WHERE hash = $1`, hash, token); err != nil {
			return err
		}
		var g consent.Grant
		if g, refused = redeem(c); refused != nil {
			return nil
		}
		_, err = tx.Exec(ctx, `INSERT INTO tokens (id, user_id, name, scopes, limits, service, created_at, expires_at, revoked_at, audience, hash, refresh_hash, client_id, refresh_ends)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`, append(tokenFields(&g.Token), g.Access, g.Refresh, g.ClientID, g.RefreshEnds)...)
		return err
	})
	if errors.Is(err, consent.ErrUsed) {
		return *first, err
	}
	if err == nil {
		err = refused
	}
	return "", err
}

// Rotate gives a grant new secrets.
func (s Consents) Rotate(ctx context.Context, token string, hash []byte, next func(consent.Grant) (consent.Grant, error)) (before consent.Grant, fits bool, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		var ends *time.Time
		fields := append(tokenFields(&before.Token), &before.Access, &before.Refresh, &before.ClientID, &ends)
		if err := tx.QueryRow(ctx, `SELECT `+tokenColumns+`, t.hash, t.refresh_hash, t.client_id, t.refresh_ends FROM tokens t WHERE id = $1 AND revoked_at IS NULL
			AND refresh_hash IS NOT NULL FOR UPDATE`, token).Scan(fields...); err != nil {
			return one(err)
		}
		if fits = string(before.Refresh) == string(hash); !fits {
			return nil
		}
		before.RefreshEnds = *ends
		g, err := next(before)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE tokens SET hash = $2, refresh_hash = $3, expires_at = $4, refresh_ends = $5 WHERE id = $1`, token, g.Access, g.Refresh, g.Token.ExpiresAt, g.RefreshEnds)
		return err
	})
	return before, fits, err
}
