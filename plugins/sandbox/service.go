package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sandbox"
)

// service runs sandboxes on this machine.
type service struct {
	runtimes []Runtime // the strongest first

	mu    sync.Mutex
	locks map[string]*sync.Mutex // by sandbox: one change at a time
	tried map[string]error       // by runtime, version and folder: what the trial said
}

func newService() *service {
	return &service{runtimes: []Runtime{newRunsc(), newRunc()}, locks: map[string]*sync.Mutex{}, tried: map[string]error{}}
}

// unavailable is the failure of a machine that cannot do it. The host knows its code.
func unavailable(format string, args ...any) error {
	e := sdk.Errorf(sdk.PlatformUnavailable, format, args...)
	e.PlatformCode, e.NotSent = "sandbox_unavailable", true
	return e
}

func (s *service) lock(id string) func() {
	s.mu.Lock()
	l := s.locks[id]
	if l == nil {
		l = &sync.Mutex{}
		s.locks[id] = l
	}
	s.mu.Unlock()
	l.Lock()
	return l.Unlock
}

// Probe says what this machine can run.
func (s *service) Probe(ctx context.Context, at sandbox.Place) (sandbox.Abilities, error) {
	if !filepath.IsAbs(at.Folder) {
		return sandbox.Abilities{}, sdk.Errorf(sdk.InvalidInput, "The place of the sandboxes is not valid.")
	}
	var out sandbox.Abilities
	for _, r := range s.runtimes {
		version, err := s.usable(ctx, r, at.Folder)
		about := sandbox.Runtime{Name: r.Name(), Version: version, Strong: r.Strong(), Cold: r.Cold()}
		if err != nil {
			about.Missing = err.Error()
		}
		out.Runtimes = append(out.Runtimes, about)
	}
	out.Templates = templates(at.Folder)
	return out, nil
}

// choose answers the runtime that the isolation asks for. It never takes a weaker one than that.
func (s *service) choose(ctx context.Context, at sandbox.Place) (Runtime, string, error) {
	var missing []error
	for _, r := range s.runtimes {
		if at.Isolation == sandbox.Container && r.Strong() || at.Isolation == sandbox.RequireStrong && !r.Strong() {
			continue
		}
		version, err := s.usable(ctx, r, at.Folder)
		if err == nil {
			return r, version, nil
		}
		missing = append(missing, err)
	}
	if at.Isolation == sandbox.RequireStrong {
		return nil, "", unavailable("Sandboxes need strong isolation here, and it is not to be had: %v.", errors.Join(missing...))
	}
	return nil, "", unavailable("This machine cannot run sandboxes: %s.", list(missing))
}

func list(problems []error) string {
	text := ""
	for i, p := range problems {
		if i > 0 {
			text += "; "
		}
		text += p.Error()
	}
	return text
}

func (s *service) runtime(name string) (Runtime, error) {
	for _, r := range s.runtimes {
		if r.Name() == name {
			return r, nil
		}
	}
	return nil, unavailable("The sandbox was made with %q, which this release does not know.", name)
}

