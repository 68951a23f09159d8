package workflow

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/patchbay/patchbay/host/internal/vault"
)

// maxLoaded bounds how many runs, and how many documents, a host keeps at hand.
const maxLoaded = 256

// shelf keeps the runs that this host works on: what it keeps of one never changes.
type shelf struct {
	mu        sync.Mutex
	runs      map[string]*execution
	documents map[string]*Document
}

// execution is a run at hand.
type execution struct {
	Loaded
	doc *Document
	key *vault.DataKey
	// input as expressions see it.
	input any
}

func newShelf() *shelf {
	return &shelf{runs: map[string]*execution{}, documents: map[string]*Document{}}
}

// execution answers a run with its document and key.
func (e *Engine) execution(ctx context.Context, run string) (*execution, error) {
	e.loaded.mu.Lock()
	x := e.loaded.runs[run]
	e.loaded.mu.Unlock()
	if x != nil {
		return x, nil
	}
	loaded, err := e.cfg.Queue.Load(ctx, run)
	if errors.Is(err, ErrNotFound) {
		return nil, fmt.Errorf("loading the run: %w", err)
	}
	if err != nil {
		return nil, &passing{fmt.Errorf("loading the run: %w", err)}
	}
	x = &execution{Loaded: loaded}
	if x.doc, err = e.loaded.document(loaded); err != nil {
		return nil, fmt.Errorf("reading the document: %w", err)
	}
	if x.key, err = openKey(ctx, e.cfg.Vault, loaded.Run); err != nil {
		return nil, err
	}
	raw, err := x.key.Open(vault.RunAAD(run, "input"), loaded.Input)
	if err != nil {
		return nil, fmt.Errorf("opening the run's input: %w", err)
	}
	if x.input, err = decodeJSON(raw); err != nil {
		return nil, fmt.Errorf("decoding the run's input: %w", err)
	}
	e.loaded.mu.Lock()
	defer e.loaded.mu.Unlock()
	dropOne(e.loaded.runs)
	e.loaded.runs[run] = x
	return x, nil
}

// document answers the parsed document of a version.
func (s *shelf) document(l Loaded) (*Document, error) {
	version := fmt.Sprintf("%s/%d", l.WorkflowID, l.Version)
	s.mu.Lock()
	defer s.mu.Unlock()
	if doc := s.documents[version]; doc != nil {
		return doc, nil
	}
	doc, err := parse(l.Source)
	if err != nil {
		return nil, err
	}
	dropOne(s.documents)
	s.documents[version] = doc
	return doc, nil
}

// dropOne makes room where a map is full. Any will do: the order of a map is as good as random.
func dropOne[V any](m map[string]V) {
	if len(m) < maxLoaded {
		return
	}
	for k := range m {
		delete(m, k)
		return
	}
}

// openKey opens the data key of a run for its user.
func openKey(ctx context.Context, v *vault.Vault, r Run) (*vault.DataKey, error) {
	key, err := v.OpenDataKey(ctx, vault.Access{Actor: r.User, Owner: r.User, Reason: vault.ForCall}, vault.RunAAD(r.ID, "key"), r.Key)
	if err != nil {
		return nil, fmt.Errorf("opening the run's key: %w", err)
	}
	return key, nil
}

// part names what is kept of a node, for its seal.
func part(at Place, what string) string { return fmt.Sprintf("%s/%s/%d", what, at.Node, at.Item) }
