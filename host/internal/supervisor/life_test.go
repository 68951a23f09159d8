package supervisor

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/patchbay/patchbay/host/internal/catalog"
)

func mkfifo(path string) error { return unix.Mkfifo(path, 0o600) }

// kill -9 under load: what was in flight fails as the adapter's absence and not as unsent; what comes later succeeds.
func TestKilledUnderLoad(t *testing.T) {
	r := newRig(t, "one").open()
	r.must("one", "echo", `{}`)
	first := r.only().PID
	const callers = 20
	var calls sync.WaitGroup
	var failures atomic.Int64
	for range callers {
		calls.Go(func() {
			_, err := r.call("one", "wait", `{}`)
			if f := failure(t, err); f.Kind != catalog.AdapterUnavailable || f.NotSent {
				t.Errorf("a call that was under way: %+v", f)
			}
			failures.Add(1)
		})
	}
	eventually(t, "all calls are under way", func() bool { return len(r.read("waiting")) == callers && r.only().InFlight == callers })
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	calls.Wait()
	if failures.Load() != callers {
		t.Errorf("%d calls failed", failures.Load())
	}
	r.must("one", "echo", `{}`)
	s := r.only()
	if s.PID == first || s.Restarts != 1 || s.Problem != "" || s.InFlight != 0 {
		t.Errorf("after the restart: %+v", s)
	}
	if !strings.Contains(r.log.String(), "signal: killed") {
		t.Errorf("the log does not say how it ended: %s", r.log)
	}
}

// An adapter that keeps failing is left alone: visible, at once, with the time of the next try; then it heals.
func TestCrashLoopAndHealing(t *testing.T) {
	t.Parallel()
	r := newRig(t, "one").open()
	r.tell("start", "exit")
	for i := range crashLimit {
		_, err := r.call("one", "echo", `{}`)
		f := failure(t, err)
		if f.Kind != catalog.AdapterUnavailable || !f.NotSent || !strings.Contains(f.Message, "exit status 7") {
			t.Fatalf("try %d: %+v", i, f)
		}
		if strings.Contains(f.Message, "configuration is missing") {
			t.Errorf("a caller hears what the adapter printed: %s", f.Message)
		}
		if s := r.only(); i < crashLimit-1 && s.State != "waiting" {
			t.Errorf("after try %d: %+v", i, s)
		}
	}
	s := r.only()
	if s.State != "crash_loop" || s.Restarts != crashLimit || !strings.Contains(s.Problem, "the configuration is missing") {
		t.Errorf("the status is %+v", s)
	}
	starts := len(r.starts())
	_, err := r.call("one", "echo", `{}`)
	if f := failure(t, err); !f.NotSent || f.RetryAfter <= 0 || f.RetryAfter > crashWindow || !strings.Contains(f.Message, "keeps crashing") {
		t.Errorf("in the loop: %+v", f)
	}
	if len(r.starts()) != starts {
		t.Error("it was started again")
	}
	r.forget("start")
	r.clock.forward(crashWindow)
	r.must("one", "echo", `{}`)
	if s := r.only(); s.State != "running" || s.Problem != "" {
		t.Errorf("healed: %+v", s)
	}
}

// A crash in the middle of a life is booked with its cause, which operators see and callers do not.
func TestCrashCauses(t *testing.T) {
	t.Parallel()
	for operation, want := range map[string]string{"die": "it ended with exit status 3", "crash": "it last said: panic: the cause of it all"} {
		t.Run(operation, func(t *testing.T) {
			r := newRig(t, "one").open()
			_, err := r.call("one", operation, `{}`)
			if f := failure(t, err); f.Kind != catalog.AdapterUnavailable || f.NotSent || strings.Contains(f.Message, "cause") {
				t.Errorf("the call: %+v", f)
			}
			eventually(t, "the crash is booked", func() bool { return r.only().Restarts == 1 })
			if s := r.only(); !strings.Contains(s.Problem, want) || s.PID != 0 {
				t.Errorf("the status is %+v", s)
			}
		})
	}
}

