package integration

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/id"
	"github.com/patchbay/patchbay/host/internal/vault"
)

// Draft is a connection that a user asks for.
type Draft struct {
	User, Platform string
	// Label is the account's own name when empty.
	Label string
	// AuthMethod may be empty where the platform has one method that takes fields.
	AuthMethod string
	Credential map[string]string
	// SkipVerify saves the credential without a test.
	SkipVerify bool

	session string // the connect session that it uses up, or ""
}

// Create tests a credential at its platform and saves it only if it works.
func (s *Service) Create(ctx context.Context, d Draft) (Integration, error) {
	platform, settings, err := s.cfg.Catalog.Platform(d.Platform)
	if err != nil {
		return Integration{}, err
	}
	method, err := chooseMethod(platform, d.AuthMethod)
	if err != nil {
		return Integration{}, err
	}
	if d.Label != "" {
		if err := checkLabel(d.Label); err != nil {
			return Integration{}, err
		}
	}
	fields, err := checkFields(method, d.Credential)
	if err != nil {
		return Integration{}, err
	}
	now := s.cfg.Now()
	i := Integration{ID: id.New("int"), User: d.User, Platform: platform.ID, Label: d.Label, AuthMethod: method.Type,
		Enabled: true, Version: 1, CreatedAt: now, CredentialSetAt: now}
	if !d.SkipVerify {
		if err := s.test(ctx, platform, settings, &i, fields); err != nil {
			return Integration{}, err
		}
	}
	if i.Label == "" {
		i.Label = clipLabel(i.AccountName)
	}
	if i.Label == "" {
		i.Label = platform.Name
	}
	if err := s.seal(ctx, method, &i, fields); err != nil {
		return Integration{}, err
	}
	if err := s.useSession(ctx, d.session, i.ID); err != nil {
		return Integration{}, err
	}
	if err := s.cfg.Store.Insert(ctx, i); err != nil {
		return Integration{}, errors.Join(fmt.Errorf("saving the integration: %w", err), s.unuseSession(ctx, d.session))
	}
	return i, s.cfg.Audit.Record(ctx, d.User, "integration.create", i.ID, "platform", i.Platform)
}

// Replace gives an integration a new credential, tested first unless skip is set. Fields that are blank or missing keep their value.
func (s *Service) Replace(ctx context.Context, user, ref string, credential map[string]string, skip bool) (Integration, error) {
	i, err := s.Get(ctx, user, ref)
	if err != nil {
		return Integration{}, err
	}
	platform, settings, err := s.cfg.Catalog.Platform(i.Platform)
	if err != nil {
		return Integration{}, err
	}
	method := platform.AuthMethod(i.AuthMethod)
	if method == nil || method.Type == "oauth2" || i.DeletedAt != nil {
		return Integration{}, &catalog.Failure{Kind: catalog.Conflict, Message: "The credential of this integration cannot be replaced by fields: connect it again."}
	}
	fields, err := s.open(ctx, vault.Access{Actor: user, Owner: i.User, Reason: vault.ForCall}, i)
	if err != nil {
		return Integration{}, err
	}
	for name, value := range credential {
		if value != "" {
			fields[name] = value
		}
	}
	if fields, err = checkFields(method, fields); err != nil {
		return Integration{}, err
	}
	if !skip {
		if err := s.test(ctx, platform, settings, &i, fields); err != nil {
			return Integration{}, err
		}
	}
	return s.store(ctx, method, i, fields)
}

// store puts a new credential in the place of the version that it was made from; another one that came between is kept.
func (s *Service) store(ctx context.Context, method *catalog.AuthMethod, i Integration, fields map[string]string) (Integration, error) {
	from := i.Version
	i.Version++
	i.CredentialSetAt, i.ExpiredAt, i.ExpiredReason = s.cfg.Now(), nil, ""
	if err := s.seal(ctx, method, &i, fields); err != nil {
		return Integration{}, err
	}
	return s.change(ctx, i.User, i.ID, "integration.replace", func(stored *Integration) error {
		if stored.Version != from || stored.DeletedAt != nil {
			return &catalog.Failure{Kind: catalog.Conflict, Message: "The integration was changed at the same time. Look at it and try again."}
		}
		stored.Version, stored.Sealed, stored.Public = i.Version, i.Sealed, i.Public
		stored.AccountID, stored.AccountName, stored.Scopes = i.AccountID, i.AccountName, i.Scopes
		stored.CredentialSetAt, stored.ExpiredAt, stored.ExpiredReason = i.CredentialSetAt, nil, ""
		return nil
	})
}

