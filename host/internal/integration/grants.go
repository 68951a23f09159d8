package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/oauth"
	"github.com/patchbay/patchbay/host/internal/vault"
)

// grants lets the refresher work on this room's records.
type grants struct{ *Service }

// Fields of a sealed OAuth credential. Adapters get the access token alone.
const (
	accessField  = "access_token"
	refreshField = "refresh_token"
)

// Read answers a grant as the store has it now, and makes this host forget an older copy.
func (s grants) Read(ctx context.Context, id string) (oauth.Grant, error) {
	i, err := s.cfg.Store.GetAny(ctx, id)
	if err != nil {
		return oauth.Grant{}, asFailure("reading the integration", err)
	}
	if kept, ok := s.cache.get(id); ok && kept.Version != i.Version {
		s.cache.drop(id)
	}
	g := oauth.Grant{ID: id, Version: i.Version, Fresh: i.fresh(s.cfg.Now()), Refreshable: i.Refreshable && i.DeletedAt == nil}
	if i.ExpiredAt != nil {
		g.Dead = i.ExpiredReason
	}
	return g, nil
}

// Request asks the provider for new tokens.
func (s grants) Request(ctx context.Context, g oauth.Grant, sendable func() bool) (oauth.Tokens, error) {
	i, err := s.cfg.Store.GetAny(ctx, g.ID)
	if err != nil {
		return oauth.Tokens{}, err
	}
	if i.Version != g.Version {
		return oauth.Tokens{}, &oauth.Failure{HeldBack: true, NotSent: true, Message: "The grant was replaced meanwhile."}
	}
	p, err := s.providerOf(ctx, i.Platform)
	if err != nil {
		var f *catalog.Failure
		if errors.As(err, &f) {
			return oauth.Tokens{}, &oauth.Failure{Meaning: oauth.Misconfigured, NotSent: true, Message: f.Message}
		}
		return oauth.Tokens{}, err
	}
	if i.Grant == oauth.ClientCredentials {
		return oauth.Credentials(ctx, p.via, &p.Provider, p.client, i.Scopes, sendable)
	}
	fields, err := s.open(ctx, vault.Access{Actor: i.User, Owner: i.User, Reason: vault.ForCall}, i)
	if err != nil {
		return oauth.Tokens{}, err
	}
	return oauth.Refresh(ctx, p.via, &p.Provider, p.client, fields[refreshField], sendable)
}

// Replace stores new tokens in the place of the version that bought them.
func (s grants) Replace(ctx context.Context, g oauth.Grant, t oauth.Tokens, d oauth.Done) (bool, error) {
	i, err := s.cfg.Store.GetAny(ctx, g.ID)
	if err != nil {
		return false, err
	}
	dead := i.ExpiredAt != nil
	i.Version = g.Version
	if err := s.putTokens(ctx, &i, t); err != nil {
		return false, err
	}
	stored, err := s.cfg.Store.Replace(ctx, i, d)
	s.cache.drop(g.ID)
	if err == nil && stored && dead {
		err = s.cfg.Audit.Record(ctx, "host", "integration.recover", g.ID)
	}
	return stored, err
}

// Bury marks a version as refused.
func (s grants) Bury(ctx context.Context, g oauth.Grant, reason string, d oauth.Done) error {
	buried, err := s.cfg.Store.Bury(ctx, g.ID, g.Version, reason, s.cfg.Now(), d)
	s.cache.drop(g.ID)
	if err == nil && buried {
		err = s.cfg.Audit.Record(ctx, "host", "integration.expire", g.ID, "reason", reason)
	}
	return err
}

// putTokens seals tokens as the next version of an integration's credential.
func (s *Service) putTokens(ctx context.Context, i *Integration, t oauth.Tokens) error {
	now := s.cfg.Now()
	i.Version++
	fields := map[string]string{accessField: t.Access()}
	if t.Refresh() != "" {
		fields[refreshField] = t.Refresh()
	}
	encoded, err := json.Marshal(fields)
	if err != nil {
		return fmt.Errorf("encoding the tokens: %w", err)
	}
	secret := vault.NewSecret(encoded)
	defer secret.Wipe()
	if i.Sealed, err = s.cfg.Vault.Seal(ctx, vault.CredentialAAD(i.User, i.ID, i.Version), secret); err != nil {
		return fmt.Errorf("sealing the tokens: %w", err)
	}
	i.Refreshable = t.Refresh() != "" || i.Grant == oauth.ClientCredentials
	i.CredentialSetAt, i.CredentialExpiresAt, i.RefreshAt = now, nil, nil
	if t.Lifetime > 0 {
		ends := now.Add(t.Lifetime)
		i.CredentialExpiresAt = &ends
		if i.Refreshable {
			at := ends.Add(-lead(t.Lifetime))
			i.RefreshAt = &at
		}
	}
	if t.Scopes != nil {
		i.Scopes = slices.Clone(t.Scopes)
	}
	if i.Scopes == nil {
		i.Scopes = []string{}
	}
	if i.Public == nil {
		i.Public = map[string]string{}
	}
	return nil
}

// lead is how long before a token's end the host refreshes it by itself: a fifth of its life, a quarter of an hour at the most, and up to
// half as much again at random, so that tokens which were made together are not refreshed together.
func lead(lifetime time.Duration) time.Duration {
	d := min(lifetime/5, 15*time.Minute)
	return d + rand.N(d/2+1)
}

// margin is how long before its end a token is no longer given to a call: a tenth of its life, a minute at the most.
func margin(lifetime time.Duration) time.Duration { return min(lifetime/10, time.Minute) }

// fresh says whether the access token lives long enough to be used. One whose end is not known is fresh until the platform refuses it.
func (i *Integration) fresh(now time.Time) bool {
	if i.CredentialExpiresAt == nil {
		return true
	}
	return now.Before(i.CredentialExpiresAt.Add(-margin(i.CredentialExpiresAt.Sub(i.CredentialSetAt))))
}
