package main

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/patchbay/patchbay/sdk"
)

// maxWait caps what a header may ask for.
const maxWait = 24 * time.Hour

// retryAfter answers how long a rate limit lasts: by retry-after-ms, by Retry-After, or by when the exhausted one of the
// x-ratelimit budgets is full again. 0 means that the platform did not say.
func retryAfter(h http.Header, now time.Time) time.Duration {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil && ms > 0 {
		return span(ms / 1000)
	}
	if wait := sdk.RetryAfter(h, now); wait > 0 {
		return wait
	}
	var exhausted, told time.Duration
	for _, budget := range []string{"Requests", "Tokens"} { // tokens last: they are what mostly runs out
		wait := reset(h.Get("X-Ratelimit-Reset-"+budget), now)
		if h.Get("X-Ratelimit-Remaining-"+budget) == "0" {
			exhausted = max(exhausted, wait)
		}
		if wait > 0 {
			told = wait
		}
	}
	if exhausted > 0 {
		return exhausted
	}
	if told > 0 {
		return told
	}
	return reset(h.Get("X-Ratelimit-Reset"), now)
}

// reset reads a time until a budget is full: "6m0s", "17ms", seconds, or a Unix time in seconds or milliseconds.
func reset(value string, now time.Time) time.Duration {
	if wait, err := time.ParseDuration(value); err == nil {
		return max(0, min(wait, maxWait))
	}
	n, err := strconv.ParseFloat(value, 64)
	switch {
	case err != nil || math.IsNaN(n):
		return 0
	case n > 1e11:
		n = n/1000 - float64(now.UnixMilli())/1000
	case n > 1e9:
		n -= float64(now.UnixMilli()) / 1000
	}
	return span(n)
}

// span makes a duration of seconds, from 0 to maxWait.
func span(seconds float64) time.Duration {
	return time.Duration(max(0, min(seconds, maxWait.Seconds())) * float64(time.Second))
}
