package cluster

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// register is a database's table of hosts, each with the time of its last heartbeat.
type register struct {
	beats  map[string]time.Time
	broken error
}

func (r *register) Beat(_ context.Context, h Host) (time.Time, error) {
	if r.broken == nil {
		r.beats[h.ID] = time.Now()
	}
	return time.Now(), r.broken
}

func (r *register) Live(_ context.Context, within time.Duration) ([]Host, error) {
	var live []Host
	for id, at := range r.beats {
		if time.Since(at) < within {
			live = append(live, Host{ID: id, Name: id})
		}
	}
	return live, r.broken
}

func (r *register) Leave(context.Context, string) error { return nil }

// wire is the network between the hosts: it answers a request to a host.
type wire func(host string, r *http.Request) (*http.Response, error)

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	return w(strings.TrimSuffix(r.URL.Host, peerDomain), r)
}

// answer is a response of a status.
func answer(status int) (*http.Response, error) {
	return &http.Response{StatusCode: status, Body: http.NoBody}, nil
}

// between answers the part of a host "self" in a cluster, on a register and a network.
func between(r *register, w wire) *Cluster {
	return &Cluster{cfg: Config{Store: r}, self: Host{ID: "self"}, client: &http.Client{Transport: w}, start: time.Now(),
		topics: map[string]func(string){}}
}

var errUnreachable = errors.New("no route to host")

func TestAnAnnouncementEndsWhenEveryOtherHostHasAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		told := make(chan string, 10)
		reg := &register{beats: map[string]time.Time{"self": began, "quick": began, "slow": began}}
		c := between(reg, func(host string, _ *http.Request) (*http.Response, error) {
			told <- host
			switch {
			case host == "slow" && time.Since(began) < 3*retryAnnounce:
				return answer(http.StatusInternalServerError)
			case host == "slow" && time.Since(began) < 4*retryAnnounce:
				return nil, errUnreachable
			}
			return answer(http.StatusNoContent)
		})
		if err := c.Announce(t.Context(), "topic", "subject"); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 4*retryAnnounce {
			t.Errorf("it ended after %s, and the slow host dropped its copy after %s", took, 4*retryAnnounce)
		}
		close(told)
		times := map[string]int{}
		for host := range told {
			times[host]++
		}
		if times["quick"] != 1 || times["slow"] != 5 || times["self"] != 0 {
			t.Errorf("told: %v", times)
		}
	})
}

func TestAnAnnouncementWaitsForASilentHostUntilItIsNoLongerAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		reg := &register{beats: map[string]time.Time{"silent": began}}
		c := between(reg, func(string, *http.Request) (*http.Response, error) { return nil, errUnreachable })
		if err := c.Announce(t.Context(), "topic", "subject"); err != nil {
			t.Fatal(err)
		}
		took := time.Since(began)
		if took < LiveFor || took >= LiveFor+2*retryAnnounce {
			t.Errorf("it ended after %s: a host counts as alive for %s", took, LiveFor)
		}
		if took <= FreshFor {
			t.Error("the silent host may still serve from its copy")
		}
	})
}

func TestAnAnnouncementThatCannotBeMadeFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := &register{beats: map[string]time.Time{"silent": time.Now().Add(time.Hour)}}
		c := between(reg, func(string, *http.Request) (*http.Response, error) { return nil, errUnreachable })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := c.Announce(ctx, "topic", "subject"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a live host that was not told: %v", err)
		}
		reg.broken = errors.New("the database is gone")
		if err := c.Announce(t.Context(), "topic", "subject"); !errors.Is(err, reg.broken) {
			t.Errorf("without a list of hosts: %v", err)
		}
	})
}

func TestAnAnnouncementDropsTheCopyBeforeItIsAnswered(t *testing.T) {
	c := between(nil, nil)
	var dropped []string
	c.On("token", func(subject string) { dropped = append(dropped, subject) })
	for body, status := range map[string]int{
		`{"topic":"token","subject":"tok_1"}`:                              http.StatusNoContent,
		`{"topic":"others","subject":"tok_2"}`:                             http.StatusNoContent, // of a later version
		`{"topic":"token",`:                                                http.StatusBadRequest,
		`{"topic":"token","subject":"` + strings.Repeat("x", 4<<10) + `"}`: http.StatusBadRequest,
	} {
		w := httptest.NewRecorder()
		c.serveAnnounce(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/announce", strings.NewReader(body)))
		if w.Code != status {
			t.Errorf("%.40s was answered with %d, want %d", body, w.Code, status)
		}
	}
	if !slices.Equal(dropped, []string{"tok_1"}) {
		t.Errorf("dropped: %q", dropped)
	}
}

func TestAHostIsFreshForLessTimeThanOthersWaitForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := &register{beats: map[string]time.Time{}}
		c := between(reg, nil)
		if c.Fresh() {
			t.Error("a host that never had a heartbeat is fresh")
		}
		time.Sleep(time.Second)
		if err := c.beat(t.Context()); err != nil {
			t.Fatal(err)
		}
		reg.broken = errors.New("the database is gone")
		time.Sleep(FreshFor - time.Nanosecond)
		if err := c.beat(t.Context()); err == nil || !c.Fresh() {
			t.Errorf("before the end of its time: %v, fresh %v", err, c.Fresh())
		}
		time.Sleep(time.Nanosecond)
		if c.Fresh() {
			t.Error("a heartbeat that failed kept the host fresh")
		}
	})
}
