package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/oauth"
	"github.com/patchbay/patchbay/host/internal/vault"
)

// Revocation is what became of one integration when it was revoked.
type Revocation struct {
	Integration, User, Platform string
	// Revoked is true where the provider has ended the grant. Otherwise Detail says why it has not; the credential is gone from this host
	// all the same.
	Revoked bool
	Detail  string
}

// Revoke ends a user's grant at its provider, and the credential here: no host uses it when Revoke returns. Where the provider cannot be
// asked, nothing changes and the failure says so.
func (s *Service) Revoke(ctx context.Context, user, ref string) (Integration, error) {
	i, err := s.Get(ctx, user, ref)
	if err != nil {
		return Integration{}, err
	}
	if err := s.revokeUpstream(ctx, i); err != nil {
		var f *oauth.Failure
		if errors.As(err, &f) {
			return Integration{}, &catalog.Failure{Kind: catalog.PlatformUnavailable, PlatformCode: f.Code, PlatformStatus: f.Status, NotSent: f.NotSent,
				Message: "The grant could not be revoked at its provider, so nothing was changed here. " + f.Message}
		}
		return Integration{}, err
	}
	return s.forget(ctx, user, i, "It was revoked at the platform by its user.")
}

// RevokeAll is the kill switch: it takes every credential of a user, of a platform, or of a user's platform out of use on every host first,
// and then ends the grants at their providers. At least one of user and platform is required.
func (s *Service) RevokeAll(ctx context.Context, by, user, platform string) ([]Revocation, error) {
	if user == "" && platform == "" {
		return nil, invalid("", "must name a user, a platform, or both")
	}
	all, err := s.cfg.Store.Matching(ctx, user, platform)
	if err != nil {
		return nil, fmt.Errorf("listing the integrations: %w", err)
	}
	if err := s.cfg.Audit.Record(ctx, by, "revocation.begin", "", "user", user, "platform", platform, "integrations", fmt.Sprint(len(all))); err != nil {
		return nil, err
	}
	out := make([]Revocation, len(all))
	var running sync.WaitGroup
	slots := make(chan struct{}, keepAtOnce)
	for n, i := range all {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			out[n] = s.kill(ctx, i)
		})
	}
	running.Wait()
	return out, nil
}

// kill takes one integration out of use, and then ends its grant.
func (s *Service) kill(ctx context.Context, i Integration) Revocation {
	r := Revocation{Integration: i.ID, User: i.User, Platform: i.Platform}
	if _, err := s.change(ctx, i.User, i.ID, "integration.deactivate", func(i *Integration) error {
		i.Enabled = false
		return nil
	}); err != nil {
		r.Detail = "It could not be deactivated: " + err.Error()
		return r
	}
	err := s.revokeUpstream(ctx, i)
	var f *oauth.Failure
	var failure *catalog.Failure
	switch {
	case err == nil:
		r.Revoked = true
	case errors.As(err, &f):
		r.Detail = f.Message
	case errors.As(err, &failure):
		r.Detail = failure.Message
	default:
		r.Detail = "The host failed to revoke it; its log says more."
		s.cfg.Logger.Error("revoking a grant failed", "integration", i.ID, "error", err)
	}
	if _, err := s.forget(ctx, i.User, i, "It was revoked by an operator."); err != nil {
		r.Detail += " Its credential could not be removed here; it is deactivated."
	}
	return r
}

// revokeUpstream asks the provider to end a grant. A refresh that is under way is waited for: its answer would outlive the revocation.
func (s *Service) revokeUpstream(ctx context.Context, i Integration) error {
	if i.AuthMethod != "oauth2" {
		return &catalog.Failure{Kind: catalog.Conflict, Message: "A key that was typed in can only be revoked at the platform itself. Revoke it there, and delete the integration here."}
	}
	p, err := s.providerOf(ctx, i.Platform)
	if err != nil {
		return err
	}
	return s.refresher.Alone(ctx, i.ID, func(ctx context.Context) error {
		i, err := s.cfg.Store.GetAny(ctx, i.ID)
		if err != nil {
			return err
		}
		fields, err := s.open(ctx, vault.Access{Actor: i.User, Owner: i.User, Reason: vault.ForCall}, i)
		if err != nil {
			return err
		}
		return oauth.Revoke(ctx, p.via, &p.Provider, p.client, oauth.NewTokens(fields[accessField], fields[refreshField]))
	})
}

// forget puts nothing in the place of a credential, and marks the integration as expired.
func (s *Service) forget(ctx context.Context, user string, i Integration, reason string) (Integration, error) {
	for {
		stored, err := s.Get(ctx, user, i.ID)
		if err != nil {
			return Integration{}, err
		}
		empty, err := s.sealNothing(ctx, stored)
		if err != nil {
			return Integration{}, err
		}
		moved := false
		out, err := s.change(ctx, user, i.ID, "integration.revoke", func(i *Integration) error {
			if moved = i.Version != stored.Version; moved {
				return errMoved
			}
			now := s.cfg.Now()
			i.Version, i.Sealed, i.Refreshable, i.RefreshAt, i.CredentialExpiresAt = stored.Version+1, empty, false, nil, nil
			i.ExpiredAt, i.ExpiredReason, i.Scopes = &now, reason, nil
			return nil
		})
		if !moved {
			return out, err
		}
	}
}

func (s *Service) sealNothing(ctx context.Context, i Integration) (vault.Sealed, error) {
	encoded, err := json.Marshal(map[string]string{})
	if err != nil {
		return vault.Sealed{}, err
	}
	secret := vault.NewSecret(encoded)
	defer secret.Wipe()
	sealed, err := s.cfg.Vault.Seal(ctx, vault.CredentialAAD(i.User, i.ID, i.Version+1), secret)
	if err != nil {
		return sealed, fmt.Errorf("sealing the empty credential: %w", err)
	}
	return sealed, nil
}
