package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/patchbay/patchbay/sdk/sandbox"
)

// usable answers a runtime's version, or why it cannot be used. A strong one is tried: that its program is there does not say that it
// runs on this kernel.
func (s *service) usable(ctx context.Context, r Runtime, folder string) (string, error) {
	version, err := r.Probe(ctx, folder)
	if err != nil || !r.Strong() {
		return version, err
	}
	key := r.Name() + " " + version + " " + folder
	s.mu.Lock()
	result, known := s.tried[key]
	s.mu.Unlock()
	if known {
		return version, result
	}
	defer s.lock("trial")()
	result = s.try(ctx, r, folder)
	s.mu.Lock()
	s.tried[key] = result
	s.mu.Unlock()
	return version, result
}

// try runs a sandbox once: start, a command, park, wake, a command, end.
func (s *service) try(ctx context.Context, r Runtime, folder string) (err error) {
	p := place{folder, "trial-" + r.Name()}
	if err := s.remove(ctx, p, r.Name()); err != nil {
		return fmt.Errorf("%s cannot be used here: %w", r.Name(), err)
	}
	defer func() {
		err = errors.Join(err, s.remove(context.WithoutCancel(ctx), p, r.Name()))
		if err != nil {
			err = fmt.Errorf("%s cannot be used here: %w", r.Name(), err)
		}
	}()
	t, err := templateOf(folder, machineTemplate)
	if err != nil {
		return err
	}
	rec := record{ID: p.id, Runtime: r.Name(), Template: t.id, Limits: sandbox.Limits{MemoryBytes: 256 << 20, MilliCPUs: 1000, DiskBytes: 64 << 20, Processes: 64}}
	if err := s.build(ctx, p, r, rec, t); err != nil || !r.Cold() {
		return err
	}
	if err := s.park(ctx, p, r, rec); err != nil {
		return err
	}
	if err := p.mount(ctx, t.lower); err != nil {
		return err
	}
	if err := r.Restore(ctx, p, p.path("image")); err != nil {
		return err
	}
	return s.awaitAgent(ctx, p, r)
}

// agentPause is how often the agent of a new sandbox is asked for.
const agentPause = 10 * time.Millisecond

// agentTries bounds how often; each try takes a runtime's exec besides.
const agentTries = 50

// awaitAgent waits until the agent answers.
func (s *service) awaitAgent(ctx context.Context, p place, r Runtime) error {
	var err error
	for range agentTries {
		if err = ping(ctx, p, r); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(agentPause):
		}
	}
	return fmt.Errorf("its agent does not answer: %w", err)
}
