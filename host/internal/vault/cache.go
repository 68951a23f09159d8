package vault

import (
	"container/list"
	"crypto/sha256"
	"sync"

	"github.com/tink-crypto/tink-go/v2/tink"
)

// dataKeys is a bounded cache of unwrapped data keys, least recently used out
// first, so that a key service is not asked for every call. It is keyed by a
// hash of the wrapped key: rewrapping makes a new entry, and nothing in the
// map shows what was wrapped.
//
// An entry holds the expanded cipher alone. The 32 raw bytes are wiped as soon
// as that is built (see Vault.unwrap); the expansion, which Go's ciphers give no
// means to clear, is held by the entry only and let go on eviction. Safe for
// concurrent use.
type dataKeys struct {
	limit int

	mu      sync.Mutex
	entries map[dataKeyHash]*list.Element
	recent  *list.List // of *dataKeyEntry, most recent first
}

type dataKeyHash [sha256.Size]byte

type dataKeyEntry struct {
	hash   dataKeyHash
	cipher tink.AEAD
}

func newDataKeys(limit int) *dataKeys {
	return &dataKeys{limit: limit, entries: make(map[dataKeyHash]*list.Element), recent: list.New()}
}

// hashWrapped is the cache key of a wrapped data key. The id in front is of a
// length that the id's own byte tells, so no two pairs read alike.
func hashWrapped(e envelope) dataKeyHash {
	var buf [512]byte
	b := append(buf[:0], byte(len(e.keyID)))
	b = append(b, e.keyID...)
	b = append(b, e.wrapAAD()...)
	return sha256.Sum256(append(b, e.wrapped...))
}

// get is the cipher of a wrapped key, nil if it is not cached.
func (c *dataKeys) get(hash dataKeyHash) tink.AEAD {
	c.mu.Lock()
	defer c.mu.Unlock()
	element := c.entries[hash]
	if element == nil {
		return nil
	}
	c.recent.MoveToFront(element)
	return element.Value.(*dataKeyEntry).cipher
}

// put caches a cipher and lets the oldest go beyond the limit.
func (c *dataKeys) put(hash dataKeyHash, cipher tink.AEAD) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.limit <= 0 || c.entries[hash] != nil {
		return
	}
	c.entries[hash] = c.recent.PushFront(&dataKeyEntry{hash: hash, cipher: cipher})
	for c.recent.Len() > c.limit {
		c.drop(c.recent.Back())
	}
}

// clear lets everything go.
func (c *dataKeys) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.recent.Len() > 0 {
		c.drop(c.recent.Back())
	}
}

func (c *dataKeys) drop(element *list.Element) {
	entry := c.recent.Remove(element).(*dataKeyEntry)
	delete(c.entries, entry.hash)
	entry.cipher = nil
}
