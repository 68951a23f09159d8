package usage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// commitTime is how long each commit of a double takes.
const commitTime = 400 * time.Microsecond

// double is a database that takes its time.
type double struct {
	mu      sync.Mutex
	batches [][]string // ids, sorted
	err     error
}

// CommitCalls keeps the ids of a batch.
func (d *double) CommitCalls(_ context.Context, calls []Call) error {
	time.Sleep(commitTime) // of the bubble's clock
	d.mu.Lock()
	defer d.mu.Unlock()
	var ids []string
	for _, c := range calls {
		ids = append(ids, c.ID)
	}
	slices.Sort(ids)
	d.batches = append(d.batches, ids)
	return d.err
}

// running answers a ledger on a double, and what ends both and answers what was committed.
func running(t *testing.T) (*Ledger, *double, func() [][]string) {
	t.Helper()
	d := &double{}
	l := NewLedger(d)
	go l.Run(t.Context())
	return l, d, func() [][]string {
		synctest.Wait()
		l.Close()
		return d.batches
	}
}

// record records a call beside the test and answers how long it took, later.
func record(t *testing.T, l *Ledger, id string) func() time.Duration {
	t.Helper()
	took := make(chan time.Duration, 1)
	began := time.Now()
	go func() {
		if err := l.Record(t.Context(), Call{ID: id}); err != nil {
			t.Errorf("recording %s: %v", id, err)
		}
		took <- time.Since(began)
	}()
	synctest.Wait()
	return func() time.Duration { return <-took }
}

func TestCallsThatEndDuringACommitShareTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _, end := running(t)
		var waits []func() time.Duration
		for _, id := range []string{"a", "b", "c", "d"} {
			waits = append(waits, record(t, l, id))
		}
		for _, wait := range waits {
			wait()
		}
		if diff := cmp.Diff([][]string{{"a"}, {"b", "c", "d"}}, end()); diff != "" {
			t.Errorf("commits (-want +got):\n%s", diff)
		}
	})
}

// crowd makes a ledger's last commit one of several calls.
func crowd(t *testing.T, l *Ledger) {
	t.Helper()
	first, second, third := record(t, l, "1"), record(t, l, "2"), record(t, l, "3")
	first()
	second()
	third()
}

func TestACrowdWaitsForTheCallsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _, end := running(t)
		l.Enter()
		l.Enter()
		crowd(t, l)
		early := record(t, l, "a")
		time.Sleep(commitTime / 2)
		late := record(t, l, "b")
		if got, want := early(), commitTime/2+commitTime; got != want {
			t.Errorf("the first took %s, want %s", got, want)
		}
		if got := late(); got != commitTime {
			t.Errorf("the second took %s, want %s: it was the last that was waited for", got, commitTime)
		}
		if diff := cmp.Diff([][]string{{"1"}, {"2", "3"}, {"a", "b"}}, end()); diff != "" {
			t.Errorf("commits (-want +got):\n%s", diff)
		}
	})
}

func TestACrowdWaitsForAFewCommitsAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _, end := running(t)
		for range 100 { // that do not end
			l.Enter()
		}
		crowd(t, l)
		if got, want := record(t, l, "a")(), (worthWaiting+1)*commitTime; got != want {
			t.Errorf("it took %s, want %s", got, want)
		}
		if got := record(t, l, "b")(); got != commitTime {
			t.Errorf("after a commit of one call, the next took %s, want %s", got, commitTime)
		}
		end()
	})
}

func TestCallsThatWereWaitedForInVainAreLetBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _, end := running(t)
		for range 4 { // that do not end
			l.Enter()
		}
		l.Enter()
		l.Enter()
		crowd(t, l)
		waited := record(t, l, "a")
		if record(t, l, "b"); waited() != (worthWaiting+1)*commitTime {
			t.Errorf("the first commit did not wait for the slow calls")
		}
		waited = record(t, l, "c")
		if record(t, l, "d"); waited() != commitTime {
			t.Errorf("the second commit waited for them again")
		}
		end()
	})
}

func TestSlowCallsAreWaitedForAgainNowAndThen(t *testing.T) {
	var g gathering
	g.gaveUp(2, 6)
	for n := range relearn {
		if !g.complete(2, 6) || g.complete(1, 6) {
			t.Fatalf("after %d commits it waits for %d calls that are slow", n, 6-2)
		}
		g.committed(2, commitTime)
	}
	if g.complete(2, 6) {
		t.Error("calls that were slow once are never waited for again")
	}
}

func TestACallAloneNeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _, end := running(t)
		crowd(t, l)
		l.Enter()
		if got := record(t, l, "a")(); got != commitTime {
			t.Errorf("it took %s, want %s", got, commitTime)
		}
		l.Leave()
		end()
	})
}

func TestAFailedCommitFailsEachOfItsCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("the disk is full")
		l, d, end := running(t)
		d.err = broken
		failed := make(chan error, 3)
		for i := range 3 {
			go func() { failed <- l.Record(t.Context(), Call{ID: fmt.Sprint(i)}) }()
		}
		for range 3 {
			if err := <-failed; !errors.Is(err, broken) {
				t.Errorf("Record answered %v", err)
			}
		}
		end()
		if err := l.Record(t.Context(), Call{}); !errors.Is(err, ErrClosed) {
			t.Errorf("after Close, Record answered %v", err)
		}
	})
}
