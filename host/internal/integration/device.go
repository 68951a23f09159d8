package integration

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/oauth"
	"github.com/patchbay/patchbay/host/internal/vault"
)

// beginDevice begins a grant on another device.
func (s *Service) beginDevice(ctx context.Context, p *provider, a Authorization) (Begun, error) {
	asking, cancel := context.WithTimeout(ctx, s.cfg.ProviderTimeout)
	defer cancel()
	d, err := oauth.StartDevice(asking, p.via, &p.Provider, p.client, a.Scopes)
	if err != nil {
		return Begun{}, orFailure(err)
	}
	if a.Sealed, err = s.sealFor(ctx, a.User, a.ID, d.Code); err != nil {
		return Begun{}, err
	}
	at := a.CreatedAt.Add(d.Interval)
	a.PollAt, a.PollEvery, a.ExpiresAt = &at, d.Interval, a.CreatedAt.Add(min(d.Lifetime, time.Hour))
	if err := s.cfg.Store.InsertAuthorization(ctx, a); err != nil {
		return Begun{}, fmt.Errorf("saving the authorisation: %w", err)
	}
	return Begun{Authorization: a, Device: &d}, s.cfg.Audit.Record(ctx, a.User, "authorization.begin", a.ID, "platform", a.Platform)
}

// beginClient connects the operator's own client, with no person in between.
func (s *Service) beginClient(ctx context.Context, p *provider, a Authorization) (Begun, error) {
	asking, cancel := context.WithTimeout(ctx, s.cfg.ProviderTimeout)
	defer cancel()
	t, err := oauth.Credentials(asking, p.via, &p.Provider, p.client, a.Scopes, nil)
	if err != nil {
		return Begun{}, orFailure(err)
	}
	a.State = Working
	if err := s.cfg.Store.InsertAuthorization(ctx, a); err != nil {
		return Begun{}, fmt.Errorf("saving the authorisation: %w", err)
	}
	i, err := s.save(ctx, p, a, t)
	if err != nil {
		return Begun{}, orFailure(err)
	}
	a.State, a.Result = Done, i.ID
	return Begun{Authorization: a}, nil
}

// pollDevice asks the provider once whether the person has decided.
func (s *Service) pollDevice(ctx context.Context, a Authorization) (Authorization, error) {
	p, err := s.providerOf(ctx, a.Platform)
	if err != nil {
		return Authorization{}, err
	}
	code, err := s.openFor(ctx, a)
	if err != nil {
		return Authorization{}, err
	}
	asking, cancel := context.WithTimeout(ctx, s.cfg.ProviderTimeout)
	defer cancel()
	t, err := oauth.PollDevice(asking, p.via, &p.Provider, p.client, code)
	var f *oauth.Failure
	if errors.As(err, &f) && (f.Meaning == oauth.Pending || f.Meaning == oauth.Transient) {
		return s.cfg.Store.ChangeAuthorization(ctx, AuthorizationKey{ID: a.ID}, func(a *Authorization) error {
			if f.SlowDown {
				a.PollEvery += 5 * time.Second // RFC 8628, 3.5
			}
			at := s.cfg.Now().Add(max(a.PollEvery, f.RetryAfter))
			a.PollAt = &at
			return nil
		})
	}
	if err == nil {
		_, err = s.save(ctx, p, a, t)
	}
	if err != nil {
		failure := asConnectFailure(err)
		if failure == nil {
			return Authorization{}, err
		}
		if f != nil && f.Code == "access_denied" {
			failure = explainRefusal(p.platform, f.Code, "")
		}
		if err := s.fail(ctx, a, string(failure.Kind), failure.Message); err != nil {
			return Authorization{}, err
		}
	}
	return s.cfg.Store.ChangeAuthorization(ctx, AuthorizationKey{ID: a.ID}, func(a *Authorization) error {
		a.Sealed = vault.Sealed{}
		return nil
	})
}

// orFailure answers a provider's failure as one for the person who connects, and any other error as it is.
func orFailure(err error) error {
	var already *catalog.Failure
	if errors.As(err, &already) {
		return err
	}
	if f := asConnectFailure(err); f != nil {
		return f
	}
	return err
}
