package consent

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/patchbay/patchbay/host/internal/id"
	"github.com/patchbay/patchbay/host/internal/identity"
)

// Lifetimes.
const (
	CodeLifetime   = 2 * time.Minute
	AccessLifetime = time.Hour
	// RefreshLifetime counts from the last refresh.
	RefreshLifetime = 30 * 24 * time.Hour
)

// Scopes are those that a program can be given.
var Scopes = []string{identity.ScopeCalls, identity.ScopeIntegrations}

// Error is a refusal in the words of RFC 6749; Description is for people.
type Error struct{ Code, Description string }

// Error answers the description.
func (e *Error) Error() string { return e.Description }

// ErrClient is answered where nothing may be sent to the address that a request names.
var ErrClient = errors.New("the request does not come from a registered client, or wants to go elsewhere")

// Request is what a program asks a user for.
type Request struct {
	ClientID, RedirectURI, State, Scope, Resource string
	ResponseType, Challenge, ChallengeMethod      string
}

// Asked is a request that was checked.
type Asked struct {
	Request
	Client Client
	Scopes []string
}

// Code is what a user agreed to, until the program redeems it.
type Code struct {
	User, Client, ClientID, RedirectURI, Challenge string
	Scopes                                         []string
	Limits                                         identity.Limits
	ExpiresAt                                      time.Time
}

// Grant is a token with its secrets, by their hashes.
type Grant struct {
	Token           identity.Token
	Access, Refresh []byte
	ClientID        string
	RefreshEnds     time.Time
}

// Store keeps codes and grants.
type Store interface {
	InsertCode(ctx context.Context, c Code, hash []byte) error
	// UseCode marks the code of a hash as used for a grant, and stores the grant that redeem makes of it; where redeem fails the code is used all the
	// same. It answers ErrUsed and the token of the first use for one that was used, and identity.ErrNotFound for one that is not there.
	UseCode(ctx context.Context, hash []byte, token string, redeem func(Code) (Grant, error)) (first string, err error)
	// Rotate gives a grant that is not revoked new secrets, if its refresh token is the one of the hash. It answers the grant as it was before, and false where
	// the refresh token is another one.
	Rotate(ctx context.Context, token string, hash []byte, next func(Grant) (Grant, error)) (Grant, bool, error)
}

// ErrUsed is answered for a code that was used before.
var ErrUsed = errors.New("the code was used before")

// Identity is what this room asks of identity.
type Identity interface {
	RevokeToken(ctx context.Context, by identity.Principal, ref string) error
	Authenticate(ctx context.Context, secret string) (identity.Principal, error)
}

// Config is what a Service needs; every field is required.
type Config struct {
	Store    Store
	Identity Identity
	// Key signs the ids of clients and refresh tokens.
	Key []byte
	// Issuer is the host's public URL; Resource is what the tokens are for.
	Issuer, Resource string
	// Record commits an audit record.
	Record func(ctx context.Context, actor, action, subject string, details ...string) error
	Now    func() time.Time
}

// Service is the room's door. It is safe for concurrent use.
type Service struct{ cfg Config }

// New answers a service.
func New(cfg Config) *Service { return &Service{cfg: cfg} }

// Issuer answers the authorisation server's name, and Resource what its tokens are for.
func (s *Service) Issuer() string { return s.cfg.Issuer }

// Resource answers what the tokens are for.
func (s *Service) Resource() string { return s.cfg.Resource }

var challengeForm = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// Check answers what a request asks for, or ErrClient, or an *Error. Both are for the person: the program has not been trusted with anything yet.
func (s *Service) Check(r Request) (Asked, error) {
	c, ok := s.client(r.ClientID)
	if !ok || !c.takes(r.RedirectURI) {
		return Asked{}, ErrClient
	}
	asked := Asked{Request: r, Client: c}
	switch {
	case r.ResponseType != "code":
		return asked, &Error{"unsupported_response_type", "response_type must be code."}
	case r.ChallengeMethod != "S256" || !challengeForm.MatchString(r.Challenge):
		return asked, &Error{"invalid_request", "PKCE with code_challenge_method S256 is required."}
	case !s.ours(r.Resource):
		return asked, &Error{"invalid_target", "resource must be " + s.cfg.Resource + "."}
	}
	for scope := range strings.FieldsSeq(r.Scope) {
		if slices.Contains(Scopes, scope) && !slices.Contains(asked.Scopes, scope) {
			asked.Scopes = append(asked.Scopes, scope)
		}
	}
	if r.Scope == "" {
		asked.Scopes = []string{identity.ScopeCalls}
	}
	if !slices.Contains(asked.Scopes, identity.ScopeCalls) {
		return asked, &Error{"invalid_scope", "scope must hold calls, and may hold integrations."}
	}
	return asked, nil
}

// ours says whether a resource indicator (RFC 8707) names this host's MCP surface; a client that names none means it.
func (s *Service) ours(resource string) bool {
	return resource == "" || strings.TrimSuffix(resource, "/") == s.cfg.Resource || strings.TrimSuffix(resource, "/") == s.cfg.Issuer
}

// Agree keeps what a signed-in user agreed to and answers the code for the program.
func (s *Service) Agree(ctx context.Context, user string, asked Asked, limits identity.Limits) (string, error) {
	secret := id.Secret("pbc")
	return secret, s.cfg.Store.InsertCode(ctx, Code{User: user, Client: asked.Client.Name, ClientID: asked.ClientID, RedirectURI: asked.RedirectURI,
		Challenge: asked.Challenge, Scopes: asked.Scopes, Limits: limits, ExpiresAt: s.cfg.Now().Add(CodeLifetime)}, hash(secret))
}

