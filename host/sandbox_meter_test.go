package host_test

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/sandbox"
	"github.com/patchbay/patchbay/host/internal/sandbox/box"
	"github.com/patchbay/patchbay/host/internal/store"
)

// clock is what tests move.
type clock struct {
	mu  sync.Mutex
	now sandbox.Mark
}

func (c *clock) read() sandbox.Mark {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// pass lets time go by on both clocks.
func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now.Wall, c.now.Uptime = c.now.Wall.Add(d), c.now.Uptime+d
}

// step sets the calendar alone.
func (c *clock) step(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now.Wall = c.now.Wall.Add(d)
}

// machine is a driver whose sandboxes are words. It may fail after it has done what it was asked.
type machine struct {
	box.Driver
	states   map[string]string
	fail     error
	commands bool
}

func (m *machine) put(id, state string) error {
	m.states[id] = state
	if state == "" {
		delete(m.states, id)
	}
	return m.fail
}

func (m *machine) Create(_ context.Context, _ box.Place, n box.New) (box.Created, error) {
	return box.Created{Runtime: "words"}, m.put(n.ID, box.Running)
}
func (m *machine) Pause(_ context.Context, _ box.Place, id string, _ bool) (bool, error) {
	return false, m.put(id, box.Paused)
}
func (m *machine) Resume(_ context.Context, _ box.Place, id string) (bool, error) {
	memory := m.states[id] == box.Paused
	return memory, m.put(id, box.Running)
}
func (m *machine) Destroy(_ context.Context, _ box.Place, id string) error { return m.put(id, "") }
func (m *machine) Stats(context.Context, box.Place, string) (box.Stats, error) {
	return box.Stats{StoredBytes: 1 << 30}, nil
}
func (m *machine) Work(_ context.Context, _ box.Place, _ string, _ box.Open, _ <-chan box.Feed, each func(box.Answer) error) error {
	return each(box.Answer{Command: &box.CommandState{ID: "cmd_1", Running: m.commands}})
}
func (m *machine) List(context.Context, box.Place) (out []box.State, err error) {
	for id, state := range m.states {
		out = append(out, box.State{ID: id, State: state})
	}
	return out, m.fail
}

// meterRig is a room of sandboxes over a real database, with a clock and a machine of the test's.
type meterRig struct {
	t       *testing.T
	store   *store.Store
	clock   *clock
	machine *machine
	user    string
	*sandbox.Service
}

func newMeterRig(t *testing.T) *meterRig {
	t.Helper()
	url := database(t)
	s := start(t, config(t, dataDir(t), url)) // makes the schema and a user
	var me struct{ ID string }
	s.must("POST", "/v1/users", map[string]any{"name": "ann"}, &me)
	kept, err := store.Open(t.Context(), store.Config{URL: url, Host: "host_meter"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kept.Close)
	r := &meterRig{t: t, store: kept, user: me.ID, machine: &machine{states: map[string]string{}},
		clock: &clock{now: sandbox.Mark{Wall: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC), Boot: "first", Uptime: time.Hour}}}
	r.restart()
	return r
}

// restart is another process of the host, which knows nothing.
func (r *meterRig) restart() {
	r.Service = sandbox.NewService(sandbox.Config{Store: r.store, Driver: r.machine, Home: "home_test", Folder: r.t.TempDir(), Host: "host_meter",
		Record: func(context.Context, string, string, string, ...string) error { return nil }, Logger: slog.New(slog.DiscardHandler), Clock: r.clock.read})
}

func (r *meterRig) do(operation, input string) error {
	_, err := r.Do(r.t.Context(), sandbox.Call{User: r.user, Operation: operation, Input: []byte(input)})
	return err
}

func (r *meterRig) must(operation, input string) {
	r.t.Helper()
	if err := r.do(operation, input); err != nil {
		r.t.Fatalf("%s: %v", operation, err)
	}
}

