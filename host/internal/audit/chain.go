package audit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"maps"
	"slices"
	"time"
)

// Entry is one audited act.
type Entry struct {
	At time.Time `json:"at"`
	// Actor is who did it: a user's id, or "host".
	Actor string `json:"actor"`
	// Action is what was done, such as "integration.deactivate".
	Action string `json:"action"`
	// Subject is what it was done to: an id.
	Subject string `json:"subject"`
	// Detail says more, and never holds a secret.
	Detail map[string]string `json:"detail,omitempty"`
}

// Record is an entry in its place in a chain. Hash = HMAC-SHA256(key, fields), where the fields, each with its length before it, are:
// the previous hash, the chain's name, the sequence number, the time in microseconds, actor, action, subject and the sorted details.
type Record struct {
	Entry
	Chain string `json:"chain"`
	Seq   int64  `json:"seq"`
	Hash  []byte `json:"hash"`
}

// Head is the end of a chain.
type Head struct {
	Seq  int64
	Hash []byte
}

// Chain links entries. It is the arithmetic alone: whoever stores the records serialises them.
type Chain struct {
	name string
	key  []byte
}

// NewChain answers the chain of a name, hashed under a key of 32 bytes.
func NewChain(name string, key []byte) *Chain { return &Chain{name: name, key: key} }

// Name answers the chain's name: the host that writes it.
func (c *Chain) Name() string { return c.name }

// Link puts entries after a head and answers the records with the new head.
func (c *Chain) Link(head Head, entries []Entry) ([]Record, Head) {
	records, mac := make([]Record, 0, len(entries)), c.mac()
	for _, e := range entries {
		e.At = e.At.UTC().Truncate(time.Microsecond) // what PostgreSQL keeps
		head.Seq++
		head.Hash = c.hash(mac, head.Hash, head.Seq, e)
		records = append(records, Record{Entry: e, Chain: c.name, Seq: head.Seq, Hash: head.Hash})
	}
	return records, head
}

// mac makes what hash needs: it is used again and again, by one at a time.
func (c *Chain) mac() hash.Hash { return hmac.New(sha256.New, c.key) }

func (c *Chain) hash(mac hash.Hash, previous []byte, seq int64, e Entry) []byte {
	mac.Reset()
	field := func(b []byte) {
		var size [4]byte
		binary.BigEndian.PutUint32(size[:], uint32(len(b)))
		_, _ = mac.Write(size[:]) // a hash never fails
		_, _ = mac.Write(b)
	}
	number := func(n int64) { field(binary.BigEndian.AppendUint64(nil, uint64(n))) }
	field(previous)
	field([]byte(c.name))
	number(seq)
	number(e.At.UTC().UnixMicro())
	field([]byte(e.Actor))
	field([]byte(e.Action))
	field([]byte(e.Subject))
	for _, k := range slices.Sorted(maps.Keys(e.Detail)) {
		field([]byte(k))
		field([]byte(e.Detail[k]))
	}
	return mac.Sum(nil)
}

// follows says whether a record stands rightly after a head.
func (c *Chain) follows(head Head, r Record) bool {
	return r.Seq == head.Seq+1 && hmac.Equal(r.Hash, c.hash(c.mac(), head.Hash, r.Seq, r.Entry))
}
