package usage

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"time"
)

// Groupings are what calls can be summed up by.
var Groupings = []string{"integration", "platform", "operation", "user", "workflow", "day"}

// Question asks for sums over calls.
type Question struct {
	// User is whose calls; "" is everybody's.
	User string
	// GroupBy is one of Groupings.
	GroupBy string
	// Since is rounded down to the hour.
	Since time.Time
	// The rest narrow it; empty means any.
	Integration, Platform, Operation, Workflow string
}

// Sum is a sum over calls, or a part of one.
type Sum struct {
	Group         string
	Calls, Failed int64
	Duration      time.Duration
	BytesIn       int64
	BytesOut      int64
	Latency       Latency
	// Kinds counts failures by kind. Units are what the platform counted, Cost what it cost in US dollars.
	Kinds map[string]int64
	Units map[string]float64
	Cost  float64
}

// Sums reads what calls were rolled up to.
type Sums interface {
	// RollUp adds the calls that ended since the last time to the sums, each once.
	RollUp(ctx context.Context) error
	// Sums answers sums that are as new as the last RollUp, in any order.
	Sums(ctx context.Context, q Question) ([]Sum, error)
}

// Report answers the sums of a question, as of now: the busiest group first, or each day in its order, those without a call too.
func Report(ctx context.Context, from Sums, q Question, now time.Time) ([]Sum, error) {
	if !slices.Contains(Groupings, q.GroupBy) {
		return nil, ErrGroup
	}
	if err := from.RollUp(ctx); err != nil {
		return nil, err
	}
	sums, err := from.Sums(ctx, q)
	if err != nil {
		return nil, err
	}
	if q.GroupBy == "day" {
		sums = everyDay(sums, q.Since, now)
	}
	slices.SortFunc(sums, func(a, b Sum) int {
		if q.GroupBy == "day" {
			return strings.Compare(a.Group, b.Group)
		}
		return cmp.Or(cmp.Compare(b.Calls, a.Calls), strings.Compare(a.Group, b.Group))
	})
	return sums, nil
}

// maxDays bounds how many days a report fills up.
const maxDays = 1100

// everyDay adds the days without a call.
func everyDay(sums []Sum, since, now time.Time) []Sum {
	have := map[string]bool{}
	for _, s := range sums {
		have[s.Group] = true
	}
	day := since.UTC().Truncate(24 * time.Hour)
	for range maxDays {
		if day.After(now) {
			break
		}
		if name := day.Format(time.DateOnly); !have[name] {
			sums = append(sums, Sum{Group: name})
		}
		day = day.AddDate(0, 0, 1)
	}
	return sums
}

// Latency counts calls by how long they took: four steps to each doubling, from 100 microseconds on. It may be shorter than it could be.
type Latency []int64

const (
	latencyBase  = 100 * time.Microsecond
	latencySteps = 4  // to a doubling
	latencyMost  = 96 // steps: 28 minutes
)

// Step answers where a duration counts.
func Step(d time.Duration) int {
	if d <= latencyBase {
		return 0
	}
	return min(int(math.Log2(float64(d)/float64(latencyBase))*latencySteps)+1, latencyMost-1)
}

// Add adds other to l.
func (l *Latency) Add(other []int64) {
	for len(*l) < len(other) {
		*l = append(*l, 0)
	}
	for i, n := range other {
		(*l)[i] += n
	}
}

// Percentile answers the duration that a share of the calls, between 0 and 1, took at most; it is up to a fifth too long. 0 where there are none.
func (l Latency) Percentile(share float64) time.Duration {
	var all int64
	for _, n := range l {
		all += n
	}
	left := int64(math.Ceil(share * float64(all)))
	for step, n := range l {
		if left -= n; left <= 0 && all > 0 {
			return time.Duration(float64(latencyBase) * math.Pow(2, float64(step)/latencySteps))
		}
	}
	return 0
}
