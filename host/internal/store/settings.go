package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"

	"github.com/jackc/pgx/v5"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/vault"
)

// settingsRow is how settings lie in the database.
type settingsRow struct {
	BaseURL             string              `json:"base_url,omitempty"`
	AllowPrivateNetwork bool                `json:"allow_private_network,omitempty"`
	AllowedCIDRs        []netip.Prefix      `json:"allowed_cidrs,omitempty"`
	MinTLS              string              `json:"min_tls_version,omitempty"`
	Disabled            bool                `json:"disabled,omitempty"`
	OAuth               catalog.OAuthClient `json:"oauth"`
	RateLimits          []catalog.RateLimit `json:"rate_limits"`
}

// PlatformSettings answers the settings of every platform that has some.
func (s *Store) PlatformSettings(ctx context.Context) (map[string]catalog.Settings, error) {
	rows, err := s.pool.Query(ctx, `SELECT id, settings, sealed IS NOT NULL FROM platform_settings`)
	if err != nil {
		return nil, err
	}
	out := map[string]catalog.Settings{}
	var id string
	var raw []byte
	var secret bool
	_, err = pgx.ForEachRow(rows, []any{&id, &raw, &secret}, func() error {
		var row settingsRow
		if err := json.Unmarshal(raw, &row); err != nil {
			return fmt.Errorf("decoding the settings of %s: %w", id, err)
		}
		row.OAuth.HasClientSecret = secret
		out[id] = catalog.Settings(row)
		return nil
	})
	return out, err
}

// ClientSecret answers the sealed secret of a platform's OAuth client.
func (s *Store) ClientSecret(ctx context.Context, platform string) (vault.Sealed, bool, error) {
	var sealed vault.Sealed
	err := s.pool.QueryRow(ctx, `SELECT key_id, sealed FROM platform_settings WHERE id = $1 AND sealed IS NOT NULL`, platform).
		Scan(&sealed.KeyID, &sealed.Bytes)
	if errors.Is(err, pgx.ErrNoRows) {
		return sealed, false, nil
	}
	return sealed, err == nil, err
}

// PutPlatformSettings stores a platform's settings. A nil secret keeps the sealed client secret, one without bytes removes it.
func (s *Store) PutPlatformSettings(ctx context.Context, platform string, settings catalog.Settings, secret *vault.Sealed) error {
	encoded, err := json.Marshal(settingsRow(settings))
	if err != nil {
		return fmt.Errorf("encoding the settings: %w", err)
	}
	var sealed []byte
	var key *string
	if secret != nil && len(secret.Bytes) > 0 {
		sealed, key = secret.Bytes, &secret.KeyID
	}
	_, err = s.pool.Exec(ctx, `INSERT INTO platform_settings (id, settings, sealed, key_id) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET settings = $2, updated_at = now(),
		sealed = CASE WHEN $5 THEN platform_settings.sealed ELSE $3 END, key_id = CASE WHEN $5 THEN platform_settings.key_id ELSE $4 END`,
		platform, encoded, sealed, key, secret == nil)
	return err
}