// Create makes and starts a sandbox.
func (s *service) Create(ctx context.Context, at sandbox.Place, n sandbox.New) (sandbox.Created, error) {
	p, err := locate(at, n.ID)
	if err != nil {
		return sandbox.Created{}, err
	}
	defer s.lock(p.id)()
	known, err := p.load()
	if err == nil && known.Ready {
		r, err := s.runtime(known.Runtime)
		if err != nil {
			return sandbox.Created{}, err
		}
		return sandbox.Created{Runtime: r.Name(), Strong: r.Strong()}, nil
	}
	if err == nil { // a part of one, of a process that died
		if err := s.remove(ctx, p, known.Runtime); err != nil {
			return sandbox.Created{}, err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return sandbox.Created{}, err
	}
	r, version, err := s.choose(ctx, at)
	if err != nil {
		return sandbox.Created{}, err
	}
	t, err := templateOf(p.folder, n.Template)
	if err != nil {
		return sandbox.Created{}, err
	}
	rec := record{ID: n.ID, Runtime: r.Name(), RuntimeVersion: version, Template: t.id, Limits: n.Limits, Env: n.Env}
	if err := s.build(ctx, p, r, rec, t); err != nil {
		slog.Error("a sandbox could not be made", "sandbox", n.ID, "error", err)
		if cleaning := s.remove(context.WithoutCancel(ctx), p, r.Name()); cleaning != nil {
			slog.Error("what was made of it could not be removed", "sandbox", n.ID, "error", cleaning)
		}
		return sandbox.Created{}, sdk.Errorf(sdk.PlatformError, "The sandbox could not be made: %v", err)
	}
	return sandbox.Created{Runtime: r.Name(), Strong: r.Strong()}, nil
}

// build makes all of a sandbox, and books at the end that it is whole.
func (s *service) build(ctx context.Context, p place, r Runtime, rec record, t template) error {
	if err := os.MkdirAll(p.dir(), 0o711); err != nil {
		return err
	}
	if err := p.save(rec); err != nil {
		return err
	}
	if err := p.makeDisk(ctx, rec.Limits.DiskBytes); err != nil {
		return err
	}
	if err := s.boot(ctx, p, r, rec, t); err != nil {
		return err
	}
	rec.Ready = true
	return p.save(rec)
}

// boot starts a sandbox on its disk.
func (s *service) boot(ctx context.Context, p place, r Runtime, rec record, t template) error {
	agentFile, err := placeAgent(p.folder)
	if err != nil {
		return err
	}
	if err := p.mount(ctx, t.lower); err != nil {
		return err
	}
	if err := p.writeBundle(rec, t, agentFile); err != nil {
		return err
	}
	if err := r.Start(ctx, p); err != nil {
		return err
	}
	return s.awaitAgent(ctx, p, r)
}

// status is the runtime's word, and parked or stopped where the memory is gone.
func (s *service) status(ctx context.Context, p place, r Runtime) string {
	state := r.Status(ctx, p)
	if state == sandbox.Stopped {
		if processesOf(p.id) > 0 {
			return sandbox.Unknown // the runtime has forgotten what still runs
		}
		if _, err := os.Stat(p.path("image")); err == nil {
			return sandbox.Parked
		}
	}
	return state
}

// Pause stops all processes.
func (s *service) Pause(ctx context.Context, at sandbox.Place, id string, cold bool) (bool, error) {
	p, r, rec, err := s.open(at, id)
	if err != nil {
		return false, err
	}
	defer s.lock(id)()
	switch state := s.status(ctx, p, r); state {
	case sandbox.Parked, sandbox.Stopped:
		return true, p.unmount(ctx)
	case sandbox.Running:
		if err := r.Freeze(ctx, p); err != nil {
			return false, failed("The sandbox could not be paused", err)
		}
	case sandbox.Paused:
	default:
		return false, sdk.Errorf(sdk.PlatformUnavailable, "It is not known how the sandbox is; try again.")
	}
	if !cold || !r.Cold() {
		return false, nil
	}
	return true, s.park(ctx, p, r, rec)
}

// park puts the memory of a paused sandbox away: the image is whole before the sandbox ends.
func (s *service) park(ctx context.Context, p place, r Runtime, rec record) error {
	fresh := p.path("image.new")
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	if err := r.Park(ctx, p, fresh); err != nil {
		return failed("The memory of the sandbox could not be stored", err)
	}
	if err := syncFolder(fresh); err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(p.path("image")), os.Rename(fresh, p.path("image")), syncFolder(p.dir())); err != nil {
		return err
	}
	if err := r.Delete(ctx, p); err != nil {
		return failed("The parked sandbox could not be ended", err)
	}
	return p.unmount(ctx)
}

