package integration

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/oauth"
)

// Due is a grant that the host is to refresh by itself.
type Due struct {
	ID      string
	Version int64
}

// Refresh is one line of an integration's history.
type Refresh struct {
	ID       int64
	At       time.Time
	Host     string
	Trigger  string
	Outcome  string // refreshed, late, failed, refused
	Code     string
	Message  string
	Version  int64
	Duration time.Duration
}

const (
	// keepEvery is how often due grants are looked for; sooner where one is known to become due.
	keepEvery = time.Second
	// keepAtOnce bounds the refreshes that a host begins by itself at a time.
	keepAtOnce = 32
	// maxTries bounds how often a call looks for a usable token.
	maxTries = 3
)

// live answers an integration whose access token can be used, refreshing it first where it is about to end.
func (s *Service) live(ctx context.Context, i Integration) (Integration, error) {
	seen := i.Version
	// A flight that the host began by itself may end because another host is at it; the next one waits for that host. A token that is
	// new is used even where it should have ended already.
	for tries := 0; tries < maxTries && i.AuthMethod == "oauth2" && i.Refreshable && i.Version == seen && !i.fresh(s.cfg.Now()); tries++ {
		var err error
		if i, err = s.renewed(ctx, i, oauth.OnUse); err != nil {
			return Integration{}, err
		}
	}
	return i, nil
}

// Renew answers the integration with another credential than the version that the platform refused, or a Failure that says why there is
// none. Only OAuth grants can be renewed.
func (s *Service) Renew(ctx context.Context, i Integration) (Integration, error) {
	if i.AuthMethod != "oauth2" {
		return Integration{}, &catalog.Failure{Kind: catalog.ReauthorizationRequired, Message: "The platform refused the credential."}
	}
	return s.renewed(ctx, i, oauth.OnRefusal)
}

// renewed refreshes a grant and reads the record again, which another status may have now.
func (s *Service) renewed(ctx context.Context, i Integration, why oauth.Trigger) (Integration, error) {
	if err := s.refresher.Refresh(ctx, i.ID, i.Version, why); err != nil {
		return Integration{}, s.refreshFailure(i, err)
	}
	s.cache.drop(i.ID)
	return s.Find(ctx, i.User, i.ID)
}

// refreshFailure answers why there is no new token as a failure of a call.
func (s *Service) refreshFailure(i Integration, err error) error {
	var f *oauth.Failure
	var dead *oauth.DeadError
	switch {
	case errors.As(err, &f):
		return providerFailure(i.Platform, f)
	case errors.As(err, &dead):
		return &catalog.Failure{Kind: catalog.ReauthorizationRequired, Message: fmt.Sprintf("The integration %q must be connected again: %s", i.Label, dead.Reason)}
	case errors.Is(err, oauth.ErrNotRefreshable):
		return &catalog.Failure{Kind: catalog.ReauthorizationRequired,
			Message: fmt.Sprintf("The integration %q must be connected again: the platform refused its token and gave none to refresh it with.", i.Label)}
	}
	return asFailure("refreshing the token", err)
}

// RefreshNow refreshes a user's grant at once, also one that was refused before: the provider may have changed its mind.
func (s *Service) RefreshNow(ctx context.Context, user, ref string) (Integration, error) {
	i, err := s.Get(ctx, user, ref)
	if err != nil {
		return Integration{}, err
	}
	if i.DeletedAt != nil {
		return Integration{}, notFound()
	}
	if i.AuthMethod != "oauth2" || !i.Refreshable {
		return Integration{}, &catalog.Failure{Kind: catalog.Conflict, Message: "This integration has nothing to refresh: its credential has no refresh token."}
	}
	if err := s.refresher.Refresh(ctx, i.ID, i.Version, oauth.ByHand); err != nil {
		return Integration{}, s.refreshFailure(i, err)
	}
	return s.Get(ctx, user, ref)
}

// Refreshes answers the refresh history of a user's integration, the newest first.
func (s *Service) Refreshes(ctx context.Context, user, ref string, before int64, limit int) ([]Refresh, error) {
	if _, err := s.Get(ctx, user, ref); err != nil {
		return nil, err
	}
	return s.cfg.Store.Refreshes(ctx, user, ref, before, limit)
}

// Changed tells the service that an integration was changed on some host, or that any may have been where the id is empty.
func (s *Service) Changed(id string) {
	s.cache.drop(id)
	s.refresher.Wake(id)
}

// KeepFresh refreshes grants before their tokens end, used or not, until ctx is done.
func (s *Service) KeepFresh(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	slots := make(chan struct{}, keepAtOnce)
	for {
		due, next, err := s.cfg.Store.Due(ctx, 4*keepAtOnce)
		if err != nil && ctx.Err() == nil {
			s.cfg.Logger.Warn("looking for tokens to refresh failed", "error", err)
		}
		for _, d := range due {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return
			}
			running.Go(func() {
				defer func() { <-slots }()
				s.keepOne(ctx, d)
			})
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(min(max(next, 10*time.Millisecond), keepEvery)):
		}
	}
}

func (s *Service) keepOne(ctx context.Context, d Due) {
	err := s.refresher.Refresh(ctx, d.ID, d.Version, oauth.BeforeExpiry)
	var dead *oauth.DeadError
	switch {
	case err == nil, ctx.Err() != nil:
	case errors.As(err, &dead):
		s.cfg.Logger.Warn("an integration must be connected again", "integration", d.ID, "reason", dead.Reason)
	default:
		s.cfg.Logger.Info("a token could not be refreshed ahead of its end; it is tried again", "integration", d.ID, "error", err)
	}
}
