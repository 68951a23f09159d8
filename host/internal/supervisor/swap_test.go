package supervisor

import (
	"context"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/release"
)

// swaps is how many TestSwapsLoseNoCall makes; scripts/soak makes 50.
func swaps(t *testing.T) int {
	n, err := strconv.Atoi(os.Getenv("PATCHBAY_TEST_ROUNDS"))
	if err != nil {
		return 6
	}
	t.Logf("%d swaps", n)
	return n
}

// Callers in a loop, by either way of calling, while releases take turns: no call fails, and both serve.
func TestSwapsLoseNoCall(t *testing.T) {
	r := newRig(t, "one").open()
	two, three := r.release("one", "2.0.0"), r.release("one", "3.0.0")
	r.bring(two, nil)
	const callers = 64
	var done atomic.Bool
	var calls, failed atomic.Int64
	var by sync.Map
	var running sync.WaitGroup
	for n := range callers {
		running.Go(func() {
			for !done.Load() {
				request := r.request("one", "version", `{}`)
				if request.Stream = n%8 == 0; request.Stream {
					request = r.request("one", "progress", `{}`)
					request.Stream = true
				}
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				out, err := r.Run(ctx, request, &sink{})
				cancel()
				calls.Add(1)
				if err != nil {
					failed.Add(1)
					t.Errorf("a call failed: %v", err)
					return
				}
				by.Store(string(out.Output), true)
			}
		})
	}
	for n := range swaps(t) {
		next, before := three, two
		if n%2 == 1 {
			next, before = two, three
		}
		seen := calls.Load()
		if s := r.bring(next, &before); s.Version != next.Version || s.Problem != "" {
			t.Errorf("swap %d: %+v", n, s)
		}
		eventually(t, "calls go on", func() bool { return calls.Load() > seen+callers || failed.Load() > 0 })
	}
	done.Store(true)
	running.Wait()
	for _, want := range []string{`"2.0.0"`, `"3.0.0"`} {
		if _, served := by.Load(want); !served {
			t.Errorf("version %s served nobody", want)
		}
	}
	t.Logf("%d calls", calls.Load())
	eventually(t, "no old process is left", func() bool { return len(r.only().Old) == 0 })
}

// A release that does not start, one that is another adapter, and one that is not the version that it was, take no call.
func TestReleaseThatDoesNotComeUp(t *testing.T) {
	t.Parallel()
	r := newRig(t, "one").open()
	two := r.release("one", "2.0.0")
	r.bring(two, nil)
	r.must("one", "echo", `{}`)
	pid := r.only().PID
	for version, how := range map[string]string{"3.0.0": "exit", "4.0.0": "garbage", "5.0.0": "wrong-cookie"} {
		next := r.release("one", version)
		if _, err := r.Declares(t.Context(), next); err != nil {
			t.Fatal(err)
		}
		r.tell("start@"+version, how)
		s := r.bring(next, &two)
		if s.Version != "2.0.0" || s.PID != pid || !strings.Contains(s.Problem, version) {
			t.Errorf("%s: %+v", how, s)
		}
		v := r.verdict()
		for v.Good { // that of the first release
			v = r.verdict()
		}
		if v.Release.Version != version || v.Canary || v.Reason == "" {
			t.Errorf("%s: the verdict is %+v", how, v)
		}
		if got := r.must("one", "version", `{}`); got != `"2.0.0"` {
			t.Errorf("%s: version %s serves", how, got)
		}
	}
}

