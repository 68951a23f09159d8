package audit

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// kept are chains as a database keeps them, for whoever wants to tamper with them.
type kept struct {
	records []Record
	heads   map[string]Head
	broken  error
}

// Append is not called by Verify.
func (*kept) Append(context.Context, []Entry) error { return errors.New("this store is only read") }

// Query is not called by Verify.
func (*kept) Query(context.Context, Filter) ([]Record, error) {
	return nil, errors.New("this store is only walked")
}

// Heads answers the stored ends.
func (k *kept) Heads(context.Context) (map[string]Head, error) { return k.heads, nil }

// Walk goes through a chain by its numbers, as the database's ORDER BY does.
func (k *kept) Walk(_ context.Context, chain string, each func(Record) error) error {
	var own []Record
	for _, r := range k.records {
		if r.Chain == chain {
			own = append(own, r)
		}
	}
	slices.SortStableFunc(own, func(a, b Record) int { return int(a.Seq - b.Seq) })
	for _, r := range own {
		if err := each(r); err != nil {
			return err
		}
	}
	return k.broken
}

var testKey = bytes.Repeat([]byte{7}, 32)

// chained answers a store with a chain of five records, linked in two batches.
func chained() *kept {
	c := NewChain("host_1", testKey)
	at := time.Date(2026, 1, 2, 3, 4, 5, 678_900, time.UTC)
	entry := func(n int) Entry {
		return Entry{At: at.Add(time.Duration(n) * time.Minute), Actor: "usr_1", Action: "call", Subject: "int_1",
			Detail: map[string]string{"call": strings.Repeat("x", n), "outcome": "ok"}}
	}
	first, head := c.Link(Head{}, []Entry{entry(1), entry(2)})
	second, head := c.Link(head, []Entry{entry(3), entry(4), entry(5)})
	return &kept{records: append(first, second...), heads: map[string]Head{"host_1": head}}
}

// verify answers the only chain's report.
func verify(t *testing.T, k *kept, key []byte) Report {
	t.Helper()
	reports, err := NewLog(k, time.Now).Verify(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if len(reports) != 1 || reports[0].Chain != "host_1" {
		t.Fatalf("reports %+v", reports)
	}
	return reports[0]
}

func TestAWholeChainVerifies(t *testing.T) {
	if r := verify(t, chained(), testKey); !r.OK || r.Records != 5 || r.Problem != "" {
		t.Errorf("%+v", r)
	}
}

func TestRecordsAddedMeanwhileAreNoFault(t *testing.T) {
	k := chained()
	k.heads["host_1"] = Head{Seq: 2, Hash: k.records[1].Hash} // read before the second batch came
	if r := verify(t, k, testKey); !r.OK || r.Records != 5 {
		t.Errorf("%+v", r)
	}
}

func TestTamperingIsFound(t *testing.T) {
	other := NewChain("host_1", bytes.Repeat([]byte{8}, 32))
	for name, c := range map[string]struct {
		tamper func(*kept)
		says   string
	}{
		"a changed actor":   {func(k *kept) { k.records[1].Actor = "usr_2" }, "record 2 was changed"},
		"a changed action":  {func(k *kept) { k.records[0].Action = "login" }, "record 1 was changed"},
		"a changed subject": {func(k *kept) { k.records[4].Subject = "int_2" }, "record 5 was changed"},
		"a changed time":    {func(k *kept) { k.records[2].At = k.records[2].At.Add(time.Microsecond) }, "record 3 was changed"},
		"a changed detail":  {func(k *kept) { k.records[2].Detail["outcome"] = "timeout" }, "record 3 was changed"},
		"a detail less":     {func(k *kept) { delete(k.records[2].Detail, "outcome") }, "record 3 was changed"},
		"a detail more":     {func(k *kept) { k.records[2].Detail["x"] = "y" }, "record 3 was changed"},
		"text moved from one field to the next": {func(k *kept) {
			k.records[1].Actor, k.records[1].Action = k.records[1].Actor+"c", "all"
		}, "record 2 was changed"},
		"a record taken out":        {func(k *kept) { k.records = slices.Delete(k.records, 2, 3) }, "record 3 is missing"},
		"a record twice":            {func(k *kept) { k.records = append(k.records, k.records[2]) }, "record 4 is missing"},
		"the first taken out":       {func(k *kept) { k.records = k.records[1:] }, "record 1 is missing"},
		"two that changed places":   {func(k *kept) { k.records[1].Entry, k.records[2].Entry = k.records[2].Entry, k.records[1].Entry }, "record 2 was changed"},
		"the end cut off":           {func(k *kept) { k.records = k.records[:3] }, "should end with record 5 and ends with 3"},
		"all cut off":               {func(k *kept) { k.records = nil }, "should end with record 5 and ends with 0"},
		"an end under another key":  {func(k *kept) { k.records[4] = relink(other, k, 4) }, "record 5 was changed"},
		"a stored end of its own":   {func(k *kept) { k.heads["host_1"] = Head{Seq: 5, Hash: bytes.Repeat([]byte{9}, 32)} }, "should end with record 5"},
		"records renumbered behind": {func(k *kept) { k.records = slices.Delete(k.records, 3, 4); k.records[3].Seq = 4 }, "record 4 was changed"},
	} {
		k := chained()
		c.tamper(k)
		if r := verify(t, k, testKey); r.OK || !strings.Contains(r.Problem, c.says) {
			t.Errorf("%s: %+v, want %q", name, r, c.says)
		}
	}
	if r := verify(t, chained(), bytes.Repeat([]byte{8}, 32)); r.OK {
		t.Error("a chain verifies under another key")
	}
}

// relink answers the record at an index as someone links it who does not have the key.
func relink(c *Chain, k *kept, index int) Record {
	before := k.records[index-1]
	records, _ := c.Link(Head{Seq: before.Seq, Hash: before.Hash}, []Entry{k.records[index].Entry})
	return records[0]
}

func TestAChainOfOneHostIsNoneOfAnother(t *testing.T) {
	k := chained()
	for i := range k.records {
		k.records[i].Chain = "host_2"
	}
	k.heads = map[string]Head{"host_2": k.heads["host_1"]}
	reports, err := NewLog(k, time.Now).Verify(t.Context(), testKey)
	if err != nil || len(reports) != 1 || reports[0].OK {
		t.Errorf("%+v, %v", reports, err)
	}
}

func TestAStoreThatCannotBeReadIsNoFaultOfAChain(t *testing.T) {
	k := chained()
	k.broken = errors.New("the connection broke")
	if reports, err := NewLog(k, time.Now).Verify(t.Context(), testKey); !errors.Is(err, k.broken) {
		t.Errorf("%+v, %v", reports, err)
	}
}
