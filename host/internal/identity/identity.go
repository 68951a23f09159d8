package identity

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"time"
)

// Role says what a user may do with the host itself.
type Role string

// Roles.
const (
	Operator Role = "operator" // runs the host
	Member   Role = "user"     // owns integrations
)

// User is a person or a program that owns integrations.
type User struct {
	ID        string
	Name      string
	Role      Role
	CreatedAt time.Time
}

// Scopes of tokens.
const (
	ScopeCalls        = "calls"        // run operations, read their history
	ScopeIntegrations = "integrations" // connect and manage accounts
	ScopeTokens       = "tokens"       // make and revoke one's own tokens
	ScopeOperator     = "operator"     // settings, users, adapters, keys, audit; an operator's tokens only
)

// AudienceMCP is the surface for agents.
const AudienceMCP = "mcp"

// Scopes are all that there are.
var Scopes = []string{ScopeCalls, ScopeIntegrations, ScopeTokens, ScopeOperator}

// Token lets a program act for a user. Its secret is known to its holder alone.
type Token struct {
	ID     string
	User   string
	Name   string
	Scopes []string
	// Limits hold its calls to some of what the scopes allow.
	Limits Limits
	// Service tokens may act for any user that they name.
	Service bool
	// Audience is the one surface that the token is good for; "" is all.
	Audience  string
	CreatedAt time.Time
	ExpiresAt *time.Time
	RevokedAt *time.Time
}

// Principal is who is asking, and by what.
type Principal struct {
	User   string
	Name   string
	Role   Role
	Token  string // id of the token, or "" for a session
	Scopes []string
	// Limits are what the token's calls are held to.
	Limits Limits
	// Audience is the one surface that the token is good for; "" is all.
	Audience string
	// Service is true where the token may name the user that it acts for.
	Service bool
	// Session is true where a browser's cookie spoke, so that forged cross-site requests must be ruled out.
	Session bool
}

// May says whether the principal has a scope. The operator scope needs the role too.
func (p Principal) May(scope string) bool {
	if scope == ScopeOperator && p.Role != Operator {
		return false
	}
	return slices.Contains(p.Scopes, scope)
}

// Errors of this room. Their texts are for people.
var (
	ErrUnauthenticated = errors.New("the token is missing, wrong, expired or revoked")
	ErrNotFound        = errors.New("there is no such thing of yours")
	ErrLink            = errors.New("the link was used already or has expired; ask the operator for another")
)

// InvalidError says what is wrong with a request; Pointer is a JSON Pointer into it.
type InvalidError struct{ Pointer, Detail string }

// Error answers the detail.
func (e *InvalidError) Error() string { return e.Detail }

// Store keeps users and what they prove themselves with.
type Store interface {
	Users
	Tokens
	Sessions
	Externals
}

// Users keeps users.
type Users interface {
	InsertUser(ctx context.Context, u User) error
	// EnsureOperator answers the first operator, and makes u the one where there is none.
	EnsureOperator(ctx context.Context, u User) (User, error)
	// User answers one, or ErrNotFound.
	User(ctx context.Context, id string) (User, error)
	ListUsers(ctx context.Context, before string, limit int) ([]User, error)
}

// Tokens keeps tokens by the hash of their secret.
type Tokens interface {
	InsertToken(ctx context.Context, t Token, hash []byte) error
	// Token answers the token of a hash with its user, or ErrNotFound.
	Token(ctx context.Context, hash []byte) (Token, User, error)
	// ListTokens answers a user's own.
	ListTokens(ctx context.Context, user, before string, limit int) ([]Token, error)
	// RevokeToken ends a user's token; an operator's request names no user. It answers ErrNotFound for one that is not there.
	RevokeToken(ctx context.Context, user, id string, at time.Time) error
}

// Sessions keeps sign-in links and browser sessions by the hash of their secret.
type Sessions interface {
	InsertLink(ctx context.Context, hash []byte, user string, expires time.Time) error
	// UseLink answers whose link it is, once; ErrNotFound for a used, expired or missing one.
	UseLink(ctx context.Context, hash []byte, now time.Time) (string, error)
	InsertSession(ctx context.Context, hash []byte, user string, expires time.Time) error
	// Session answers whose session it is, or ErrNotFound.
	Session(ctx context.Context, hash []byte, now time.Time) (User, error)
	// EndSessions ends one session, or all of a user where the hash is nil.
	EndSessions(ctx context.Context, user string, hash []byte) error
}

// hash is what is stored of a secret. The secrets are 160 random bits, so one round of SHA-256 is enough.
func hash(secret string) []byte {
	h := sha256.Sum256([]byte(secret))
	return h[:]
}
