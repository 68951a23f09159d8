package release

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/patchbay/patchbay/host/internal/catalog"
)

// refuseLoss is a failure where a release loses what integrations use.
func (s *Shelf) refuseLoss(ctx context.Context, r Release) error {
	losses, err := s.losses(ctx, r, nil)
	if err != nil || len(losses) == 0 {
		return err
	}
	return conflict("Release %s of %s loses what is in use: %s. --force activates it all the same.", r.Version, r.Adapter, strings.Join(losses, "; "))
}

// losses names what integrations use of the adapter's release in service, and would lose by another one, which offers after; nil asks
// it.
func (s *Shelf) losses(ctx context.Context, r Release, after []*catalog.Platform) ([]string, error) {
	d, known, err := s.desired(ctx, r.Adapter)
	if err != nil || !known {
		return nil, err
	}
	now, err := s.find(ctx, r.Adapter, d.Version)
	if err != nil || now.Digest == r.Digest {
		return nil, nil // nothing of it can serve here, so nothing is lost
	}
	before, err := s.cfg.Runner.Declares(ctx, now)
	if err != nil {
		return nil, fmt.Errorf("asking what release %s offers: %w", now.Version, err)
	}
	if after == nil {
		if after, err = s.cfg.Runner.Declares(ctx, r); err != nil {
			return nil, fmt.Errorf("asking what release %s offers: %w", r.Version, err)
		}
	}
	return s.compare(ctx, before, after)
}

func (s *Shelf) compare(ctx context.Context, before, after []*catalog.Platform) ([]string, error) {
	offered := map[string]*catalog.Platform{}
	for _, p := range after {
		offered[p.ID] = p
	}
	var losses []string
	for _, p := range before {
		methods, err := s.cfg.Uses.AuthMethods(ctx, p.ID)
		if err != nil {
			return nil, fmt.Errorf("asking who uses %s: %w", p.ID, err)
		}
		if len(methods) == 0 {
			continue
		}
		next := offered[p.ID]
		if next == nil {
			losses = append(losses, "the platform "+p.ID)
			continue
		}
		for _, method := range methods {
			if next.AuthMethod(method) == nil {
				losses = append(losses, p.ID+": connecting by "+method)
			}
		}
		lost, err := s.lostOperations(ctx, p, next)
		if err != nil {
			return nil, err
		}
		losses = append(losses, lost...)
	}
	return losses, nil
}

func (s *Shelf) lostOperations(ctx context.Context, before, after *catalog.Platform) ([]string, error) {
	var losses []string
	for _, op := range before.Operations {
		why := changed(op, after.Operation(op.Name))
		if why == "" {
			continue
		}
		called, err := s.cfg.Uses.Called(ctx, before.ID, op.Name)
		if err != nil {
			return nil, fmt.Errorf("asking who uses %s.%s: %w", before.ID, op.Name, err)
		}
		if called {
			losses = append(losses, before.ID+"."+op.Name+" "+why)
		}
	}
	return losses, nil
}

// changed says how an operation cannot be called any more as it was, or "".
func changed(before, after *catalog.Operation) string {
	if after == nil {
		return "is gone"
	}
	old, next := shapeOf(before.InputSchema), shapeOf(after.InputSchema)
	for _, name := range next.Required {
		if !slices.Contains(old.Required, name) {
			return "asks for " + name
		}
	}
	for _, name := range slices.Sorted(maps.Keys(old.Properties)) {
		p, there := next.Properties[name]
		switch {
		case !there && next.closed():
			return "takes no " + name
		case there && len(p.Type) > 0 && string(p.Type) != string(old.Properties[name].Type):
			return "takes another type of " + name
		}
	}
	if before.Streaming && !after.Streaming {
		return "does not stream"
	}
	if before.TakesFiles && !after.TakesFiles {
		return "takes no files"
	}
	return ""
}

// shape is what a caller of an operation relies on: the names, the types and what must be there.
type shape struct {
	Required   []string `json:"required"`
	Properties map[string]struct {
		Type json.RawMessage `json:"type"`
	} `json:"properties"`
	AdditionalProperties json.RawMessage `json:"additionalProperties"`
}

func (s shape) closed() bool { return string(s.AdditionalProperties) == "false" }

// shapeOf reads a schema; one of another form has no shape, and is not compared.
func shapeOf(schema json.RawMessage) shape {
	var s shape
	_ = json.Unmarshal(schema, &s) // true is a schema too
	return s
}