// A release that crashes on its third call fails that call alone: the one before takes over at once, without a process being lost.
func TestReleaseThatCrashesIsGivenUp(t *testing.T) {
	t.Parallel()
	r := newRig(t, "one").open()
	two, three := r.release("one", "2.0.0"), r.release("one", "3.0.0")
	r.bring(two, nil)
	r.tell("dies_at@3.0.0", "3")
	r.bring(three, &two)
	failed := 0
	for n := range 20 {
		_, err := r.call("one", "version", `{}`)
		if err != nil {
			failed++
			if f := failure(t, err); n != 2 || f.Kind != catalog.AdapterUnavailable {
				t.Errorf("call %d failed: %+v", n, f)
			}
		}
	}
	if failed != 1 {
		t.Errorf("%d calls failed", failed)
	}
	eventually(t, "the release before serves", func() bool { return r.only().Version == "2.0.0" })
	for v := r.verdict(); ; v = r.verdict() {
		if !v.Good {
			if v.Release.Version != "3.0.0" || !strings.Contains(v.Reason, "exit status 3") {
				t.Errorf("the verdict is %+v", v)
			}
			break
		}
	}
	if s := r.only(); !strings.Contains(s.Problem, "3.0.0 was given up") {
		t.Errorf("the status is %+v", s)
	}
	// The rollback that the verdict leads to finds it in service.
	s := r.bring(two, nil)
	if s.Version != "2.0.0" || s.Problem != "" {
		t.Errorf("after the rollback: %+v", s)
	}
	// Activated once more, it is tried once more.
	r.forget("dies_at@3.0.0")
	if s := r.bring(three, &two); s.Version != "3.0.0" {
		t.Errorf("tried once more: %+v", s)
	}
	r.must("one", "version", `{}`)
}

// Under load, only calls that were under way in the process that died fail.
func TestCrashUnderLoadIsBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t, "one").open()
	two, three := r.release("one", "2.0.0"), r.release("one", "3.0.0")
	r.bring(two, nil)
	r.tell("dies_at@3.0.0", "3")
	r.bring(three, &two)
	const callers = 16
	var failed atomic.Int64
	var running sync.WaitGroup
	for range callers {
		running.Go(func() {
			for range 20 {
				if _, err := r.call("one", "version", `{}`); err != nil {
					failed.Add(1)
				}
			}
		})
	}
	running.Wait()
	if n := failed.Load(); n == 0 || n > callers {
		t.Errorf("%d calls failed; %d can have been under way", n, callers)
	}
	if s := r.only(); s.Version != "2.0.0" {
		t.Errorf("the status is %+v", s)
	}
}

// A release whose own failures are too many in its first minutes is given up; the caller's and the platform's do not count.
func TestReleaseThatIsBlamedIsGivenUp(t *testing.T) {
	t.Parallel()
	r := newRig(t, "one").open()
	two, three := r.release("one", "2.0.0"), r.release("one", "3.0.0")
	r.bring(two, nil)
	r.bring(three, &two)
	bug := func() {
		request := r.request("one", "no_result", `{}`)
		request.Stream = true
		_, err := r.Run(t.Context(), request, &sink{})
		if f := failure(t, err); f.Kind != catalog.AdapterBug {
			t.Fatalf("the failure is %+v", f)
		}
	}
	for range 3 * blamedCalls {
		_, err := r.call("one", "leak", `{}`)
		failure(t, err) // not found: the caller's
	}
	for range blamedCalls - 1 {
		bug()
	}
	if s := r.only(); s.Version != "3.0.0" || !s.OnTrial {
		t.Fatalf("before the last failure: %+v", s)
	}
	bug()
	eventually(t, "the release before serves", func() bool { return r.only().Version == "2.0.0" })
	// After the trial nobody counts.
	r.bring(three, &two)
	r.clock.forward(trialTime)
	for range 2 * blamedCalls {
		bug()
	}
	if s := r.only(); s.Version != "3.0.0" || s.OnTrial {
		t.Errorf("after the trial: %+v", s)
	}
}

// A crash loop brings the release before back, however old the release is.
func TestCrashLoopFallsBack(t *testing.T) {
	t.Parallel()
	r := newRig(t, "one").open()
	two, three := r.release("one", "2.0.0"), r.release("one", "3.0.0")
	r.bring(two, nil)
	r.bring(three, &two)
	r.clock.forward(trialTime)
	for range crashLimit - 1 {
		_, err := r.call("one", "die", `{}`)
		failure(t, err)
		if s := r.only(); s.Version != "3.0.0" {
			t.Fatalf("one crash is no loop: %+v", s)
		}
	}
	_, err := r.call("one", "die", `{}`)
	failure(t, err)
	eventually(t, "the release before serves", func() bool { return r.only().Version == "2.0.0" })
	r.must("one", "echo", `{}`)
}

