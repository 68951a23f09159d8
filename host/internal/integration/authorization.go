package integration

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/id"
	"github.com/patchbay/patchbay/host/internal/oauth"
	"github.com/patchbay/patchbay/host/internal/vault"
)

// AuthorizationLifetime is how long a person has to decide.
const AuthorizationLifetime = 15 * time.Minute

// Authorization is an OAuth connection under way. Its secrets are kept as hashes, and what must be read again sealed.
type Authorization struct {
	ID, User, Platform, Grant string
	Label                     string
	// Integration is the one to connect again; empty for a new one.
	Integration string
	Scopes      []string
	// Session is the connect session in which it was begun, or "".
	Session string

	// LinkHash is of the secret in the start link, StateHash of the state parameter, BinderHash of the browser's cookie.
	LinkHash, StateHash, BinderHash []byte
	// Redirect is the redirect URI that the provider was given.
	Redirect string
	// Sealed is the PKCE verifier or the device code.
	Sealed vault.Sealed
	// PollAt and PollEvery are for the device flow.
	PollAt    *time.Time
	PollEvery time.Duration

	State AuthorizationState
	// Result is the id of the integration, Code and Message why there is none.
	Result, Code, Message string

	CreatedAt, ExpiresAt time.Time
}

// AuthorizationState says how far an authorisation has come.
type AuthorizationState string

// States of an authorisation.
const (
	Pending AuthorizationState = "pending" // the person has not decided
	Working AuthorizationState = "working" // the code is being exchanged; its state is used up
	Done    AuthorizationState = "done"
	Failed  AuthorizationState = "failed"
)

// AuthorizationKey finds an authorisation: exactly one of its fields is set.
type AuthorizationKey struct {
	ID          string
	Link, State []byte
}

// Authorizations keeps authorisations. ErrNotFound is answered for what is missing.
type Authorizations interface {
	InsertAuthorization(ctx context.Context, a Authorization) error
	// ChangeAuthorization reads one under a lock, lets change alter it, and stores it. An error of change leaves it as it was.
	ChangeAuthorization(ctx context.Context, key AuthorizationKey, change func(*Authorization) error) (Authorization, error)
}

// ErrAuthorization says that a link or a state is not known, used up or too old. It is one error for all, so that nothing can be probed.
var ErrAuthorization = errors.New("this connection link was used already, has expired, or was never given out; begin again")

// digest is the stored form of a secret of 160 random bits.
func digest(secret string) []byte {
	h := sha256.Sum256([]byte(secret))
	return h[:]
}

// Authorization answers a user's authorisation. Asking moves a device flow on: the provider is asked as often as it allows.
func (s *Service) Authorization(ctx context.Context, user, ref string) (Authorization, error) {
	if !id.Is("auth", ref) {
		return Authorization{}, noAuthorization()
	}
	now := s.cfg.Now()
	poll := false
	a, err := s.cfg.Store.ChangeAuthorization(ctx, AuthorizationKey{ID: ref}, func(a *Authorization) error {
		poll = false
		if a.User != user {
			return ErrNotFound
		}
		if a.State == Pending && now.After(a.ExpiresAt) {
			a.State, a.Code, a.Message = Failed, "expired", "Nobody decided in time. Begin again."
		}
		if a.State == Pending && a.Grant == oauth.DeviceCode && a.PollAt != nil && !now.Before(*a.PollAt) {
			next := now.Add(a.PollEvery + s.cfg.ProviderTimeout) // nobody asks beside this request
			a.PollAt, poll = &next, true
		}
		return nil
	})
	if errors.Is(err, ErrNotFound) {
		return Authorization{}, noAuthorization()
	}
	if err != nil || !poll {
		return a, err
	}
	return s.pollDevice(ctx, a)
}

func noAuthorization() *catalog.Failure {
	return &catalog.Failure{Kind: catalog.NotFound, Message: "There is no such authorisation, or it is not yours."}
}

// fail ends an authorisation with what is wrong, for whoever waits for it.
func (s *Service) fail(ctx context.Context, a Authorization, code, message string) error {
	_, err := s.cfg.Store.ChangeAuthorization(context.WithoutCancel(ctx), AuthorizationKey{ID: a.ID}, func(a *Authorization) error {
		a.State, a.Code, a.Message, a.StateHash, a.Sealed = Failed, code, message, nil, vault.Sealed{}
		return nil
	})
	if err != nil {
		return fmt.Errorf("ending the authorisation: %w", err)
	}
	return nil
}

// sealFor seals what an authorisation keeps.
func (s *Service) sealFor(ctx context.Context, user, authorization, value string) (vault.Sealed, error) {
	secret := vault.SecretString(value)
	defer secret.Wipe()
	sealed, err := s.cfg.Vault.Seal(ctx, vault.AuthorizationAAD(user, authorization), secret)
	if err != nil {
		return sealed, fmt.Errorf("sealing the authorisation: %w", err)
	}
	return sealed, nil
}

func (s *Service) openFor(ctx context.Context, a Authorization) (string, error) {
	secret, err := s.cfg.Vault.Open(ctx, vault.Access{Actor: a.User, Owner: a.User, Reason: vault.ForCall}, vault.AuthorizationAAD(a.User, a.ID), a.Sealed)
	if err != nil {
		return "", fmt.Errorf("opening the authorisation: %w", err)
	}
	defer secret.Wipe()
	return string(secret.Reveal()), nil
}