func (r *meterRig) tick() {
	r.t.Helper()
	if err := r.Tick(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

// box makes a sandbox of two processors and one GiB, and answers how others name it.
func (r *meterRig) box(more string) string {
	r.t.Helper()
	r.must("create", `{"cpus":2,"memory_mb":1024,"disk_mb":1024`+more+`}`)
	all, err := r.store.UserSandboxes(r.t.Context(), r.user)
	if err != nil || len(all) == 0 {
		r.t.Fatal(all, err)
	}
	return `{"sandbox_id":"` + all[0].ID + `"}`
}

// want compares all that was metered with seconds of running and hours of being kept.
func (r *meterRig) want(when string, seconds, hours float64) {
	r.t.Helper()
	days, err := r.Usage(r.t.Context(), r.user, "0001-01-01", "9999-12-31")
	if err != nil {
		r.t.Fatal(err)
	}
	var got sandbox.Usage
	for _, d := range days {
		got.VCPUSeconds += d.VCPUSeconds
		got.GiBSeconds += d.GiBSeconds
		got.DiskGiBHours += d.DiskGiBHours
		got.Cost += d.Cost
	}
	near := func(a, b float64) bool { return math.Abs(a-b) < 1e-6 }
	p := sandbox.Prices{VCPUSecond: 0.000014, GiBSecond: 0.0000045, DiskGiBHour: 0.0001}
	cost := 2*seconds*p.VCPUSecond + seconds*p.GiBSecond + hours*p.DiskGiBHour
	if !near(got.VCPUSeconds, 2*seconds) || !near(got.GiBSeconds, seconds) || !near(got.DiskGiBHours, hours) || !near(got.Cost, cost) {
		r.t.Errorf("%s: metered %+v, want %g seconds and %g hours at a cost of %g", when, got, seconds, hours, cost)
	}
}

func (r *meterRig) state() string {
	r.t.Helper()
	all, err := r.store.UserSandboxes(r.t.Context(), r.user)
	if err != nil || len(all) == 0 {
		r.t.Fatal(all, err)
	}
	return all[0].State + "/" + all[0].Pending
}

func TestSandboxMetering(t *testing.T) {
	r := newMeterRig(t)
	ref := r.box("")
	r.clock.pass(90 * time.Second)
	r.tick()
	r.tick() // the same moment again
	r.want("after 90 s", 90, 90./3600)

	r.clock.pass(30 * time.Second)
	r.must("pause", ref)
	r.clock.pass(time.Hour)
	r.tick()
	r.want("after an hour of pause", 120, 120./3600+1)

	r.must("resume", ref)
	r.clock.step(-24 * time.Hour) // the calendar is set back, then far ahead
	r.clock.pass(10 * time.Second)
	r.tick()
	r.clock.step(400 * 24 * time.Hour)
	r.clock.pass(10 * time.Second)
	r.tick()
	r.want("over steps of the calendar", 140, 140./3600+1)

	r.clock.pass(20 * time.Second)
	r.restart() // a crash: it ran on
	r.tick()
	r.want("over a crash of the host", 160, 160./3600+1)

	// The machine restarts: what ran is gone since an unknown moment, and charged up to the last look; the disk was kept.
	r.clock.mu.Lock()
	r.clock.now.Boot, r.clock.now.Uptime, r.clock.now.Wall = "second", time.Minute, r.clock.now.Wall.Add(2*time.Hour)
	r.clock.mu.Unlock()
	for id := range r.machine.states {
		r.machine.states[id] = box.Stopped
	}
	r.restart()
	r.tick()
	r.want("over a restart of the machine", 160, 160./3600+3)
	if r.state() != "paused/" {
		t.Errorf("after a restart of the machine it is %s", r.state())
	}
	r.must("resume", ref)
	r.clock.pass(40 * time.Second)
	r.must("destroy", ref)
	r.clock.pass(time.Hour)
	r.tick()
	r.want("after its end", 200, 200./3600+3)
}

// TestSandboxJournal lets the machine do what it was asked, and the host not hear of it.
func TestSandboxJournal(t *testing.T) {
	lost := &catalog.Failure{Kind: catalog.AdapterUnavailable, Message: "the adapter stopped"}
	for _, c := range []struct{ operation, before, after string }{{"pause", "running/pausing", "paused/"}, {"resume", "paused/waking", "running/"}, {"destroy", "running/destroying", ""}} {
		t.Run(c.operation, func(t *testing.T) {
			r := newMeterRig(t)
			ref := r.box("")
			if c.operation == "resume" {
				r.must("pause", ref)
			}
			r.machine.fail = lost
			if err := r.do(c.operation, ref); err == nil {
				t.Fatal("the failure is not told")
			}
			if r.state() != c.before {
				t.Fatalf("it is %s, want %s", r.state(), c.before)
			}
			if err := r.Tick(t.Context()); err == nil {
				t.Error("a machine that does not answer is no problem")
			}
			if r.state() != c.before {
				t.Fatalf("unknown is taken for something: %s", r.state())
			}
			r.machine.fail = nil
			r.restart()
			r.tick()
			all, err := r.store.UserSandboxes(t.Context(), r.user)
			if err != nil || c.after == "" != (len(all) == 0) || c.after != "" && r.state() != c.after {
				t.Errorf("it was not finished: %+v, %v", all, err)
			}
		})
	}
}

func TestSandboxTimers(t *testing.T) {
	r := newMeterRig(t)
	ref := r.box(`,"timeout":60,"lifetime":1000`)
	r.machine.commands = true
	r.clock.pass(2 * time.Minute)
	if r.tick(); r.state() != "running/" {
		t.Errorf("with a command in the background it is %s", r.state())
	}
	r.machine.commands = false
	r.clock.pass(59 * time.Second)
	if r.tick(); r.state() != "running/" {
		t.Errorf("before its time-out it is %s", r.state())
	}
	r.clock.pass(2 * time.Second)
	if r.tick(); r.state() != "paused/" {
		t.Errorf("after its time-out it is %s", r.state())
	}
	r.clock.pass(time.Hour) // which is no part of its lifetime
	r.must("resume", ref)
	r.machine.commands = true
	r.clock.pass(900 * time.Second)
	if r.tick(); r.state() != "paused/" {
		t.Errorf("after its lifetime it is %s", r.state())
	}
	var f *catalog.Failure
	if err := r.do("resume", ref); !errors.As(err, &f) || f.Kind != catalog.Conflict {
		t.Errorf("resuming after its lifetime: %v", err)
	}
	r.must("set_timeout", ref[:len(ref)-1]+`,"lifetime":100}`)
	r.must("resume", ref)
	r.must("pause", ref)
	r.clock.pass(31 * 24 * time.Hour)
	r.tick()
	if all, err := r.store.UserSandboxes(t.Context(), r.user); err != nil || len(all) != 0 {
		t.Errorf("after its retention: %+v, %v", all, err)
	}
}
