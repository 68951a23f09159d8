package vault

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

func newRewrapper(t testing.TB, h *host, change func(*RewrapperConfig)) *Rewrapper {
	t.Helper()
	cfg := RewrapperConfig{Rotation: h.rotation, BatchSize: 3, Pause: time.Millisecond, Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&cfg)
	}
	w, err := NewRewrapper(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func runRewrap(t testing.TB, h *host) (RewrapReport, error) {
	t.Helper()
	return newRewrapper(t, h, nil).Run(t.Context())
}

func rowAAD(i int) AAD { return CredentialAAD("usr_1", fmt.Sprint("int_", i), 1) }

func rowID(i int) string { return fmt.Sprintf("row %03d", i) }

// fill seals n rows on a host.
func fill(t testing.TB, h *host, store *memStore, n int) {
	t.Helper()
	for i := range n {
		store.put(rowID(i), mustSeal(t, h.Vault, rowAAD(i), fmt.Sprint("secret ", i)))
	}
}

// wantRows fails unless all rows open and hang on key id.
func wantRows(t testing.TB, h *host, store *memStore, n int, id string) {
	t.Helper()
	for i := range n {
		row := store.get(rowID(i))
		if row.KeyID != id {
			t.Errorf("row %d hangs on key %s, want %s", i, row.KeyID, id)
		}
		wantOpen(t, h.Vault, rowAAD(i), row, fmt.Sprint("secret ", i))
	}
}

// rotatedHost has n rows on its first key and a second key that is primary.
func rotatedHost(t testing.TB, n int) (h *host, store *memStore, first, second string) {
	t.Helper()
	store = newMemStore("a")
	h = testHost(t, store, "a", Config{})
	if err := h.rotation.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	fill(t, h, store, n)
	rotated, err := h.rotation.Rotate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return h, store, h.keys.IDs()[0], rotated.KeyID
}

func TestRewrapMovesOnlyTheDataKey(t *testing.T) {
	h, store, first, second := rotatedHost(t, 1)
	before := store.get(rowID(0))
	after, err := h.Rewrap(t.Context(), before)
	if err != nil || before.KeyID != first || after.KeyID != second {
		t.Fatalf("from %s to %s: %v", before.KeyID, after.KeyID, err)
	}
	a, _ := before.decode()
	b, _ := after.decode()
	if string(a.payload) != string(b.payload) {
		t.Error("the payload changed")
	}
	wantOpen(t, h.Vault, rowAAD(0), after, "secret 0")
	wantOpen(t, h.Vault, rowAAD(0), before, "secret 0")
	if again, err := h.Rewrap(t.Context(), after); err != nil || string(again.Bytes) != string(after.Bytes) {
		t.Errorf("a second rewrap changed something: %v", err)
	}
	if _, err := h.Rewrap(t.Context(), Sealed{Bytes: before.Bytes[:9]}); !errors.Is(err, ErrDamaged) {
		t.Errorf("damaged bytes: %v", err)
	}
}

func TestRewrapperMovesAllRows(t *testing.T) {
	h, store, _, second := rotatedHost(t, 10)
	var seen []int64
	w := newRewrapper(t, h, func(c *RewrapperConfig) {
		c.Progress = func(r RewrapReport) { seen = append(seen, r.Rewrapped) }
	})
	report, err := w.Run(t.Context())
	if err != nil || report.Rewrapped != 10 || len(report.Left) != 0 {
		t.Fatalf("%+v, %v", report, err)
	}
	if fmt.Sprint(seen) != "[3 6 9 10]" {
		t.Errorf("progress %v", seen)
	}
	wantRows(t, h, store, 10, second)
	if report, err := w.Run(t.Context()); err != nil || report.Rewrapped != 0 {
		t.Errorf("a second run: %+v, %v", report, err)
	}
}

func TestRewrapperResumes(t *testing.T) {
	h, store, first, second := rotatedHost(t, 10)
	ctx, kill := context.WithCancel(t.Context())
	w := newRewrapper(t, h, func(c *RewrapperConfig) {
		c.Progress = func(r RewrapReport) {
			if r.Rewrapped == 6 {
				kill()
			}
		}
	})
	if _, err := w.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v", err)
	}
	if rows := store.count(); rows[first] != 4 || rows[second] != 6 {
		t.Fatalf("interrupted at %v", rows)
	}
	// Another process on the same key file and database goes on.
	next := hostOf(t, store, "a", Config{}, mustReopen(t, h.path))
	if err := next.rotation.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if report, err := runRewrap(t, next); err != nil || report.Rewrapped != 4 {
		t.Fatalf("%+v, %v", report, err)
	}
	wantRows(t, next, store, 10, second)
}

