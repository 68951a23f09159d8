package event

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/patchbay/patchbay/host/internal/audit"
	"github.com/patchbay/patchbay/host/internal/id"
	"github.com/patchbay/patchbay/host/internal/vault"
)

// Store keeps what this room owns.
type Store interface {
	Events
	Hooks
	Deliveries
}

// Config is what Webhooks need; every field is required.
type Config struct {
	Store Store
	Vault *vault.Vault
	Audit *audit.Log
	// AllowPlain lets addresses begin with http://.
	AllowPlain bool
	Now        func() time.Time
}

// Webhooks is the door to users' webhooks. It is safe for concurrent use.
type Webhooks struct{ cfg Config }

// NewWebhooks answers them.
func NewWebhooks(cfg Config) *Webhooks { return &Webhooks{cfg: cfg} }

// Caller is who asks.
type Caller struct {
	User string
	// Operator is true where the caller may do what operators do.
	Operator bool
}

// may says whether the caller may change a webhook of theirs: one that gets everybody's events needs the right of an operator, so that a
// lesser token of an operator cannot lead them elsewhere.
func (c Caller) may(w Webhook) error {
	if w.AllUsers && !c.Operator {
		return ErrForbidden
	}
	return nil
}

// Draft is a webhook that a user asks for.
type Draft struct {
	URL         string
	Types       []string // all when empty
	Description string
	Disabled    bool
	AllUsers    bool
}

// Add makes a webhook and answers its secret, which cannot be read again.
func (s *Webhooks) Add(ctx context.Context, by Caller, d Draft) (Webhook, string, error) {
	w := Webhook{ID: id.New("whk"), User: by.User, URL: d.URL, Description: d.Description, Enabled: !d.Disabled, AllUsers: d.AllUsers, CreatedAt: s.cfg.Now()}
	types, err := s.check(w, d.Types)
	if err != nil {
		return Webhook{}, "", err
	}
	w.Types = types
	if err := by.may(w); err != nil {
		return Webhook{}, "", err
	}
	ring, secret := keyring{}.rotate(s.cfg.Now())
	if err := s.seal(ctx, &w, ring); err != nil {
		return Webhook{}, "", err
	}
	saved, err := s.cfg.Store.InsertWebhook(ctx, w, MaxWebhooks)
	if err != nil {
		return Webhook{}, "", fmt.Errorf("saving the webhook: %w", err)
	}
	if !saved {
		return Webhook{}, "", &InvalidError{"", fmt.Sprintf("you have %d webhooks, which is the most: remove one first", MaxWebhooks)}
	}
	return w, secret, s.record(ctx, by, "webhook.create", w)
}

func (s *Webhooks) check(w Webhook, types []string) ([]string, error) {
	if err := checkURL(w.URL, s.cfg.AllowPlain); err != nil {
		return nil, err
	}
	if err := checkDescription(w.Description); err != nil {
		return nil, err
	}
	return checkTypes(types)
}

// record puts a change into the audit log: where it leads, without the path, which may hold a secret of the receiver's.
func (s *Webhooks) record(ctx context.Context, by Caller, action string, w Webhook) error {
	var host string
	if u, err := url.Parse(w.URL); err == nil {
		host = u.Host
	}
	return s.cfg.Audit.Record(ctx, by.User, action, w.ID, "host", host, "enabled", fmt.Sprint(w.Enabled), "all_users", fmt.Sprint(w.AllUsers))
}

func (s *Webhooks) seal(ctx context.Context, w *Webhook, ring keyring) error {
	sealed, err := s.cfg.Vault.Seal(ctx, vault.WebhookAAD(w.User, w.ID), ring.secret())
	if err != nil {
		return fmt.Errorf("sealing the webhook's secret: %w", err)
	}
	w.Sealed = sealed
	return nil
}

// Get answers one of the caller's, or ErrNotFound.
func (s *Webhooks) Get(ctx context.Context, by Caller, ref string) (Webhook, error) {
	if !id.Is("whk", ref) {
		return Webhook{}, ErrNotFound
	}
	return s.cfg.Store.Webhook(ctx, by.User, ref)
}

// List answers a page of the caller's, the newest first.
func (s *Webhooks) List(ctx context.Context, by Caller, before string, limit int) ([]Webhook, error) {
	return s.cfg.Store.ListWebhooks(ctx, by.User, before, limit)
}

// Change is what to alter; nil fields stay.
type Change struct {
	URL, Description *string
	Types            *[]string
	Enabled          *bool
}

// Update alters one of the caller's. Where it is disabled, what is due is given up; enabling it again forgets why the host disabled it.
func (s *Webhooks) Update(ctx context.Context, by Caller, ref string, c Change) (Webhook, error) {
	return s.change(ctx, by, ref, "webhook.update", func(w *Webhook) error {
		if c.URL != nil {
			w.URL = *c.URL
		}
		if c.Description != nil {
			w.Description = *c.Description
		}
		if c.Types != nil {
			w.Types = *c.Types
		}
		if c.Enabled != nil {
			w.Enabled, w.DisabledReason = *c.Enabled, ""
		}
		types, err := s.check(*w, w.Types)
		w.Types = types
		return err
	})
}

func (s *Webhooks) change(ctx context.Context, by Caller, ref, action string, change func(*Webhook) error) (Webhook, error) {
	if !id.Is("whk", ref) {
		return Webhook{}, ErrNotFound
	}
	w, err := s.cfg.Store.ChangeWebhook(ctx, by.User, ref, func(w *Webhook) error {
		if err := by.may(*w); err != nil {
			return err
		}
		return change(w)
	})
	if err != nil {
		return Webhook{}, err
	}
	return w, s.record(ctx, by, action, w)
}

// RotateSecret gives a webhook another secret, which is told now and not again. The one before signs beside it for OldSecretFor.
func (s *Webhooks) RotateSecret(ctx context.Context, by Caller, ref string) (Webhook, string, error) {
	var secret string
	w, err := s.change(ctx, by, ref, "webhook.rotate_secret", func(w *Webhook) error {
		ring, err := open(ctx, s.cfg.Vault, *w)
		if err != nil {
			return err
		}
		ring, secret = ring.rotate(s.cfg.Now())
		return s.seal(ctx, w, ring)
	})
	if err != nil {
		return Webhook{}, "", err
	}
	return w, secret, nil
}

// open opens a webhook's secrets on its owner's behalf.
func open(ctx context.Context, v *vault.Vault, w Webhook) (keyring, error) {
	secret, err := v.Open(ctx, vault.Access{Actor: w.User, Owner: w.User, Reason: vault.ForCall}, vault.WebhookAAD(w.User, w.ID), w.Sealed)
	if err != nil {
		return keyring{}, fmt.Errorf("opening the webhook's secret: %w", err)
	}
	defer secret.Wipe()
	return openKeyring(secret)
}

// Remove deletes one of the caller's with its deliveries.
func (s *Webhooks) Remove(ctx context.Context, by Caller, ref string) error {
	if !id.Is("whk", ref) {
		return ErrNotFound
	}
	var gone Webhook
	err := s.cfg.Store.DeleteWebhook(ctx, by.User, ref, func(w Webhook) error {
		gone = w
		return by.may(w)
	})
	if err != nil {
		return err
	}
	return s.record(ctx, by, "webhook.delete", gone)
}
