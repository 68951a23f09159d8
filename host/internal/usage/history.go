package usage

import (
	"context"
	"errors"
)

// ErrNotFound is answered for a missing call and for another user's alike; ErrGroup for a grouping that there is not.
var (
	ErrNotFound = errors.New("there is no such call")
	ErrGroup    = errors.New("calls can be grouped by integration, platform, operation, user, workflow or day")
)

// History reads what was recorded.
type History interface {
	Call(ctx context.Context, user, id string) (Call, error)
	// Calls answers a page, the newest first.
	Calls(ctx context.Context, f Filter) ([]Call, error)
}

// Filter narrows a list of calls. User is required.
type Filter struct {
	User, Integration, Platform string
	// Kind is how they ended: a kind of failure, or "ok".
	Kind   string
	Before string // id that the last page ended with
	Limit  int
}
