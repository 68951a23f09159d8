package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay/patchbay/host/internal/integration"
)

// Integrations implements integration.Store.
type Integrations struct{ *Store }

const integrationColumns = `id, user_id, platform, label, auth_method, enabled, expired_at, expired_reason, deleted_at, account_id,
	account_name, scopes, public_fields, version, sealed, key_id, credential_expires_at, credential_set_at, created_at, grant_type,
	refreshable, refresh_at`

// lastUsed reads the newest call of an integration off the index.
const lastUsed = `(SELECT c.started_at FROM calls c WHERE c.integration_id = i.id ORDER BY c.id DESC LIMIT 1)`

func integrationFields(i *integration.Integration) []any {
	return []any{&i.ID, &i.User, &i.Platform, &i.Label, &i.AuthMethod, &i.Enabled, &i.ExpiredAt, &i.ExpiredReason, &i.DeletedAt,
		&i.AccountID, &i.AccountName, &i.Scopes, &i.Public, &i.Version, &i.Sealed.Bytes, &i.Sealed.KeyID, &i.CredentialExpiresAt,
		&i.CredentialSetAt, &i.CreatedAt, &i.Grant, &i.Refreshable, &i.RefreshAt}
}

// Insert stores a new one.
func (s Integrations) Insert(ctx context.Context, i integration.Integration) error {
	if i.Scopes == nil {
		i.Scopes = []string{}
	}
	_, err := s.pool.Exec(ctx, `INSERT INTO integrations (`+integrationColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)`, integrationFields(&i)...)
	return err
}

// Get answers one of a user's.
func (s Integrations) Get(ctx context.Context, user, id string, used bool) (integration.Integration, error) {
	var i integration.Integration
	query, into := `SELECT `+integrationColumns, integrationFields(&i)
	if used {
		query, into = query+`, `+lastUsed, append(into, &i.LastUsedAt)
	}
	err := s.pool.QueryRow(ctx, query+` FROM integrations i WHERE id = $1 AND user_id = $2`, id, user).Scan(into...)
	if errors.Is(err, pgx.ErrNoRows) {
		return i, integration.ErrNotFound
	}
	return i, err
}

// Change alters one under a lock of its row.
func (s Integrations) Change(ctx context.Context, user, id string, change func(*integration.Integration) error) (integration.Integration, error) {
	var i integration.Integration
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		i = integration.Integration{}
		err := tx.QueryRow(ctx, `SELECT `+integrationColumns+`, `+lastUsed+` FROM integrations i WHERE id = $1 AND user_id = $2 FOR UPDATE OF i`, id, user).
			Scan(append(integrationFields(&i), &i.LastUsedAt)...)
		if errors.Is(err, pgx.ErrNoRows) {
			return integration.ErrNotFound
		}
		if err != nil {
			return err
		}
		was := i
		if err := change(&i); err != nil {
			return err
		}
		if i.Scopes == nil {
			i.Scopes = []string{}
		}
		_, err = tx.Exec(ctx, `UPDATE integrations SET label = $2, enabled = $3, expired_at = $4, expired_reason = $5, deleted_at = $6,
			account_id = $7, account_name = $8, scopes = $9, public_fields = $10, version = $11, sealed = $12, key_id = $13,
			credential_expires_at = $14, credential_set_at = $15, grant_type = $16, refreshable = $17, refresh_at = $18 WHERE id = $1`, id, i.Label, i.Enabled, i.ExpiredAt, i.ExpiredReason,
			i.DeletedAt, i.AccountID, i.AccountName, i.Scopes, i.Public, i.Version, i.Sealed.Bytes, i.Sealed.KeyID, i.CredentialExpiresAt,
			i.CredentialSetAt, i.Grant, i.Refreshable, i.RefreshAt)
		if err != nil {
			return err
		}
		return emitHealth(ctx, tx, was, i)
	})
	return i, err
}

// List answers a page of a user's.
func (s Integrations) List(ctx context.Context, f integration.Filter) ([]integration.Integration, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+integrationColumns+`, `+lastUsed+` FROM integrations i
		WHERE user_id = $1 AND ($2 = '' OR platform = $2)
		AND CASE WHEN $3 = '' THEN status <> 'deleted' ELSE status = $3 END
		AND ($4 = '' OR label ILIKE $4 OR account_name ILIKE $4 OR platform ILIKE $4)
		AND ($5 = '' OR id < $5)
		ORDER BY id DESC LIMIT $6`, f.User, f.Platform, string(f.Status), likePattern(f.Query), f.Before, f.Limit)
	if err != nil {
		return nil, fmt.Errorf("listing: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (integration.Integration, error) {
		var i integration.Integration
		err := row.Scan(append(integrationFields(&i), &i.LastUsedAt)...)
		return i, err
	})
}

// likePattern makes a pattern that finds text anywhere, or "" for none.
func likePattern(text string) string {
	if text == "" {
		return ""
	}
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text) + "%"
}
