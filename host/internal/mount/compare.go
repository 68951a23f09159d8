package mount

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/patchbay/patchbay/host/internal/catalog"
)

// compare fills in how a platform differs from the one before, and what is in use and would be lost.
func (s *Service) compare(ctx context.Context, out *Review, old *catalog.Platform) error {
	if old == nil {
		old = &catalog.Platform{}
	}
	for _, op := range out.Platform.Operations {
		switch before := old.Operation(op.Name); {
		case before == nil:
			out.Added = append(out.Added, op.Name)
		case differs(before, op):
			out.Changed = append(out.Changed, op.Name)
		}
	}
	for _, op := range old.Operations {
		if out.Platform.Operation(op.Name) == nil {
			out.Lost = append(out.Lost, op.Name)
		}
	}
	for _, host := range reaches(out.Platform) {
		if !slices.Contains(reaches(old), host) {
			out.NewHosts = append(out.NewHosts, host)
		}
	}
	return s.losses(ctx, out)
}

func differs(a, b *catalog.Operation) bool {
	return !bytes.Equal(a.Plan, b.Plan) || !bytes.Equal(a.InputSchema, b.InputSchema) || !bytes.Equal(a.OutputSchema, b.OutputSchema) ||
		a.Description != b.Description || a.Effect != b.Effect || !slices.Equal(a.Scopes, b.Scopes)
}

// reaches answers the hosts that a platform's adapter may dial for it.
func reaches(p *catalog.Platform) []string {
	hosts := slices.Clone(p.Hosts)
	if p.BaseURL != "" {
		hosts = append(hosts, p.BaseURL)
	}
	return hosts
}

func (s *Service) losses(ctx context.Context, out *Review) error {
	for _, name := range out.Lost {
		used, err := s.cfg.Uses.Called(ctx, out.ID, name)
		if err != nil {
			return fmt.Errorf("looking for calls: %w", err)
		}
		if used {
			out.Losses = append(out.Losses, "operation "+name)
		}
	}
	methods, err := s.cfg.Uses.AuthMethods(ctx, out.ID)
	if err != nil {
		return fmt.Errorf("looking for its integrations: %w", err)
	}
	for _, m := range methods {
		if out.Platform.AuthMethod(m) == nil {
			out.Losses = append(out.Losses, "auth method "+m)
		}
	}
	// A key that was given for one host must not go to another without the operator's word.
	if len(methods) > 0 {
		for _, host := range out.NewHosts {
			out.Losses = append(out.Losses, "what kept its credentials from "+host)
		}
	}
	return nil
}

// sentence names the first few of a list.
func sentence(list []string) string {
	if more := len(list) - 10; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:10], ", "), more)
	}
	return strings.Join(list, ", ")
}
