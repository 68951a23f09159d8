package dispatch

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/patchbay/patchbay/host/internal/catalog"
)

func TestJudge(t *testing.T) {
	sent := func(k catalog.Kind) *catalog.Failure { return &catalog.Failure{Kind: k} }
	notSent := func(k catalog.Kind) *catalog.Failure { return &catalog.Failure{Kind: k, NotSent: true} }
	status := func(n int) *catalog.Failure { return &catalog.Failure{Kind: catalog.PlatformError, PlatformStatus: n} }
	cases := []struct {
		name        string
		f           *catalog.Failure
		read, write verdict
	}{
		{"connection broke", sent(catalog.OutcomeUnknown), again, giveUp},
		{"connection refused", notSent(catalog.PlatformUnavailable), again, again},
		{"503", sent(catalog.PlatformUnavailable), again, giveUp},
		{"500", status(500), again, giveUp},
		{"an error inside 200", status(200), giveUp, giveUp},
		{"adapter died", sent(catalog.AdapterUnavailable), again, giveUp},
		{"adapter did not start", notSent(catalog.AdapterUnavailable), again, again},
		{"timeout after sending", sent(catalog.Timeout), giveUp, giveUp},
		{"rate limited", sent(catalog.RateLimited), wait, wait},
		{"credential expired", sent(catalog.AuthExpired), refused, refused},
		{"credential revoked", sent(catalog.AuthRevoked), refused, refused},
		{"not found", sent(catalog.NotFound), giveUp, giveUp},
		{"invalid input", sent(catalog.InvalidInput), giveUp, giveUp},
		{"adapter's bug", sent(catalog.AdapterBug), giveUp, giveUp},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for effect, want := range map[catalog.Effect]verdict{catalog.Read: c.read, catalog.Idempotent: c.read, catalog.Write: c.write} {
				if got := judge(effect, c.f, true); got != want {
					t.Errorf("%s: %v, want %v", effect, got, want)
				}
			}
			if got := judge(catalog.Read, c.f, false); got == again || got == wait {
				t.Errorf("what cannot be repeated is judged %v", got)
			}
		})
	}
}

func TestSettle(t *testing.T) {
	cases := []struct {
		effect catalog.Effect
		f      catalog.Failure
		want   catalog.Kind
	}{
		{catalog.Write, catalog.Failure{Kind: catalog.PlatformError, PlatformStatus: 500}, catalog.OutcomeUnknown},
		{catalog.Write, catalog.Failure{Kind: catalog.PlatformError, PlatformStatus: 200}, catalog.PlatformError},
		{catalog.Write, catalog.Failure{Kind: catalog.Timeout}, catalog.OutcomeUnknown},
		{catalog.Write, catalog.Failure{Kind: catalog.Timeout, NotSent: true}, catalog.Timeout},
		{catalog.Write, catalog.Failure{Kind: catalog.AdapterUnavailable}, catalog.OutcomeUnknown},
		{catalog.Write, catalog.Failure{Kind: catalog.PlatformUnavailable}, catalog.PlatformUnavailable},
		{catalog.Write, catalog.Failure{Kind: catalog.NotFound}, catalog.NotFound},
		{catalog.Read, catalog.Failure{Kind: catalog.Timeout}, catalog.Timeout},
		{catalog.Idempotent, catalog.Failure{Kind: catalog.PlatformError, PlatformStatus: 502}, catalog.PlatformError},
	}
	for _, c := range cases {
		if got := settle(c.effect, &c.f); got.Kind != c.want {
			t.Errorf("a %s that failed with %+v is %s, want %s", c.effect, c.f, got.Kind, c.want)
		}
	}
}

func TestBackoffNeverBelowWhatThePlatformAsks(t *testing.T) {
	for n := 1; n < 40; n++ {
		if d := backoff(n, &catalog.Failure{}); d <= 0 || d > backoffCap {
			t.Errorf("backoff %d is %s", n, d)
		}
		if d := backoff(n, &catalog.Failure{RetryAfter: time.Minute}); d != time.Minute {
			t.Errorf("backoff %d is %s where the platform asks for a minute", n, d)
		}
	}
}

func TestHolds(t *testing.T) {
	h := newHolds()
	h.hold("a", time.Hour)
	h.hold("a", time.Second) // a longer hold stands
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var f *catalog.Failure
	if !errors.As(h.wait(ctx, "a"), &f) || f.Kind != catalog.RateLimited || f.RetryAfter < 59*time.Minute || !f.NotSent {
		t.Errorf("a held integration answers %+v", f)
	}
	if err := h.wait(ctx, "b"); err != nil {
		t.Errorf("another integration answers %v", err)
	}
}
