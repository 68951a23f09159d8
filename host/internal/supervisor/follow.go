package supervisor

import (
	"context"
	"fmt"
	"slices"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/release"
)

// BuiltIn answers the releases that were found in Dir.
func (s *Supervisor) BuiltIn() []BuiltIn {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(s.builtIn)
}

// Follow makes a target the one to bring about, and returns before it is: Status tells, and Report hears the outcome. The first target
// of an adapter is taken as it is. It fails where the binary or the manifest of a release cannot be had, and may be called again then;
// a target whose revision is not above the last one's changes nothing.
func (s *Supervisor) Follow(ctx context.Context, t release.Target) error {
	declared := map[[32]byte][]*catalog.Platform{}
	for _, r := range []*release.Release{&t.Release, t.Canary, t.Fallback} {
		if r == nil {
			continue
		}
		platforms, err := s.Declares(ctx, *r)
		if err != nil {
			return fmt.Errorf("asking release %s of %s what it offers: %w", r.Version, r.Adapter, err)
		}
		declared[r.Digest] = platforms
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	a := s.adapters[t.Adapter]
	if a == nil {
		a = newAdapter(s, t.Adapter)
	}
	if err := a.follow(t, declared); err != nil {
		return err
	}
	s.adapters[t.Adapter] = a
	return nil
}

// Declares answers what a release offers: from memory, the store, or its own mouth, confined and without a way out.
func (s *Supervisor) Declares(ctx context.Context, r release.Release) ([]*catalog.Platform, error) {
	s.mu.RLock()
	platforms := s.declared[r.Digest]
	s.mu.RUnlock()
	if platforms != nil {
		return platforms, nil
	}
	path, err := s.binary(ctx, r)
	if err != nil {
		return nil, err
	}
	_, platforms, err = s.Inspect(ctx, path, r.Digest)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.declared[r.Digest] = platforms
	return platforms, nil
}

// Inspect answers who a binary says it is and what it offers. A binary that is not known is run once for that, confined, without a
// credential and without a way out.
func (s *Supervisor) Inspect(ctx context.Context, path string, digest [32]byte) (release.Release, []*catalog.Platform, error) {
	m, err := s.manifest(ctx, path, digest)
	if err != nil {
		return release.Release{}, nil, err
	}
	platforms, err := platformsOf(m)
	return release.Release{Adapter: m.GetAdapter().GetName(), Version: m.GetAdapter().GetVersion(), Digest: digest}, platforms, err
}

// binary answers a file that holds the binary of a release.
func (s *Supervisor) binary(ctx context.Context, r release.Release) (string, error) {
	s.mu.RLock()
	for _, b := range s.builtIn {
		if b.Release.Digest == r.Digest {
			s.mu.RUnlock()
			return b.Path, nil
		}
	}
	s.mu.RUnlock()
	if s.cfg.Binaries == nil {
		return "", fmt.Errorf("the binary of release %s is not on this host", r.Version)
	}
	path, err := s.cfg.Binaries.Path(ctx, r)
	if err != nil {
		return "", fmt.Errorf("fetching the binary: %w", err)
	}
	return path, nil
}
