package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"time"
)

// way is one of the four ways to the platform.
type way struct {
	name string
	send sender
	// root is the process whose family works for this way, besides the platform and the database.
	root int
}

// cpu is time that each part used.
type cpu struct{ platform, front, plugin, database time.Duration }

func (a cpu) minus(b cpu) cpu {
	return cpu{a.platform - b.platform, a.front - b.front, a.plugin - b.plugin, a.database - b.database}
}

func (a cpu) plus(b cpu) cpu {
	return cpu{a.platform + b.platform, a.front + b.front, a.plugin + b.plugin, a.database + b.database}
}

// per divides by a number of calls.
func (a cpu) per(calls int) cpu {
	n := time.Duration(max(calls, 1))
	return cpu{a.platform / n, a.front / n, a.plugin / n, a.database / n}
}

// figures are what one way gave at one number of callers, as medians over slices.
type figures struct {
	p50, p99 time.Duration
	rate     float64
	cpu      cpu // for each call
}

// rounds lets the ways take turns. Each round begins with another one, so that none always follows the same one.
type rounds struct {
	ways     []way
	platform int // process
	database int // the host whose PostgreSQL all use
	count    int
	slice    time.Duration
}

// run measures all ways at one number of callers, after a round that warms up. It also answers the share of the machine that other
// programs used meanwhile.
func (r rounds) run(ctx context.Context, callers int) ([]figures, float64, error) {
	began := time.Now()
	others, err := r.others()
	if err != nil {
		return nil, 0, err
	}
	out, err := r.turns(ctx, callers)
	if err != nil {
		return nil, 0, err
	}
	after, err := r.others()
	return out, (after - others).Seconds() / time.Since(began).Seconds() / float64(runtime.NumCPU()), err
}

// others answers the time that programs which are not the benchmark's have used so far.
func (r rounds) others() (time.Duration, error) {
	table, err := processes()
	if err != nil {
		return 0, err
	}
	all, err := busy()
	if err != nil {
		return 0, err
	}
	ours := familyOf(os.Getpid(), table) // everything here descends from this process
	return all - ours.root.cpu - cpuOf(ours.children) - cpuOf(ours.database), nil
}

// turns runs the rounds.
func (r rounds) turns(ctx context.Context, callers int) ([]figures, error) {
	samples := make([][]sample, len(r.ways))
	used := make([]cpu, len(r.ways))
	for round := range r.count + 1 {
		for i := range r.ways {
			n := (round + i) % len(r.ways)
			w := r.ways[n]
			before, err := r.used(w)
			if err != nil {
				return nil, err
			}
			s, err := slice(ctx, callers, r.slice, w.send)
			if err != nil {
				return nil, fmt.Errorf("%s with %d callers: %w", w.name, callers, err)
			}
			after, err := r.used(w)
			if err != nil {
				return nil, err
			}
			if round > 0 {
				samples[n], used[n] = append(samples[n], s), used[n].plus(after.minus(before))
			}
		}
	}
	out := make([]figures, len(r.ways))
	for i := range out {
		out[i] = figuresOf(samples[i], used[i])
	}
	return out, nil
}

// used answers the time that the parts of a way have used so far.
func (r rounds) used(w way) (cpu, error) {
	table, err := processes()
	if err != nil {
		return cpu{}, err
	}
	c := cpu{platform: table[r.platform].cpu, database: cpuOf(familyOf(r.database, table).database)}
	if w.root != 0 {
		f := familyOf(w.root, table)
		c.front, c.plugin = f.root.cpu, cpuOf(f.children)
	}
	return c, nil
}

func figuresOf(samples []sample, used cpu) figures {
	var p50, p99 []time.Duration
	var rate []float64
	calls := 0
	for _, s := range samples {
		p50, p99, rate, calls = append(p50, s.p50), append(p99, s.p99), append(rate, s.rate), calls+s.calls
	}
	return figures{p50: median(p50), p99: median(p99), rate: median(rate), cpu: used.per(calls)}
}
