package integration

import "sync"

// maxCached bounds the copies that a host keeps, at about 1 KiB each.
const maxCached = 20_000

// cache keeps copies of records. A copy that was read before a drop is never put after it.
type cache struct {
	mu    sync.RWMutex
	drops uint64
	byID  map[string]Integration
}

func newCache() *cache { return &cache{byID: map[string]Integration{}} }

func (c *cache) get(id string) (Integration, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	i, ok := c.byID[id]
	return i, ok
}

// generation is to be read before the record is, and given to put.
func (c *cache) generation() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.drops
}

func (c *cache) put(i Integration, generation uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.drops != generation {
		return
	}
	if len(c.byID) >= maxCached {
		for id := range c.byID { // any: the order of a map is as good as random
			delete(c.byID, id)
			break
		}
	}
	c.byID[i.ID] = i
}

// drop forgets one copy, or all where the id is empty.
func (c *cache) drop(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops++
	if id == "" {
		clear(c.byID)
		return
	}
	delete(c.byID, id)
}
