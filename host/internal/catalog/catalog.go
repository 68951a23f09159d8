package catalog

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/patchbay/patchbay/host/internal/vault"
)

// Store keeps the operator's settings.
type Store interface {
	// PlatformSettings answers the settings of every platform that has some.
	PlatformSettings(ctx context.Context) (map[string]Settings, error)
	// PutPlatformSettings stores a platform's settings. A nil secret keeps the sealed client secret, one without bytes removes it.
	PutPlatformSettings(ctx context.Context, platform string, s Settings, secret *vault.Sealed) error
	// ClientSecret answers the sealed secret of a platform's OAuth client, or false where there is none.
	ClientSecret(ctx context.Context, platform string) (vault.Sealed, bool, error)
}

// Config is what a Catalog needs; every field is required.
type Config struct {
	Store Store
	Vault *vault.Vault
	// Announce returns when every live host has read the settings again.
	Announce func(ctx context.Context, topic, subject string) error
	// Record commits an audit record.
	Record func(ctx context.Context, actor, action, subject string, details ...string) error
}

// Topic is the name under which changes of settings are announced.
const Topic = "settings"

// Catalog answers what is in force. It is safe for concurrent use.
type Catalog struct {
	cfg Config

	changing sync.Mutex // one change of settings at a time on this host

	mu        sync.RWMutex
	declared  map[string]*Platform // by adapters
	mounts    map[string]*Mount    // by operators
	platforms map[string]*Platform // all in force
	sorted    []*Platform
	settings  map[string]Settings
}

// New answers an empty catalog; Put fills it, Reload reads the settings.
func New(cfg Config) *Catalog {
	return &Catalog{cfg: cfg, declared: map[string]*Platform{}, platforms: map[string]*Platform{}, settings: map[string]Settings{}}
}

// Put makes an adapter's platforms the ones in force, instead of those that it had. A platform that another adapter serves
// already is refused, and then nothing changes.
func (c *Catalog) Put(adapter string, platforms []*Platform) error {
	for _, p := range platforms {
		if p.Adapter == adapter {
			continue // it was in force before, and may be read now
		}
		p.Adapter = adapter
		for _, op := range p.Operations {
			op.input = newInputChecker(p.ID, op)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.refuse(adapter, platforms); err != nil {
		return err
	}
	for id, p := range c.declared {
		if p.Adapter == adapter {
			delete(c.declared, id)
		}
	}
	for _, p := range platforms {
		c.declared[p.ID] = p
	}
	c.arrange()
	return nil
}

// arrange makes what is in force of what adapters declare and operators mounted; the lock is held.
func (c *Catalog) arrange() {
	c.platforms = maps.Clone(c.declared)
	for id, m := range c.mounts {
		if p := c.derive(id, m); p != nil && c.platforms[id] == nil {
			c.platforms[id] = p
		}
	}
	c.sorted = c.sorted[:0:0]
	for _, p := range c.platforms {
		c.sorted = append(c.sorted, p)
	}
	slices.SortFunc(c.sorted, func(a, b *Platform) int {
		if n := strings.Compare(a.Category, b.Category); n != 0 {
			return n
		}
		return strings.Compare(a.Name+"\n"+a.ID, b.Name+"\n"+b.ID)
	})
}

// Check says why Put would refuse an adapter's platforms, or nil.
func (c *Catalog) Check(adapter string, platforms []*Platform) error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.refuse(adapter, platforms)
}

func (c *Catalog) refuse(adapter string, platforms []*Platform) error {
	for _, p := range platforms {
		if other := c.platforms[p.ID]; other != nil && (other.Adapter != adapter || other.Mount != nil) {
			return fmt.Errorf("adapter %s declares platform %s, which adapter %s serves", adapter, p.ID, other.Adapter)
		}
	}
	return nil
}

// Reload reads the settings again. It is called at start and whenever a host of the cluster has changed them.
func (c *Catalog) Reload(ctx context.Context) error {
	settings, err := c.cfg.Store.PlatformSettings(ctx)
	if err != nil {
		return fmt.Errorf("reading platform settings: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settings = settings
	return nil
}

// Platform answers an enabled platform and its settings, or a Failure of kind platform_not_found.
func (c *Catalog) Platform(id string) (*Platform, Settings, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	p := c.platforms[id]
	if p == nil || c.settings[id].Disabled {
		return nil, Settings{}, &Failure{Kind: PlatformNotFound, Message: fmt.Sprintf("There is no platform %q. `patchbay platforms` lists them.", clip(id))}
	}
	return p, c.settings[id], nil
}

// Declared answers a platform whether it is enabled or not, for the operator.
func (c *Catalog) Declared(id string) (*Platform, Settings, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	p := c.platforms[id]
	return p, c.settings[id], p != nil
}

// Search answers the enabled platforms of a category whose id, name or description holds the query; empty means any.
func (c *Catalog) Search(query, category string) []*Platform {
	c.mu.RLock()
	defer c.mu.RUnlock()
	query = strings.ToLower(query)
	var out []*Platform
	for _, p := range c.sorted {
		if c.settings[p.ID].Disabled || (category != "" && !strings.EqualFold(category, p.Category)) {
			continue
		}
		if strings.Contains(strings.ToLower(p.ID+"\n"+p.Name+"\n"+p.Description), query) {
			out = append(out, p)
		}
	}
	return out
}

// clip shortens what a caller sent before it stands in a message.
func clip(s string) string {
	if len(s) > 64 {
		return strings.ToValidUTF8(s[:64], "") + "…"
	}
	return strings.ToValidUTF8(s, "")
}
