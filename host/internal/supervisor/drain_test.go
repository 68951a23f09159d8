package supervisor

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/release"
)

// An old process lives until its last call ends, by either way of calling, and no call of it is cut; of two old ones, a third swap
// waits for one, unless it is forced.
func TestOldProcessesDrain(t *testing.T) {
	t.Parallel()
	r := newRig(t, "one").open()
	ends := []context.CancelFunc{}
	results := make(chan error, 4)
	begin := func(stream bool) {
		ctx, cancel := context.WithCancel(t.Context())
		ends = append(ends, cancel)
		waiting := len(r.read("waiting"))
		request := r.request("one", "wait", `{}`)
		request.Stream = stream
		go func() {
			_, err := r.Run(ctx, request, &sink{})
			results <- err
		}()
		eventually(t, "the call runs", func() bool { return len(r.read("waiting")) > waiting })
	}
	r.bring(r.release("one", "2.0.0"), nil)
	begin(false)
	r.bring(r.release("one", "3.0.0"), nil)
	begin(true)
	s := r.bring(r.release("one", "4.0.0"), nil)
	if len(s.Old) != 2 || s.Old[0].InFlight != 1 || s.Old[1].InFlight != 1 {
		t.Fatalf("two old processes: %+v", s)
	}
	starts := len(r.starts())
	target := r.follow(release.Target{Release: r.release("one", "5.0.0")}) // which starts it once to hear what it offers
	eventually(t, "the new process is there", func() bool { return len(r.starts()) == starts+2 })
	if got := r.must("one", "version", `{}`); got != `"4.0.0"` {
		t.Errorf("meanwhile version %s serves", got)
	}
	if s := r.only(); !s.Swapping || len(s.Old) < 2 {
		t.Errorf("it did not wait: %+v", s)
	}
	ends[0]()
	if f := failure(t, <-results); f.Kind != catalog.Timeout {
		t.Errorf("the call that its caller ended: %+v", f)
	}
	r.settled(target)
	if got := r.must("one", "version", `{}`); got != `"5.0.0"` {
		t.Errorf("version %s serves", got)
	}
	if len(results) != 0 {
		t.Error("the other call was cut")
	}
	// Forced, nothing waits.
	begin(false)
	if s := r.settled(r.follow(release.Target{Release: r.release("one", "6.0.0"), Forced: true})); s.Version != "6.0.0" {
		t.Errorf("forced: %+v", s)
	}
	if f := failure(t, <-results); f.Kind != catalog.AdapterUnavailable {
		t.Errorf("a call that was cut: %+v", f)
	}
	for _, end := range ends {
		end()
	}
}

// A call that outlives the limit of an old process is cut with it.
func TestDrainHasALimit(t *testing.T) {
	t.Parallel()
	r := newRig(t, "one").open()
	r.must("one", "echo", `{}`)
	done := make(chan error, 1)
	go func() {
		_, err := r.call("one", "wait", `{}`)
		done <- err
	}()
	eventually(t, "the call runs", func() bool { return r.read("waiting") != "" })
	r.all()[0].way.Load().stable.park(time.Millisecond)
	if f := failure(t, <-done); f.Kind != catalog.AdapterUnavailable {
		t.Errorf("the failure is %+v", f)
	}
}

// One slow platform keeps its callers waiting and nobody else's.
func TestCallsOfOneAdapterAreBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t, "one")
	r.copy("two")
	r.cfg.MaxCalls = 3
	r.open()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for range 3 {
		running.Go(func() { _, _ = r.Run(ctx, r.request("one", "wait", `{}`), &sink{}) }) // until they are cancelled
	}
	eventually(t, "all places are taken", func() bool { return len(r.read("waiting")) == 3 })
	late, end := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer end()
	_, err := r.Run(late, r.request("one", "echo", `{}`), &sink{})
	if f := failure(t, err); f.Kind != catalog.AdapterUnavailable || !f.NotSent || !strings.Contains(f.Message, "3 calls under way") {
		t.Errorf("a fourth call: %+v", f)
	}
	r.must("two", "echo", `{}`)
	cancel()
	running.Wait()
	r.must("one", "echo", `{}`)
}

// Closing in the middle of a swap ends all that was begun (rig.close checks).
func TestCloseMeetsASwap(t *testing.T) {
	t.Parallel()
	for n := range 3 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			r := newRig(t, "one").open()
			r.bring(r.release("one", "2.0.0"), nil)
			r.must("one", "echo", `{}`)
			starts := len(r.starts())
			r.follow(release.Target{Release: r.release("one", "3.0.0")})
			eventually(t, "the new process starts", func() bool { return len(r.starts()) > starts })
			within(t, "Close", r.close)
		})
	}
}
