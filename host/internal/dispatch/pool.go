package dispatch

import (
	"context"
	"errors"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
)

// Pools answers which integrations a call may use.
type Pools interface {
	// Order answers the id of a user's pool and its members, in the order in which to try them. Failures are *catalog.Failure.
	Order(ctx context.Context, user, ref string) (pool string, members []string, err error)
}

// runPool runs a call with the members of its pool, one after the other, until one of them runs it or it must not go on. Members that cannot
// serve are passed over; one that is held comes last.
func (d *Dispatcher) runPool(ctx context.Context, c Call) (Answer, error) {
	pool, members, err := d.cfg.Pools.Order(ctx, c.User, c.Pool)
	if err != nil {
		return Answer{}, err
	}
	c.Pool = pool
	members, first := d.healthy(ctx, c.User, members)
	if len(members) == 0 {
		return Answer{}, first
	}
	var answer Answer
	for n, member := range members {
		c.Integration, c.more = member, n < len(members)-1
		answer, err = d.runOne(ctx, c)
		var next *passedOn
		if !errors.As(err, &next) {
			return answer, err
		}
	}
	return answer, err
}

// passedOn is the failure of a member after which the next one is tried.
type passedOn struct{ failure *catalog.Failure }

// Error answers the failure's.
func (p *passedOn) Error() string { return p.failure.Error() }

// Unwrap answers the failure.
func (p *passedOn) Unwrap() error { return p.failure }

// healthy answers the members that may serve: those that are held last, the one that is free first before the others. Where there is none
// it answers why the first cannot.
func (d *Dispatcher) healthy(ctx context.Context, user string, members []string) (usable []string, why error) {
	var held []string
	var soonest time.Duration
	for _, member := range members {
		if _, err := d.cfg.Integrations.Find(ctx, user, member); err != nil {
			if why == nil {
				why = err
			}
			continue
		}
		switch left := d.holds.left(member); {
		case left <= 0:
			usable = append(usable, member)
		case len(held) == 0 || left < soonest:
			held, soonest = append([]string{member}, held...), left
		default:
			held = append(held, member)
		}
	}
	return append(usable, held...), why
}

// passesOn says whether a failed call may go on with another member: it certainly had no effect, or may have it twice.
func passesOn(effect catalog.Effect, f *catalog.Failure) bool {
	switch f.Kind {
	case catalog.AuthExpired, catalog.AuthRevoked, catalog.ReauthorizationRequired, catalog.IntegrationInactive, catalog.IntegrationNotFound,
		catalog.PermissionDenied, catalog.RateLimited, Forbidden:
		return true
	case catalog.ValidationFailed, catalog.OperationNotFound, catalog.PlatformNotFound, KeyReused, InProgress, Internal, NotRecorded:
		return false
	}
	if effect == catalog.Write {
		return f.NotSent
	}
	return transient(f) || f.Kind == catalog.Timeout
}
