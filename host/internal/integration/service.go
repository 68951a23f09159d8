package integration

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/patchbay/patchbay/host/internal/audit"
	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/id"
	"github.com/patchbay/patchbay/host/internal/oauth"
	"github.com/patchbay/patchbay/host/internal/vault"
)

// Config is what a Service needs; every field is required.
type Config struct {
	Store    Store
	Vault    *vault.Vault
	Catalog  *catalog.Catalog
	Audit    *audit.Log
	Verifier Verifier
	Cluster  Cluster
	Leases   oauth.Leases
	// Outward answers what sends the host's own requests to the provider of a platform with these settings.
	Outward func(platform string, s catalog.Settings) oauth.HTTP
	// PublicURL is where browsers reach this host, without a trailing slash.
	PublicURL string
	// Host is the id of this process, ProviderTimeout how long a provider may take to answer.
	Host            string
	ProviderTimeout time.Duration
	Logger          *slog.Logger
	// Now is the database's time, which all hosts share.
	Now func() time.Time
}

// Verifier tests a credential at its platform and changes nothing there. Failures are *catalog.Failure.
type Verifier interface {
	Verify(ctx context.Context, r catalog.Request) (catalog.Account, error)
}

// Cluster is what the service asks of the other hosts.
type Cluster interface {
	// Announce returns when no live host serves calls from an older copy of the subject.
	Announce(ctx context.Context, topic, subject string) error
	// Fresh says whether this host may serve from its copies: the other hosts can still reach it, or wait for it.
	Fresh() bool
}

// Topic is the name under which changes of an integration are announced.
const Topic = "integration"

// Service is the room's door. It is safe for concurrent use.
type Service struct {
	cfg       Config
	cache     *cache
	refresher *oauth.Refresher
}

// New answers a service. Close must be called.
func New(cfg Config) *Service {
	s := &Service{cfg: cfg, cache: newCache()}
	s.refresher = oauth.NewRefresher(oauth.RefresherConfig{Grants: grants{s}, Leases: cfg.Leases, Host: cfg.Host,
		Timeout: cfg.ProviderTimeout, Logger: cfg.Logger})
	return s
}

// Close waits for refreshes whose request has left.
func (s *Service) Close() { s.refresher.Close() }

// Drop forgets the copy of an integration, or of all where the id is empty.
func (s *Service) Drop(id string) { s.cache.drop(id) }

// Get answers one integration of a user, or a Failure of kind integration_not_found.
func (s *Service) Get(ctx context.Context, user, ref string) (Integration, error) {
	if !id.Is("int", ref) {
		return Integration{}, notFound()
	}
	i, err := s.cfg.Store.Get(ctx, user, ref, true)
	return i, asFailure("reading the integration", err)
}

// List answers a page of a user's integrations, the newest first.
func (s *Service) List(ctx context.Context, f Filter) ([]Integration, error) {
	list, err := s.cfg.Store.List(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("listing integrations: %w", err)
	}
	return list, nil
}

// Rename gives an integration another label.
func (s *Service) Rename(ctx context.Context, user, ref, label string) (Integration, error) {
	if err := checkLabel(label); err != nil {
		return Integration{}, err
	}
	return s.change(ctx, user, ref, "integration.rename", func(i *Integration) error {
		if i.DeletedAt != nil {
			return notFound()
		}
		i.Label = label
		return nil
	})
}

// Activate lets calls use an integration again.
func (s *Service) Activate(ctx context.Context, user, ref string) (Integration, error) {
	return s.change(ctx, user, ref, "integration.activate", func(i *Integration) error {
		if i.DeletedAt != nil {
			return notFound()
		}
		i.Enabled = true
		return nil
	})
}

// Deactivate stops calls from using an integration. When it returns without an error, no host starts a call with it any more.
func (s *Service) Deactivate(ctx context.Context, user, ref string) (Integration, error) {
	return s.change(ctx, user, ref, "integration.deactivate", func(i *Integration) error {
		if i.DeletedAt != nil {
			return notFound()
		}
		i.Enabled = false
		return nil
	})
}

// Delete puts an integration in the bin, on every host before it returns. It can be restored.
func (s *Service) Delete(ctx context.Context, user, ref string) (Integration, error) {
	return s.change(ctx, user, ref, "integration.delete", func(i *Integration) error {
		if i.DeletedAt == nil {
			now := s.cfg.Now()
			i.DeletedAt = &now
		}
		return nil
	})
}

// Restore takes an integration out of the bin, as it was when it was deleted.
func (s *Service) Restore(ctx context.Context, user, ref string) (Integration, error) {
	return s.change(ctx, user, ref, "integration.restore", func(i *Integration) error {
		i.DeletedAt = nil
		return nil
	})
}

// change alters one integration, records it in the audit log, and returns when it is in force on every host.
func (s *Service) change(ctx context.Context, user, ref, action string, f func(*Integration) error) (Integration, error) {
	if !id.Is("int", ref) {
		return Integration{}, notFound()
	}
	i, err := s.cfg.Store.Change(ctx, user, ref, f)
	if err != nil {
		return Integration{}, asFailure("changing the integration", err)
	}
	if err := s.cfg.Audit.Record(ctx, user, action, ref); err != nil {
		return Integration{}, err
	}
	return i, s.announce(ctx, ref)
}

// announce makes every host forget its copy; this one first.
func (s *Service) announce(ctx context.Context, ref string) error {
	s.cache.drop(ref)
	if err := s.cfg.Cluster.Announce(ctx, Topic, ref); err != nil {
		return fmt.Errorf("telling the other hosts: %w", err)
	}
	return nil
}

func notFound() *catalog.Failure {
	return &catalog.Failure{Kind: catalog.IntegrationNotFound, Message: "There is no such integration. `patchbay integrations` lists yours."}
}

// asFailure turns ErrNotFound into its failure and wraps the rest.
func asFailure(doing string, err error) error {
	var f *catalog.Failure
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrNotFound):
		return notFound()
	case errors.As(err, &f):
		return f
	}
	return fmt.Errorf("%s: %w", doing, err)
}
