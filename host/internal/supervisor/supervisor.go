package supervisor

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/egress"
	"github.com/patchbay/patchbay/host/internal/release"
)

// Manifests keeps what binaries declared, by their SHA-256 digest.
type Manifests interface {
	// Manifest answers nil for a digest that is not known.
	Manifest(ctx context.Context, digest []byte) ([]byte, error)
	PutManifest(ctx context.Context, digest []byte, adapter, version string, manifest []byte) error
}

// Binaries has the binaries of releases.
type Binaries interface {
	// Path answers a file that holds the binary of a release; the digest is checked again when it is launched.
	Path(ctx context.Context, r release.Release) (string, error)
}

// Config is what a Supervisor needs.
type Config struct {
	// Dir holds the adapters' binaries. Required; a missing folder is an error.
	Dir string
	// RunDir is a folder of this process alone for sockets, at most 60 bytes long. Required.
	RunDir    string
	Catalog   *catalog.Catalog // required
	Manifests Manifests        // required
	Gate      *egress.Gate     // required
	Logger    *slog.Logger     // required
	// StartTimeout bounds a launch until the adapter has described itself; 10 s when 0.
	StartTimeout time.Duration
	// IdleAfter is how long an adapter may be unused before it is stopped; 10 minutes when 0.
	IdleAfter time.Duration
	// Confine keeps adapters to themselves by the kernel; nil runs them as plain processes.
	Confine *Confinement
	// Resources bound each process.
	Resources Resources
	// MaxCalls bounds the calls of one adapter that are under way at a time; further ones wait within their time. 1024 when 0.
	MaxCalls int
	// Binaries has the binaries of releases that are not in Dir. Optional.
	Binaries Binaries
	// BuiltInGrants are what the binaries of Dir get beyond the ordinary, by adapter. Optional.
	BuiltInGrants map[string]release.Grants
	// Report hears what became of releases that were brought into service. It must not call the supervisor and wait. Optional.
	Report func(release.Verdict)
	// Traced puts calls to adapters into the traces that are configured.
	Traced bool
	// Now is the clock; time.Now when nil.
	Now func() time.Time
}

// Supervisor runs adapters. It is safe for concurrent use.
type Supervisor struct {
	cfg      Config
	launcher *launcher
	groups   *groups

	mu       sync.RWMutex
	adapters map[string]*adapter
	broken   []Status // binaries that could not be taken into service
	builtIn  []BuiltIn
	declared map[[32]byte][]*catalog.Platform // by digest, what its releases declare
	closed   bool
}

// BuiltIn is a release that was found in Dir.
type BuiltIn struct {
	Release release.Release
	Path    string
}

// Status is what is told of one adapter on this host.
type Status struct {
	Name    string
	Version string
	// State is stopped, starting, running, waiting (for the next start after a crash), crash_loop, disabled, or broken.
	State    string
	PID      int
	Restarts int
	// Problem says what is wrong and what to do, or "".
	Problem     string
	Confinement string
	Platforms   []string
	InFlight    int
	Since       time.Time

	Digest, Trust, Publisher string
	Grants                   []string
	// Revision is that of the desired state that this host has brought about; Swapping is true while it works on another one.
	Revision int64
	Swapping bool
	// OnTrial is true in the first minutes of a release.
	OnTrial bool
	// Canary gets Share of the calls; nil: there is none.
	Canary *Status
	Share  float64
	// Old are releases that wait for their last calls.
	Old []Status
}

// Open takes the binaries of Dir into service: each is started once, if its digest is not known yet, to hear what it offers. A binary
// that cannot be used is reported in Status and the rest goes on.
func Open(ctx context.Context, cfg Config) (*Supervisor, error) {
	if cfg.StartTimeout == 0 {
		cfg.StartTimeout = 10 * time.Second
	}
	if cfg.IdleAfter == 0 {
		cfg.IdleAfter = 10 * time.Minute
	}
	cfg.Resources = cfg.Resources.withDefaults()
	if cfg.MaxCalls == 0 {
		cfg.MaxCalls = 1024
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if err := os.MkdirAll(cfg.RunDir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder for sockets: %w", err)
	}
	entries, err := os.ReadDir(cfg.Dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no folder %s with adapters: build them with scripts/run, or name another folder with --adapters", cfg.Dir)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the folder of adapters: %w", err)
	}
	control, err := openGroups(cfg.Resources, "/proc/self/cgroup")
	if err != nil {
		cfg.Logger.Debug("the kernel does not bound the memory of adapters; they are asked to keep below it", "reason", err)
	}
	s := &Supervisor{cfg: cfg, groups: control, launcher: newLauncher(), adapters: map[string]*adapter{}, declared: map[[32]byte][]*catalog.Platform{}}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || e.IsDir() {
			continue
		}
		if err := s.add(ctx, filepath.Join(cfg.Dir, e.Name())); err != nil {
			if ctx.Err() != nil {
				s.Close()
				return nil, ctx.Err()
			}
			cfg.Logger.Error("an adapter cannot be used", "file", e.Name(), "error", err)
			s.broken = append(s.broken, Status{Name: e.Name(), State: "broken", Problem: err.Error()})
		}
	}
	return s, nil
}

