package dispatch

import (
	"math/rand/v2"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
)

const (
	// maxAttempts bounds how often a call is sent because of failures that may pass.
	maxAttempts = 4
	// maxWaits bounds how often a call waits because of a rate limit; the deadline bounds it too.
	maxWaits = 20
	// unknownWait is how long a rate limit holds when the platform does not say.
	unknownWait = time.Second
	backoffBase = 100 * time.Millisecond
	backoffCap  = 5 * time.Second
)

// verdict is what to do after a failed attempt.
type verdict int

const (
	giveUp  verdict = iota
	again           // after a backoff: the same request may go out once more
	wait            // a rate limit: the call did not happen
	refused         // the credential was refused
)

// judge says what a failure means. The question is always: may the request have had its effect already? repeatable is false where
// the request cannot be sent again because its files or its output were used up.
func judge(effect catalog.Effect, f *catalog.Failure, repeatable bool) verdict {
	switch f.Kind {
	case catalog.AuthExpired, catalog.AuthRevoked:
		return refused
	case catalog.RateLimited:
		if repeatable {
			return wait
		}
		return giveUp
	}
	if !repeatable || !transient(f) {
		return giveUp
	}
	if f.NotSent || effect == catalog.Read || effect == catalog.Idempotent {
		return again
	}
	return giveUp
}

// transient says whether a failure may pass by itself.
func transient(f *catalog.Failure) bool {
	switch f.Kind {
	case catalog.PlatformUnavailable, catalog.OutcomeUnknown, catalog.AdapterUnavailable:
		return true
	case catalog.PlatformError:
		return f.PlatformStatus == 0 || f.PlatformStatus >= 500
	case catalog.Timeout:
		return f.NotSent
	}
	return false
}

// settle gives a failure its final form: a write that may have had its effect is outcome_unknown, whatever went wrong.
func settle(effect catalog.Effect, f *catalog.Failure) *catalog.Failure {
	if effect != catalog.Write || f.NotSent {
		return f
	}
	unknown := false
	switch f.Kind {
	case catalog.OutcomeUnknown, catalog.Timeout, catalog.AdapterUnavailable:
		unknown = true
	case catalog.PlatformError:
		unknown = f.PlatformStatus >= 500
	}
	if !unknown {
		return f
	}
	out := *f
	out.Kind = catalog.OutcomeUnknown
	out.Message = "The call may or may not have had its effect, so it was not repeated. " + f.Message
	return &out
}

// backoff is how long to wait before attempt n+1: exponential with full jitter, but never shorter than the platform asks.
func backoff(n int, f *catalog.Failure) time.Duration {
	most := min(backoffBase<<min(n, 10), backoffCap)
	return max(most/2+rand.N(most/2+1), f.RetryAfter)
}
