package vault

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// memStore is a database of sealed rows, with the locks that Store asks for.
type memStore struct {
	mu     sync.Mutex
	keys   []KeyRecord
	live   map[string]HostReport
	rows   map[string]Sealed
	locked map[string]bool

	afterList func() // runs once after the next ListKeys, to interleave
}

func newMemStore(hosts ...string) *memStore {
	m := &memStore{live: map[string]HostReport{}, rows: map[string]Sealed{}, locked: map[string]bool{}}
	for _, h := range hosts {
		m.live[h] = HostReport{Host: h}
	}
	return m
}

func (m *memStore) ListKeys(ctx context.Context) ([]KeyRecord, error) {
	m.mu.Lock()
	keys, after := slices.Clone(m.keys), m.afterList
	m.afterList = nil
	m.mu.Unlock()
	if after != nil {
		after()
	}
	return keys, ctx.Err()
}

func (m *memStore) AddKey(_ context.Context, record KeyRecord) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range m.keys {
		if k.ID == record.ID || k.State == record.State || record.State == KeyPrimary {
			return ErrKeyTaken
		}
	}
	m.keys = append(m.keys, record)
	return nil
}

func (m *memStore) key(id string) *KeyRecord {
	for i := range m.keys {
		if m.keys[i].ID == id {
			return &m.keys[i]
		}
	}
	return nil
}

func (m *memStore) PromoteKey(_ context.Context, id string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := m.key(id)
	switch {
	case k != nil && k.State == KeyPrimary:
		return nil, nil
	case k == nil || k.State != KeyPending:
		return nil, errors.New("not a pending key")
	}
	var missing []string
	for _, host := range slices.Sorted(maps.Keys(m.live)) {
		if !slices.Contains(m.live[host].Held, id) {
			missing = append(missing, host)
		}
	}
	if len(missing) > 0 {
		return missing, nil
	}
	for i := range m.keys {
		if m.keys[i].State == KeyPrimary {
			m.keys[i].State = KeySecondary
		}
	}
	k.State = KeyPrimary
	return nil, nil
}

func (m *memStore) RetireKey(_ context.Context, id string) (Hanging, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := m.key(id)
	if k == nil {
		return Hanging{}, errors.New("no such key")
	}
	h := Hanging{Primary: k.State == KeyPrimary, Rows: m.count()[id]}
	for _, host := range slices.Sorted(maps.Keys(m.live)) {
		if m.live[host].Sealing == id {
			h.Hosts = append(h.Hosts, host)
		}
	}
	if h.none() {
		k.State = KeyRetired
	}
	return h, nil
}

func (m *memStore) ReportKeys(_ context.Context, report HostReport) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.live[report.Host] = report
	return nil
}

func (m *memStore) LiveHosts(context.Context) ([]HostReport, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var reports []HostReport
	for _, host := range slices.Sorted(maps.Keys(m.live)) {
		reports = append(reports, m.live[host])
	}
	return reports, nil
}

func (m *memStore) count() map[string]int64 {
	rows := map[string]int64{}
	for _, s := range m.rows {
		rows[s.KeyID]++
	}
	return rows
}

func (m *memStore) CountRows(ctx context.Context) (map[string]int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.count(), ctx.Err()
}

// take locks the rows of a batch, or says that the primary moved.
func (m *memStore) take(b Batch) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if k := m.key(b.Primary); k == nil || k.State != KeyPrimary {
		return nil, ErrPrimaryMoved
	}
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(m.rows)) {
		if id > b.After && len(ids) < b.Limit && !m.locked[id] && slices.Contains(b.Keys, m.rows[id].KeyID) {
			m.locked[id] = true
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func (m *memStore) RewrapBatch(ctx context.Context, b Batch, rewrap func(Sealed) (Sealed, error)) (BatchResult, error) {
	ids, err := m.take(b)
	if err != nil {
		return BatchResult{}, err
	}
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, id := range ids {
			delete(m.locked, id)
		}
	}()
	result, changed := BatchResult{Taken: len(ids)}, map[string]Sealed{}
	for _, id := range ids {
		result.Next = id
		to, err := rewrap(m.get(id))
		if ctx.Err() != nil {
			return BatchResult{}, ctx.Err() // rolled back whole
		}
		if err != nil {
			result.Failed++
			continue
		}
		changed[id] = to
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.Copy(m.rows, changed)
	return result, nil
}

func (m *memStore) get(id string) Sealed {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rows[id]
}

// put stores a row, as the host does after sealing.
func (m *memStore) put(id string, s Sealed) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rows[id] = s
}

// leave is a host that dies.
func (m *memStore) leave(host string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.live, host)
}

// states are the keys in order, as "id state".
func (m *memStore) states() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var states []string
	for _, k := range m.keys {
		states = append(states, fmt.Sprintf("%s %s", k.ID, k.State))
	}
	return states
}