// A canary gets its share, and is dropped when it crashes; the rest does not notice.
func TestCanary(t *testing.T) {
	t.Parallel()
	r := newRig(t, "one").open()
	two, three := r.release("one", "2.0.0"), r.release("one", "3.0.0")
	r.bring(two, nil)
	s := r.settled(r.follow(release.Target{Release: two, Canary: &three, Share: 0.5}))
	if s.Version != "2.0.0" || s.Canary == nil || s.Canary.Version != "3.0.0" || s.Share != 0.5 {
		t.Fatalf("the status is %+v", s)
	}
	count := map[string]int{}
	for range 200 {
		count[r.must("one", "version", `{}`)]++
	}
	if count[`"3.0.0"`] < 50 || count[`"2.0.0"`] < 50 { // a chance of less than 1 in 10^12
		t.Errorf("the calls went to %v", count)
	}
	r.tell("dies_at@3.0.0", strconv.Itoa(count[`"3.0.0"`]+1))
	failed := 0
	for range 200 {
		if _, err := r.call("one", "version", `{}`); err != nil {
			failed++
		}
	}
	if failed != 1 {
		t.Errorf("%d calls failed", failed)
	}
	eventually(t, "it is dropped", func() bool { return r.only().Canary == nil })
	for v := r.verdict(); ; v = r.verdict() {
		if !v.Good {
			if !v.Canary || v.Release.Version != "3.0.0" {
				t.Errorf("the verdict is %+v", v)
			}
			break
		}
	}
}

// Promoting a canary keeps its process.
func TestPromotion(t *testing.T) {
	t.Parallel()
	r := newRig(t, "one").open()
	two, three := r.release("one", "2.0.0"), r.release("one", "3.0.0")
	r.bring(two, nil)
	pid := r.settled(r.follow(release.Target{Release: two, Canary: &three, Share: 0.1})).Canary.PID
	if s := r.bring(three, &two); s.PID != pid || s.Canary != nil {
		t.Errorf("the canary's process was %d: %+v", pid, s)
	}
}

func TestDisabledAdapter(t *testing.T) {
	t.Parallel()
	r := newRig(t, "one").open()
	two := r.release("one", "2.0.0")
	r.bring(two, nil)
	r.must("one", "echo", `{}`)
	s := r.settled(r.follow(release.Target{Release: two, Disabled: true}))
	if s.State != "disabled" {
		t.Errorf("the status is %+v", s)
	}
	_, err := r.call("one", "echo", `{}`)
	if f := failure(t, err); f.Kind != catalog.AdapterUnavailable || !f.NotSent || !strings.Contains(f.Message, "disabled") {
		t.Errorf("the failure is %+v", f)
	}
	eventually(t, "its process is gone", func() bool { return !alive(r.starts()[0]) })
	r.bring(two, nil)
	r.must("one", "echo", `{}`)
}

// A release whose binary cannot be had yet is no bad one: the host stays with what it has and asks again.
func TestBinaryThatComesLate(t *testing.T) {
	t.Parallel()
	r := newRig(t, "one").open()
	two, three := r.release("one", "2.0.0"), r.release("one", "3.0.0")
	r.bring(two, nil)
	if _, err := r.Declares(t.Context(), three); err != nil {
		t.Fatal(err)
	}
	path, _ := r.places.Path(t.Context(), three)
	r.places.put(three.Digest, "")
	target := r.follow(release.Target{Release: three, Fallback: &two})
	eventually(t, "it says what it lacks", func() bool { return strings.Contains(r.only().Problem, "nobody has it") })
	r.must("one", "echo", `{}`)
	r.places.put(three.Digest, path)
	if s := r.settled(target); s.Version != "3.0.0" || s.Problem != "" {
		t.Errorf("the status is %+v", s)
	}
}

// A platform that another adapter serves is refused before the release takes a call.
func TestReleaseThatTakesAnothersPlatform(t *testing.T) {
	t.Parallel()
	r := newRig(t, "one")
	r.copy("two")
	r.open()
	m := manifestOf("one")
	m.Adapter.Version, m.Adapter.Platforms = "2.0.0", []string{"two"}
	m.Schema.Platforms[0].Id = "two"
	encoded, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	r.tell("manifest@2.0.0", string(encoded))
	r.bringAs("one", r.release("one", "1.5.0"))
	r.bringAs("one", r.release("one", "2.0.0"))
	for _, s := range r.Status() {
		if s.Name == "one" && (s.Version != "1.5.0" || !strings.Contains(s.Problem, "which adapter two serves")) {
			t.Errorf("the status is %+v", s)
		}
	}
	r.must("one", "echo", `{}`)
	r.must("two", "echo", `{}`)
}
