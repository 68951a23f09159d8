package integration

import (
	"context"
	"errors"
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
