package host_test

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/patchbay/patchbay/host/internal/event"
)

// Two hosts share the deliveries: each is made once.
func TestHostsShareDeliveries(t *testing.T) {
	t.Parallel()
	url := database(t)
	first, second := hooked(t, url), hooked(t, url)
	first.Version, second.Version = "0.0.0-first", "0.0.0-second"
	a := start(t, first)
	second.Key = filepath.Join(first.Data, "keys.json")
	start(t, second)
	r := newReceiver(t, nil)
	w := a.addWebhook(r.URL)
	e, me := emitter(t, url), a.me()
	const n = 60
	var wg sync.WaitGroup
	for k := range 6 {
		wg.Go(func() {
			for i := range n / 6 {
				if err := event.NewLog(e).Emit(context.Background(), event.Event{User: me, Type: "integration.expired", Subject: fmt.Sprint(k, "-", i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	eventually(t, "all is delivered", func() bool {
		return query(t, url, "SELECT 1 FROM deliveries WHERE state = 'delivered'") == n
	})
	ids, by := map[string]int{}, map[string]int{}
	for _, got := range r.all() {
		ids[got.id()]++
		by[got.header.Get("User-Agent")]++
		if !verified(got, w.Secret) {
			t.Errorf("a signature of %s does not verify", got.header.Get("User-Agent"))
		}
	}
	if len(ids) != n || len(r.all()) != n {
		t.Errorf("%d events were delivered in %d requests", len(ids), len(r.all()))
	}
	t.Logf("the hosts delivered %v", by)
}

// kill -9 between a delivery and its record repeats it, from another host, with the same webhook-id and body.
func TestKilledHostRepeatsADelivery(t *testing.T) {
	t.Parallel()
	url := database(t)
	cfg := hooked(t, url)
	s := spawn(t, cfg)
	hold := make(chan struct{})
	r := newReceiver(t, func(w http.ResponseWriter, req *http.Request) {
		select {
		case <-hold:
		case <-req.Context().Done():
		}
	})
	t.Cleanup(sync.OnceFunc(func() { close(hold) }))
	w := s.addWebhook(r.URL)
	s.must("POST", "/v1/webhooks/"+w.ID+"/test", nil, nil)
	r.waitFor(t, 1)
	s.kill()
	r.answerWith(nil)
	other := hooked(t, url)
	other.Key = filepath.Join(cfg.Data, "keys.json")
	survivor := start(t, other)
	if n := query(t, url, "UPDATE deliveries SET lease_until = now() WHERE lease_until > now() AND state = 'pending'"); n != 1 { // time passes
		t.Fatalf("the killed host held %d deliveries", n)
	}
	survivor.settled(w, "delivered", 2)
	got := r.all()
	if len(got) != 2 || got[0].id() != got[1].id() || string(got[0].body) != string(got[1].body) || !verified(got[1], w.Secret) {
		t.Errorf("the receiver got %+v", got)
	}
}

// What a host records of a delivery that was replayed, or taken by another host, meanwhile is ignored.
func TestLateRecordIsIgnored(t *testing.T) {
	t.Parallel()
	url := database(t)
	s := start(t, hooked(t, url))
	reached, hold := make(chan struct{}, 1), make(chan struct{})
	var once sync.Once
	r := newReceiver(t, nil)
	r.answerWith(func(w http.ResponseWriter, req *http.Request) {
		first := false
		once.Do(func() { first = true })
		if !first {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		reached <- struct{}{}
		<-hold
		w.WriteHeader(http.StatusGone) // would disable the webhook
	})
	w := s.addWebhook(r.URL)
	var e eventView
	s.must("POST", "/v1/webhooks/"+w.ID+"/test", nil, &e)
	<-reached
	s.must("POST", "/v1/events/"+e.ID+"/replay", nil, nil)
	s.settled(w, "pending", 1)
	close(hold)
	if err := s.stop(); err != nil { // waits for every delivery under way and its record
		t.Fatal(err)
	}
	if n := query(t, url, "SELECT 1 FROM webhooks w JOIN deliveries d ON d.webhook_id = w.id WHERE w.enabled AND d.state = 'pending'"); n != 1 {
		t.Error("an answer to an older attempt was recorded")
	}
}

// Whoever follows the events from the first misses none, though many are stored at the same time and become visible in any order.
func TestEventsAreFollowedWithoutAGap(t *testing.T) {
	t.Parallel()
	url := database(t)
	s := start(t, hooked(t, url))
	e, me := emitter(t, url), s.me()
	const writers, each = 8, 25
	var wg sync.WaitGroup
	for k := range writers {
		wg.Go(func() {
			for i := range each {
				if err := event.NewLog(e).Emit(context.Background(), event.Event{User: me, Type: "integration.expired", Subject: fmt.Sprint(k, "-", i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	seen, after := map[string]int{}, "first"
	eventually(t, "all events are seen", func() bool {
		var l struct {
			Items      []eventView
			NextCursor *string `json:"next_cursor"`
		}
		s.must("GET", "/v1/events?type=integration.*&limit=7&after="+after, nil, &l)
		for _, item := range l.Items {
			seen[item.Subject]++
		}
		if l.NextCursor != nil {
			after = *l.NextCursor
		}
		return len(seen) == writers*each
	})
	wg.Wait()
	for subject, n := range seen {
		if n != 1 {
			t.Errorf("event %s was seen %d times", subject, n)
		}
	}
}

// Events are kept for 30 days.
func TestOldEventsAreSwept(t *testing.T) {
	t.Parallel()
	url := database(t)
	s := start(t, hooked(t, url))
	r := newReceiver(t, nil)
	w := s.addWebhook(r.URL)
	s.must("POST", "/v1/webhooks/"+w.ID+"/test", nil, nil)
	s.settled(w, "delivered", 1)
	query(t, url, "UPDATE events SET created_at = now() - interval '31 days'")
	s.must("POST", "/v1/webhooks/"+w.ID+"/test", nil, nil)
	if err := emitter(t, url).Sweep(t.Context(), time.Now(), time.Hour); err != nil {
		t.Fatal(err)
	}
	if events, deliveries := query(t, url, "SELECT 1 FROM events"), query(t, url, "SELECT 1 FROM deliveries"); events != 1 || deliveries != 1 {
		t.Errorf("after a sweep there are %d events with %d deliveries", events, deliveries)
	}
}
