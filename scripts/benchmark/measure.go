package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// results are all figures of one run.
type results struct {
	ways   []string
	table  map[int][]figures // by callers, in the order of ways
	others map[int]float64   // by callers: the share of the machine that other programs used
	starts starts
	idle   memory // after a start, the adapters woken
	loaded memory // after the load
	// adapters are those that ran when memory was measured.
	adapters []string
	lookup   []lookup
	usage    summed
	swaps    swaps
}

// bench is what a run stands on.
type bench struct {
	o        options
	dir      string
	platform *child
	url      string // of the platform
}

// measure runs the benchmark.
func measure(ctx context.Context, o options) (err error) {
	b := &bench{o: o}
	if b.dir, err = os.MkdirTemp("", "pb-bench-"); err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	if err := os.Chmod(b.dir, 0o711); err != nil { // the database's own user must pass
		return err
	}
	if b.platform, b.url, err = startRole("platform"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.platform.stop()) }()
	machine := describe(b.dir)
	if o.profile != "" {
		return b.profile(ctx)
	}
	r, err := b.run(ctx)
	if err != nil {
		return err
	}
	return publish(o, machine, r)
}

func (b *bench) run(ctx context.Context) (results, error) {
	p, r := (*patchbay)(nil), results{}
	var err error
	say("starting a host on an empty folder")
	if p, r.starts, err = b.timeStarts(ctx); err != nil {
		return r, err
	}
	defer func() { _ = p.stop() }() // stopped below where all went well
	if r.adapters, err = p.wakeAdapters(ctx, b.url); err != nil {
		return r, err
	}
	say("waiting until the host rests")
	if r.idle, err = memoryAtRest(p); err != nil {
		return r, err
	}
	if err := b.load(ctx, p, &r); err != nil {
		return r, err
	}
	if r.loaded, err = memoryOf(p); err != nil {
		return r, err
	}
	say("swaps one after the other, callers: %d", swapCallers)
	if r.swaps, err = b.measureSwaps(ctx, p); err != nil {
		return r, err
	}
	if err := p.stop(); err != nil {
		return r, err
	}
	if r.lookup, err = b.lookups(ctx); err != nil {
		return r, err
	}
	r.usage, err = b.usage(ctx)
	return r, err
}

// load measures the four ways.
func (b *bench) load(ctx context.Context, p *patchbay, r *results) error {
	database, err := p.databaseURL()
	if err != nil {
		return err
	}
	floor, address, err := startRole("floor", "--platform", b.url+"/api/chat.postMessage", "--database", database)
	if err != nil {
		return err
	}
	defer func() { _ = floor.stop() }()
	form := []byte(url.Values{"channel": {"C1"}, "text": {message}}.Encode())
	direct := target{method: "POST", url: b.url + "/api/chat.postMessage", body: form, client: newClient(),
		header: http.Header{"Content-Type": {formType}, "Authorization": {"Bearer " + platformToken}}}
	bare := target{method: "POST", url: address + "/floor", body: form, client: newClient(), header: http.Header{"Content-Type": {formType}}}
	durable := target{method: "POST", url: address + "/durable", body: form, client: newClient(), header: bare.header}
	measured, err := p.target()
	if err != nil {
		return err
	}
	turns := rounds{platform: b.platform.pid(), database: p.process.pid(), count: b.o.rounds, slice: b.o.slice, ways: []way{
		{"direct", direct.send, 0}, {"floor", bare.send, floor.pid()}, {"floor + INSERT", durable.send, floor.pid()},
		{"Patchbay", measured.send, p.process.pid()}}}
	r.table, r.others = map[int][]figures{}, map[int]float64{}
	for _, w := range turns.ways {
		r.ways = append(r.ways, w.name)
	}
	for _, callers := range b.o.callers {
		say("four ways in turn, callers: %d", callers)
		if r.table[callers], r.others[callers], err = turns.run(ctx, callers); err != nil {
			return err
		}
	}
	return nil
}

// target is the measured call.
func (p *patchbay) target() (*target, error) {
	body, err := json.Marshal(callBody(p.integration))
	return &target{method: "POST", url: p.url + "/v1/calls", body: body, client: newClient(),
		header: http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + p.token}}}, err
}

// profile puts load on the host alone, and lets it write a CPU profile for each number of callers.
func (b *bench) profile(ctx context.Context) (err error) {
	p, err := launch(b.o, filepath.Join(b.dir, "data"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	if err := errors.Join(p.awaitToken(ctx), p.setUp(ctx, b.url)); err != nil {
		return err
	}
	measured, err := p.target()
	if err != nil {
		return err
	}
	for i, callers := range b.o.callers {
		if err := p.process.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
			return err
		}
		s, err := slice(ctx, callers, 10*time.Second, measured.send)
		if err != nil {
			return err
		}
		say("host.%d.pprof: %d callers, %.0f calls/s, p50 %s", i+1, callers, s.rate, s.p50)
	}
	return nil
}

// say tells who waits what is being done.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, "benchmark: "+format+"\n", args...) }
