package oauth

import (
	"context"
	"time"
)

// Grant is what a refresh works on: one version of an integration's tokens.
type Grant struct {
	// ID is the integration's.
	ID string
	// Version of the credential; each new one raises it.
	Version int64
	// Dead says why the grant is refused for good; empty while it lives.
	Dead string
	// Fresh is true while the access token lives long enough to be used.
	Fresh bool
	// Refreshable is false where there is nothing to refresh with.
	Refreshable bool
}

// Grants reads grants and keeps what became of them.
type Grants interface {
	// Read answers a grant as it is stored now, from no copy.
	Read(ctx context.Context, id string) (Grant, error)
	// Request asks the provider for new tokens with what this version holds. It asks sendable immediately before anything leaves.
	// Failures are *Failure.
	Request(ctx context.Context, g Grant, sendable func() bool) (Tokens, error)
	// Replace stores new tokens, durably, if the version that they were bought with still stands, and ends the lease's request. It
	// answers false where a newer version stands; that one is left alone.
	Replace(ctx context.Context, g Grant, t Tokens, done Done) (bool, error)
	// Bury marks the version as refused for good, if it still stands, and ends the lease's request.
	Bury(ctx context.Context, g Grant, reason string, done Done) error
}

// Done is the record of one refresh.
type Done struct {
	Lease    Lease
	Trigger  Trigger
	Duration time.Duration
	// Failure is nil where the refresh succeeded.
	Failure *Failure
}

// Trigger says why a refresh was begun.
type Trigger string

// Triggers.
const (
	BeforeExpiry Trigger = "before_expiry" // by the host, while the token lives
	OnUse        Trigger = "on_use"        // a call found the token about to end
	OnRefusal    Trigger = "on_refusal"    // the platform refused the token
	ByHand       Trigger = "by_hand"       // its user asked
)

// Lease is the right to refresh one grant, for a time by the database's clock. A later lease has a greater fence.
type Lease struct {
	Grant string
	Owner string
	Fence int64
	// Held is false where another owner has it, or where a failure is waited out.
	Held bool
	// Wait is how long to wait before another try, where it is not held.
	Wait time.Duration
	// Backoff is the failure that is waited out, or nil. Failures counts how many came in a row.
	Backoff  *Failure
	Failures int
	// Lost is true where an earlier holder's request was never concluded: it may have spent the refresh token of LostVersion, LostAgo ago.
	Lost        bool
	LostVersion int64
	LostOwner   string
	LostAgo     time.Duration
}

// Leases keeps leases, one row for each grant. Every method commits before it returns; none holds a transaction while a provider is asked.
type Leases interface {
	// Acquire takes the lease for a time where it is free or has ended, and where no failure is to be waited out; manual asks to ignore
	// the latter.
	Acquire(ctx context.Context, grant, owner string, lifetime time.Duration, manual bool) (Lease, error)
	// MarkSent records that a request with this version's refresh token is about to leave, and gives the lease a new lifetime. It answers
	// false where the lease is no longer held.
	MarkSent(ctx context.Context, l Lease, version int64, lifetime time.Duration) (bool, error)
	// Release gives the lease back. Where f is not nil, nobody takes it again before pause is over, and f is what they are told.
	Release(ctx context.Context, d Done, pause time.Duration) error
}
