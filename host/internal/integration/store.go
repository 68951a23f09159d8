package integration

import (
	"context"
	"errors"
	"time"

	"github.com/patchbay/patchbay/host/internal/oauth"
)

// ErrNotFound is what a Store answers for a missing record and for another user's alike.
var ErrNotFound = errors.New("no such integration")

// Store keeps integrations.
type Store interface {
	Insert(ctx context.Context, i Integration) error
	// Get answers one, with LastUsedAt only where used is true.
	Get(ctx context.Context, user, id string, used bool) (Integration, error)
	// Change reads one under a lock, lets change alter it, and stores it. An error of change leaves it as it was. change may run
	// more than once.
	Change(ctx context.Context, user, id string, change func(*Integration) error) (Integration, error)
	// List answers integrations, the newest first, with LastUsedAt.
	List(ctx context.Context, f Filter) ([]Integration, error)
	Refreshing
	Authorizations
	Sessions
}

// Refreshing keeps what refreshes need.
type Refreshing interface {
	// GetAny answers one by its id alone, for the host's own work.
	GetAny(ctx context.Context, id string) (Integration, error)
	// Replace stores i with its new tokens where the version before it still stands, and heals an expired one; false where it does not.
	// The refresh is recorded and its lease concluded either way, in the same transaction.
	Replace(ctx context.Context, i Integration, d oauth.Done) (bool, error)
	// Bury marks a version as expired where it still stands and was not expired, as Replace does the rest.
	Bury(ctx context.Context, id string, version int64, reason string, at time.Time, d oauth.Done) (bool, error)
	// Due answers active grants whose refresh is due and that nobody refreshes, and how long until the next is.
	Due(ctx context.Context, limit int) ([]Due, time.Duration, error)
	// Matching answers all integrations of a user, of a platform, or of both, that are not deleted; an empty name means any.
	Matching(ctx context.Context, user, platform string) ([]Integration, error)
	// Refreshes answers the history of a user's integration, the newest first, from before an id (0: from the newest).
	Refreshes(ctx context.Context, user, id string, before int64, limit int) ([]Refresh, error)
}

// Filter narrows a list. User is required.
type Filter struct {
	User, Platform string
	// Status is empty for all but deleted ones.
	Status Status
	// Query is part of a label, an account's name or a platform's id.
	Query string
	// Before is the id that the last page ended with.
	Before string
	Limit  int
}
