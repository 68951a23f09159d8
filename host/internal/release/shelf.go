package release

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
	"github.com/patchbay/patchbay/host/internal/id"
)

// Topic is the name under which changes are announced to the other hosts.
const Topic = "adapters"

// Runner runs adapters on this host.
type Runner interface {
	// Follow makes a target the one to bring about and returns before it is.
	Follow(ctx context.Context, t Target) error
	// Inspect runs a binary that is not known once, confined, to hear who it is and what it offers.
	Inspect(ctx context.Context, path string, digest [32]byte) (Release, []*catalog.Platform, error)
	// Declares answers what a stored release offers.
	Declares(ctx context.Context, r Release) ([]*catalog.Platform, error)
}

// Config is what a Shelf needs; every field is required.
type Config struct {
	Store    Store
	Binaries Binaries
	Keys     Keys
	Uses     Uses
	Runner   Runner
	// Announce returns when every live host has heard that an adapter's desired state changed.
	Announce func(ctx context.Context, topic, subject string) error
	// Record commits an audit record.
	Record func(ctx context.Context, actor, action, subject string, details ...string) error
	// Host is the id of this host.
	Host string
	// Scratch is a folder for uploads that are looked at.
	Scratch string
	Logger  *slog.Logger
}

// Shelf holds the releases and says which are to run. It is safe for concurrent use.
type Shelf struct {
	cfg  Config
	kick chan struct{}

	mu       sync.Mutex
	followed map[string]int64 // by adapter, the revision that the runner has
	builtIn  []File
}

// New answers a shelf.
func New(cfg Config) *Shelf {
	return &Shelf{cfg: cfg, kick: make(chan struct{}, 1), followed: map[string]int64{}}
}

// Change is what an operator wants of an adapter.
type Change struct {
	Actor, Adapter, Version string
	// Canary is the share of calls that the version gets, below 1; 0 gives it all.
	Canary float64
	// Pin keeps a newer built-in release from taking over. An installed release is pinned in any case.
	Pin bool
	// Force brings in a release that loses what is in use, and cuts the calls of the one before.
	Force bool
}

// Activate makes a release the one to run, or a canary, and returns when every host has been told. A release that would lose what
// integrations use is refused without Force. Failures for the operator are *catalog.Failure.
func (s *Shelf) Activate(ctx context.Context, c Change) (Desired, error) {
	if c.Canary < 0 || c.Canary >= 1 {
		return Desired{}, invalid("/canary", "is a share of the calls: at least 0 and below 1")
	}
	r, err := s.find(ctx, c.Adapter, c.Version)
	if err != nil {
		return Desired{}, err
	}
	return s.change(ctx, c.Actor, c.Adapter, func(d *Desired, known bool) (Event, error) {
		if !c.Force {
			if err := s.refuseLoss(ctx, r); err != nil {
				return Event{}, err
			}
		}
		if err := s.cfg.Store.Absolve(ctx, c.Adapter, c.Version); err != nil {
			return Event{}, err
		}
		d.Disabled, d.Forced = false, c.Force
		if c.Canary > 0 {
			if !known || d.Version == c.Version {
				return Event{}, conflict("Release %s of %s serves all calls already.", c.Version, c.Adapter)
			}
			d.Canary, d.Share = c.Version, c.Canary
			return Event{Kind: "canary", Version: c.Version, Detail: fmt.Sprintf("%.4g of the calls; %s serves the rest", c.Canary, d.Version)}, nil
		}
		e := Event{Kind: "activated", Version: c.Version, Detail: "instead of " + orNone(d.Version)}
		if d.Canary == c.Version {
			e.Kind = "promoted"
		}
		if d.Version != c.Version {
			d.Version, d.Previous = c.Version, d.Version
		}
		d.Canary, d.Share, d.Pinned = "", 0, c.Pin || r.Trust != BuiltIn
		return e, nil
	}, "adapter.activate", "version", c.Version, "canary", fmt.Sprint(c.Canary), "force", fmt.Sprint(c.Force))
}

// Rollback ends a canary or, where there is none, brings the release before back. With force the calls under way are cut.
func (s *Shelf) Rollback(ctx context.Context, actor, adapter string, force bool) (Desired, error) {
	return s.change(ctx, actor, adapter, func(d *Desired, known bool) (Event, error) {
		d.Forced = force
		switch {
		case !known:
			return Event{}, missing(adapter)
		case d.Canary != "":
			e := Event{Kind: "canary_dropped", Version: d.Canary, Detail: "by the operator"}
			d.Canary, d.Share = "", 0
			return e, nil
		case d.Previous == "":
			return Event{}, conflict("There is no release to roll %s back to. Activate one: `patchbay adapter releases %s` lists them.", adapter, adapter)
		}
		e := Event{Kind: "rolled_back", Version: d.Previous, Detail: "from " + d.Version + " by the operator"}
		d.Version, d.Previous, d.Pinned = d.Previous, "", true
		return e, nil
	}, "adapter.rollback")
}

