package supervisor

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/egress"
	"github.com/patchbay/patchbay/host/internal/release"
)

// patience is how long a test waits for what must happen; only a failing test waits so long.
const patience = 30 * time.Second

// rig is a supervisor over the doubles of one test.
type rig struct {
	*Supervisor
	t          testing.TB
	dir, state string
	cfg        Config
	manifests  *memory
	log        *lines
	clock      *clock
	revision   atomic.Int64
	places     *places
	verdicts   chan release.Verdict
}

// places has the binaries of releases.
type places struct {
	mu sync.Mutex
	of map[[32]byte]string
}

func (p *places) Path(_ context.Context, r release.Release) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if path := p.of[r.Digest]; path != "" {
		return path, nil
	}
	return "", errors.New("nobody has it")
}

func (p *places) put(digest [32]byte, path string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.of[digest] = path
}

// release makes another version of a double: the test binary under another name, with a digest of its own as far as anyone knows.
func (r *rig) release(name, version string) release.Release {
	r.t.Helper()
	self, err := os.Executable()
	if err != nil {
		r.t.Fatal(err)
	}
	path := filepath.Join(filepath.Dir(r.dir), "v"+version, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		r.t.Fatal(err)
	}
	if err := os.Symlink(self, path); err != nil && !errors.Is(err, os.ErrExist) {
		r.t.Fatal(err)
	}
	out := release.Release{Adapter: name, Version: version, Digest: sha256.Sum256([]byte(name + version)), Trust: release.Signed}
	r.places.put(out.Digest, path)
	return out
}

// follow makes a target the one of the supervisor, with the revision after the last one.
func (r *rig) follow(t release.Target) release.Target {
	r.t.Helper()
	t.Adapter = t.Release.Adapter
	t.Since = r.clock.now()
	t.Revision = r.revision.Add(1)
	if err := r.Follow(r.t.Context(), t); err != nil {
		r.t.Fatal(err)
	}
	return t
}

// settled waits until the supervisor has brought a target about or given it up.
func (r *rig) settled(t release.Target) Status {
	r.t.Helper()
	eventually(r.t, "the target is settled", func() bool { s := r.only(); return s.Revision == t.Revision && !s.Swapping })
	return r.only()
}

// bring follows a release with another one to fall back to, and waits.
func (r *rig) bring(next release.Release, fallback *release.Release) Status {
	r.t.Helper()
	return r.settled(r.follow(release.Target{Release: next, Fallback: fallback}))
}

// verdict waits for the next judgement on a release.
func (r *rig) verdict() release.Verdict {
	r.t.Helper()
	select {
	case v := <-r.verdicts:
		return v
	case <-time.After(patience):
		r.t.Fatal("there is no verdict")
		return release.Verdict{}
	}
}

// newRig lays out the folders with one double for each name, and opens nothing yet.
func newRig(t testing.TB, names ...string) *rig {
	t.Helper()
	home := t.TempDir()
	run, err := os.MkdirTemp("", "pb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(run) })
	r := &rig{t: t, dir: filepath.Join(home, "adapters"), state: filepath.Join(home, "state"), manifests: &memory{}, log: &lines{}, clock: &clock{},
		places: &places{of: map[[32]byte]string{}}, verdicts: make(chan release.Verdict, 1000)}
	for _, dir := range []string{r.dir, r.state} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range names {
		r.link(name)
	}
	r.cfg = Config{Dir: r.dir, RunDir: filepath.Join(run, "r"), Catalog: catalog.New(catalog.Config{}), Manifests: r.manifests,
		Gate: egress.New(egress.Config{}), Logger: slog.New(slog.NewJSONHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		StartTimeout: patience, Now: r.clock.now, Binaries: r.places, Report: func(v release.Verdict) { r.verdicts <- v }}
	return r
}

// link makes a double: the test binary under another name.
func (r *rig) link(name string) {
	r.t.Helper()
	self, err := os.Executable()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(r.dir, name)); err != nil {
		r.t.Fatal(err)
	}
}

// copy makes a double with a digest of its own: what follows an ELF file does not matter to it.
func (r *rig) copy(name string) {
	r.t.Helper()
	self, err := os.Executable()
	if err != nil {
		r.t.Fatal(err)
	}
	content, err := os.ReadFile(self)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.dir, name), append(content, name...), 0o700); err != nil {
		r.t.Fatal(err)
	}
}

