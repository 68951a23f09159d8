package pool

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/patchbay/patchbay/host/internal/audit"
	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/id"
	"github.com/patchbay/patchbay/host/internal/integration"
)

// Strategy is in which order members are tried.
type Strategy string

// Strategies.
const (
	RoundRobin Strategy = "round_robin" // each call begins with the next member
	Failover   Strategy = "failover"    // each call begins with the first
)

const (
	maxMembers = 100
	maxPools   = 200
)

// Pool is several integrations of one platform. Members are their ids, in order.
type Pool struct {
	ID, User, Name, Platform string
	Strategy                 Strategy
	Members                  []string
	CreatedAt                time.Time
}

// Member is what the calls of a pool did with one of its integrations.
type Member struct {
	Integration   string
	Calls, Errors int64
	Mean          time.Duration
	LastUsedAt    *time.Time
}

// Errors of this room. Their texts are for people.
var (
	ErrNotFound = errors.New("there is no such pool of yours")
	ErrTaken    = errors.New("you have a pool of this name already")
	ErrTooMany  = fmt.Errorf("you have %d pools, which is the most", maxPools)
)

// InvalidError says what is wrong with a request; Pointer is a JSON Pointer into it.
type InvalidError struct{ Pointer, Detail string }

// Error answers the detail.
func (e *InvalidError) Error() string { return e.Detail }

// Store keeps pools.
type Store interface {
	// InsertPool stores a new one: ErrTaken where its user has one of this name, ErrTooMany where there are most already.
	InsertPool(ctx context.Context, p Pool, most int) error
	// Pool answers a user's pool by its id or its name, or ErrNotFound.
	Pool(ctx context.Context, user, ref string) (Pool, error)
	ListPools(ctx context.Context, user, before string, limit int) ([]Pool, error)
	// ChangePool stores the name, strategy and members of one of a user's: ErrNotFound, ErrTaken.
	ChangePool(ctx context.Context, p Pool) error
	DeletePool(ctx context.Context, user, id string) error
	// Members answers what the calls of a pool did since a time, by integration.
	Members(ctx context.Context, pool string, since time.Time) ([]Member, error)
}

// Integrations answers a user's integrations.
type Integrations interface {
	Get(ctx context.Context, user, ref string) (integration.Integration, error)
}

// Config is what a Service needs; every field is required.
type Config struct {
	Store        Store
	Integrations Integrations
	Audit        *audit.Log
	Now          func() time.Time
}

// Service is the room's door. It is safe for concurrent use.
type Service struct {
	cfg Config

	mu    sync.Mutex
	turns map[string]uint64 // of each pool that this host has used
}

// New answers a service.
func New(cfg Config) *Service { return &Service{cfg: cfg, turns: map[string]uint64{}} }

var poolName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// Create makes a pool of a user's integrations. It fails with an *InvalidError, ErrTaken or ErrTooMany.
func (s *Service) Create(ctx context.Context, user string, p Pool) (Pool, error) {
	p.ID, p.User, p.CreatedAt = id.New("pool"), user, s.cfg.Now()
	if p.Strategy == "" {
		p.Strategy = RoundRobin
	}
	if err := s.check(ctx, &p); err != nil {
		return Pool{}, err
	}
	if err := s.cfg.Store.InsertPool(ctx, p, maxPools); err != nil {
		return Pool{}, fmt.Errorf("storing the pool: %w", err)
	}
	return p, s.cfg.Audit.Record(ctx, user, "pool.create", p.ID, "name", p.Name)
}

// check checks a pool and finds its platform, which is that of its members.
func (s *Service) check(ctx context.Context, p *Pool) error {
	switch {
	case !poolName.MatchString(p.Name):
		return &InvalidError{"/name", "must be of a-z, 0-9, _ and -, at most 64, and begin with a letter or a digit"}
	case p.Strategy != RoundRobin && p.Strategy != Failover:
		return &InvalidError{"/strategy", "must be round_robin or failover"}
	case len(p.Members) == 0 || len(p.Members) > maxMembers:
		return &InvalidError{"/members", fmt.Sprintf("must name 1 to %d integrations", maxMembers)}
	}
	for n, ref := range p.Members {
		pointer := fmt.Sprintf("/members/%d", n)
		i, err := s.cfg.Integrations.Get(ctx, p.User, ref)
		var f *catalog.Failure
		if errors.As(err, &f) || (err == nil && i.Status() == integration.Deleted) {
			return &InvalidError{pointer, "is no integration of yours"}
		}
		if err != nil {
			return err
		}
		if p.Platform == "" {
			p.Platform = i.Platform
		}
		if i.Platform != p.Platform {
			return &InvalidError{pointer, "is an account of " + i.Platform + ", and the pool is of " + p.Platform}
		}
		if slices.Contains(p.Members[:n], ref) {
			return &InvalidError{pointer, "stands here twice"}
		}
	}
	return nil
}

