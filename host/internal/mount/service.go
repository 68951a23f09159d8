package mount

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
)

// Service keeps the catalog in step with the platforms that are stored, and changes them. It is safe for concurrent use.
type Service struct {
	cfg Config

	changing sync.Mutex // one change at a time on this host

	mu     sync.Mutex // one reading at a time
	mounts map[string]*catalog.Mount
}

// New answers a service without platforms; Reload reads them.
func New(cfg Config) *Service {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Service{cfg: cfg, mounts: map[string]*catalog.Mount{}}
}

// Reload reads the platforms again and takes them into force. One that cannot be read stays as it was; the error tells of it.
func (s *Service) Reload(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	records, err := s.cfg.Store.Mounts(ctx)
	if err != nil {
		return fmt.Errorf("reading the mounted platforms: %w", err)
	}
	next := map[string]*catalog.Mount{}
	var errs []error
	for _, r := range records {
		m, err := s.mountOf(ctx, r)
		if err != nil {
			errs = append(errs, fmt.Errorf("platform %s: %w", r.ID, err))
		}
		if m != nil {
			next[r.ID] = m
		}
	}
	s.mounts = next
	s.cfg.Catalog.Mount(next)
	return errors.Join(errs...)
}

// mountOf answers a record as the catalog has it; what did not change is kept. Where it cannot be had, the one before stays.
func (s *Service) mountOf(ctx context.Context, r Record) (*catalog.Mount, error) {
	before := s.mounts[r.ID]
	if before != nil && before.Revision == r.Revision && before.Created.Equal(r.ChangedAt) {
		return before, nil
	}
	m := entryOf(r)
	if r.Base != "" {
		return m, nil
	}
	encoded, err := s.cfg.Store.Compiled(ctx, r.ID, r.Revision)
	if err != nil {
		return before, fmt.Errorf("reading what was compiled: %w", err)
	}
	m.Compiled, err = s.cfg.Compiler.Decode(encoded)
	if err != nil {
		return before, err
	}
	return m, nil
}

func entryOf(r Record) *catalog.Mount {
	return &catalog.Mount{Adapter: r.Adapter, Base: r.Base, Name: r.Name, Description: r.Description, Category: r.Category,
		Elsewhere: r.Base != "" && r.Elsewhere, Revision: r.Revision, Created: r.ChangedAt}
}

// List answers the platforms that operators made.
func (s *Service) List(ctx context.Context) ([]Record, error) { return s.cfg.Store.Mounts(ctx) }

// find answers the stored platform of an id, or one with revision 0.
func (s *Service) find(ctx context.Context, id string) (Record, error) {
	records, err := s.cfg.Store.Mounts(ctx)
	for _, r := range records {
		if r.ID == id {
			return r, nil
		}
	}
	return Record{ID: id}, err
}

func digestOf(document []byte) string {
	sum := sha256.Sum256(document)
	return hex.EncodeToString(sum[:])
}