func mustReopen(t testing.TB, path string) *Keys {
	t.Helper()
	k, err := OpenKeys(t.Context(), KeysConfig{URI: path})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestRewrapperKilledInABatch cancels between two rows: the batch is rolled
// back whole and no row is lost.
func TestRewrapperKilledInABatch(t *testing.T) {
	h, store, first, second := rotatedHost(t, 5)
	ctx, kill := context.WithCancel(t.Context())
	key := &hookedKEK{AEADWithContext: h.keys.get(second).aead, after: 2, hook: kill}
	h.keys.get(second).aead = key
	if _, err := newRewrapper(t, h, nil).Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("killed: %v", err)
	}
	if rows := store.count(); rows[first] != 5 {
		t.Fatalf("part of a batch was kept: %v", rows)
	}
	if report, err := runRewrap(t, h); err != nil || report.Rewrapped != 5 {
		t.Fatalf("%+v, %v", report, err)
	}
	wantRows(t, h, store, 5, second)
}

func TestRewrappersOnTwoHosts(t *testing.T) {
	const n = 60
	a, store, _, second := rotatedHost(t, n)
	b := hostOf(t, store, "b", Config{}, mustReopen(t, a.path))
	if err := b.rotation.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	moved := make([]int64, 2)
	for i, h := range []*host{a, b} {
		w := newRewrapper(t, h, nil)
		wait.Go(func() {
			report, err := w.Run(context.Background())
			if err != nil {
				t.Error(err)
			}
			moved[i] = report.Rewrapped
		})
	}
	wait.Wait()
	if moved[0]+moved[1] != n {
		t.Errorf("the hosts moved %v of %d rows", moved, n)
	}
	wantRows(t, a, store, n, second)
}

func TestRewrapperLeavesWhatItCannotMove(t *testing.T) {
	h, store, first, second := rotatedHost(t, 5)
	bad := store.get(rowID(1))
	bad.Bytes = append([]byte(nil), bad.Bytes...)
	bad.Bytes[20] ^= 1
	store.put(rowID(1), bad)
	stranger := startedHost(t, Config{})
	store.put("stranger", mustSeal(t, stranger.Vault, credential, plain))

	report, err := runRewrap(t, h)
	if err == nil || report.Rewrapped != 4 || report.Failed != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
	for _, want := range []string{"1 of key " + first + " (did not open)", "1 of key " + stranger.keys.IDs()[0] + " (not on this host)"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	if report.Left[first] != 1 || report.Left[stranger.keys.IDs()[0]] != 1 {
		t.Errorf("left %v", report.Left)
	}
	for _, i := range []int{0, 2, 3, 4} {
		if got := store.get(rowID(i)).KeyID; got != second {
			t.Errorf("row %d hangs on %s", i, got)
		}
	}
}

// TestRewrapperOfAHostThatIsBehind has a second host that still takes the old
// key for primary: it must not move rows back.
func TestRewrapperOfAHostThatIsBehind(t *testing.T) {
	h, store, first, second := rotatedHost(t, 4)
	if _, err := runRewrap(t, h); err != nil {
		t.Fatal(err)
	}
	behind := hostOf(t, store, "b", Config{}, mustReopen(t, h.path))
	behind.setPrimary(first, nil)
	report := RewrapReport{}
	w := newRewrapper(t, behind, nil)
	if err := w.pass(t.Context(), &report); !errors.Is(err, ErrPrimaryMoved) {
		t.Errorf("it went on: %v", err)
	}
	store.put(rowID(0), mustSeal(t, behind.Vault, rowAAD(0), "secret 0")) // and it sealed with the old one
	if report, err := w.Run(t.Context()); err != nil || report.Rewrapped != 1 {
		t.Errorf("%+v, %v", report, err)
	}
	wantRows(t, h, store, 4, second)
}

// TestRewrapperSeesARotationUnderWay rotates after the first batch: the run
// ends with all rows on the newest key.
func TestRewrapperSeesARotationUnderWay(t *testing.T) {
	h, store, _, second := rotatedHost(t, 7)
	var third string
	w := newRewrapper(t, h, func(c *RewrapperConfig) {
		c.Progress = func(RewrapReport) {
			if third != "" {
				return
			}
			rotated, err := h.rotation.Rotate(context.Background())
			if err != nil {
				t.Error(err)
			}
			third = rotated.KeyID
		}
	})
	if report, err := w.Run(t.Context()); err != nil || report.Rewrapped != 10 {
		t.Fatalf("%+v, %v; want 3 rows moved twice and 4 once", report, err)
	}
	if third == second {
		t.Fatal("nothing was rotated")
	}
	wantRows(t, h, store, 7, third)
}
