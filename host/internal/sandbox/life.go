package sandbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/id"
	"github.com/patchbay/patchbay/host/internal/sandbox/box"
)

// processes that a user may have in one sandbox.
const processes = 256

type createInput struct {
	Template string            `json:"template"`
	Timeout  int               `json:"timeout"`
	Lifetime int               `json:"lifetime"`
	MemoryMB int64             `json:"memory_mb"`
	CPUs     float64           `json:"cpus"`
	DiskMB   int64             `json:"disk_mb"`
	Env      map[string]string `json:"env"`
	Network  string            `json:"network"`
	Metadata map[string]string `json:"metadata"`
	Name     string            `json:"name"`
}

func (s *Service) create(ctx context.Context, user string, in createInput) (Sandbox, error) {
	v, err := s.Settings(ctx)
	if err != nil {
		return Sandbox{}, err
	}
	b := Sandbox{ID: id.New("sbx"), User: user, Home: s.cfg.Home, State: New, Pending: Creating, Version: 1, Mark: s.cfg.Clock(),
		MemoryMB: or(in.MemoryMB, 512), DiskMB: or(in.DiskMB, 1024), CreatedAt: time.Now().UTC(),
		Record: Record{Name: in.Name, Template: or(in.Template, "system"), CPUs: or(in.CPUs, 1), Network: "none", Env: in.Env, Metadata: in.Metadata,
			Timeout: seconds(or(in.Timeout, v.DefaultTimeout)), Lifetime: seconds(or(in.Lifetime, v.MaxLifetime))}}
	switch {
	case b.MemoryMB > v.MaxMemoryMB:
		return b, invalid("/memory_mb", fmt.Sprintf("may have at most %d MiB of memory here", v.MaxMemoryMB))
	case b.DiskMB > v.MaxDiskMB:
		return b, invalid("/disk_mb", fmt.Sprintf("may have at most %d MiB of disk here", v.MaxDiskMB))
	case b.CPUs > v.MaxCPUs:
		return b, invalid("/cpus", fmt.Sprintf("may have at most %g processors here", v.MaxCPUs))
	case b.Lifetime > seconds(v.MaxLifetime):
		return b, invalid("/lifetime", fmt.Sprintf("may run for at most %d seconds here", v.MaxLifetime))
	}
	err = s.cfg.Store.InsertSandbox(ctx, b, Quota{Count: v.MaxPerUser, MemoryMB: v.MaxMemoryMBPerUser, DiskMB: v.MaxDiskMBPerUser})
	var full *QuotaError
	if errors.As(err, &full) {
		return b, &catalog.Failure{Kind: catalog.Conflict, NotSent: true, Message: "No more sandboxes: " + full.What + ". Destroy one first."}
	}
	if err != nil {
		return b, fmt.Errorf("storing the sandbox: %w", err)
	}
	if err := s.cfg.Record(ctx, user, "sandbox.create", b.ID, "template", b.Template); err != nil {
		return b, err
	}
	l := s.of(b.ID)
	l.change.Lock()
	defer l.change.Unlock()
	return s.finish(context.WithoutCancel(ctx), b, v)
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// change books what is to happen with a sandbox and brings it about. Where it is that already, nothing happens.
func (s *Service) change(ctx context.Context, user, ref, pending string, already func(Sandbox) bool) (Sandbox, error) {
	l := s.of(ref)
	l.change.Lock()
	defer l.change.Unlock()
	b, err := s.find(ctx, user, ref)
	if err != nil || already(b) {
		return b, err
	}
	v, err := s.Settings(ctx)
	if err != nil {
		return b, err
	}
	if b.Pending != "" && pending != Destroying {
		if b, err = s.finish(context.WithoutCancel(ctx), b, v); err != nil || already(b) {
			return b, err
		}
	}
	if err := allowed(b, pending); err != nil {
		return b, err
	}
	if err := s.cfg.Record(ctx, or(user, "host"), "sandbox."+pending, ref); err != nil {
		return b, err
	}
	b.Pending = pending
	if b, err = s.save(ctx, b, true, v, ""); err != nil {
		return b, err
	}
	return s.finish(context.WithoutCancel(ctx), b, v)
}

// allowed says what cannot be done with a sandbox in its state.
func allowed(b Sandbox, pending string) error {
	refuse := func(why string) error {
		return &catalog.Failure{Kind: catalog.Conflict, Message: "The sandbox " + why, NotSent: true}
	}
	switch {
	case pending == Destroying:
		return nil
	case b.State == Destroyed:
		return missing()
	case b.State == Lost:
		return refuse("is lost: " + b.Problem)
	case b.State == New:
		return refuse("was not made: " + b.Problem)
	case pending == Waking && b.Ran >= b.Lifetime:
		return refuse("has run for as long as it may. Give it more time with set_timeout.")
	}
	return nil
}

// save stores a change with what is due until now.
func (s *Service) save(ctx context.Context, b Sandbox, alive bool, v Settings, event string) (Sandbox, error) {
	now := s.cfg.Clock()
	charge := b.meter(now, alive, v.Prices)
	if err := s.cfg.Store.SaveSandbox(ctx, b, now.Wall.Format(time.DateOnly), charge, event); err != nil {
		return b, fmt.Errorf("storing the sandbox: %w", err)
	}
	b.Version++
	return b, nil
}

// finish brings about what is booked; it may have been begun before. The change's lock is held.
func (s *Service) finish(ctx context.Context, b Sandbox, v Settings) (Sandbox, error) {
	at := s.place(v)
	was := b
	var err error
	event := ""
	switch b.Pending {
	case Creating:
		var c box.Created
		c, err = s.cfg.Driver.Create(ctx, at, box.New{ID: b.ID, Template: b.Template, Env: b.Env, Limits: limitsOf(b)})
		if err != nil {
			return s.unmade(ctx, b, at, v, understood(err))
		}
		b.Runtime, b.Strong, b.State, event = c.Runtime, c.Strong, Running, "sandbox.created"
	case Pausing, Parking:
		b.Cold, err = s.cfg.Driver.Pause(ctx, at, b.ID, b.Pending == Parking)
		if b.State != Paused {
			event = "sandbox.paused"
			b.PausedAt = s.cfg.Clock().Wall
		}
		b.State = Paused
	case Waking:
		var memory bool
		memory, err = s.cfg.Driver.Resume(ctx, at, b.ID)
		b.State, b.Cold, b.Preserved, event = Running, false, map[bool]string{true: "memory", false: "filesystem"}[memory], "sandbox.resumed"
		b.PausedAt = time.Time{}
	case Destroying:
		err = s.cfg.Driver.Destroy(ctx, at, b.ID)
		b.State, event = Destroyed, "sandbox.destroyed"
	default:
		return b, nil
	}
	if err != nil {
		return was, understood(err) // what is booked is tried again
	}
	b.Pending, b.Problem = "", ""
	next := b.State
	b.State = was.State // until now it was what it was
	now := s.cfg.Clock()
	charge := b.meter(now, true, v.Prices)
	b.State = next
	if stats, err := s.cfg.Driver.Stats(ctx, at, b.ID); err == nil && next != Destroyed {
		b.StoredBytes = stats.StoredBytes
	}
	if err := s.cfg.Store.SaveSandbox(ctx, b, now.Wall.Format(time.DateOnly), charge, event); err != nil {
		return was, fmt.Errorf("storing the sandbox: %w", err)
	}
	b.Version++
	l := s.of(b.ID)
	s.mu.Lock()
	l.activeAt = now.Uptime
	s.mu.Unlock()
	return b, nil
}

// unmade books that a sandbox could not be made. What is left of it is removed; where that is not certain, it is tried again.
func (s *Service) unmade(ctx context.Context, b Sandbox, at box.Place, v Settings, cause error) (Sandbox, error) {
	var f *catalog.Failure
	if !errors.As(cause, &f) || f.Kind == catalog.AdapterUnavailable && !f.NotSent {
		return b, cause
	}
	b.Problem, b.Pending = f.Message, Destroying
	if f.Kind == Unavailable || s.cfg.Driver.Destroy(ctx, at, b.ID) == nil {
		b.State, b.Pending = Destroyed, ""
	}
	if _, err := s.save(ctx, b, false, v, ""); err != nil {
		return b, errors.Join(cause, err)
	}
	return b, cause
}

func limitsOf(b Sandbox) box.Limits {
	return box.Limits{MemoryBytes: uint64(b.MemoryMB) << 20, MilliCPUs: uint32(b.CPUs * 1000), DiskBytes: uint64(b.DiskMB) << 20, Processes: processes}
}
