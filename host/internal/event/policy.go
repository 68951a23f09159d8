package event

import (
	"math"
	"net/http"
	"time"
)

// When a delivery is tried again: after 5 seconds, then three times as long each time, 8 hours at most, for three days; each wait is
// shortened or lengthened by up to a fifth, so that what failed together does not come back together.
const (
	firstWait  = 5 * time.Second
	waitFactor = 3
	longWait   = 8 * time.Hour
	keepTrying = 72 * time.Hour
	spread     = 0.2
	// longestAsked bounds what a receiver asks for by Retry-After.
	longestAsked = 24 * time.Hour
)

// Result is what becomes of a delivery after an attempt.
type Result int

// Results.
const (
	Done   Result = iota // delivered
	Again                // later
	GiveUp               // never
	Gone                 // never, and nothing else to this webhook
)

// Outcome is what is recorded of an attempt.
type Outcome struct {
	Result Result
	// Wait is how long until the next attempt.
	Wait   time.Duration
	Status int
	Error  string
}

// answer is what came of an attempt.
type answer struct {
	status int
	// retryAfter is what the receiver asked for; 0: nothing.
	retryAfter time.Duration
	// problem says why there is no status, or why it is no success.
	problem string
}

// judge decides what becomes of a delivery. attempts counts this one, age is the time since the first, random is from 0 to 1.
func judge(a answer, attempts int, age time.Duration, random float64) Outcome {
	o := Outcome{Status: a.status, Error: a.problem}
	switch {
	case a.status/100 == 2:
		o.Result = Done
		return o
	case a.status == http.StatusGone:
		o.Result = Gone
		return o
	}
	wait := time.Duration(float64(firstWait) * math.Pow(waitFactor, float64(min(attempts, 20)-1)))
	wait = min(wait, longWait)
	wait = time.Duration(float64(wait) * (1 - spread + 2*spread*random))
	wait = max(wait, min(a.retryAfter, longestAsked))
	if age+wait > keepTrying {
		o.Result = GiveUp
		return o
	}
	o.Result, o.Wait = Again, wait
	return o
}
