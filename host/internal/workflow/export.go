package workflow

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/id"
	"github.com/patchbay/patchbay/host/internal/pool"
)

// Export answers the document of a user's workflow in words that another user can import: PLATFORM/LABEL in the place of an integration's
// id, and a pool's name in that of its id. A document holds no secret of an integration, and the secret of an inbound webhook stays.
func (s *Service) Export(ctx context.Context, user, name string) (string, error) {
	w, err := s.Get(ctx, user, name)
	if err != nil {
		return "", err
	}
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(w.Source), &root); err != nil || len(root.Content) != 1 {
		return "", fmt.Errorf("reading the document: %w", err)
	}
	changed := false
	for _, n := range children(field(root.Content[0], "nodes")) {
		for _, key := range []string{"integration", "pool"} {
			word := field(n, key)
			if word == nil {
				continue
			}
			said, err := s.inWords(ctx, user, word.Value)
			if err != nil {
				return "", err
			}
			changed = changed || said != word.Value
			word.Value = said
		}
	}
	if !changed {
		return w.Source, nil
	}
	var out strings.Builder
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err := e.Encode(&root); err != nil {
		return "", fmt.Errorf("writing the document: %w", err)
	}
	return out.String(), nil
}

func (s *Service) inWords(ctx context.Context, user, word string) (string, error) {
	switch {
	case id.Is("int", word):
		i, err := s.cfg.Integrations.Get(ctx, user, word)
		var f *catalog.Failure
		if errors.As(err, &f) {
			return word, nil // it was deleted: whoever imports it has to say what stands for it
		}
		return i.Platform + "/" + i.Label, err
	case id.Is("pool", word):
		p, err := s.cfg.Pools.Get(ctx, user, word)
		if errors.Is(err, pool.ErrNotFound) {
			return word, nil
		}
		return p.Name, err
	}
	return word, nil
}

// field answers the value of a key of an object, or nil.
func field(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// children answers the values of an object.
func children(n *yaml.Node) []*yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	var out []*yaml.Node
	for i := 1; i < len(n.Content); i += 2 {
		out = append(out, n.Content[i])
	}
	return out
}

// Import is Apply for a document of another user. A label that the user does not have stands for their one active account of the platform.
func (s *Service) Import(ctx context.Context, user, name, source string, bindings map[string]string) (Workflow, error) {
	doc, err := parse(source)
	if err != nil {
		return Workflow{}, invalid(err)
	}
	given := map[string]string{}
	for word, ref := range bindings {
		given[word] = ref
	}
	for _, n := range doc.nodes {
		word := n.reference()
		platform, label, labelled := strings.Cut(word, "/")
		if n.integration == "" || !labelled || label == "" || given[word] != "" {
			continue
		}
		var none *bindError
		if _, err := s.bindLabel(ctx, user, word); errors.As(err, &none) {
			given[word] = platform
		} else if err != nil {
			return Workflow{}, err
		}
	}
	return s.Apply(ctx, user, name, source, given)
}
