package host_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// soak says how long and with how many integrations tokens of five seconds are lived with; scripts/soak asks for ten minutes and 200.
func soak(t *testing.T) (time.Duration, int) {
	t.Helper()
	d, err := time.ParseDuration(os.Getenv("PATCHBAY_TEST_SOAK"))
	if err != nil {
		return 12 * time.Second, 10
	}
	return d, 200
}

// Integrations whose tokens live five seconds are called all the time, on three hosts: no call fails, no refresh token is used twice, and
// there is exactly one refresh for each token that was given out, but for those that live at the end.
func TestShortTokensForLong(t *testing.T) {
	lasting, n := soak(t)
	hosts := spawnAll(t, trio(t, 30*time.Second))
	p := newProvider(t)
	p.lifetime = 5 * time.Second
	hosts[0].useProvider(p)
	var all []integrationView
	for range n {
		all = append(all, hosts[0].connectAgain(""))
	}
	ctx, cancel := context.WithTimeout(t.Context(), lasting)
	defer cancel()
	var calls, failed atomic.Int64
	var first atomic.Value
	var wg sync.WaitGroup
	for k, i := range all {
		wg.Go(func() {
			for turn := k; ctx.Err() == nil; turn++ {
				h := hosts[turn%len(hosts)]
				status, raw, err := h.try(h.Token, "POST", "/v1/calls", whoami(i))
				calls.Add(1)
				if err != nil || status != http.StatusOK {
					failed.Add(1)
					first.CompareAndSwap(nil, fmt.Sprint(status, " ", string(raw), err))
				}
				select {
				case <-ctx.Done():
				case <-time.After(200 * time.Millisecond):
				}
			}
		})
	}
	wg.Wait()
	refreshes, tokens := 0, 0
	p.lock(func() {
		tokens = len(p.tokens)
		for _, g := range p.grants {
			refreshes += g.refreshes
			if g.reused || g.dead || g.most > 1 {
				t.Errorf("the grant %s: reused %t, dead %t, %d refreshes at once", g.family, g.reused, g.dead, g.most)
			}
		}
	})
	t.Logf("%d integrations, %s: %d calls, %d failed, %d refreshes, %d access tokens", n, lasting, calls.Load(), failed.Load(), refreshes, tokens)
	if failed.Load() > 0 {
		t.Errorf("%d of %d calls failed: %v", failed.Load(), calls.Load(), first.Load())
	}
	if tokens != refreshes+n { // each refresh brought one token, and each connection the first
		t.Errorf("%d refreshes gave %d tokens", refreshes, tokens-n)
	}
	if least := n; refreshes < least {
		t.Errorf("there were %d refreshes, fewer than %d", refreshes, least)
	}
	if most := n * (int(lasting/(3*time.Second)) + 2); refreshes > most { // a token is refreshed after three seconds and a half at the earliest
		t.Errorf("there were %d refreshes, more than the %d that expiries explain", refreshes, most)
	}
}
