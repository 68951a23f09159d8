package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/patchbay/patchbay/host/internal/id"
)

// Lifetimes of what people sign in with.
const (
	LinkLifetime    = time.Hour
	SessionLifetime = 30 * 24 * time.Hour
)

// Config is what a Service needs; every field is required.
type Config struct {
	Store   Store
	Cluster Cluster
	// Record commits an audit record.
	Record func(ctx context.Context, actor, action, subject string, details ...string) error
	Now    func() time.Time
}

// Cluster is what the service asks of the other hosts.
type Cluster interface {
	Announce(ctx context.Context, topic, subject string) error
	Fresh() bool
}

// Topic is the name under which revocations are announced.
const Topic = "token"

// Service is the room's door. It is safe for concurrent use.
type Service struct {
	cfg   Config
	cache *cache
}

// New answers a service.
func New(cfg Config) *Service { return &Service{cfg: cfg, cache: newCache()} }

// Drop forgets who the known tokens belong to.
func (s *Service) Drop(string) { s.cache.drop() }

// Operator answers the operator, making one on the first run.
func (s *Service) Operator(ctx context.Context) (User, error) {
	return s.cfg.Store.EnsureOperator(ctx, User{ID: id.New("usr"), Name: "operator", Role: Operator, CreatedAt: s.cfg.Now()})
}

// AddUser makes a user.
func (s *Service) AddUser(ctx context.Context, by, name string, role Role) (User, error) {
	if err := checkName(name); err != nil {
		return User{}, err
	}
	if role != Operator && role != Member {
		return User{}, &InvalidError{"/role", `must be "user" or "operator"`}
	}
	u := User{ID: id.New("usr"), Name: name, Role: role, CreatedAt: s.cfg.Now()}
	if err := s.cfg.Store.InsertUser(ctx, u); err != nil {
		return User{}, fmt.Errorf("saving the user: %w", err)
	}
	return u, s.cfg.Record(ctx, by, "user.create", u.ID, "role", string(role))
}

// User answers a user, or ErrNotFound.
func (s *Service) User(ctx context.Context, ref string) (User, error) {
	if !id.Is("usr", ref) {
		return User{}, ErrNotFound
	}
	return s.cfg.Store.User(ctx, ref)
}

// Users answers a page of all users, the newest first.
func (s *Service) Users(ctx context.Context, before string, limit int) ([]User, error) {
	return s.cfg.Store.ListUsers(ctx, before, limit)
}

// NewToken asks for a token.
type NewToken struct {
	By   Principal
	User string // empty: By's own
	Name string
	// Scopes are all that its user may have when empty, or calls alone where there are limits.
	Scopes  []string
	Limits  Limits
	Service bool
	// Lifetime is without end when 0.
	Lifetime time.Duration
}

// AddToken makes a token and answers its secret, which cannot be read again.
func (s *Service) AddToken(ctx context.Context, n NewToken) (Token, string, error) {
	if n.User == "" {
		n.User = n.By.User
	}
	operator := n.By.May(ScopeOperator)
	if (n.User != n.By.User || n.Service) && !operator {
		return Token{}, "", ErrNotFound
	}
	owner, err := s.User(ctx, n.User)
	if err != nil {
		return Token{}, "", err
	}
	if err := checkName(n.Name); err != nil {
		return Token{}, "", err
	}
	scopes, err := grantable(n, owner)
	if err != nil {
		return Token{}, "", err
	}
	if err := n.Limits.Check(scopes); err != nil {
		return Token{}, "", err
	}
	now := s.cfg.Now()
	t := Token{ID: id.New("tok"), User: n.User, Name: n.Name, Scopes: scopes, Limits: n.Limits, Service: n.Service, CreatedAt: now}
	if n.Lifetime < 0 {
		return Token{}, "", &InvalidError{"/expires_in", "must be a duration in the future such as 720h"}
	}
	if n.Lifetime > 0 {
		at := now.Add(n.Lifetime)
		t.ExpiresAt = &at
	}
	secret := id.Secret("pb")
	if err := s.cfg.Store.InsertToken(ctx, t, hash(secret)); err != nil {
		return Token{}, "", fmt.Errorf("saving the token: %w", err)
	}
	limits, err := json.Marshal(t.Limits)
	if err != nil {
		return Token{}, "", fmt.Errorf("encoding the limits: %w", err)
	}
	return t, secret, s.cfg.Record(ctx, n.By.User, "token.create", t.ID, "user", t.User, "scopes", strings.Join(scopes, " "), "limits", string(limits))
}