// Issued is what a program gets.
type Issued struct {
	AccessToken, RefreshToken string
	Scopes                    []string
}

var errGrant = &Error{"invalid_grant", "The code or token is wrong, expired, revoked, or another client's."}

// Redeem answers the tokens for a code. A code that comes twice ends what the first one got: somebody has stolen it.
func (s *Service) Redeem(ctx context.Context, code, clientID, redirect, verifier, resource string) (Issued, error) {
	if !s.ours(resource) {
		return Issued{}, &Error{"invalid_target", "resource must be " + s.cfg.Resource + "."}
	}
	token := id.New("tok")
	var out Issued
	var user string
	first, err := s.cfg.Store.UseCode(ctx, hash(code), token, func(c Code) (Grant, error) {
		sum := sha256.Sum256([]byte(verifier))
		proof := base64.RawURLEncoding.EncodeToString(sum[:])
		if c.ClientID != clientID || c.RedirectURI != redirect || !s.cfg.Now().Before(c.ExpiresAt) || subtle.ConstantTimeCompare([]byte(proof), []byte(c.Challenge)) != 1 {
			return Grant{}, errGrant
		}
		user = c.User
		name := "MCP: " + c.Client
		g := Grant{ClientID: clientID, Token: identity.Token{ID: token, User: c.User, Name: name, Scopes: c.Scopes, Limits: c.Limits, Audience: identity.AudienceMCP, CreatedAt: s.cfg.Now()}}
		out = s.fresh(&g)
		return g, nil
	})
	switch {
	case errors.Is(err, ErrUsed):
		return Issued{}, s.stolen(ctx, first)
	case errors.Is(err, identity.ErrNotFound):
		return Issued{}, errGrant
	case err != nil:
		return Issued{}, err
	}
	return out, s.cfg.Record(ctx, user, "token.grant", token, "scopes", strings.Join(out.Scopes, " "))
}

// fresh gives a grant new secrets.
func (s *Service) fresh(g *Grant) Issued {
	out := Issued{AccessToken: id.Secret("pb"), Scopes: g.Token.Scopes}
	secret := id.Secret("pbr")
	out.RefreshToken = secret + "." + g.Token.ID + "." + s.signRefresh(secret, g.Token.ID)
	ends := s.cfg.Now().Add(AccessLifetime)
	g.Access, g.Refresh, g.Token.ExpiresAt, g.RefreshEnds = hash(out.AccessToken), hash(secret), &ends, s.cfg.Now().Add(RefreshLifetime)
	return out
}

// Refresh answers new tokens for a refresh token, which is good once: one that comes again ends the grant.
func (s *Service) Refresh(ctx context.Context, refresh, clientID, resource string) (Issued, error) {
	secret, token, ok := s.openRefresh(refresh)
	if !ok || !s.ours(resource) {
		return Issued{}, errGrant
	}
	var out Issued
	_, fits, err := s.cfg.Store.Rotate(ctx, token, hash(secret), func(g Grant) (Grant, error) {
		if g.ClientID != clientID || !s.cfg.Now().Before(g.RefreshEnds) {
			return g, errGrant
		}
		out = s.fresh(&g)
		return g, nil
	})
	switch {
	case errors.Is(err, identity.ErrNotFound):
		return Issued{}, errGrant
	case err != nil:
		return Issued{}, err
	case !fits:
		return Issued{}, s.stolen(ctx, token)
	}
	return out, nil
}

// openRefresh reads a refresh token of this host's. One that the host never gave is none, so that whoever knows the id of a grant cannot end it
// with a token of their own making.
func (s *Service) openRefresh(refresh string) (secret, token string, ok bool) {
	parts := strings.Split(refresh, ".")
	if len(parts) != 3 || !hmac.Equal([]byte(parts[2]), []byte(s.signRefresh(parts[0], parts[1]))) {
		return "", "", false
	}
	return parts[0], parts[1], true
}

func (s *Service) signRefresh(secret, token string) string {
	return s.sign("refresh", secret+"."+token)
}

// stolen ends a grant whose code or refresh token came twice.
func (s *Service) stolen(ctx context.Context, token string) error {
	if err := s.revoke(ctx, token); err != nil {
		return err
	}
	return errGrant
}

func (s *Service) revoke(ctx context.Context, token string) error {
	// The host itself ends it: whoever came is not known.
	by := identity.Principal{User: "host", Role: identity.Operator, Scopes: []string{identity.ScopeOperator}}
	if err := s.cfg.Identity.RevokeToken(ctx, by, token); err != nil && !errors.Is(err, identity.ErrNotFound) {
		return fmt.Errorf("ending the grant: %w", err)
	}
	return nil
}

// Revoke ends the grant of an access or refresh token (RFC 7009). One that is not known is as good as revoked.
func (s *Service) Revoke(ctx context.Context, secret string) error {
	if strings.Contains(secret, ".") {
		refresh, token, ok := s.openRefresh(secret)
		if !ok {
			return nil
		}
		_, fits, err := s.cfg.Store.Rotate(ctx, token, hash(refresh), func(g Grant) (Grant, error) { return g, nil })
		if err != nil || !fits {
			if errors.Is(err, identity.ErrNotFound) {
				return nil
			}
			return err
		}
		return s.revoke(ctx, token)
	}
	p, err := s.cfg.Identity.Authenticate(ctx, secret)
	if errors.Is(err, identity.ErrUnauthenticated) || (err == nil && p.Audience == "") {
		return nil // a token of another kind is revoked where it was made
	}
	if err != nil {
		return err
	}
	return s.revoke(ctx, p.Token)
}

// hash is what is stored of a secret of 160 random bits.
func hash(secret string) []byte {
	h := sha256.Sum256([]byte(secret))
	return h[:]
}
