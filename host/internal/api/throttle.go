package api

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/patchbay/patchbay/host/internal/identity"
)

// maxThrottled bounds how many users and tokens a host counts; those that are at rest go first.
const maxThrottled = 50_000

// Throttle is how many requests a minute a user and each token may send to one host; 0 is any number. As many may come at once.
type Throttle struct{ User, Token int }

// throttle counts the requests of users and tokens.
type throttle struct {
	most Throttle
	now  func() time.Time

	mu sync.Mutex
	of map[string]*rate.Limiter
}

func newThrottle(most Throttle, now func() time.Time) *throttle {
	return &throttle{most: most, now: now, of: map[string]*rate.Limiter{}}
}

// take counts a request, or answers a problem with the time to wait. A request that is refused counts for nothing.
func (t *throttle) take(ctx context.Context, p identity.Principal) error {
	if t.most == (Throttle{}) {
		return nil
	}
	now := t.now()
	byToken, wait := t.reserve(p.Token, t.most.Token, now)
	if wait > 0 {
		return tooMany(ctx, "token", t.most.Token, wait)
	}
	if _, wait := t.reserve(p.User, t.most.User, now); wait > 0 {
		if byToken != nil {
			byToken.CancelAt(now)
		}
		return tooMany(ctx, "user", t.most.User, wait)
	}
	return nil
}

// reserve takes one of a minute's requests, or answers when there is one.
func (t *throttle) reserve(id string, most int, now time.Time) (*rate.Reservation, time.Duration) {
	if most <= 0 || id == "" {
		return nil, 0
	}
	r := t.find(id, most, now).ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	return r, wait
}

func (t *throttle) find(id string, most int, now time.Time) *rate.Limiter {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.of[id]
	if l == nil {
		if len(t.of) >= maxThrottled {
			t.rest(now)
		}
		l = rate.NewLimiter(rate.Limit(float64(most)/60), most)
		t.of[id] = l
	}
	return l
}

// rest forgets who has sent nothing for a minute: a new count begins where theirs stands.
func (t *throttle) rest(now time.Time) {
	for id, l := range t.of {
		if l.TokensAt(now) >= float64(l.Burst()) {
			delete(t.of, id)
		}
	}
}

func tooMany(ctx context.Context, whose string, most int, wait time.Duration) *Problem {
	p := newProblem(ctx, http.StatusTooManyRequests, "too_many_requests", fmt.Sprintf(
		"This host takes %d requests a minute of one %s. Wait, or ask the operator for more.", most, whose))
	p.retryAfter = int(math.Ceil(wait.Seconds()))
	return p
}