// grantable answers the scopes of a new token: never more than the one who makes it has, unless an operator does.
func grantable(n NewToken, owner User) ([]string, error) {
	most := slices.Clone(Scopes)
	if owner.Role != Operator {
		most = slices.DeleteFunc(most, func(s string) bool { return s == ScopeOperator })
	}
	if !n.By.May(ScopeOperator) {
		most = slices.DeleteFunc(most, func(s string) bool { return !n.By.May(s) })
	}
	if len(n.Scopes) == 0 {
		if n.Limits.Limited() {
			most = slices.DeleteFunc(most, func(s string) bool { return s != ScopeCalls })
		}
		return most, nil
	}
	for i, scope := range n.Scopes {
		if !slices.Contains(most, scope) {
			return nil, &InvalidError{fmt.Sprintf("/scopes/%d", i), "must be one of: " + strings.Join(most, ", ")}
		}
	}
	slices.Sort(n.Scopes)
	return slices.Compact(n.Scopes), nil
}

// Tokens answers a page of a user's tokens, the newest first.
func (s *Service) Tokens(ctx context.Context, user, before string, limit int) ([]Token, error) {
	return s.cfg.Store.ListTokens(ctx, user, before, limit)
}

// RevokeToken ends a token of the principal's, or any for an operator. When it returns without an error no host takes it any more.
func (s *Service) RevokeToken(ctx context.Context, by Principal, ref string) error {
	if !id.Is("tok", ref) {
		return ErrNotFound
	}
	owner := by.User
	if by.May(ScopeOperator) {
		owner = ""
	}
	if err := s.cfg.Store.RevokeToken(ctx, owner, ref, s.cfg.Now()); err != nil {
		return err
	}
	if err := s.cfg.Record(ctx, by.User, "token.revoke", ref); err != nil {
		return err
	}
	s.cache.drop()
	if err := s.cfg.Cluster.Announce(ctx, Topic, ref); err != nil {
		return fmt.Errorf("telling the other hosts: %w", err)
	}
	return nil
}

// Authenticate answers whose token it is, or ErrUnauthenticated.
func (s *Service) Authenticate(ctx context.Context, secret string) (Principal, error) {
	if !strings.HasPrefix(secret, "pb_") || len(secret) > 100 {
		return Principal{}, ErrUnauthenticated
	}
	h := hash(secret)
	fresh := s.cfg.Cluster.Fresh()
	if fresh {
		if k, ok := s.cache.get(h); ok {
			return k.principal(s.cfg.Now())
		}
	}
	generation := s.cache.generation()
	t, u, err := s.cfg.Store.Token(ctx, h)
	if errors.Is(err, ErrNotFound) {
		return Principal{}, ErrUnauthenticated
	}
	if err != nil {
		return Principal{}, fmt.Errorf("looking the token up: %w", err)
	}
	k := known{token: t, user: u}
	if fresh {
		s.cache.put(h, k, generation)
	}
	return k.principal(s.cfg.Now())
}

func checkName(name string) error {
	if strings.TrimSpace(name) == "" || !utf8.ValidString(name) || utf8.RuneCountInString(name) > 200 ||
		strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return &InvalidError{"/name", "must be plain text of 1 to 200 characters on one line"}
	}
	return nil
}