// add takes one binary into service.
func (s *Supervisor) add(ctx context.Context, path string) error {
	digest, size, err := digestOf(path)
	if err != nil {
		return err
	}
	m, err := s.manifest(ctx, path, digest)
	if err != nil {
		return err
	}
	platforms, err := platformsOf(m)
	if err != nil {
		return err
	}
	r := release.Release{Adapter: m.GetAdapter().GetName(), Version: m.GetAdapter().GetVersion(), OS: runtime.GOOS, Arch: runtime.GOARCH,
		Digest: digest, Size: size, Trust: release.BuiltIn, Grants: s.cfg.BuiltInGrants[m.GetAdapter().GetName()]}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, other := range s.builtIn {
		if other.Release.Adapter == r.Adapter {
			return fmt.Errorf("%s and %s are both adapter %s: remove one", filepath.Base(other.Path), filepath.Base(path), r.Adapter)
		}
	}
	a := newAdapter(s, r.Adapter)
	s.declared[digest] = platforms
	s.builtIn = append(s.builtIn, BuiltIn{r, path})
	a.declared[digest] = platforms
	if err := a.begin(release.Target{Adapter: r.Adapter, Release: r}); err != nil {
		s.builtIn = s.builtIn[:len(s.builtIn)-1]
		return err
	}
	s.adapters[a.name] = a
	return nil
}

// digestOf hashes a binary, and says plainly what is wrong with a file that cannot be one.
func digestOf(path string) (digest [32]byte, size int64, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // of a named pipe, opening would wait for a writer
	if err != nil {
		return digest, 0, fmt.Errorf("opening the binary: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	switch {
	case err != nil:
		return digest, 0, fmt.Errorf("looking at the binary: %w", err)
	case !info.Mode().IsRegular():
		return digest, 0, fmt.Errorf("%s is no regular file", filepath.Base(path))
	case info.Mode().Perm()&0o111 == 0:
		return digest, 0, fmt.Errorf("%s is not executable: run `chmod +x %s`", filepath.Base(path), path)
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return digest, 0, fmt.Errorf("reading the binary: %w", err)
	}
	return [32]byte(h.Sum(nil)), info.Size(), nil
}

// StopIdle stops idle adapters until ctx is done.
func (s *Supervisor) StopIdle(ctx context.Context) {
	ticker := time.NewTicker(max(s.cfg.IdleAfter/10, 10*time.Millisecond))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			for _, a := range s.all() {
				a.stopIfIdle(s.cfg.IdleAfter)
			}
		}
	}
}

// Close stops all adapters and waits for them. Calls under way are cut; let them end first.
func (s *Supervisor) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	var wg sync.WaitGroup
	for _, a := range s.all() {
		wg.Go(a.close)
	}
	wg.Wait()
	s.launcher.close()
	_ = os.RemoveAll(s.cfg.RunDir) // swept at the next start otherwise
}

// Status answers all adapters by name.
func (s *Supervisor) Status() []Status {
	s.mu.RLock()
	out := slices.Clone(s.broken)
	s.mu.RUnlock()
	for _, a := range s.all() {
		out = append(out, a.status())
	}
	slices.SortFunc(out, func(a, b Status) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func (s *Supervisor) all() []*adapter {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]*adapter, 0, len(s.adapters))
	for _, a := range s.adapters {
		out = append(out, a)
	}
	return out
}

// closing says whether Close was called.
func (s *Supervisor) closing() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.closed
}

func (s *Supervisor) find(name string) (*adapter, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if a := s.adapters[name]; a != nil && !s.closed {
		return a, nil
	}
	return nil, unavailable("The adapter %s is not in service.", name)
}

// unavailable is the failure that the host alone may say. Nothing was sent.
func unavailable(format string, args ...any) *catalog.Failure {
	return &catalog.Failure{Kind: catalog.AdapterUnavailable, Message: fmt.Sprintf(format, args...), NotSent: true}
}
