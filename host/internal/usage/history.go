package usage

import (
	"context"
	"errors"
	"time"
)

// ErrNotFound is answered for a missing call and for another user's alike; ErrGroup for a grouping that there is not.
var (
	ErrNotFound = errors.New("there is no such call")
	ErrGroup    = errors.New("calls can be grouped by integration, platform, operation or day")
)

// History reads what was recorded.
type History interface {
	Call(ctx context.Context, user, id string) (Call, error)
	// Calls answers a page, the newest first.
	Calls(ctx context.Context, f Filter) ([]Call, error)
	// Totals answers sums over a user's calls since a time, the busiest group first.
	Totals(ctx context.Context, user, groupBy string, since time.Time) ([]Total, error)
}

// Filter narrows a list of calls. User is required.
type Filter struct {
	User, Integration, Platform string
	// Kind is how they ended: a kind of failure, or "ok".
	Kind   string
	Before string // id that the last page ended with
	Limit  int
}

// Total is a sum over calls.
type Total struct {
	Group             string
	Calls, Errors     int64
	Duration          time.Duration
	BytesIn, BytesOut int64
}
