package integration

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/id"
	"github.com/patchbay/patchbay/host/internal/oauth"
)

// save keeps what a provider gave: as a new integration, or as the new credential of the one that is connected again.
func (s *Service) save(ctx context.Context, p *provider, a Authorization, t oauth.Tokens) (Integration, error) {
	ctx = context.WithoutCancel(ctx) // the person may close the window; the code is spent
	now := s.cfg.Now()
	i := Integration{ID: id.New("int"), User: a.User, Platform: a.Platform, Label: a.Label, AuthMethod: "oauth2", Grant: a.Grant,
		Enabled: true, CreatedAt: now, Scopes: slices.Clone(a.Scopes)}
	if t.Scopes != nil {
		i.Scopes = slices.Clone(t.Scopes)
	}
	if err := s.identify(ctx, p, &i, t); err != nil {
		return Integration{}, err
	}
	if err := s.useSession(ctx, a.Session, i.ID); err != nil {
		return Integration{}, err
	}
	var err error
	if a.Integration != "" {
		i, err = s.reconnect(ctx, a, i, t)
	} else {
		i, err = s.insertGrant(ctx, p, i, t)
	}
	if err != nil {
		return Integration{}, errors.Join(err, s.unuseSession(ctx, a.Session))
	}
	_, err = s.cfg.Store.ChangeAuthorization(ctx, AuthorizationKey{ID: a.ID}, func(a *Authorization) error {
		a.State, a.Result = Done, i.ID
		return nil
	})
	if err != nil {
		return Integration{}, fmt.Errorf("ending the authorisation: %w", err)
	}
	return i, nil
}

// identify asks the platform whose account it is. A platform that is not there to answer does not undo what its provider granted; one that
// refuses the token does.
func (s *Service) identify(ctx context.Context, p *provider, i *Integration, t oauth.Tokens) error {
	err := s.test(ctx, p.platform, p.settings, i, map[string]string{accessField: t.Access()})
	var f *catalog.Failure
	if errors.As(err, &f) && f.Kind != catalog.AuthExpired && f.Kind != catalog.AuthRevoked {
		s.cfg.Logger.Warn("an account was connected without knowing whose it is", "platform", i.Platform, "kind", f.Kind, "reason", f.Message)
		return nil
	}
	return err
}

func (s *Service) insertGrant(ctx context.Context, p *provider, i Integration, t oauth.Tokens) (Integration, error) {
	for _, name := range []string{clipLabel(i.AccountName), p.platform.Name} {
		if i.Label == "" {
			i.Label = name
		}
	}
	t.Scopes = nil // they are in the record
	if err := s.putTokens(ctx, &i, t); err != nil {
		return Integration{}, err
	}
	if err := s.cfg.Store.Insert(ctx, i); err != nil {
		return Integration{}, fmt.Errorf("saving the integration: %w", err)
	}
	return i, s.cfg.Audit.Record(ctx, i.User, "integration.create", i.ID, "platform", i.Platform, "grant", i.Grant)
}

// reconnect gives an integration new tokens of the same account. It takes the place of whatever version stands: this grant is newer.
func (s *Service) reconnect(ctx context.Context, a Authorization, fresh Integration, t oauth.Tokens) (Integration, error) {
	t.Scopes = nil
	for {
		stored, err := s.Get(ctx, a.User, a.Integration)
		if err != nil {
			return Integration{}, err
		}
		if stored.AccountID != "" && fresh.AccountID != "" && stored.AccountID != fresh.AccountID {
			return Integration{}, &catalog.Failure{Kind: catalog.Conflict, Message: fmt.Sprintf(
				"This is the account %q, and the integration %q belongs to %q. Sign in there with that account, or connect this one as an integration of its own.",
				fresh.AccountName, stored.Label, stored.AccountName)}
		}
		next := stored
		next.Grant, next.Scopes = a.Grant, fresh.Scopes
		if err := s.putTokens(ctx, &next, t); err != nil {
			return Integration{}, err
		}
		moved := false
		i, err := s.change(ctx, a.User, a.Integration, "integration.reconnect", func(i *Integration) error {
			if moved = i.Version != stored.Version; moved {
				return errMoved
			}
			i.Version, i.Sealed, i.Grant, i.Scopes, i.Refreshable, i.RefreshAt = next.Version, next.Sealed, next.Grant, next.Scopes, next.Refreshable, next.RefreshAt
			i.CredentialSetAt, i.CredentialExpiresAt, i.ExpiredAt, i.ExpiredReason = next.CredentialSetAt, next.CredentialExpiresAt, nil, ""
			if fresh.AccountID != "" {
				i.AccountID, i.AccountName = fresh.AccountID, fresh.AccountName
			}
			if a.Label != "" {
				i.Label = a.Label
			}
			return nil
		})
		if moved {
			continue // a refresh came between
		}
		return i, err
	}
}

// errMoved says that a record has another version than it was prepared for.
var errMoved = errors.New("the integration was changed at the same time")
