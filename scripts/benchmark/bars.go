package main

import (
	"fmt"
	"time"
)

// bar is a figure and the limit that it is held against.
type bar struct {
	what, limit, measured string
	passed                bool
}

// The limits.
const (
	mostLatency    = 1.4 // times floor + INSERT
	leastRate      = 0.6 // times floor
	mostLookup     = 1.2 // times the smallest stock
	mostWarm       = 3 * time.Second
	mostMemory     = 200 << 20
	mostSwapping   = 3.0 // times p99 without swaps
	smallest, most = 10, 1_000_000
)

// Positions in results.ways.
const (
	wayDirect = iota
	wayFloor
	wayDurable
	wayPatchbay
)

// bars answers those that the run could measure.
func bars(r results) []bar {
	var out []bar
	for _, callers := range []int{1, 16, 64} {
		f := r.table[callers]
		switch {
		case f == nil:
		case callers == 1:
			ratio := float64(f[wayPatchbay].p50) / float64(f[wayDurable].p50)
			out = append(out, atMost("p50 with 1 caller, against floor + INSERT", ratio, mostLatency))
		default:
			ratio := f[wayPatchbay].rate / f[wayFloor].rate
			out = append(out, bar{fmt.Sprintf("calls/s with %d callers, against the floor", callers), fmt.Sprintf("≥ %.1f×", leastRate),
				fmt.Sprintf("%.2f×", ratio), ratio >= leastRate})
		}
	}
	if small, large := stock(r.lookup, smallest), stock(r.lookup, most); small != nil && large != nil {
		times := func(a, b time.Duration) float64 { return float64(a) / float64(b) }
		out = append(out, atMost("p50 of a call, 1,000,000 integrations against 10", times(large.call, small.call), mostLookup),
			atMost("the same, its integration read from the database", times(large.fresh, small.fresh), mostLookup))
	}
	if s := r.swaps; s.count > 0 {
		out = append(out, atMost(fmt.Sprintf("p99 with %d callers while releases take turns, against without", swapCallers),
			float64(s.during.p99)/float64(s.quiet.p99), mostSwapping))
	}
	out = append(out, bar{"warm start to the first answered call", "< " + seconds(mostWarm), seconds(r.starts.warm), r.starts.warm < mostWarm})
	if !r.idle.unknown {
		out = append(out, bar{"host, PostgreSQL and idle adapters together, PSS", "< " + megabytes(mostMemory), megabytes(r.idle.sum()), r.idle.sum() < mostMemory})
	}
	return out
}

func atMost(what string, ratio, limit float64) bar {
	return bar{what, fmt.Sprintf("≤ %.1f×", limit), fmt.Sprintf("%.2f×", ratio), ratio <= limit}
}

func stock(list []lookup, size int) *lookup {
	for i := range list {
		if list[i].size == size {
			return &list[i]
		}
	}
	return nil
}