// Callers who have no time to wait for the next start are told so at once.
func TestWaitingForARestartWithinTheDeadline(t *testing.T) {
	t.Parallel()
	r := newRig(t, "one").open()
	r.tell("start", "exit")
	for range crashLimit - 1 {
		_, err := r.call("one", "echo", `{}`)
		failure(t, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err := r.Run(ctx, r.request("one", "echo", `{}`), &sink{})
	if f := failure(t, err); !f.NotSent || f.Kind != catalog.AdapterUnavailable {
		t.Errorf("%+v", f)
	}
	r.forget("start")
	r.must("one", "echo", `{}`) // waits out the pause
}

// A caller who leaves does not end the start that others wait for.
func TestStartOutlivesItsCaller(t *testing.T) {
	r := newRig(t, "one").open()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := r.Run(ctx, r.request("one", "echo", `{}`), &sink{})
	if f := failure(t, err); !f.NotSent {
		t.Errorf("%+v", f)
	}
	r.must("one", "echo", `{}`)
	if n := len(r.starts()); n != 2 {
		t.Errorf("%d processes were started", n)
	}
}

func TestIdleStop(t *testing.T) {
	r := newRig(t, "one")
	r.cfg.IdleAfter = time.Hour
	r.open()
	r.must("one", "echo", `{}`)
	pid := r.only().PID
	a := r.all()[0]
	a.stopIfIdle(time.Hour)
	if s := r.only(); s.PID != pid {
		t.Fatalf("it was stopped at once: %+v", s)
	}
	// A call that runs keeps it alive, however long it takes.
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := r.Run(ctx, r.request("one", "wait", `{}`), &sink{})
		done <- err
	}()
	eventually(t, "the call runs", func() bool { return r.read("waiting") != "" })
	r.clock.forward(2 * time.Hour)
	a.stopIfIdle(time.Hour)
	if s := r.only(); s.PID != pid || s.InFlight != 1 {
		t.Fatalf("it was stopped while it worked: %+v", s)
	}
	cancel()
	<-done
	r.clock.forward(2 * time.Hour)
	a.stopIfIdle(time.Hour)
	if s := r.only(); s.State != "stopped" || s.Restarts != 0 || s.Problem != "" || alive(pid) {
		t.Errorf("after idling: %+v", s)
	}
	leftInRunDir(t, r, 0)
	r.must("one", "echo", `{}`)
}

// Calls that meet an idle stop wait for its end, and start the one process after it.
func TestIdleStopMeetsCalls(t *testing.T) {
	t.Parallel()
	r := newRig(t, "one").open()
	r.tell("stays", "x") // so that a stop takes its time
	for range 2 {
		r.must("one", "echo", `{}`)
		r.clock.forward(time.Hour)
		var both sync.WaitGroup
		both.Go(func() { r.all()[0].stopIfIdle(time.Minute) })
		eventually(t, "the stop is under way", func() bool { return r.only().PID == 0 })
		for range 5 {
			both.Go(func() {
				if _, err := r.call("one", "echo", `{}`); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
	}
	// close checks that no two processes ran at once.
}

func TestStopIdleRuns(t *testing.T) {
	r := newRig(t, "one")
	r.cfg.IdleAfter = time.Millisecond
	r.open()
	r.must("one", "echo", `{}`)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.StopIdle(ctx)
	}()
	eventually(t, "it is stopped", func() bool { return r.only().State == "stopped" })
	cancel()
	<-done
}

// A process that is alive and does not serve any more is replaced; one that only hangs in one call is not.
func TestAliveButNotServing(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"unserve", "freeze"} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, "one")
			r.tell("stays", "x")
			r.open()
			r.must("one", "echo", `{}`)
			r.cfg.StartTimeout, r.Supervisor.cfg.StartTimeout = 2*time.Second, 2*time.Second
			pid := r.only().PID
			if operation == "freeze" {
				if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
					t.Fatal(err)
				}
				eventually(t, "it is stopped", func() bool { return frozen(pid) }) // it may answer a call before
			} else {
				_, err := r.call("one", operation, `{}`)
				failure(t, err) // its connection ends with the answer
			}
			eventually(t, "another process serves", func() bool {
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				_, err := r.Run(ctx, r.request("one", "echo", `{}`), &sink{})
				return err == nil
			})
			if s := r.only(); s.PID == pid || alive(pid) {
				t.Errorf("the old process lives: %+v", s)
			}
			if !strings.Contains(r.log.String(), "any more and was ended") {
				t.Errorf("the log does not say why: %s", r.log)
			}
		})
	}
	t.Run("one call hangs", func(t *testing.T) {
		r := newRig(t, "one").open()
		r.must("one", "echo", `{}`)
		pid := r.only().PID
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(0, func() {
			eventually(t, "the call runs", func() bool { return r.read("sleeping") != "" })
			cancel()
		})
		_, err := r.Run(ctx, r.request("one", "sleep", `{}`), &sink{})
		if f := failure(t, err); f.Kind != catalog.Timeout {
			t.Errorf("a call that ignores its end: %+v", f)
		}
		a := r.all()[0].way.Load().stable
		eventually(t, "the suspicion is over", func() bool {
			a.mu.Lock()
			defer a.mu.Unlock()
			return a.process != nil && !a.process.suspected
		})
		r.must("one", "echo", `{}`)
		if s := r.only(); s.PID != pid || s.InFlight != 0 {
			t.Errorf("the status is %+v", s)
		}
	})
}

