package identity

import (
	"context"
	"errors"
	"fmt"

	"github.com/patchbay/patchbay/host/internal/id"
)

// AddLink makes a sign-in link's secret for a user, good once and for LinkLifetime.
func (s *Service) AddLink(ctx context.Context, by, user string) (string, error) {
	if _, err := s.User(ctx, user); err != nil {
		return "", err
	}
	secret := id.Secret("pbl")
	if err := s.cfg.Store.InsertLink(ctx, hash(secret), user, s.cfg.Now().Add(LinkLifetime)); err != nil {
		return "", fmt.Errorf("saving the sign-in link: %w", err)
	}
	return secret, s.cfg.Record(ctx, by, "user.link", user)
}

// SignIn uses a link and answers the secret of a new session. A used, expired or wrong link is ErrLink.
func (s *Service) SignIn(ctx context.Context, link string) (string, error) {
	user, err := s.cfg.Store.UseLink(ctx, hash(link), s.cfg.Now())
	if errors.Is(err, ErrNotFound) {
		return "", ErrLink
	}
	if err != nil {
		return "", fmt.Errorf("using the sign-in link: %w", err)
	}
	return s.begin(ctx, user)
}

// begin answers the secret of a new session, which no browser had before.
func (s *Service) begin(ctx context.Context, user string) (string, error) {
	secret := id.Secret("pbs")
	if err := s.cfg.Store.InsertSession(ctx, hash(secret), user, s.cfg.Now().Add(SessionLifetime)); err != nil {
		return "", fmt.Errorf("saving the session: %w", err)
	}
	return secret, s.cfg.Record(ctx, user, "session.begin", user)
}

// Session answers whose session it is, or ErrUnauthenticated. Sessions are read from the store each time: a browser asks seldom.
func (s *Service) Session(ctx context.Context, secret string) (Principal, error) {
	u, err := s.cfg.Store.Session(ctx, hash(secret), s.cfg.Now())
	if errors.Is(err, ErrNotFound) {
		return Principal{}, ErrUnauthenticated
	}
	if err != nil {
		return Principal{}, fmt.Errorf("looking the session up: %w", err)
	}
	return Principal{User: u.ID, Name: u.Name, Role: u.Role, Scopes: Scopes, Session: true}, nil
}

// SignOut ends a session, or all sessions of a user where secret is empty.
func (s *Service) SignOut(ctx context.Context, user, secret string) error {
	var h []byte
	if secret != "" {
		h = hash(secret)
	}
	if err := s.cfg.Store.EndSessions(ctx, user, h); err != nil {
		return fmt.Errorf("ending the session: %w", err)
	}
	return s.cfg.Record(ctx, user, "session.end", user)
}
