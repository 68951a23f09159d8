package release

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// How this host follows what is to run: it reads the desired states when it is told that one changed, and every followEvery in case it
// was not; the runner does the rest.
const (
	followEvery = 2 * time.Second
	// dropEvery and dropAfter say when releases that nothing needs are removed.
	dropEvery = time.Hour
	dropAfter = 24 * time.Hour
)

// File is a built-in release with its binary.
type File struct {
	Release Release
	Path    string
}

// Adopt stores the releases of this host's own folder. The first release of an adapter is what is to run; a later version takes its
// place unless that one is pinned, the new one was given up before, or it would lose what is in use.
func (s *Shelf) Adopt(ctx context.Context, files []File) error {
	s.mu.Lock()
	s.builtIn = files
	s.mu.Unlock()
	for _, f := range files {
		if err := s.adopt(ctx, f.Release); err != nil {
			return fmt.Errorf("adopting release %s of %s: %w", f.Release.Version, f.Release.Adapter, err)
		}
	}
	return nil
}

func (s *Shelf) adopt(ctx context.Context, r Release) error {
	r.CreatedBy = "host"
	replaced, err := s.cfg.Store.PutRelease(ctx, r)
	if errors.Is(err, ErrExists) {
		s.cfg.Logger.Warn("a built-in adapter has the version of an installed one and is not used", "adapter", r.Adapter, "version", r.Version)
		return nil
	}
	if err != nil {
		return err
	}
	if replaced {
		if err := s.cfg.Store.AddEvent(ctx, s.event(Event{Kind: "replaced", Version: r.Version, Detail: "now " + r.DigestText()}, r.Adapter, "host")); err != nil {
			return err
		}
	}
	for {
		err := s.prefer(ctx, r)
		if !errors.Is(err, ErrChanged) {
			return err
		}
	}
}

// prefer makes a built-in release the one to run, where it should be.
func (s *Shelf) prefer(ctx context.Context, r Release) error {
	d, known, err := s.desired(ctx, r.Adapter)
	if err != nil {
		return err
	}
	e := Event{Kind: "activated", Version: r.Version, Detail: "built in, instead of " + orNone(d.Version)}
	if known {
		if d.Pinned || !newer(d.Version, r.Version) {
			return nil
		}
		stored, err := s.find(ctx, r.Adapter, r.Version)
		if err != nil || !stored.FailedAt.IsZero() {
			return err
		}
		losses, err := s.losses(ctx, r, nil)
		if err != nil {
			return err
		}
		if len(losses) > 0 {
			e = Event{Kind: "not_followed", Version: r.Version, Detail: fmt.Sprint("it would lose what is in use: ", losses)}
			s.cfg.Logger.Warn("a newer built-in adapter is not used", "adapter", r.Adapter, "version", r.Version, "losses", losses)
			return s.cfg.Store.AddEvent(ctx, s.event(e, r.Adapter, "host"))
		}
		d.Previous = d.Version
	}
	d.Adapter, d.Version, d.Canary, d.Share, d.Forced, d.ChangedBy = r.Adapter, r.Version, "", 0, false, "host"
	d.Revision++
	return s.cfg.Store.PutDesired(ctx, d, s.event(e, r.Adapter, "host"))
}

// Kick makes Run look at once.
func (s *Shelf) Kick() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// Run follows until ctx is done, and gives the built-in binaries to the database meanwhile.
func (s *Shelf) Run(ctx context.Context) {
	if err := s.upload(ctx); err != nil && ctx.Err() == nil {
		s.cfg.Logger.Warn("built-in adapters could not be stored for the other hosts; the next start tries again", "error", err)
	}
	var told string // of errors, so that one that stays is logged once
	ticker, drop := time.NewTicker(followEvery), time.NewTicker(dropEvery)
	defer ticker.Stop()
	defer drop.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.kick:
		case <-ticker.C:
		case <-drop.C:
			if err := s.cfg.Store.DropReleases(ctx, time.Now().Add(-dropAfter)); err != nil && ctx.Err() == nil {
				s.cfg.Logger.Warn("removing old releases failed", "error", err)
			}
		}
		problem := ""
		if err := s.Follow(ctx); err != nil && ctx.Err() == nil {
			problem = err.Error()
		}
		if problem != "" && problem != told {
			s.cfg.Logger.Warn("an adapter is not what it is to be on this host; it is tried again", "error", problem)
		}
		told = problem
	}
}

func (s *Shelf) upload(ctx context.Context) error {
	s.mu.Lock()
	files := s.builtIn
	s.mu.Unlock()
	for _, f := range files {
		has, err := s.cfg.Binaries.HasBinary(ctx, f.Release.Digest)
		if err == nil && !has {
			err = s.putBinary(ctx, f.Release.Digest, f.Path)
		}
		if err != nil {
			return fmt.Errorf("storing the binary of %s: %w", f.Release.Adapter, err)
		}
	}
	return nil
}

// putBinary stores a file's content, if it still has the digest.
func (s *Shelf) putBinary(ctx context.Context, digest [32]byte, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	return s.cfg.Binaries.PutBinary(ctx, digest, &checkedReader{from: f, want: digest})
}

// Follow reads what is to run and hands on what changed. A target that cannot be handed on is tried again at the next call.
func (s *Shelf) Follow(ctx context.Context) error {
	desired, err := s.cfg.Store.Desired(ctx)
	if err != nil {
		return fmt.Errorf("reading what is to run: %w", err)
	}
	var changed []Desired
	s.mu.Lock()
	for _, d := range desired {
		if s.followed[d.Adapter] < d.Revision {
			changed = append(changed, d)
		}
	}
	s.mu.Unlock()
	if len(changed) == 0 {
		return nil
	}
	releases, err := s.cfg.Store.Releases(ctx, "")
	if err != nil {
		return fmt.Errorf("reading the releases: %w", err)
	}
	var errs []error
	for _, d := range changed {
		t, err := targetOf(d, releases)
		if err == nil {
			err = s.cfg.Runner.Follow(ctx, t)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("adapter %s: %w", d.Adapter, err))
			continue
		}
		s.mu.Lock()
		s.followed[d.Adapter] = d.Revision
		s.mu.Unlock()
	}
	return errors.Join(errs...)
}

// targetOf looks the releases of a state up for this machine. A release to fall back to that was given up itself is none.
func targetOf(d Desired, releases []Release) (Target, error) {
	find := func(version string) *Release {
		for _, r := range releases {
			if version != "" && r.Adapter == d.Adapter && r.Version == version && r.Here() {
				return &r
			}
		}
		return nil
	}
	r := find(d.Version)
	if r == nil {
		return Target{}, fmt.Errorf("release %s is not there for this machine", d.Version)
	}
	t := Target{Adapter: d.Adapter, Revision: d.Revision, Since: d.ChangedAt, Disabled: d.Disabled, Forced: d.Forced, Release: *r, Canary: find(d.Canary),
		Share: d.Share, Fallback: find(d.Previous)}
	if t.Fallback != nil && !t.Fallback.FailedAt.IsZero() {
		t.Fallback = nil
	}
	return t, nil
}
