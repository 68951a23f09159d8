package vault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// cluster is two started hosts on one database with copies of one key file.
func cluster(t *testing.T) (a, b *host, store *memStore) {
	t.Helper()
	store = newMemStore("a", "b")
	a = testHost(t, store, "a", Config{})
	path := filepath.Join(t.TempDir(), "b.json")
	copyFile(t, a.path, path)
	b = hostOf(t, store, "b", Config{}, mustReopen(t, path))
	for _, h := range []*host{a, b} {
		if err := h.rotation.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return a, b, store
}

func wantPrimary(t *testing.T, h *host, id string) {
	t.Helper()
	if got, err := h.Primary(); got != id || err != nil {
		t.Errorf("seals with %q (%v), want %q", got, err, id)
	}
}

func TestStartRegistersTheFirstKey(t *testing.T) {
	store := newMemStore("a")
	if first, err := FirstRun(t.Context(), store); err != nil || !first {
		t.Fatalf("first run %v, %v", first, err)
	}
	h := testHost(t, store, "a", Config{})
	if err := h.rotation.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	id := h.keys.IDs()[0]
	wantPrimary(t, h, id)
	if first, err := FirstRun(t.Context(), store); err != nil || first {
		t.Errorf("first run %v, %v", first, err)
	}
	if diff := cmp.Diff(HostReport{Host: "a", Held: []string{id}, Sealing: id}, store.live["a"]); diff != "" {
		t.Error(diff)
	}
	sealed := mustSeal(t, h.Vault, credential, plain)
	again := hostOf(t, store, "a", Config{}, mustReopen(t, h.path))
	if err := again.rotation.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantOpen(t, again.Vault, credential, sealed, plain)
	if states := store.states(); len(states) != 1 {
		t.Errorf("a second start registered keys: %v", states)
	}
}

func TestStartRefusesTheWrongFile(t *testing.T) {
	store := newMemStore("a")
	h := testHost(t, store, "a", Config{})
	if err := h.rotation.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	id := h.keys.IDs()[0]

	stranger := testHost(t, store, "b", Config{})
	err := stranger.rotation.Start(t.Context())
	missing := new(MissingKeyError)
	if !errors.As(err, &missing) || missing.KeyID != id || !missing.Primary {
		t.Fatalf("a host with other keys: %v", err)
	}
	for _, want := range []string{id, stranger.path, h.path, "host a", "copy that file here", "0600"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	if _, err := stranger.Seal(t.Context(), credential, SecretString(plain)); !errors.Is(err, ErrNoKey) {
		t.Errorf("it seals: %v", err)
	}

	forged := filepath.Join(t.TempDir(), "forged.json")
	forge(t, stranger.path, forged, id)
	liar := hostOf(t, store, "c", Config{}, mustReopen(t, forged))
	err = liar.rotation.Start(t.Context())
	wrong := new(WrongKeyError)
	if !errors.As(err, &wrong) || wrong.KeyID != id || !strings.Contains(err.Error(), "wrong key file") || !strings.Contains(err.Error(), forged) {
		t.Fatalf("a host with another key under the id: %v", err)
	}
	if _, err := liar.Seal(t.Context(), credential, SecretString(plain)); err == nil {
		t.Error("it seals with the wrong key")
	}
	if len(store.live["c"].Held) != 0 {
		t.Error("it reports the wrong key as held")
	}
}

func TestStartOfTwoHostsAtOnce(t *testing.T) {
	store := newMemStore("a", "b")
	hosts := []*host{testHost(t, store, "a", Config{}), testHost(t, store, "b", Config{})}
	errs := make([]error, 2)
	var wait sync.WaitGroup
	for i, h := range hosts {
		wait.Go(func() { errs[i] = h.rotation.Start(context.Background()) })
	}
	wait.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Fatalf("not exactly one of two hosts with different keys started: %v, %v", errs[0], errs[1])
	}
	if err := errors.Join(errs...); !errors.Is(err, ErrNoKey) {
		t.Errorf("the other failed with %v", err)
	}
	if states := store.states(); len(states) != 1 {
		t.Errorf("registered %v", states)
	}
}

func TestRotateOnOneHost(t *testing.T) {
	h, store, first, second := rotatedHost(t, 2)
	wantPrimary(t, h, second)
	want := []string{first + " secondary", second + " primary"}
	if diff := cmp.Diff(want, store.states()); diff != "" {
		t.Error(diff)
	}
	wantRows(t, h, store, 2, first) // still open
	if got := mustSeal(t, h.Vault, credential, plain); got.KeyID != second {
		t.Errorf("sealed with %s", got.KeyID)
	}
	again := hostOf(t, store, "a", Config{}, mustReopen(t, h.path))
	if err := again.rotation.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantPrimary(t, again, second)
	wantRows(t, again, store, 2, first)
}

func TestRotateWaitsForEveryHost(t *testing.T) {
	a, b, store := cluster(t)
	first := a.keys.IDs()[0]
	rotated, err := a.rotation.Rotate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	second := rotated.KeyID
	want := Rotated{KeyID: second, State: KeyPending, Missing: []string{"b"}, Origin: a.path, Host: "a"}
	if diff := cmp.Diff(want, rotated); diff != "" || !rotated.Copied() {
		t.Fatal(diff)
	}
	wantPrimary(t, a, first)
	for range 2 { // again, and on the host that lacks it: the same key, nothing made
		for _, h := range []*host{a, b} {
			if again, err := h.rotation.Rotate(t.Context()); err != nil || !cmp.Equal(want, again) {
				t.Fatalf("%+v, %v", again, err)
			}
		}
	}
	if len(b.keys.IDs()) != 1 || len(a.keys.IDs()) != 2 {
		t.Fatal("a repeated rotation made a key")
	}
	if err := b.rotation.Refresh(t.Context()); err != nil {
		t.Errorf("a pending key that is missing is not the host's fault: %v", err)
	}
	copyFile(t, a.path, b.path)
	if err := b.rotation.Refresh(t.Context()); err != nil { // sees the file, reports, promotes
		t.Fatal(err)
	}
	wantPrimary(t, b, second)
	wantPrimary(t, a, first) // has not heard yet
	late := mustSeal(t, a.Vault, credential, plain)
	wantOpen(t, b.Vault, credential, late, plain)
	store.put("late", late)
	if err := b.rotation.Retire(t.Context(), first); err == nil || !strings.Contains(err.Error(), "hosts may still seal with it: a") {
		t.Errorf("retired while a host seals with it: %v", err)
	}
	if err := a.rotation.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantPrimary(t, a, second)
	if err := b.rotation.Retire(t.Context(), first); err == nil || !strings.Contains(err.Error(), "1 rows") {
		t.Errorf("retired while a row hangs on it: %v", err)
	}
	if _, err := runRewrap(t, b); err != nil {
		t.Fatal(err)
	}
	if err := b.rotation.Retire(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	wantOpen(t, a.Vault, credential, store.get("late"), plain)
}

func TestRotateDoesNotWaitForTheDead(t *testing.T) {
	a, _, store := cluster(t)
	rotated, err := a.rotation.Rotate(t.Context())
	if err != nil || rotated.State != KeyPending {
		t.Fatalf("%+v, %v", rotated, err)
	}
	store.leave("b")
	if err := a.rotation.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantPrimary(t, a, rotated.KeyID)

	back := hostOf(t, store, "b", Config{}, mustReopen(t, a.path))
	if err := back.rotation.Start(t.Context()); err != nil {
		t.Errorf("it comes back with the file: %v", err)
	}
}

func TestDeadHostComesBackWithoutTheKey(t *testing.T) {
	a, b, store := cluster(t)
	store.leave("b")
	rotated, err := a.rotation.Rotate(t.Context())
	if err != nil || rotated.State != KeyPrimary {
		t.Fatalf("%+v, %v", rotated, err)
	}
	old := mustSeal(t, b.Vault, credential, plain) // before it hears
	err = b.rotation.Refresh(t.Context())
	missing := new(MissingKeyError)
	if !errors.As(err, &missing) || missing.KeyID != rotated.KeyID || missing.Origin != a.path || missing.Host != "a" {
		t.Fatalf("got %v", err)
	}
	if _, err := b.Seal(t.Context(), credential, SecretString(plain)); !errors.Is(err, ErrNoKey) {
		t.Errorf("it seals with a key that is not primary: %v", err)
	}
	wantOpen(t, b.Vault, credential, old, plain)
	copyFile(t, a.path, b.path)
	if err := b.rotation.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantPrimary(t, b, rotated.KeyID)
}

// TestHostThatStartsDuringAPromotion reads the records before the promotion and
// reports after it: the second reading must show it.
func TestHostThatStartsDuringAPromotion(t *testing.T) {
	store := newMemStore("a")
	a := testHost(t, store, "a", Config{})
	if err := a.rotation.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "c.json")
	copyFile(t, a.path, path)
	c := hostOf(t, store, "c", Config{}, mustReopen(t, path))
	records, err := store.ListKeys(t.Context()) // Start's look for a first run is not the one to interrupt
	if err != nil || len(records) != 1 {
		t.Fatal(err)
	}
	looks := 0
	var between func()
	between = func() {
		if looks++; looks < 2 {
			store.afterList = between
			return
		}
		if rotated, err := a.rotation.Rotate(context.Background()); err != nil || rotated.State != KeyPrimary {
			t.Errorf("%+v, %v", rotated, err)
		}
	}
	store.afterList = between
	if err := c.rotation.Start(t.Context()); !errors.Is(err, ErrNoKey) {
		t.Errorf("it started on the old primary: %v", err)
	}
}

func TestRotateResumesAfterACrash(t *testing.T) {
	store := newMemStore("a")
	h := testHost(t, store, "a", Config{})
	if err := h.rotation.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	added, err := h.keys.Add(t.Context()) // and then it died
	if err != nil {
		t.Fatal(err)
	}
	again := hostOf(t, store, "a", Config{}, mustReopen(t, h.path))
	if err := again.rotation.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rotated, err := again.rotation.Rotate(t.Context()); err != nil || rotated.KeyID != added || rotated.State != KeyPrimary {
		t.Errorf("%+v, %v; want key %s", rotated, err, added)
	}
}

func TestRotateOnTwoHostsAtOnce(t *testing.T) {
	a, b, store := cluster(t)
	results := make([]Rotated, 2)
	var wait sync.WaitGroup
	for i, h := range []*host{a, b} {
		wait.Go(func() {
			var err error
			if results[i], err = h.rotation.Rotate(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if results[0].KeyID != results[1].KeyID || results[0].State != KeyPending {
		t.Errorf("two rotations are under way: %+v", results)
	}
	if states := store.states(); len(states) != 2 {
		t.Errorf("registered %v", states)
	}
}

func TestRetire(t *testing.T) {
	h, store, first, second := rotatedHost(t, 2)
	inUse := new(KeyInUseError)
	if err := h.rotation.Retire(t.Context(), second); !errors.As(err, &inUse) || !inUse.Primary {
		t.Errorf("the primary: %v", err)
	}
	if err := h.rotation.Retire(t.Context(), first); !errors.As(err, &inUse) || inUse.Rows != 2 {
		t.Errorf("a key with rows: %v", err)
	}
	if err := h.rotation.Retire(t.Context(), "0badc0de"); err == nil || !strings.Contains(err.Error(), first) {
		t.Errorf("an unknown key: %v", err)
	}
	if _, err := runRewrap(t, h); err != nil {
		t.Fatal(err)
	}
	for range 2 { // a second time changes nothing
		if err := h.rotation.Retire(t.Context(), first); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{first + " retired", second + " primary"}
	if diff := cmp.Diff(want, store.states()); diff != "" {
		t.Error(diff)
	}
	if got := store.live["a"].Held; !slices.Equal(got, []string{second}) {
		t.Errorf("reports %q", got)
	}
	wantRows(t, h, store, 2, second)
	third, err := h.rotation.Rotate(t.Context())
	if err != nil || third.KeyID == first || third.KeyID == second {
		t.Errorf("a retired key came back: %+v, %v", third, err)
	}
}

// TestRowOfARetiredKey is the race that the store's check on insert is for: if
// a row slips in all the same, it is readable and the rewrapper saves it.
func TestRowOfARetiredKey(t *testing.T) {
	h, store, first, second := rotatedHost(t, 1)
	late := store.get(rowID(0))
	if _, err := runRewrap(t, h); err != nil {
		t.Fatal(err)
	}
	if err := h.rotation.Retire(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	store.put(rowID(0), late)
	wantRows(t, h, store, 1, first)
	if status, err := h.rotation.Status(t.Context()); err != nil || status[0].Rows != 1 {
		t.Errorf("status does not show it: %+v, %v", status, err)
	}
	if report, err := runRewrap(t, h); err != nil || report.Rewrapped != 1 {
		t.Errorf("%+v, %v", report, err)
	}
	wantRows(t, h, store, 1, second)
}

func TestRetirePendingGivesUpARotation(t *testing.T) {
	a, b, store := cluster(t)
	rotated, err := a.rotation.Rotate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.rotation.Retire(t.Context(), rotated.KeyID); err != nil {
		t.Fatal(err)
	}
	copyFile(t, a.path, b.path)
	for _, h := range []*host{a, b} {
		if err := h.rotation.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantPrimary(t, h, a.keys.IDs()[0])
	}
	if next, err := b.rotation.Rotate(t.Context()); err != nil || next.KeyID == rotated.KeyID {
		t.Errorf("%+v, %v", next, err)
	}
	if states := store.states(); !slices.Contains(states, rotated.KeyID+" retired") {
		t.Errorf("%v", states)
	}
}

func TestRefreshNoticesLostKeys(t *testing.T) {
	h, store, first, second := rotatedHost(t, 2)
	if err := os.Remove(h.path); err != nil {
		t.Fatal(err)
	}
	if err := h.rotation.Refresh(t.Context()); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("the file is gone: %v", err)
	}
	wantPrimary(t, h, second)
	copyFile(t, newKeyFile(t), h.path)
	err := h.rotation.Refresh(t.Context())
	if err == nil || !strings.Contains(err.Error(), "key "+first+" is in use and no longer in "+h.path) || !strings.Contains(err.Error(), second) {
		t.Errorf("the file was replaced: %v", err)
	}
	if held := store.live["a"].Held; len(held) != 0 {
		t.Errorf("reports %q, which a restart would lose", held)
	}
	wantRows(t, h, store, 2, first)
	wantPrimary(t, h, second)
}

func TestRefreshFollowsADatabaseThatIsDown(t *testing.T) {
	h, _, _, second := rotatedHost(t, 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.rotation.Refresh(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	wantPrimary(t, h, second)
	if _, err := h.rotation.Status(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("status: %v", err)
	}
}

func TestStatus(t *testing.T) {
	a, _, store := cluster(t)
	first := a.keys.IDs()[0]
	fill(t, a, store, 3)
	rotated, err := a.rotation.Rotate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	status, err := a.rotation.Status(t.Context())
	if err != nil || len(status) != 2 {
		t.Fatalf("%+v, %v", status, err)
	}
	if status[0].CreatedAt.IsZero() || status[1].CreatedAt.IsZero() {
		t.Error("no time of creation")
	}
	at := status[1].CreatedAt
	status[0].CreatedAt = at
	want := []KeyStatus{
		{ID: first, State: KeyPrimary, Origin: a.path, Host: "a", CreatedAt: at, Rows: 3, Held: true},
		{ID: rotated.KeyID, State: KeyPending, Origin: a.path, Host: "a", CreatedAt: at, Held: true, Missing: []string{"b"}},
	}
	if diff := cmp.Diff(want, status); diff != "" {
		t.Error(diff)
	}
}

// TestSealingThroughRotations seals and opens on two hosts while the keys turn
// over several times.
func TestSealingThroughRotations(t *testing.T) {
	a, b, store := cluster(t)
	ctx, stop := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	for n, h := range []*host{a, b} {
		wait.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				id := fmt.Sprintf("h%d row %d", n, i%50)
				s, err := h.Seal(context.Background(), credential, SecretString(plain))
				if err != nil {
					t.Error(err)
					return
				}
				store.put(id, s)
				if _, err := h.Open(context.Background(), byOwner, credential, store.get(id)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 5 {
		rotated, err := a.rotation.Rotate(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b.copyFrom(t, a)
		for _, h := range []*host{b, a} {
			if err := h.rotation.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			wantPrimary(t, h, rotated.KeyID)
		}
		if _, err := newRewrapper(t, b, nil).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	wait.Wait()
	if _, err := runRewrap(t, a); err != nil {
		t.Fatal(err)
	}
	primary, err := a.Primary()
	if err != nil {
		t.Fatal(err)
	}
	for id := range store.rows {
		wantOpen(t, b.Vault, credential, store.get(id), plain)
		if store.get(id).KeyID != primary {
			t.Errorf("%s hangs on an old key", id)
		}
	}
}

// copyFrom brings another host's key file here, whole, as an operator would.
func (h *host) copyFrom(t *testing.T, other *host) {
	t.Helper()
	temp := h.path + ".new"
	copyFile(t, other.path, temp)
	if err := os.Rename(temp, h.path); err != nil {
		t.Fatal(err)
	}
}
