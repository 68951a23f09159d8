package workflow

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/id"
	"github.com/patchbay/patchbay/host/internal/integration"
	"github.com/patchbay/patchbay/host/internal/pool"
)

// bind finds what the words of a document for integrations and pools stand for. A word for an integration is its id, PLATFORM/LABEL, or
// PLATFORM where the user has one active account of it.
func (s *Service) bind(ctx context.Context, user string, doc *Document, given map[string]string) (map[string]Binding, error) {
	out := map[string]Binding{}
	for _, n := range doc.nodes {
		if n.operation == "" {
			continue
		}
		word := n.reference()
		if _, known := out[word]; known {
			continue
		}
		b, err := s.bindOne(ctx, user, n, given[word])
		var problem *bindError
		if errors.As(err, &problem) {
			return nil, &lineError{n.line, "/nodes/" + n.name, fmt.Sprintf("the node %s: %s", n.name, problem.detail)}
		}
		if err != nil {
			return nil, err
		}
		out[word] = b
	}
	return out, nil
}

// bindError says why a word stands for nothing.
type bindError struct{ detail string }

func (e *bindError) Error() string { return e.detail }

func (s *Service) bindOne(ctx context.Context, user string, n *node, given string) (Binding, error) {
	if n.pool != "" {
		ref := n.pool
		if given != "" {
			ref = given
		}
		p, err := s.cfg.Pools.Get(ctx, user, ref)
		if errors.Is(err, pool.ErrNotFound) {
			return Binding{}, &bindError{fmt.Sprintf("you have no pool %q", clip(ref))}
		}
		return Binding{p.ID, p.Platform}, err
	}
	ref := strings.TrimSpace(n.integration)
	if given != "" {
		ref = given
	}
	if id.Is("int", ref) {
		i, err := s.cfg.Integrations.Get(ctx, user, ref)
		var f *catalog.Failure
		if errors.As(err, &f) || (err == nil && i.Status() == integration.Deleted) {
			return Binding{}, &bindError{fmt.Sprintf("you have no integration %q", clip(ref))}
		}
		return Binding{i.ID, i.Platform}, err
	}
	return s.bindLabel(ctx, user, ref)
}

// bindLabel finds the one integration of a platform, with a label where there is one.
func (s *Service) bindLabel(ctx context.Context, user, ref string) (Binding, error) {
	platform, label, _ := strings.Cut(ref, "/")
	found, err := s.cfg.Integrations.List(ctx, integration.Filter{User: user, Platform: platform, Limit: 200})
	if err != nil {
		return Binding{}, err
	}
	var fit []integration.Integration
	for _, i := range found {
		if i.Status() != integration.Deleted && (i.Label == label || (label == "" && i.Status() == integration.Active)) {
			fit = append(fit, i)
		}
	}
	switch {
	case len(fit) == 1:
		return Binding{fit[0].ID, fit[0].Platform}, nil
	case len(fit) == 0:
		return Binding{}, &bindError{fmt.Sprintf("you have no integration %q: name one by its id, as PLATFORM/LABEL, or as PLATFORM where one account of it is active", clip(ref))}
	}
	return Binding{}, &bindError{fmt.Sprintf("several of your integrations are %q: name one by its id", clip(ref))}
}