// An adapter that closes its way out is of no use: the next call finds another process.
func TestClosedWayOut(t *testing.T) {
	t.Parallel()
	r := newRig(t, "one").open()
	r.must("one", "close_egress", `{}`)
	pid := r.only().PID
	r.must("one", "echo", `{}`)
	if s := r.only(); s.PID == pid || alive(pid) || !strings.Contains(r.log.String(), "closed its way out") {
		t.Errorf("the status is %+v; the log: %s", s, r.log)
	}
}

// A call that meets the death of its process before it went out moves on to the next process.
func TestCallsMeetDeaths(t *testing.T) {
	t.Parallel()
	r := newRig(t, "one").open()
	for range 8 {
		r.must("one", "echo", `{}`)
		r.clock.forward(crashWindow) // these crashes are no loop
		if err := syscall.Kill(r.only().PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if _, err := r.call("one", "echo", `{}`); err != nil {
			if f := failure(t, err); f.Kind != catalog.AdapterUnavailable || f.NotSent { // it went out before the end was seen
				t.Errorf("the failure is %+v", f)
			}
		}
	}
}

// Whatever an adapter leaves behind or does to itself, stopping it ends and the host goes on.
func TestStopDoesNotHang(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"child", "escape", "regroup", "freeze", "sleep"} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, "one").open()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			child := 0
			switch operation {
			case "child", "escape":
				var err error
				if child, err = strconv.Atoi(r.must("one", operation, `{}`)); err != nil {
					t.Fatal(err)
				}
			case "sleep":
				go func() { _, _ = r.Run(ctx, r.request("one", operation, `{}`), &sink{}) }() // cut by Close
				eventually(t, "the call runs", func() bool { return r.read("sleeping") != "" })
			case "freeze":
				r.must("one", "echo", `{}`)
				if err := syscall.Kill(r.only().PID, syscall.SIGSTOP); err != nil {
					t.Fatal(err)
				}
			default:
				r.tell("stays", "x") // so that it must be killed
				r.must("one", operation, `{}`)
			}
			pid := r.only().PID
			within(t, "Close", r.Close)
			if alive(pid) {
				t.Errorf("the adapter lives")
			}
			if operation == "child" { // killed with its group; the kernel takes a moment
				eventually(t, "its child is gone", func() bool { return !alive(child) })
			}
			if operation == "escape" && !alive(child) {
				t.Errorf("the child was to outlive it, or this shows nothing")
			}
			if child != 0 {
				_ = syscall.Kill(child, syscall.SIGKILL) // gone already, or to go now
			}
		})
	}
}

// The death of an adapter is seen although a descendant holds its output.
func TestDeathBehindADescendant(t *testing.T) {
	t.Parallel()
	r := newRig(t, "one").open()
	child, err := strconv.Atoi(r.must("one", "escape", `{}`))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Kill(child, syscall.SIGKILL) }()
	if err := syscall.Kill(r.only().PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the crash is booked", func() bool { return r.only().Restarts == 1 })
	if !alive(child) {
		t.Error("the descendant is gone, and this shows nothing")
	}
	r.must("one", "echo", `{}`)
}

// Close while a start is under way: it waits, and nothing is left (rig.close checks).
func TestCloseMeetsAStart(t *testing.T) {
	t.Parallel()
	for i := range 5 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			r := newRig(t, "one").open()
			done := make(chan error, 1)
			go func() {
				_, err := r.call("one", "echo", `{}`)
				done <- err
			}()
			eventually(t, "the start is under way", func() bool { s := r.only().State; return s == "starting" || s == "running" })
			r.close()
			if err := <-done; err != nil {
				failure(t, err)
			}
			_, err := r.call("one", "echo", `{}`)
			if f := failure(t, err); f.Kind != catalog.AdapterUnavailable || !f.NotSent {
				t.Errorf("after Close: %+v", f)
			}
		})
	}
}

// Starts that fail and stops leave no goroutine, descriptor or folder behind.
func TestNothingLeaks(t *testing.T) {
	r := newRig(t, "one").open()
	goroutines := func() int { runtime.GC(); return runtime.NumGoroutine() }
	files := func() int { return len(openFiles()) }
	before, beforeFiles := goroutines(), files()
	for _, how := range []string{"exit", "garbage", "plaintext", "missing-socket", ""} {
		r.clock.forward(crashWindow)
		r.tell("start", how)
		_, err := r.call("one", "echo", `{}`)
		if (err == nil) != (how == "") {
			t.Fatalf("%q: %v", how, err)
		}
	}
	r.clock.forward(time.Hour)
	r.all()[0].stopIfIdle(time.Minute)
	eventually(t, "all goroutines have ended", func() bool { return goroutines() <= before })
	eventually(t, "all files are closed", func() bool { return files() <= beforeFiles })
	leftInRunDir(t, r, 0)
}

// frozen says whether the kernel has stopped a process.
func frozen(pid int) bool {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(raw), ") ")
	return strings.HasPrefix(state, "T")
}