// open starts the supervisor, which ends with the test.
func (r *rig) open() *rig {
	r.t.Helper()
	s, err := Open(r.t.Context(), r.cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	r.Supervisor = s
	r.t.Cleanup(r.close)
	return r
}

// close ends the supervisor and checks what is true of every test at its end.
func (r *rig) close() {
	r.Close()
	for _, pid := range r.starts() {
		if alive(pid) {
			r.t.Errorf("process %d outlived the supervisor", pid)
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	if told := r.read("overlap"); told != "" {
		r.t.Errorf("two processes of one adapter ran at once: %s", told)
	}
	if _, err := os.Stat(r.cfg.RunDir); !errors.Is(err, os.ErrNotExist) {
		r.t.Errorf("the folder for sockets is still there: %v", err)
	}
}

// tell tells the doubles something.
func (r *rig) tell(name, content string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.state, name), []byte(content), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) forget(name string) {
	r.t.Helper()
	if err := os.Remove(filepath.Join(r.state, name)); err != nil {
		r.t.Fatal(err)
	}
}

// read answers what the doubles told, or "".
func (r *rig) read(name string) string {
	content, err := os.ReadFile(filepath.Join(r.state, name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		r.t.Error(err)
	}
	return string(content)
}

// starts answers the ids of all the processes that were started.
func (r *rig) starts() []int {
	var out []int
	for _, line := range strings.Fields(r.read("starts")) {
		if pid, err := strconv.Atoi(line); err == nil {
			out = append(out, pid)
		}
	}
	return out
}

const key = "key-of-one-integration"

func (r *rig) request(adapter, operation, input string) catalog.Request {
	r.t.Helper()
	p, _, err := r.cfg.Catalog.Platform(adapter)
	if err != nil {
		r.t.Fatalf("%v; the log: %s", err, r.log)
	}
	return catalog.Request{CallID: "call_1", Platform: p, Operation: p.Operation(operation), Input: []byte(input),
		Credential: catalog.NewCredential("custom", map[string]string{"key": key, "host": "double.example"})}
}

// call runs an operation of the double so named with plenty of time.
func (r *rig) call(adapter, operation, input string) (string, error) {
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	out, err := r.Run(ctx, r.request(adapter, operation, input), &sink{})
	return string(out.Output), err
}

func (r *rig) must(adapter, operation, input string) string {
	r.t.Helper()
	out, err := r.call(adapter, operation, input)
	if err != nil {
		r.t.Fatalf("%s: %v; the log: %s", operation, err, r.log)
	}
	return out
}

// only answers the status of the only adapter.
func (r *rig) only() Status {
	r.t.Helper()
	all := r.Status()
	if len(all) != 1 {
		r.t.Fatalf("there are %d adapters", len(all))
	}
	return all[0]
}

// failure answers the failure that an error is.
func failure(t testing.TB, err error) *catalog.Failure {
	t.Helper()
	var f *catalog.Failure
	if !errors.As(err, &f) {
		t.Fatalf("the error is %v, no failure", err)
	}
	return f
}

// alive says whether a process runs; one that has ended and is not reaped does not.
func alive(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}

func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came to this: %s", what)
		}
	}
}

// within fails the test where f does not return in time.
func within(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("%s does not return", what)
	}
}

// clock is the real one, moved forward at will.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) forward(d time.Duration) { c.ahead.Add(int64(d)) }

// memory keeps manifests in memory.
type memory struct {
	mu   sync.Mutex
	kept map[string][]byte
}

func (m *memory) Manifest(_ context.Context, digest []byte) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kept[string(digest)], nil
}

func (m *memory) PutManifest(_ context.Context, digest []byte, _, _ string, manifest []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept == nil {
		m.kept = map[string][]byte{}
	}
	m.kept[string(digest)] = manifest
	return nil
}

// lines is a log in memory.
type lines struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.String()
}

// sink keeps what a call gives.
type sink struct {
	progress  []string
	fractions []float64
	deltas    []string
	files     map[uint32]*bytes.Buffer
	names     []string
	ended     []uint32
}

func (s *sink) Progress(_ context.Context, message string, fraction float64) error {
	s.progress, s.fractions = append(s.progress, message), append(s.fractions, fraction)
	return nil
}

func (s *sink) Delta(_ context.Context, delta []byte) error {
	s.deltas = append(s.deltas, string(delta))
	return nil
}

func (s *sink) File(_ context.Context, index uint32, name, _ string, data []byte, last bool) error {
	if s.files == nil {
		s.files = map[uint32]*bytes.Buffer{}
	}
	if s.files[index] == nil {
		s.files[index] = &bytes.Buffer{}
		s.names = append(s.names, name)
	}
	if slices.Contains(s.ended, index) {
		return io.ErrClosedPipe
	}
	if last {
		s.ended = append(s.ended, index)
	}
	_, err := s.files[index].Write(data)
	return err
}

// bringAs is bring where there are several adapters.
func (r *rig) bringAs(name string, next release.Release) {
	r.t.Helper()
	t := r.follow(release.Target{Release: next})
	eventually(r.t, "the target is settled", func() bool {
		for _, s := range r.Status() {
			if s.Name == name {
				return s.Revision == t.Revision && !s.Swapping
			}
		}
		return false
	})
}
