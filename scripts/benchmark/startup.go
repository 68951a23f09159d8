package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"
)

// startPatience bounds how long a start may take.
const startPatience = 2 * time.Minute

// starts say how long it takes from the start of the process.
type starts struct {
	// coldReady is until a host on an empty folder takes requests, cold until a first account is connected and a first call answered.
	coldReady, cold time.Duration
	// warm is until the first answered call of a host that has run before, as the median of several starts.
	warm time.Duration
}

// timeStarts starts a host on an empty folder, then again and again, and leaves the last one running.
func (b *bench) timeStarts(ctx context.Context) (*patchbay, starts, error) {
	var s starts
	began := time.Now()
	p, err := b.serving(ctx, "data")
	if err != nil {
		return nil, s, err
	}
	s.coldReady = time.Since(began)
	if err := errors.Join(p.setUp(ctx, b.url), p.call(ctx)); err != nil {
		return nil, s, errors.Join(err, p.stop())
	}
	s.cold = time.Since(began)
	var warm []time.Duration
	for range b.o.starts {
		if err := p.stop(); err != nil {
			return nil, s, err
		}
		began := time.Now()
		if err := p.start(); err != nil {
			return nil, s, err
		}
		if err := p.firstCall(ctx); err != nil {
			return nil, s, errors.Join(err, p.stop())
		}
		warm = append(warm, time.Since(began))
	}
	s.warm = median(warm)
	return p, s, nil
}

// serving starts a host on a new folder and waits until it takes requests.
func (b *bench) serving(ctx context.Context, folder string) (*patchbay, error) {
	p, err := launch(b.o, filepath.Join(b.dir, folder))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	if err := p.awaitToken(ctx); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

// firstCall asks until a call is answered.
func (p *patchbay) firstCall(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for {
		err := p.call(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for a first call: %w\n%s", err, p.process.log)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// memory is the proportional share of memory in bytes; unknown where it may not be read.
type memory struct {
	host, adapters, database int64
	unknown                  bool
}

func (m memory) sum() int64 { return m.host + m.adapters + m.database }

// memoryAtRest reads the memory once it does not change any more: after its start a host stores the adapters for other hosts, and then gives
// back what that needed.
func memoryAtRest(p *patchbay) (memory, error) {
	const (
		looks  = 4 // that must agree
		within = 2 << 20
	)
	var before []int64
	for range 30 {
		m, err := memoryOf(p)
		if err != nil || m.unknown {
			return m, err
		}
		before = append(before, m.sum())
		if n := len(before); n >= looks && slices.Max(before[n-looks:])-slices.Min(before[n-looks:]) < within {
			return m, nil
		}
		time.Sleep(2 * time.Second)
	}
	return memoryOf(p) // it never rests, and costs what it costs
}

func memoryOf(p *patchbay) (memory, error) {
	table, err := processes()
	if err != nil {
		return memory{}, err
	}
	f := familyOf(p.process.pid(), table)
	var m memory
	var errs [3]error
	m.host, errs[0] = pss([]process{f.root})
	m.adapters, errs[1] = pss(f.children)
	m.database, errs[2] = pss(f.database)
	err = errors.Join(errs[:]...)
	if errors.Is(err, errNoMemory) {
		return memory{unknown: true}, nil
	}
	return m, err
}
