package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseStat(t *testing.T) {
	line := "4711 (a (strange) name) S 42 4711 4711 0 -1 4194560 100 0 0 0 150 50 30 20 20 0 8 0 12345 1000000 500 18446744073709551615"
	got, err := parseStat(line)
	if err != nil {
		t.Fatal(err)
	}
	want := process{pid: 4711, parent: 42, name: "a (strange) name", cpu: 2500 * time.Millisecond}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(process{})); diff != "" {
		t.Errorf("process (-want +got):\n%s", diff)
	}
	for _, broken := range []string{"", "1 (x", "x (y) S 1", "1 (x) S 1 2", strings.Replace(line, "150", "many", 1)} {
		if _, err := parseStat(broken); err == nil {
			t.Errorf("%q was read", broken)
		}
	}
}

func TestParseBusyLeavesIdleTimeOut(t *testing.T) {
	got, err := parseBusy("cpu  100 200 300 9999 8888 400 500 600 0 0\ncpu0 1 2 3 4 5 6 7 8\n")
	if err != nil || got != 21*time.Second {
		t.Errorf("got %s, %v, want 21s", got, err)
	}
	if _, err := parseBusy("intr 1 2 3"); err == nil {
		t.Error("a line of something else was read")
	}
}

func TestParsePSS(t *testing.T) {
	got, err := parsePSS([]byte("00400000-7ff ---p 00000000 00:00 0 [rollup]\nRss:  9 kB\nPss:   1234 kB\nPss_Dirty: 5 kB\n"))
	if err != nil || got != 1234<<10 {
		t.Errorf("got %d, %v", got, err)
	}
	if _, err := parsePSS([]byte("Rss: 9 kB\n")); err == nil {
		t.Error("a text without the line was read")
	}
}

func TestFamilyOf(t *testing.T) {
	table := map[int]process{1: {pid: 1}, 10: {pid: 10, parent: 1, name: "patchbay"}, 11: {pid: 11, parent: 10, name: "adapter"},
		12: {pid: 12, parent: 10, name: "postgres"}, 13: {pid: 13, parent: 12, name: "postgres"}, 20: {pid: 20, parent: 1, name: "postgres"}}
	f := familyOf(10, table)
	if f.root.pid != 10 || len(f.children) != 1 || f.children[0].pid != 11 || len(f.database) != 2 {
		t.Errorf("got %+v", f)
	}
}

func TestQuantile(t *testing.T) {
	took := make([]time.Duration, 100)
	for i := range took {
		took[i] = time.Duration(100 - i)
	}
	s := summarise(took, 2*time.Second)
	if s.p50 != 51 || s.p99 != 100 || s.rate != 50 || s.calls != 100 {
		t.Errorf("got %+v", s)
	}
	if got := median([]int{9, 1, 5}); got != 5 {
		t.Errorf("the median is %d", got)
	}
	if got := median[int](nil); got != 0 {
		t.Errorf("the median of nothing is %d", got)
	}
}

// reached answers results that reach each bar exactly.
func reached() results {
	ways := func(durable, patchbay time.Duration, floor, rate float64) []figures {
		return []figures{{}, {rate: floor}, {p50: durable}, {p50: patchbay, rate: rate}}
	}
	return results{table: map[int][]figures{1: ways(1000, 1400, 0, 0), 16: ways(1, 1, 1000, 600), 64: ways(1, 1, 1000, 600)},
		lookup: []lookup{{size: 10, call: 100, fresh: 100}, {size: 1_000_000, call: 120, fresh: 120}},
		starts: starts{warm: 3*time.Second - 1}, idle: memory{host: 100 << 20, adapters: 50 << 20, database: 50<<20 - 1}}
}

func TestBars(t *testing.T) {
	for _, b := range bars(reached()) {
		if !b.passed {
			t.Errorf("%s: %s was not enough for %s", b.what, b.measured, b.limit)
		}
	}
	if got := len(bars(reached())); got != 7 {
		t.Errorf("there are %d bars, want 7", got)
	}
	for name, worsen := range map[string]func(*results){
		"p50":        func(r *results) { r.table[1][wayPatchbay].p50++ },
		"16 callers": func(r *results) { r.table[16][wayPatchbay].rate-- },
		"64 callers": func(r *results) { r.table[64][wayPatchbay].rate-- },
		"lookup":     func(r *results) { r.lookup[1].call++ },
		"fresh":      func(r *results) { r.lookup[1].fresh++ },
		"warm":       func(r *results) { r.starts.warm++ },
		"memory":     func(r *results) { r.idle.database++ },
	} {
		r := reached()
		worsen(&r)
		failed := 0
		for _, b := range bars(r) {
			if !b.passed {
				failed++
			}
		}
		if failed != 1 {
			t.Errorf("%s: %d bars failed, want 1", name, failed)
		}
	}
}

func TestBarsThatWereNotMeasured(t *testing.T) {
	r := reached()
	r.lookup, r.idle = r.lookup[:1], memory{unknown: true}
	text := render(options{callers: []int{1}}, machine{}, results{table: map[int][]figures{1: r.table[1]}, ways: []string{"a", "b", "c", "d"},
		others: map[int]float64{1: .25}, lookup: r.lookup, idle: r.idle}, time.Unix(0, 0))
	for _, want := range []string{"--full", "needs root", "25 % (1 callers)", "1 January 1970"} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
}
