package identity

import (
	"context"
	"fmt"
	"time"

	"github.com/patchbay/patchbay/host/internal/id"
)

// External is somebody whom a provider of identities has proven.
type External struct {
	// Issuer and Subject are who it is; nothing else finds a user.
	Issuer, Subject string
	// Name is what a new user is called.
	Name string
	// Operator says whether it is an operator; nil leaves the role of a known user, and a new one is none.
	Operator *bool
	// Flow stands for this sign-in, which is good once, until FlowEnds.
	Flow     []byte
	FlowEnds time.Time
}

// Externals keeps who signs in at a provider. It is a part of Store.
type Externals interface {
	// UseFlow answers false where the flow was used already. It is remembered until its end.
	UseFlow(ctx context.Context, flow []byte, ends time.Time) (bool, error)
	// EnsureExternal answers the user of an issuer's subject, with the role where one is given, and stores fresh as the user where
	// there is none. before is the role that a known user had.
	EnsureExternal(ctx context.Context, issuer, subject string, fresh User, role *Role) (u User, before Role, err error)
}

// SignInExternal begins a session for somebody whom a provider has proven, and answers its secret. A flow that was used is ErrLink.
func (s *Service) SignInExternal(ctx context.Context, e External) (string, error) {
	first, err := s.cfg.Store.UseFlow(ctx, e.Flow, e.FlowEnds)
	if err != nil {
		return "", fmt.Errorf("remembering the sign-in: %w", err)
	}
	if !first {
		return "", ErrLink
	}
	if err := checkName(e.Name); err != nil {
		return "", err
	}
	fresh := User{ID: id.New("usr"), Name: e.Name, Role: Member, CreatedAt: s.cfg.Now()}
	var role *Role
	if e.Operator != nil {
		role = &fresh.Role
		if *e.Operator {
			fresh.Role = Operator
		}
	}
	u, before, err := s.cfg.Store.EnsureExternal(ctx, e.Issuer, e.Subject, fresh, role)
	if err != nil {
		return "", fmt.Errorf("finding the user: %w", err)
	}
	if err := s.external(ctx, e, u, fresh, before); err != nil {
		return "", err
	}
	return s.begin(ctx, u.ID)
}

// external records a new user and a changed role; a changed role is in force on every host before the session begins.
func (s *Service) external(ctx context.Context, e External, u, fresh User, before Role) error {
	if u.ID == fresh.ID {
		return s.cfg.Record(ctx, u.ID, "user.create", u.ID, "role", string(u.Role), "issuer", e.Issuer)
	}
	if before == u.Role {
		return nil
	}
	if err := s.cfg.Record(ctx, u.ID, "user.role", u.ID, "role", string(u.Role), "issuer", e.Issuer); err != nil {
		return err
	}
	s.cache.drop()
	if err := s.cfg.Cluster.Announce(ctx, Topic, u.ID); err != nil {
		return fmt.Errorf("telling the other hosts: %w", err)
	}
	return nil
}
