package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// target is one request that is sent again and again.
type target struct {
	method, url string
	header      http.Header
	body        []byte
	client      *http.Client
}

// sender sends one request and answers how long it took.
type sender func(context.Context) (time.Duration, error)

// send sends the request once. Any status but 200 is an error.
func (t *target) send(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	req, err := http.NewRequestWithContext(ctx, t.method, t.url, bytes.NewReader(t.body))
	if err != nil {
		return 0, err
	}
	req.Header = t.header
	resp, err := t.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }() // read to its end
	raw, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %d %s", t.url, resp.StatusCode, raw)
	}
	return time.Since(began), err
}

// sample is what one slice gave.
type sample struct {
	calls    int
	p50, p99 time.Duration
	rate     float64 // calls per second
}

// slice lets callers send one request after the other for a while.
func slice(ctx context.Context, callers int, d time.Duration, send sender) (sample, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	took := make([][]time.Duration, callers)
	began := time.Now()
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			for time.Since(began) < d {
				one, err := send(ctx)
				if err != nil {
					cancel(err)
					return
				}
				took[i] = append(took[i], one)
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(began)
	if err := context.Cause(ctx); err != nil {
		return sample{}, err
	}
	return summarise(slices.Concat(took...), elapsed), nil
}

func summarise(took []time.Duration, elapsed time.Duration) sample {
	slices.Sort(took)
	return sample{calls: len(took), p50: quantile(took, .5), p99: quantile(took, .99), rate: float64(len(took)) / elapsed.Seconds()}
}

// quantile answers the value below which a share q of the sorted values lies; the nearest one, 0 of none.
func quantile[T any](sorted []T, q float64) T {
	var zero T
	if len(sorted) == 0 {
		return zero
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// median answers the middle of the values.
func median[T int | float64 | time.Duration](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return quantile(sorted, .5)
}