// Verify tests the stored credential. Success heals an expired integration; a refused credential marks it expired.
func (s *Service) Verify(ctx context.Context, user, ref string) (Integration, error) {
	i, err := s.Get(ctx, user, ref)
	if err != nil {
		return Integration{}, err
	}
	if i.DeletedAt != nil {
		return Integration{}, notFound()
	}
	platform, settings, err := s.cfg.Catalog.Platform(i.Platform)
	if err != nil {
		return Integration{}, err
	}
	if i.AuthMethod == "oauth2" && i.ExpiredAt == nil {
		if i, err = s.live(ctx, i); err != nil {
			return Integration{}, err
		}
	}
	fields, err := s.open(ctx, vault.Access{Actor: user, Owner: i.User, Reason: vault.ForCall}, i)
	if err != nil {
		return Integration{}, err
	}
	tested, before := i, maps.Clone(fields)
	if err := s.test(ctx, platform, settings, &tested, fields); err != nil {
		var f *catalog.Failure
		if errors.As(err, &f) && (f.Kind == catalog.AuthRevoked || f.Kind == catalog.AuthExpired) {
			if err := s.MarkExpired(ctx, i, f.Message); err != nil {
				return Integration{}, err
			}
		}
		return Integration{}, err
	}
	if method := platform.AuthMethod(i.AuthMethod); method != nil && i.AuthMethod != "oauth2" && !maps.Equal(before, fields) {
		return s.store(ctx, method, tested, fields) // something was observed for the first time, such as a host key
	}
	return s.change(ctx, user, ref, "integration.verify", func(stored *Integration) error {
		if stored.Version == i.Version {
			stored.AccountID, stored.AccountName, stored.Scopes = tested.AccountID, tested.AccountName, tested.Scopes
			stored.ExpiredAt, stored.ExpiredReason = nil, ""
		}
		return nil
	})
}

// MarkExpired records that the platform refused this version of the credential. A newer version is left alone.
func (s *Service) MarkExpired(ctx context.Context, i Integration, reason string) error {
	_, err := s.change(ctx, i.User, i.ID, "integration.expire", func(stored *Integration) error {
		if stored.Version == i.Version && stored.ExpiredAt == nil {
			now := s.cfg.Now()
			stored.ExpiredAt, stored.ExpiredReason = &now, reason
		}
		return nil
	})
	return err
}

// test asks the platform whose credential it is and fills in the answer, and in fields what was observed.
func (s *Service) test(ctx context.Context, p *catalog.Platform, settings catalog.Settings, i *Integration, fields map[string]string) error {
	ctx, cancel := context.WithTimeout(ctx, verifyTimeout)
	defer cancel()
	account, err := s.cfg.Verifier.Verify(ctx, catalog.Request{CallID: id.New("ver"), Platform: p, Settings: settings,
		Credential: leased(i.AuthMethod, maps.Clone(fields))})
	if err != nil {
		return err
	}
	i.AccountID, i.AccountName = clipLabel(account.ID), clipLabel(account.Name)
	if len(account.Scopes) > 0 || i.AuthMethod != "oauth2" { // an OAuth provider has said what it granted
		i.Scopes = account.Scopes
	}
	for name, value := range account.Observed {
		if fields[name] == "" && declared(p.AuthMethod(i.AuthMethod), name) {
			fields[name] = value
		}
	}
	return nil
}

// verifyTimeout bounds a test of a credential.
const verifyTimeout = 30 * time.Second
