package integration

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/id"
)

// SessionLifetime is how long a connect session's link is good.
const SessionLifetime = 30 * time.Minute

// Session is a one-time link on which an end user connects an account as a user of this host, who made it for him.
type Session struct {
	ID, User string
	// Platforms that may be connected; at least one.
	Platforms []string
	Label     string
	// Integration is the one to connect again, or "".
	Integration string
	// ReturnURL is where the end user may go on afterwards, or "".
	ReturnURL            string
	CreatedAt, ExpiresAt time.Time
	// UsedAt is when an account was connected; Result is that integration.
	UsedAt *time.Time
	Result string
}

// Sessions keeps connect sessions. ErrNotFound is answered for what is missing.
type Sessions interface {
	InsertConnectSession(ctx context.Context, c Session, hash []byte) error
	// ConnectSession answers one by the hash of its secret, or by its id.
	ConnectSession(ctx context.Context, hash []byte, id string) (Session, error)
	// UseConnectSession marks one as used by an integration, or as unused again where that is empty. It answers false where it was used, or
	// has ended by now.
	UseConnectSession(ctx context.Context, id, integration string, now time.Time) (bool, error)
}

// AddSession makes a connect session and answers its secret.
func (s *Service) AddSession(ctx context.Context, c Session) (Session, string, error) {
	if c.Integration != "" {
		i, err := s.Get(ctx, c.User, c.Integration)
		if err != nil {
			return Session{}, "", err
		}
		c.Platforms = []string{i.Platform}
	}
	if len(c.Platforms) == 0 {
		return Session{}, "", invalid("/platforms", "must name at least one platform")
	}
	for n, platform := range c.Platforms {
		if _, _, err := s.cfg.Catalog.Platform(platform); err != nil {
			return Session{}, "", invalid(fmt.Sprintf("/platforms/%d", n), "is no platform of this host")
		}
	}
	if c.Label != "" {
		if err := checkLabel(c.Label); err != nil {
			return Session{}, "", err
		}
	}
	if c.ReturnURL != "" {
		if u, err := url.Parse(c.ReturnURL); err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil {
			return Session{}, "", invalid("/return_url", "must be an https:// or http:// address")
		}
	}
	c.ID, c.CreatedAt = id.New("cs"), s.cfg.Now()
	c.ExpiresAt = c.CreatedAt.Add(SessionLifetime)
	secret := id.Secret("pbc")
	if err := s.cfg.Store.InsertConnectSession(ctx, c, digest(secret)); err != nil {
		return Session{}, "", fmt.Errorf("saving the connect session: %w", err)
	}
	return c, secret, s.cfg.Audit.Record(ctx, c.User, "connect_session.create", c.ID)
}

// OpenSession answers the session of a secret while it can be used; otherwise ErrAuthorization.
func (s *Service) OpenSession(ctx context.Context, secret string) (Session, error) {
	c, err := s.cfg.Store.ConnectSession(ctx, digest(secret), "")
	if errors.Is(err, ErrNotFound) || (err == nil && (c.UsedAt != nil || s.cfg.Now().After(c.ExpiresAt))) {
		return Session{}, ErrAuthorization
	}
	return c, err
}

// Session answers a user's connect session, to see what came of it.
func (s *Service) Session(ctx context.Context, user, ref string) (Session, error) {
	c, err := s.cfg.Store.ConnectSession(ctx, nil, ref)
	if errors.Is(err, ErrNotFound) || (err == nil && c.User != user) {
		return Session{}, &catalog.Failure{Kind: catalog.NotFound, Message: "There is no such connect session, or it is not yours."}
	}
	return c, err
}

// CreateIn connects an account by fields in a connect session, which is used up by it.
func (s *Service) CreateIn(ctx context.Context, c Session, d Draft) (Integration, error) {
	if !slices.Contains(c.Platforms, d.Platform) || c.Integration != "" {
		return Integration{}, notFound()
	}
	d.User, d.Label, d.SkipVerify = c.User, c.Label, false
	d.session = c.ID
	return s.Create(ctx, d)
}

// useSession uses a connect session up for an integration that is about to be saved; "" is no session.
func (s *Service) useSession(ctx context.Context, session, integration string) error {
	if session == "" {
		return nil
	}
	used, err := s.cfg.Store.UseConnectSession(ctx, session, integration, s.cfg.Now())
	if err != nil {
		return fmt.Errorf("using the connect session: %w", err)
	}
	if !used {
		return &catalog.Failure{Kind: catalog.Conflict, Message: "This connect link was used already, or its time is over. Ask for another."}
	}
	return nil
}

func (s *Service) unuseSession(ctx context.Context, session string) error {
	if session == "" {
		return nil
	}
	_, err := s.cfg.Store.UseConnectSession(context.WithoutCancel(ctx), session, "", s.cfg.Now())
	return err
}
