package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/id"
	"github.com/patchbay/patchbay/host/internal/sandbox/box"
)

// Unavailable is the kind of a machine that cannot run sandboxes; the message says what is missing.
const Unavailable catalog.Kind = "sandbox_unavailable"

// Config is what a Service needs; every field is required but Clock.
type Config struct {
	Store  Store
	Driver box.Driver
	// Home names this machine's folder of sandboxes, Folder is where it is, Host this process.
	Home, Folder, Host string
	// Record writes the audit log.
	Record func(ctx context.Context, actor, action, subject string, details ...string) error
	// Elsewhere runs an operation on the host that has the sandbox.
	Elsewhere func(ctx context.Context, host string, c Call) ([]byte, error)
	Logger    *slog.Logger
	// Clock is ReadClock when nil.
	Clock func() Mark
}

// Service is the room. It is safe for concurrent use.
type Service struct {
	cfg Config

	mu   sync.Mutex
	live map[string]*live // by sandbox
}

// live is what this process knows of a sandbox and nobody has to.
type live struct {
	change sync.Mutex // one change at a time
	// Under the service's lock.
	working  int
	activeAt time.Duration // by the machine's clock
	cpu      uint64
}

// New answers the room. Run keeps it.
func NewService(cfg Config) *Service {
	if cfg.Clock == nil {
		cfg.Clock = ReadClock
	}
	return &Service{cfg: cfg, live: map[string]*live{}}
}

func (s *Service) of(id string) *live {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.live[id]
	if l == nil {
		l = &live{activeAt: s.cfg.Clock().Uptime}
		s.live[id] = l
	}
	return l
}

// touch books that a sandbox is worked with; the function that it answers ends that.
func (s *Service) touch(id string) func() {
	l := s.of(id)
	s.mu.Lock()
	l.working++
	s.mu.Unlock()
	return func() {
		s.mu.Lock()
		l.working--
		l.activeAt = s.cfg.Clock().Uptime
		s.mu.Unlock()
	}
}

func (s *Service) place(v Settings) box.Place {
	return box.Place{Folder: s.cfg.Folder, Isolation: v.Isolation}
}

// find answers a sandbox of a user.
func (s *Service) find(ctx context.Context, user, ref string) (Sandbox, error) {
	if !id.Is("sbx", ref) {
		return Sandbox{}, missing()
	}
	b, err := s.cfg.Store.Sandbox(ctx, user, ref)
	if errors.Is(err, ErrNotFound) {
		return b, missing()
	}
	if err != nil {
		return b, fmt.Errorf("reading the sandbox: %w", err)
	}
	return b, nil
}

func missing() error {
	return &catalog.Failure{Kind: catalog.NotFound, Message: "There is no such sandbox, or it is not yours.", NotSent: true}
}

// understood turns the driver's failure of a machine that cannot into the one that callers know.
func understood(err error) error {
	var f *catalog.Failure
	if errors.As(err, &f) && f.PlatformCode == string(Unavailable) {
		return &catalog.Failure{Kind: Unavailable, Message: f.Message, NotSent: true}
	}
	return err
}