// syncFolder makes a folder and the files in it durable.
func syncFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	paths := []string{dir}
	for _, e := range entries {
		if e.Type().IsRegular() {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// Resume lets a sandbox go on.
func (s *service) Resume(ctx context.Context, at sandbox.Place, id string) (bool, error) {
	p, r, rec, err := s.open(at, id)
	if err != nil {
		return false, err
	}
	defer s.lock(id)()
	switch state := s.status(ctx, p, r); state {
	case sandbox.Running:
		return true, nil
	case sandbox.Paused:
		if err := r.Thaw(ctx, p); err != nil {
			return false, failed("The sandbox could not be resumed", err)
		}
		return true, nil
	case sandbox.Parked, sandbox.Stopped:
		return s.wake(ctx, p, r, rec, state == sandbox.Parked)
	}
	return false, sdk.Errorf(sdk.PlatformUnavailable, "It is not known how the sandbox is; try again.")
}

// wake starts a sandbox of which no memory is held: from its image, or, where that cannot be read any more, on its disk alone.
func (s *service) wake(ctx context.Context, p place, r Runtime, rec record, parked bool) (memory bool, err error) {
	version, err := s.usable(ctx, r, p.folder)
	if err != nil {
		return false, unavailable("%v.", err)
	}
	t, err := templateOf(p.folder, rec.Template)
	if err != nil {
		return false, err
	}
	_ = r.Delete(ctx, p) // what a restart of the machine left of it in the runtime's own notes
	if parked && version == rec.RuntimeVersion {
		if err := p.mount(ctx, t.lower); err != nil {
			return false, err
		}
		err := r.Restore(ctx, p, p.path("image"))
		if err == nil {
			err = s.awaitAgent(ctx, p, r)
		}
		if err == nil {
			return true, os.RemoveAll(p.path("image"))
		}
		slog.Error("a parked sandbox did not wake; it starts on its disk", "sandbox", p.id, "error", err)
		if err := r.Delete(ctx, p); err != nil {
			return false, err
		}
	}
	if err := s.boot(ctx, p, r, rec, t); err != nil {
		return false, failed("The sandbox could not be started", err)
	}
	rec.RuntimeVersion = version
	return false, errors.Join(p.save(rec), os.RemoveAll(p.path("image")))
}

// Destroy removes a sandbox.
func (s *service) Destroy(ctx context.Context, at sandbox.Place, id string) error {
	p, err := locate(at, id)
	if err != nil {
		return err
	}
	defer s.lock(id)()
	rec, err := p.load()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return s.remove(ctx, p, rec.Runtime)
}

// remove ends and removes all of it. The record goes last: what stops halfway is found again.
func (s *service) remove(ctx context.Context, p place, runtime string) error {
	for _, r := range s.runtimes {
		if _, err := find(r.Name()); err != nil || runtime != "" && runtime != r.Name() {
			continue
		}
		if err := r.Delete(ctx, p); err != nil {
			return failed("The sandbox could not be ended", err)
		}
	}
	if processesOf(p.id) > 0 {
		return sdk.Errorf(sdk.PlatformUnavailable, "Processes of the sandbox are left; try again.")
	}
	if err := p.unmount(ctx); err != nil {
		return failed("The sandbox's file system is still in use", err)
	}
	for _, name := range []string{"image", "image.new", "disk.img", "rootfs", "disk", "config.json"} {
		if err := os.RemoveAll(p.path(name)); err != nil {
			return err
		}
	}
	return os.RemoveAll(p.dir())
}

// Update changes the limits. They are written to the bundle too, for the next start.
func (s *service) Update(ctx context.Context, at sandbox.Place, id string, l sandbox.Limits) error {
	p, r, rec, err := s.open(at, id)
	if err != nil {
		return err
	}
	defer s.lock(id)()
	if u, ok := r.(updater); ok && r.Status(ctx, p) != sandbox.Stopped {
		if err := u.Update(ctx, p, l); err != nil {
			return failed("The limits could not be changed", err)
		}
	}
	l.DiskBytes = rec.Limits.DiskBytes
	rec.Limits = l
	return p.save(rec)
}

// updater is a runtime that can change limits.
type updater interface {
	Update(ctx context.Context, p place, l sandbox.Limits) error
}

// List answers what is there. Whatever cannot be found out is unknown, never gone.
func (s *service) List(ctx context.Context, at sandbox.Place) ([]sandbox.State, error) {
	entries, err := os.ReadDir(filepath.Join(at.Folder, "boxes"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []sandbox.State
	for _, e := range entries {
		p, err := locate(at, e.Name())
		if err != nil {
			continue
		}
		state := sandbox.State{ID: p.id, State: sandbox.Unknown}
		if rec, err := p.load(); err == nil {
			state.Runtime = rec.Runtime
			if r, err := s.runtime(rec.Runtime); err == nil && rec.Ready {
				state.State = s.status(ctx, p, r)
			}
		}
		out = append(out, state)
	}
	return out, nil
}

// Stats answers what a sandbox uses.
func (s *service) Stats(_ context.Context, at sandbox.Place, id string) (sandbox.Stats, error) {
	p, _, rec, err := s.open(at, id)
	if err != nil {
		return sandbox.Stats{}, err
	}
	out := sandbox.Stats{
		MemoryBytes:      number(groupFile(id, "memory", "memory.usage_in_bytes", "memory.current")),
		CPUNanoseconds:   number(groupFile(id, "cpuacct", "cpuacct.usage", "cpu.stat")),
		Processes:        number(groupFile(id, "pids", "pids.current", "pids.current")),
		MemoryLimitBytes: rec.Limits.MemoryBytes, DiskLimitBytes: rec.Limits.DiskBytes,
		StoredBytes: stored(p.path("disk.img")) + stored(p.path("image")),
	}
	var fs unix.Statfs_t
	if mounted(p.path("disk")) && unix.Statfs(p.path("disk"), &fs) == nil {
		out.DiskUsedBytes = (fs.Blocks - fs.Bfree) * uint64(fs.Bsize)
	}
	return out, nil
}

func (s *service) open(at sandbox.Place, id string) (place, Runtime, record, error) {
	p, err := locate(at, id)
	if err != nil {
		return p, nil, record{}, err
	}
	rec, err := p.find()
	if err != nil {
		return p, nil, rec, err
	}
	r, err := s.runtime(rec.Runtime)
	return p, r, rec, err
}

// failed is a failure whose cause is for the operator's log too.
func failed(what string, err error) error {
	slog.Error(what, "error", err)
	return sdk.Errorf(sdk.PlatformUnavailable, "%s: %v", what, fmt.Sprintf("%.300s", err))
}
