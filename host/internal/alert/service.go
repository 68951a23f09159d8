package alert

import (
	"context"
	"fmt"
	"time"

	"github.com/patchbay/patchbay/host/internal/id"
)

// Config is what a Service needs; every field is required.
type Config struct {
	Store Store
	// Record commits an audit record.
	Record func(ctx context.Context, actor, action, subject string, details ...string) error
	Now    func() time.Time
}

// Service is the room's door. It is safe for concurrent use.
type Service struct{ cfg Config }

// New answers a service.
func New(cfg Config) *Service { return &Service{cfg: cfg} }

// Add stores a new alert of a user's.
func (s *Service) Add(ctx context.Context, a Alert) (Alert, error) {
	a.ID, a.State, a.CreatedAt = id.New("alr"), OK, s.cfg.Now()
	if err := a.check(); err != nil {
		return Alert{}, err
	}
	saved, err := s.cfg.Store.InsertAlert(ctx, a, MaxAlerts)
	if err != nil {
		return Alert{}, fmt.Errorf("saving the alert: %w", err)
	}
	if !saved {
		return Alert{}, &InvalidError{"", fmt.Sprintf("you have %d alerts, which is the most: remove one first", MaxAlerts)}
	}
	return a, s.cfg.Record(ctx, a.User, "alert.create", a.ID)
}

// Get answers one of a user's, or ErrNotFound.
func (s *Service) Get(ctx context.Context, user, ref string) (Alert, error) {
	if !id.Is("alr", ref) {
		return Alert{}, ErrNotFound
	}
	return s.cfg.Store.Alert(ctx, user, ref)
}

// List answers a page of a user's, the newest first.
func (s *Service) List(ctx context.Context, user, before string, limit int) ([]Alert, error) {
	return s.cfg.Store.ListAlerts(ctx, user, before, limit)
}

// Change alters one of a user's; it begins anew as one that is ok.
func (s *Service) Change(ctx context.Context, user, ref string, change func(*Alert)) (Alert, error) {
	a, err := s.Get(ctx, user, ref)
	if err != nil {
		return Alert{}, err
	}
	change(&a)
	if err := a.check(); err != nil {
		return Alert{}, err
	}
	a.State, a.Value, a.ChangedAt, a.CheckedAt = OK, 0, nil, nil
	if err := s.cfg.Store.PutAlert(ctx, a); err != nil {
		return Alert{}, err
	}
	return a, s.cfg.Record(ctx, user, "alert.update", a.ID)
}

// Remove deletes one of a user's.
func (s *Service) Remove(ctx context.Context, user, ref string) error {
	if !id.Is("alr", ref) {
		return ErrNotFound
	}
	if err := s.cfg.Store.DeleteAlert(ctx, user, ref); err != nil {
		return err
	}
	return s.cfg.Record(ctx, user, "alert.delete", ref)
}