// Change is what Update alters; nil leaves a thing as it is.
type Change struct {
	Name     *string
	Strategy *Strategy
	Members  *[]string
}

// Update changes a pool; it stays one of its platform. It fails like Create, and with ErrNotFound.
func (s *Service) Update(ctx context.Context, user, ref string, c Change) (Pool, error) {
	p, err := s.Get(ctx, user, ref)
	if err != nil {
		return Pool{}, err
	}
	if c.Name != nil {
		p.Name = *c.Name
	}
	if c.Strategy != nil {
		p.Strategy = *c.Strategy
	}
	if c.Members != nil {
		p.Members = *c.Members
		if err := s.check(ctx, &p); err != nil {
			return Pool{}, err
		}
	} else if !poolName.MatchString(p.Name) || (p.Strategy != RoundRobin && p.Strategy != Failover) {
		return Pool{}, s.check(ctx, &p)
	}
	if err := s.cfg.Store.ChangePool(ctx, p); err != nil {
		return Pool{}, fmt.Errorf("changing the pool: %w", err)
	}
	return p, s.cfg.Audit.Record(ctx, user, "pool.update", p.ID)
}

// Get answers a user's pool by its id or its name, or ErrNotFound.
func (s *Service) Get(ctx context.Context, user, ref string) (Pool, error) {
	if ref == "" || len(ref) > 100 || strings.ContainsRune(ref, 0) {
		return Pool{}, ErrNotFound
	}
	p, err := s.cfg.Store.Pool(ctx, user, ref)
	if err != nil {
		return Pool{}, fmt.Errorf("reading the pool: %w", err)
	}
	return p, nil
}

// List answers a page of a user's pools, the newest first.
func (s *Service) List(ctx context.Context, user, before string, limit int) ([]Pool, error) {
	found, err := s.cfg.Store.ListPools(ctx, user, before, limit)
	if err != nil {
		return nil, fmt.Errorf("listing pools: %w", err)
	}
	return found, nil
}

// Delete removes a pool; its integrations stay.
func (s *Service) Delete(ctx context.Context, user, ref string) error {
	p, err := s.Get(ctx, user, ref)
	if err != nil {
		return err
	}
	if err := s.cfg.Store.DeletePool(ctx, user, p.ID); err != nil {
		return fmt.Errorf("deleting the pool: %w", err)
	}
	return s.cfg.Audit.Record(ctx, user, "pool.delete", p.ID, "name", p.Name)
}

// Statistics answers what the calls of a pool did since a time, a row for each member, in their order.
func (s *Service) Statistics(ctx context.Context, p Pool, since time.Time) ([]Member, error) {
	found, err := s.cfg.Store.Members(ctx, p.ID, since)
	if err != nil {
		return nil, fmt.Errorf("summing up a pool: %w", err)
	}
	out := make([]Member, len(p.Members))
	for n, ref := range p.Members {
		out[n].Integration = ref
		if at := slices.IndexFunc(found, func(m Member) bool { return m.Integration == ref }); at >= 0 {
			out[n] = found[at]
		}
	}
	return out, nil
}

// Order answers the id of a user's pool and its members, in the order in which a call is to try them. Where there is none it fails with a
// *catalog.Failure.
func (s *Service) Order(ctx context.Context, user, ref string) (string, []string, error) {
	p, err := s.Get(ctx, user, ref)
	if errors.Is(err, ErrNotFound) {
		return "", nil, &catalog.Failure{Kind: NotFound, NotSent: true, Message: "There is no such pool. `patchbay pool list` lists yours."}
	}
	if err != nil {
		return "", nil, err
	}
	members := slices.Clone(p.Members)
	if p.Strategy == RoundRobin {
		turn := s.turn(p.ID) % uint64(len(members))
		members = append(members[turn:], members[:turn]...)
	}
	return p.ID, members, nil
}

// NotFound is the kind of a call whose pool there is not.
const NotFound catalog.Kind = "pool_not_found"

// turn counts the calls of a pool on this host: with several hosts each has its own count, and the members are used evenly all the same.
func (s *Service) turn(pool string) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.turns) > 10_000 {
		clear(s.turns)
	}
	s.turns[pool]++
	return s.turns[pool] - 1
}
