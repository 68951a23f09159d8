package identity

import (
	"sync"
	"time"
)

// maxCached bounds how many tokens a host keeps in mind.
const maxCached = 20_000

// known is a token with its user, as they were when they were read.
type known struct {
	token Token
	user  User
}

// principal answers who the token stands for now.
func (k known) principal(now time.Time) (Principal, error) {
	if k.token.RevokedAt != nil || (k.token.ExpiresAt != nil && !now.Before(*k.token.ExpiresAt)) {
		return Principal{}, ErrUnauthenticated
	}
	return Principal{User: k.user.ID, Name: k.user.Name, Role: k.user.Role, Token: k.token.ID, Scopes: k.token.Scopes,
		Limits: k.token.Limits, Audience: k.token.Audience, Service: k.token.Service}, nil
}

// cache keeps known tokens by the hash of their secret. What was read before a drop is never put after it.
type cache struct {
	mu     sync.RWMutex
	drops  uint64
	byHash map[string]known
}

func newCache() *cache { return &cache{byHash: map[string]known{}} }

func (c *cache) get(hash []byte) (known, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	k, ok := c.byHash[string(hash)]
	return k, ok
}

func (c *cache) generation() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.drops
}

func (c *cache) put(hash []byte, k known, generation uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.drops != generation {
		return
	}
	if len(c.byHash) >= maxCached {
		clear(c.byHash)
	}
	c.byHash[string(hash)] = k
}

func (c *cache) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops++
	clear(c.byHash)
}
