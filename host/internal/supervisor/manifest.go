package supervisor

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"

	adapterv1 "github.com/patchbay/patchbay/proto/patchbay/adapter/v1"
)

// manifest answers what a binary declares: from the store when its digest is known, or by starting it once. It gets no credential
// and no call, so it can reach nothing.
func (s *Supervisor) manifest(ctx context.Context, path string, digest [32]byte) (*adapterv1.Manifest, error) {
	known, err := s.cfg.Manifests.Manifest(ctx, digest[:])
	if err != nil {
		return nil, fmt.Errorf("looking its manifest up: %w", err)
	}
	m := &adapterv1.Manifest{}
	if known != nil && proto.Unmarshal(known, m) == nil {
		return m, nil
	}
	if m, err = s.ask(ctx, launchSpec{name: "probe", path: path, digest: digest}); err != nil {
		return nil, err
	}
	platforms, err := platformsOf(m)
	if err != nil {
		return nil, err
	}
	if err := checkSchemas(platforms); err != nil {
		return nil, err
	}
	encoded, err := proto.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encoding its manifest: %w", err)
	}
	if err := s.cfg.Manifests.PutManifest(ctx, digest[:], m.GetAdapter().GetName(), m.GetAdapter().GetVersion(), encoded); err != nil {
		return nil, fmt.Errorf("storing its manifest: %w", err)
	}
	return m, nil
}

// ask starts a binary to hear its manifest, and ends it.
func (s *Supervisor) ask(ctx context.Context, spec launchSpec) (*adapterv1.Manifest, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.StartTimeout)
	defer cancel()
	p, err := s.launch(ctx, spec)
	if err != nil {
		return nil, err
	}
	m := &adapterv1.Manifest{}
	if m.Adapter, err = p.describe(ctx); err != nil {
		return nil, p.giveUp(ctx, fmt.Errorf("it does not say who it is: %w", failureOf(ctx, err)))
	}
	if m.Schema, err = p.service.Schema(ctx, &adapterv1.SchemaRequest{}); err != nil {
		return nil, p.giveUp(ctx, fmt.Errorf("it does not say what it offers: %w", failureOf(ctx, err)))
	}
	p.stop()
	return m, nil
}

func (p *process) describe(ctx context.Context) (*adapterv1.DescribeResponse, error) {
	return p.service.Describe(ctx, &adapterv1.DescribeRequest{HostCapabilities: []string{adapterv1.CapabilityEgress}})
}
