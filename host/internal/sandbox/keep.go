package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/patchbay/patchbay/host/internal/id"
	"github.com/patchbay/patchbay/host/internal/sandbox/box"
)

// TickEvery is how often sandboxes are looked after: what a crash can leave uncharged of one that died with its machine.
const TickEvery = 5 * time.Second

// busy is how much processor time between two looks counts as work.
const busy = uint64(100 * time.Millisecond)

// Run looks after the sandboxes of this machine until ctx is done.
func (s *Service) Run(ctx context.Context) {
	ticker := time.NewTicker(TickEvery)
	defer ticker.Stop()
	for {
		if err := s.Tick(ctx); err != nil && ctx.Err() == nil {
			s.cfg.Logger.Warn("looking after the sandboxes failed; it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Tick finishes what was begun, books what is found, meters, and pauses and removes what is due.
func (s *Service) Tick(ctx context.Context) error {
	if err := s.cfg.Store.ServeHome(ctx, s.cfg.Home, s.cfg.Host); err != nil {
		return fmt.Errorf("registering this machine: %w", err)
	}
	known, err := s.cfg.Store.HomeSandboxes(ctx, s.cfg.Home)
	if err != nil || len(known) == 0 && !s.anything() {
		return err // an adapter is not started for nothing
	}
	v, err := s.Settings(ctx)
	if err != nil {
		return err
	}
	states, err := s.cfg.Driver.List(ctx, s.place(v))
	if err != nil {
		return fmt.Errorf("listing what runs: %w", err) // unknown is not gone
	}
	found := map[string]string{}
	for _, st := range states {
		found[st.ID] = st.State
	}
	var problems []error
	for _, b := range known {
		if err := s.tend(ctx, b.ID, found, v); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", b.ID, err))
		}
	}
	return errors.Join(append(problems, s.sweep(ctx, states, v))...)
}

// tend looks after one sandbox, unless it is being changed right now.
func (s *Service) tend(ctx context.Context, ref string, found map[string]string, v Settings) error {
	l := s.of(ref)
	if !l.change.TryLock() {
		return nil
	}
	defer l.change.Unlock()
	b, err := s.cfg.Store.Sandbox(ctx, "", ref)
	if err != nil {
		return err
	}
	if b.Pending != "" {
		_, err := s.finish(ctx, b, v)
		return err
	}
	state, there := found[ref]
	switch {
	case b.State == Destroyed || b.State == Lost || state == box.Unknown:
		return nil
	case !there && b.CreatedAt.After(time.Now().Add(-TickEvery)):
		return nil // made after the list
	case !there:
		b.State, b.Problem = Lost, "this machine does not have it any more"
		_, err := s.save(ctx, b, false, v, "sandbox.lost")
		return err
	case b.State == Running && (state == box.Stopped || state == box.Parked):
		return s.died(ctx, b, v)
	}
	return s.time(ctx, b, l, v)
}

// died books that the processes of a running sandbox are gone, with its machine or by themselves. Its files are still there.
func (s *Service) died(ctx context.Context, b Sandbox, v Settings) error {
	now := s.cfg.Clock()
	charge := b.meter(now, false, v.Prices)
	b.State, b.Cold, b.PausedAt, b.Problem = Paused, true, now.Wall, "its processes ended without having been asked to; its files are there"
	return s.cfg.Store.SaveSandbox(ctx, b, now.Wall.Format(time.DateOnly), charge, "sandbox.paused")
}

// time meters a sandbox and does what its timers say.
func (s *Service) time(ctx context.Context, b Sandbox, l *live, v Settings) error {
	at := s.place(v)
	if stats, err := s.cfg.Driver.Stats(ctx, at, b.ID); err == nil {
		b.StoredBytes = stats.StoredBytes
		s.mu.Lock()
		if stats.CPUNanoseconds > l.cpu+busy || stats.CPUNanoseconds < l.cpu {
			l.activeAt = s.cfg.Clock().Uptime
		}
		l.cpu = stats.CPUNanoseconds
		s.mu.Unlock()
	}
	b, err := s.save(ctx, b, true, v, "")
	if err != nil {
		return err
	}
	switch {
	case b.State == Running && b.Ran >= b.Lifetime:
		b.Pending = Pausing
	case b.State == Running && s.idle(ctx, b, l, at):
		b.Pending = Pausing
	case b.State == Paused && !b.Cold && b.Strong && s.cfg.Clock().Wall.Sub(b.PausedAt) > seconds(v.ParkAfter):
		b.Pending = Parking
	case b.State == Paused && s.cfg.Clock().Wall.Sub(b.PausedAt) > seconds(v.RetainFor):
		b.Pending = Destroying
	default:
		return nil
	}
	if err := s.cfg.Record(ctx, "host", "sandbox."+b.Pending, b.ID); err != nil {
		return err
	}
	if b, err = s.save(ctx, b, true, v, ""); err != nil {
		return err
	}
	_, err = s.finish(ctx, b, v)
	return err
}

// idle says whether nothing happens in a sandbox for as long as its time-out: no call, no use of the processor, and no command that runs.
func (s *Service) idle(ctx context.Context, b Sandbox, l *live, at box.Place) bool {
	s.mu.Lock()
	quiet := l.working == 0 && s.cfg.Clock().Uptime-l.activeAt >= b.Timeout
	s.mu.Unlock()
	if !quiet {
		return false
	}
	running := false
	err := s.cfg.Driver.Work(ctx, at, b.ID, box.Open{Commands: true}, nil, func(a box.Answer) error {
		running = running || a.Command != nil && a.Command.Running
		return nil
	})
	if err != nil || running { // what cannot be asked is not taken for idle
		s.mu.Lock()
		l.activeAt = s.cfg.Clock().Uptime
		s.mu.Unlock()
		return false
	}
	return true
}

// sweep removes what is left of sandboxes that are destroyed.
func (s *Service) sweep(ctx context.Context, states []box.State, v Settings) error {
	var problems []error
	for _, st := range states {
		if !id.Is("sbx", st.ID) {
			continue // not made by this room
		}
		b, err := s.cfg.Store.Sandbox(ctx, "", st.ID)
		if err != nil || b.State != Destroyed || b.Home != s.cfg.Home {
			continue // one without a record is left alone: the database may be an older one
		}
		if err := s.cfg.Driver.Destroy(ctx, s.place(v), st.ID); err != nil {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

// anything says whether this machine's folder has sandboxes.
func (s *Service) anything() bool {
	entries, err := os.ReadDir(filepath.Join(s.cfg.Folder, "boxes"))
	return err == nil && len(entries) > 0
}
