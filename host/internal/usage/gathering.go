package usage

import "time"

const (
	// maxBatch bounds how many calls share one commit.
	maxBatch = 512
	// maxWait bounds how long a commit waits for more calls, and worthWaiting how many times what the last one took. A commit costs the
	// same few hundred microseconds of CPU however many calls it has, and calls that are answered together are served together from then on.
	maxWait      = 10 * time.Millisecond
	worthWaiting = 4
	// relearn is after how many commits the ledger waits again for calls that did not come.
	relearn = 8
)

// gathering decides for which of the calls under way a commit waits, and how long.
type gathering struct {
	last time.Duration // what the last commit of several calls took, 0 after one of a single call
	// slow is how many calls under way a commit has waited for in vain: they will not end soon, and the next commits do not wait for them.
	slow    int
	commits int // since slow was learnt
}

// patience answers how long a commit may wait: not at all where the last one was of one call, so that a call alone never waits.
func (g *gathering) patience() time.Duration { return min(worthWaiting*g.last, maxWait) }

// complete says whether a batch has all the calls that are worth waiting for.
func (g *gathering) complete(batch, underWay int) bool {
	return batch >= maxBatch || batch >= underWay-g.slow
}

// gaveUp learns that a batch has waited for the calls under way and these did not come.
func (g *gathering) gaveUp(batch, underWay int) {
	g.slow, g.commits = max(underWay-batch, 0), 0
}

// committed learns how a commit went.
func (g *gathering) committed(batch int, took time.Duration) {
	g.last = 0
	if batch > 1 {
		g.last = took
	}
	if g.commits++; g.commits >= relearn {
		g.slow, g.commits = 0, 0
	}
}
