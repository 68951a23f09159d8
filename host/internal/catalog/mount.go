package catalog

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Mount is what an operator made a platform of, without code: a document that an adapter compiled, or a platform of an adapter that
// stands somewhere else.
type Mount struct {
	// Adapter serves the platform.
	Adapter string
	// Base is the adapter's platform that it is a variant of; "" for a document.
	Base string
	// Name, Description and Category are the operator's; "" means those of the document or of Base.
	Name, Description, Category string
	// Elsewhere is true for a variant that has an address of its own: it reaches no host of Base then.
	Elsewhere bool
	// Revision counts the versions of the platform, from 1.
	Revision int64
	// Created is when this version was made.
	Created time.Time
	// Compiled is the platform that was made of the document; nil for a variant.
	Compiled *Platform
}

// Order is a document with what an operator wants of it.
type Order struct {
	Platform, Name, Description, Category string
	// Location is the address of the document, or "".
	Location string
	// Auth names security schemes, Include operations; none means all.
	Auth, Include []string
	HasBaseURL    bool
	Document      []byte
}

// Compiled is what an adapter made of a document.
type Compiled struct {
	Platform *Platform
	// Encoded is the platform as the adapter said it, to be kept.
	Encoded []byte
	// Format and Version are the document's, Declared how many operations it has among those that were asked for.
	Format, Version string
	Declared        int
	Findings        []Finding
}

// Finding is one thing of a document that is not as it should be.
type Finding struct {
	Place   string `json:"place" doc:"Such as GET /pets/{id}; empty for the document"`
	Detail  string `json:"detail"`
	Skipped bool   `json:"skipped" doc:"True where the operation is not mounted for it"`
}

// Mount makes the platforms of operators the ones in force, instead of those before, beside those that adapters declare. One whose id an
// adapter declares is left out, as is a variant of a platform that no adapter declares.
func (c *Catalog) Mount(mounts map[string]*Mount) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mounts = mounts
	c.arrange()
}

// derive answers the platform of a mount, or nil where there is nothing to stand on; the lock is held.
func (c *Catalog) derive(id string, m *Mount) *Platform {
	from := m.Compiled
	if m.Base != "" {
		from = c.declared[m.Base]
	}
	if from == nil || m.Base != "" && from.Adapter != m.Adapter {
		return nil
	}
	p := *from
	p.ID, p.Adapter, p.Mount = id, m.Adapter, m
	p.Name, p.Description, p.Category = or(m.Name, from.Name), or(m.Description, from.Description), or(m.Category, from.Category)
	if m.Elsewhere {
		p.BaseURL, p.Hosts = "", nil
	}
	if m.Base == "" {
		for _, op := range p.Operations {
			if op.input == nil {
				op.input = newInputChecker(id, op)
			}
		}
	}
	return &p
}

// Derive answers the platform that a variant would be, or nil where the adapter has no such platform.
func (c *Catalog) Derive(id string, m *Mount) *Platform {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.derive(id, m)
}

// CheckMount says why an operator's platform cannot be taken into force, or nil.
func (c *Catalog) CheckMount(id string, m *Mount) error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if other := c.declared[id]; other != nil {
		return &Failure{Kind: Conflict, Message: fmt.Sprintf("The adapter %s declares a platform %s: choose another id.", other.Adapter, id)}
	}
	if m.Base != "" && c.derive(id, m) == nil {
		return &Failure{Kind: ValidationFailed, Message: fmt.Sprintf("The adapter %s has no platform %s. It has: %s.", clip(m.Adapter), clip(m.Base), strings.Join(c.platformsOf(m.Adapter), ", ")),
			Violations: []Violation{{"/platform", "must be a platform of the adapter"}}}
	}
	return nil
}

// PlatformsOf answers the ids of the platforms that an adapter declares, sorted.
func (c *Catalog) PlatformsOf(adapter string) []string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.platformsOf(adapter)
}

func (c *Catalog) platformsOf(adapter string) []string {
	var out []string
	for id, p := range c.declared {
		if p.Adapter == adapter {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