// Disable takes an adapter out of service; its calls under way end, unless force cuts them.
func (s *Shelf) Disable(ctx context.Context, actor, adapter string, force bool) (Desired, error) {
	return s.change(ctx, actor, adapter, func(d *Desired, known bool) (Event, error) {
		if !known {
			return Event{}, missing(adapter)
		}
		d.Disabled, d.Forced = true, force
		return Event{Kind: "disabled", Version: d.Version}, nil
	}, "adapter.disable")
}

// Enable puts an adapter back into service.
func (s *Shelf) Enable(ctx context.Context, actor, adapter string) (Desired, error) {
	return s.change(ctx, actor, adapter, func(d *Desired, known bool) (Event, error) {
		if !known {
			return Event{}, missing(adapter)
		}
		d.Disabled, d.Forced = false, false
		return Event{Kind: "enabled", Version: d.Version}, nil
	}, "adapter.enable")
}

// changeTries bounds how often a change is made again that met another one.
const changeTries = 5

// change alters a desired state with its event, records it, and tells every host.
func (s *Shelf) change(ctx context.Context, actor, adapter string, alter func(d *Desired, known bool) (Event, error), action string, details ...string) (Desired, error) {
	for try := 1; ; try++ {
		d, known, err := s.desired(ctx, adapter)
		if err != nil {
			return Desired{}, err
		}
		e, err := alter(&d, known)
		if err != nil {
			return Desired{}, err
		}
		d.Adapter, d.ChangedBy = adapter, actor
		d.Revision++
		err = s.cfg.Store.PutDesired(ctx, d, s.event(e, adapter, actor))
		if errors.Is(err, ErrChanged) && try < changeTries {
			continue
		}
		if err != nil {
			return Desired{}, fmt.Errorf("storing what is to run: %w", err)
		}
		if err := s.cfg.Record(ctx, actor, action, adapter, details...); err != nil {
			return Desired{}, err
		}
		s.Kick()
		if err := s.cfg.Announce(ctx, Topic, adapter); err != nil {
			s.cfg.Logger.Warn("a host was not told of a change of adapters; it finds it by itself", "adapter", adapter, "error", err)
		}
		d.ChangedAt = time.Now()
		return d, nil
	}
}

// event completes an event.
func (s *Shelf) event(e Event, adapter, actor string) Event {
	e.ID, e.Adapter, e.Actor, e.Host = id.New("ev"), adapter, actor, s.cfg.Host
	return e
}

func (s *Shelf) desired(ctx context.Context, adapter string) (Desired, bool, error) {
	all, err := s.cfg.Store.Desired(ctx)
	if err != nil {
		return Desired{}, false, fmt.Errorf("reading what is to run: %w", err)
	}
	for _, d := range all {
		if d.Adapter == adapter {
			return d, true, nil
		}
	}
	return Desired{}, false, nil
}

// Desired answers what is to run, by adapter.
func (s *Shelf) Desired(ctx context.Context) ([]Desired, error) { return s.cfg.Store.Desired(ctx) }

// Releases answers the releases of an adapter, the newest first.
func (s *Shelf) Releases(ctx context.Context, adapter string) ([]Release, error) {
	return s.cfg.Store.Releases(ctx, adapter)
}

// Events answers what happened to an adapter, or to all where it is "", the newest first.
func (s *Shelf) Events(ctx context.Context, adapter, before string, limit int) ([]Event, error) {
	return s.cfg.Store.Events(ctx, adapter, before, limit)
}

// find answers the release of a version for this machine.
func (s *Shelf) find(ctx context.Context, adapter, version string) (Release, error) {
	all, err := s.cfg.Store.Releases(ctx, adapter)
	if err != nil {
		return Release{}, fmt.Errorf("reading the releases: %w", err)
	}
	for _, r := range all {
		if r.Version == version && r.Here() {
			return r, nil
		}
	}
	return Release{}, &catalog.Failure{Kind: catalog.NotFound, Message: fmt.Sprintf(
		"There is no release %s of an adapter %s for this machine. `patchbay adapter releases %s` lists those that there are.", clip(version), clip(adapter), adapter)}
}

func missing(adapter string) error {
	return &catalog.Failure{Kind: catalog.NotFound, Message: "There is no adapter " + clip(adapter) + ". `patchbay adapter list` lists them."}
}

func conflict(format string, args ...any) error {
	return &catalog.Failure{Kind: catalog.Conflict, Message: fmt.Sprintf(format, args...)}
}

func invalid(pointer, detail string) error {
	return &catalog.Failure{Kind: catalog.ValidationFailed, Message: pointer[1:] + " " + detail + ".", Violations: []catalog.Violation{{Pointer: pointer, Detail: detail}}}
}

func orNone(version string) string {
	if version == "" {
		return "none"
	}
	return version
}
